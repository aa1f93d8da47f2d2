"""Runs experiments: the only package that imports ray, optuna or mlflow."""

import study.environment  # noqa: F401
