"""Runs experiments: the only package that imports ray, optuna or mlflow."""

import study.cluster.environment  # noqa: F401
