"""Judges a study from its record: outcomes, survival, comparisons, figures and tables."""
