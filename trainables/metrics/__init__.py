"""Measurements of samples against data: each takes a stack (R, n, ...) of replicas and returns (R,) float64.

Start reading at `evaluator.Evaluator`, which measures a population, and `columns.ROWS`, the table of what it measures.
"""
