"""Cohorts: the replicas of an arm in one phase, and their final scores.

Scores are costs, less being better: the sign of a metric of which more is better is flipped, and a replica that
diverged, or whose value could not be measured, costs +inf, more than any finite score; all such are tied.
Only trials that ran to their budget's end or diverged have a final quality: those a scheduler truncated are left out
with all their replicas, and counted, as are failed ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.schema import HIGHER
from analysis.results.selection import Selection, numbers
from analysis.statistics.intervals import Floats


@dataclass(frozen=True)
class Cohort:
    """The replicas of one arm in one phase that have a final score.

    Attributes:
        arm: its name; "study/arm" where studies are joined.
        cost: (N,) less is better, +inf where diverged or not measurable.
        configuration: (N,) index of the trial of each.
        seed: (N,).
        replicas: number in this phase, including those without a score.
        truncated: replicas left out because the scheduler stopped their trial.
        stopped: the number of trials that these belong to.
        failed: replicas left out because their trial failed.
        running: replicas left out because their trial has not ended.
        sign: cost × sign is the metric.
        floor: the metric of fresh real samples; NaN when unknown, or when arms of several studies have several.
    """

    arm: str
    cost: Floats
    configuration: NDArray[np.int64]
    seed: NDArray[np.int64]
    replicas: int
    truncated: int
    stopped: int
    failed: int
    running: int
    sign: int
    floor: float

    def medians(self) -> tuple[NDArray[np.int64], Floats]:
        """The configurations that have a score, and for each the median cost over its replicas."""
        index, group = np.unique(self.configuration, return_inverse=True)
        found = [np.median(self.cost[group == place]) for place in range(len(index))]
        return index, np.array(found, np.float64)


def direction(metric: str, mode: str | None = None) -> str:
    """`mode` where it is given, otherwise "max" for the metrics of which more is better, `HIGHER`, "min" for others."""
    if mode not in (None, "min", "max"):
        raise ValueError(f"mode: expected 'min' or 'max', got {mode!r}")
    return mode or ("max" if metric in HIGHER else "min")


def cohorts(selected: Selection, metric: str, mode: str | None = None) -> tuple[Cohort, ...]:
    """Every arm's cohort.

    Raises:
        ValueError: no such mode; the metric is no column; an arm was not measured by it at all.
    """
    if metric not in selected.trials:
        raise ValueError(f"metric: the record has no column {metric!r}")
    sign = 1 if direction(metric, mode) == "min" else -1
    floor = floor_of(selected.trials, metric)  # one for all arms, as figures and tables show one
    found = tuple(_cohort(arm, part, metric, sign, floor) for arm, part in selected.arms())
    unmeasured = [cohort.arm for cohort in found if np.isnan(cohort.cost).any()]
    if unmeasured:
        raise ValueError(f"metric: {metric} was not measured in {', '.join(unmeasured)}; leave these arms out")
    return found


def floor_of(trials: pd.DataFrame, metric: str) -> float:
    """The score of fresh real samples by a metric; NaN if unknown, or not the same for all joined studies."""
    floors = trials.get(f"floor.{metric}", pd.Series(dtype=float)).unique()
    return float(floors[0]) if len(floors) == 1 else float("nan")


def _cohort(arm: str, rows: pd.DataFrame, metric: str, sign: int, floor: float) -> Cohort:
    status = rows["status"].astype(str)
    scored = rows[status.isin(("completed", "diverged"))]
    value = numbers(scored[metric])
    diverged = (scored["outcome"] == "diverged").to_numpy()
    unmeasured = len(scored) > 0 and bool((np.isnan(value) & ~diverged).sum() == (~diverged).sum() > 0)
    # Some values missing are failures to measure and rank worst; if all are, the metric was not asked for in this arm,
    # and NaN lets `cohorts` refuse it.
    worst = np.nan if unmeasured else np.inf
    return Cohort(
        arm=arm,
        cost=np.where(diverged, np.inf, np.where(np.isnan(value), worst, sign * value)),
        configuration=scored["index"].to_numpy(np.int64),
        seed=scored["seed"].to_numpy(np.int64),
        replicas=len(rows),
        truncated=int((status == "truncated").sum()),
        stopped=rows.loc[status == "truncated", "trial_id"].nunique(),
        failed=int((status == "failed").sum()),
        running=int((status == "running").sum()),
        sign=sign,
        floor=floor,
    )
