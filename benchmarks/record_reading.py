"""All histories of a study of 1,000 trials, five measurements at 50 evaluations each: from the record, and from MLflow.

The peer asks MLflow's client for each run's metric histories one by one, the public way to them, in a store of its own
on this machine (SQLite, no server between). Ours is `analysis.load`, checks included. Both give the same
numbers, and the benchmark fails where they do not.

    python -m benchmarks.record_reading [turns]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from analysis import load
from benchmarks import simulated
from benchmarks.comparison import Comparison, in_turns, table

ARMS, TRIALS, EVALUATIONS = 5, 200, 50  # one replica a trial, whose values MLflow's metrics are
COLUMNS = ("fid", "modes", "critic_accuracy", "loss_critic", "loss_generator")
TARGET = 100.0
THEIRS, OURS = 47.0, 0.06  # predicted from early measurements, in seconds; ours without the record's checks
AT_ONCE = 1000  # rows that MLflow takes in a request


def compare(turns: int = 1, arms: int = ARMS, trials: int = TRIALS, evaluations: int = EVALUATIONS) -> list[Comparison]:
    """Wall time of either, from nothing but the files to all numbers in memory."""
    with TemporaryDirectory(prefix="bench-") as place:
        names = [f"objective_{number}" for number in range(arms)]
        simulated.write(Path(place), names, trials, 1, evaluations, confirm=0)
        client, experiment = _logged(Path(place))
        pairs = in_turns(turns, lambda: pulled(client, experiment), lambda: read(Path(place)))
    for (_, theirs), (_, ours) in pairs:
        pd.testing.assert_frame_equal(theirs, ours, check_exact=True)
    values = len(pairs[0][1][1])
    return [
        Comparison(
            what=f"the histories of {arms * trials:,} trials × {len(COLUMNS)} measurements × {evaluations} evaluations",
            peer="MLflow's client, run by run",
            unit="s",
            turns=[(theirs, ours) for (theirs, _), (ours, _) in pairs],
            target=TARGET,
            predicted=THEIRS / OURS,
            method=f"wall time, {turns} turn(s), SQLite without a server; the same {values:,} numbers from both",
        )
    ]


def read(folder: Path) -> tuple[float, pd.DataFrame]:
    """Seconds that the record takes, and its numbers."""
    began = time.perf_counter()
    history = load(folder, COLUMNS).history
    seconds = time.perf_counter() - began
    return seconds, _ordered(_long(history))


def pulled(client: Any, experiment: str) -> tuple[float, pd.DataFrame]:
    """Seconds that MLflow's client takes, and its numbers."""
    began = time.perf_counter()
    rows = [
        (run.info.run_name, name, metric.step, metric.value)
        for run in _runs(client, experiment)
        for name in COLUMNS
        for metric in client.get_metric_history(run.info.run_id, name)
    ]
    seconds = time.perf_counter() - began
    return seconds, _ordered(pd.DataFrame(rows, columns=["trial_id", "name", "step", "value"]))


def _logged(folder: Path) -> tuple[Any, str]:
    """The record's histories in an MLflow store beside it, a run a trial."""
    from study.tracking.environment import prepare

    prepare()
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.create_experiment("simulated", (folder / "artifacts").as_uri())
    for trial, rows in _long(load(folder, COLUMNS).history).groupby("trial_id", observed=True):
        run = client.create_run(experiment, run_name=str(trial)).info.run_id
        told = rows[["name", "value", "step"]].itertuples(index=False)
        metrics = [Metric(name, value, 1_000 * step, step) for name, value, step in told]
        for place in range(0, len(metrics), AT_ONCE):
            client.log_batch(run, metrics[place : place + AT_ONCE])
    return client, experiment


def _runs(client: Any, experiment: str) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_runs([experiment], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _long(history: pd.DataFrame) -> pd.DataFrame:
    """A row a number; what is none, as after a divergence, MLflow is not given."""
    rows = history.melt(["trial_id", "step"], list(COLUMNS), "name")
    return rows[np.isfinite(rows["value"])]


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.astype({"trial_id": str, "name": str, "step": np.int64, "value": np.float64})
    columns = ["trial_id", "name", "step", "value"]
    return rows[columns].sort_values(columns[:3], ignore_index=True)


if __name__ == "__main__":
    print(table(compare(*map(int, sys.argv[1:]))))
