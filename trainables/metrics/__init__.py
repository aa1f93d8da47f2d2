"""Measurements of samples against data: each takes a stack (R, n, ...) of replicas and returns (R,) float64."""
