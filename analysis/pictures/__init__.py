"""Draws the samples of a population as pictures, for MLflow, without matplotlib."""
