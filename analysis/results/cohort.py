"""Cohorts: the replicas of an arm in one phase, and their final scores.

Scores are costs, less being better: the sign of a metric of which more is better is flipped, and a replica that
diverged costs +inf, more than any finite score; all such are tied. So does one whose value is infinite at the worse end
of the metric, as where a distance overflows: it did not diverge, and is counted apart. A value that could not be
measured (NaN, or infinite at the better end) is no score: the replica is left out, and counted.
Only trials that ran to their budget's end or diverged have a final quality: those a scheduler truncated are left out
with all their replicas, and counted, as are failed ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.record.own import higher_is_better
from analysis.results.selection import SPAN, Selection, configurations, numbers, trials_of
from analysis.statistics.intervals import Captures, Floats


@dataclass(frozen=True)
class Cohort:
    """The replicas of one arm in one phase that have a final score.

    Attributes:
        arm: its name; "study/arm" where studies are joined.
        cost: (N,) less is better, +inf where diverged or beyond all numbers.
        configuration: (N,) of each, as `analysis.results.selection.configurations` numbers them.
        trial: (N,) the trial of each, as `analysis.results.selection.trials_of` names it.
        seed: (N,).
        unit: (N,) what each was drawn with (`analysis.results.selection.units`).
        captures: what intervals of the arm capture.
        replicas: number in this phase, including those without a score.
        diverged: replicas that diverged.
        overflowed: replicas that cost +inf and did not diverge.
        unmeasured: replicas left out because their value could not be measured.
        truncated: replicas left out because the scheduler stopped their trial.
        stopped: the number of trials that these belong to.
        failed: replicas left out because their trial failed.
        running: replicas left out because their trial has not ended.
        sign: cost × sign is the metric.
        floor: the metric of fresh real samples; NaN when unknown, or when arms of several studies have several.
        barred: the configurations of a search of which more replicas diverged than its study allows
            (`search.diverged_at_most`).
    """

    arm: str
    cost: Floats
    configuration: NDArray[np.int64]
    trial: NDArray[np.str_]
    seed: NDArray[np.int64]
    unit: NDArray[np.str_]
    captures: Captures
    replicas: int
    diverged: int
    overflowed: int
    unmeasured: int
    truncated: int
    stopped: int
    failed: int
    running: int
    sign: int
    floor: float
    barred: NDArray[np.int64]

    @property
    def repeat(self) -> NDArray[np.int64]:
        """Which of the arm's searches each replica's configuration is of, (N,)."""
        found: NDArray[np.int64] = self.configuration // SPAN
        return found

    @property
    def mode(self) -> str:
        """Which values of the metric are better, "min" or "max"."""
        return "min" if self.sign == 1 else "max"

    def medians(self) -> tuple[NDArray[np.int64], Floats]:
        """The configurations that have a score, and for each the median cost over its replicas; +inf where it is
        `barred`, so that it loses to all that are not."""
        index, group = np.unique(self.configuration, return_inverse=True)
        found = np.array([np.median(self.cost[group == place]) for place in range(len(index))], np.float64)
        return index, np.where(np.isin(index, self.barred), np.inf, found)


def direction(metric: str, mode: str | None = None, about: Mapping[str, Any] | None = None) -> str:
    """`mode` where it is given, otherwise "max" for the metrics of which more is better, "min" for others.

    Of the user's own measurements `about`, a record's, says it; a `ValueError` is raised where it does not.
    """
    if mode not in (None, "min", "max"):
        raise ValueError(f"mode: expected 'min' or 'max', got {mode!r}")
    higher = higher_is_better(metric, about or {})
    if mode is None and higher is None:
        raise ValueError(
            f"mode: expected 'min' or 'max' for {metric}, which does not say which way is better, got None"
        )
    return mode or ("max" if higher else "min")


def cohorts(selected: Selection, metric: str, mode: str | None = None) -> tuple[Cohort, ...]:
    """Every arm's cohort.

    Raises:
        ValueError: no such mode; the metric is no column; an arm was not measured by it at all.
    """
    if left_out := unmeasured(selected, metric, mode):
        raise ValueError(f"metric: {metric} was not measured in {', '.join(left_out)}; leave these arms out")
    return _cohorts(selected, metric, mode)


def unmeasured(selected: Selection, metric: str, mode: str | None = None) -> tuple[str, ...]:
    """The arms of which replicas ended without having diverged, none of them with a score; errors as for `cohorts`.

    There the metric was not asked for: such an arm is no arm that diverged.
    """
    found = _cohorts(selected, metric, mode)
    return tuple(one.arm for one in found if one.unmeasured and len(one.cost) == one.diverged)


def _cohorts(selected: Selection, metric: str, mode: str | None) -> tuple[Cohort, ...]:
    if metric not in selected.trials:
        raise ValueError(f"metric: the record has no column {metric!r}")
    sign = 1 if direction(metric, mode, selected.about) == "min" else -1
    if (metric, sign) not in selected.cohorts:
        floor = floor_of(selected.trials, metric)  # one for all arms, as figures and tables show one
        arms = selected.arms()
        selected.cohorts[metric, sign] = tuple(_cohort(selected, *arm, metric, sign, floor) for arm in arms)
    found: tuple[Cohort, ...] = selected.cohorts[metric, sign]
    return found


def floor_of(trials: pd.DataFrame, metric: str) -> float:
    """The score of fresh real samples by a metric; NaN if unknown, or not the same for all joined studies."""
    floors = trials.get(f"floor.{metric}", pd.Series(dtype=float)).unique()
    return float(floors[0]) if len(floors) == 1 else float("nan")


def _cohort(selected: Selection, arm: str, rows: pd.DataFrame, metric: str, sign: int, floor: float) -> Cohort:
    status = rows["status"].astype(str)
    ended = rows[status.isin(("completed", "diverged"))]
    diverged = (ended["outcome"] == "diverged").to_numpy()
    cost = np.where(diverged, np.inf, sign * numbers(ended[metric]))
    measured = ~np.isnan(cost) & (cost != -np.inf)
    scored = ended[measured]
    return Cohort(
        arm=arm,
        cost=cost[measured],
        configuration=configurations(scored),
        trial=np.array(trials_of(scored), np.str_),
        seed=scored["seed"].to_numpy(np.int64),
        unit=selected.units_of(scored),
        captures=selected.captures_of(scored),
        replicas=len(rows),
        diverged=int(diverged.sum()),
        overflowed=int((np.isposinf(cost) & ~diverged).sum()),
        unmeasured=int((~measured).sum()),
        truncated=int((status == "truncated").sum()),
        stopped=rows.loc[status == "truncated", "trial_id"].nunique(),
        failed=int((status == "failed").sum()),
        running=int((status == "running").sum()),
        sign=sign,
        floor=floor,
        barred=_barred(selected, ended, diverged),
    )


def allowed_share(about: Mapping[str, Any], study: str) -> float | None:
    """The share of a configuration's replicas that may diverge in a study of a record; None: any."""
    studies = {str(one.get("study")): one for one in studies_of(about)}
    found: float | None = stated(studies.get(study, {}), "config.search.diverged_at_most")
    return found


def _barred(selected: Selection, ended: pd.DataFrame, diverged: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The configurations among the replicas of an arm that ended, which all are of one study."""
    share = allowed_share(selected.about, str(ended["study"].iloc[0])) if len(ended) else None
    if share is None or selected.phase != "search":
        return np.array([], np.int64)
    numbers, group, counts = np.unique(configurations(ended), return_inverse=True, return_counts=True)
    barred: NDArray[np.int64] = numbers[np.bincount(group, diverged) / counts > share]
    return barred
