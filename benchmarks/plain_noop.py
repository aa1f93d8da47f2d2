"""The peer of the no-op benchmark: Ray Tune's documented way with MLflow. It uses nothing of ganstudy.

A function trainable that reports once, and MLflowLoggerCallback into SQLite. Prints one JSON line: the seconds that
the trials took.

    python benchmarks/plain_noop.py --folder DIR [--trials 12]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray on loopback alone
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback


def train(config: dict[str, Any]) -> None:
    tune.report({"score": config["lr"]})


def study(folder: Path, trials: int) -> float:
    """Run the trials, two at a time; seconds."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("noop", artifact_location=str(folder / "artifacts"))
    start = time.perf_counter()
    tuner = tune.Tuner(
        train,
        param_space={"lr": tune.loguniform(1e-4, 1e-2)},
        tune_config=tune.TuneConfig(num_samples=trials),
        run_config=tune.RunConfig(
            name="noop",
            storage_path=str(folder / "ray"),
            callbacks=[MLflowLoggerCallback(tracking_uri=uri, experiment_name="noop")],
            verbose=0,
        ),
    )
    results = tuner.fit()
    if results.num_errors or len(results) != trials:
        raise RuntimeError(f"{results.num_errors} of {trials} trials failed")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=12)
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ray.init(address="local", num_cpus=2, log_to_driver=False, include_dashboard=False)
    seconds = study(folder, options.trials)
    ray.shutdown()
    print(json.dumps({"seconds": seconds, "trials": options.trials}))


if __name__ == "__main__":
    main()
