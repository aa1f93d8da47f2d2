"""What arms have spent, and what their trials had alike: updates, real samples, operations, core-seconds.

A population trains together, so that a replica that diverged counts to the end of its trial, and seconds are those of a
trial's replicas together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.results.best_of_k import BestOfK
from analysis.results.clock import PLANNED, equal_of
from analysis.results.selection import Selection, numbers
from analysis.wording import SPENDINGS

OF_REPLICA = tuple(name for name in SPENDINGS if name != "core_seconds")
EQUALISED = {"updates": "steps", "samples": "real_samples", "arithmetic": "operations"}  # budget.equal -> of SPENDINGS


@dataclass(frozen=True)
class Spent:
    """What an arm's trials in one phase have spent.

    Attributes:
        arm: its name.
        phase: "search" or "confirm".
        trials: how many, whatever became of them.
        replicas: of all trials.
        totals: each of `SPENDINGS` over all of them; NaN where the record does not say it of every trial.
    """

    arm: str
    phase: str
    trials: int
    replicas: int
    totals: Mapping[str, float]


@dataclass(frozen=True)
class EqualBudget:
    """What one study's trials had alike, and what not.

    Attributes:
        study: its name.
        spending: what is equal, of `SPENDINGS`.
        amount: of it, for each replica.
        ranges: of each of `OF_REPLICA`, the least and the most that a replica spent whose trial ran to its end; none
            that the record does not say, nor of trials whose last evaluation it lacks.
    """

    study: str
    spending: str
    amount: float
    ranges: Mapping[str, tuple[float, float]]

    @property
    def missed(self) -> float:
        """The share of the budget by which a trial that ran to its end missed it; 0 where there is none."""
        return max((abs(end / self.amount - 1) for end in self.ranges.get(self.spending, ())), default=0.0)


def spent(selected: Selection) -> tuple[Spent, ...]:
    """Every arm's spending in a phase."""
    found = []
    for arm, rows in selected.arms():
        trials = rows[["study", "trial_id", "core_seconds"]].drop_duplicates(["study", "trial_id"])
        totals = {name: float(numbers(rows[name]).sum()) for name in OF_REPLICA}
        totals["core_seconds"] = float(numbers(trials["core_seconds"]).sum())
        found.append(Spent(arm, selected.phase, len(trials), len(rows), MappingProxyType(totals)))
    return tuple(found)


def against(curves: Sequence[BestOfK], searched: Selection, spending: str) -> tuple[BestOfK, ...]:
    """The curves over what a search of k configurations spends, in place of k.

    That is k times what one of the arm's configurations spent on average, of those that the curves count. Arms of
    which it is not known are left out. `spending` is one of `SPENDINGS`.
    """
    counted = searched.trials["status"].isin(("completed", "diverged", "truncated"))
    found = spent(replace(searched, trials=searched.trials[counted]))
    each = {one.arm: one.totals[spending] / one.trials for one in found}
    return tuple(_scaled(curve, each[curve.arm], spending) for curve in curves if np.isfinite(each[curve.arm]))


def _scaled(curve: BestOfK, each: float, spending: str) -> BestOfK:
    mean, median = (replace(band, x=each * band.x) for band in (curve.mean, curve.median))
    return replace(curve, mean=mean, median=median, over=spending)


def equal_budgets(record: Record) -> tuple[EqualBudget, ...]:
    """What the trials of each study had alike; a study whose record does not say its budget is left out."""
    found = []
    for about in studies_of(record.about):
        steps = stated(about, "config.budget.steps")
        if steps is None:
            continue
        rows = _ended(record.trials[record.trials["study"] == about.get("study")])
        amount = steps * stated(about, "config.budget.equal.per_step", 1.0)
        ranges = {name: ends for name in OF_REPLICA if (ends := _ends(rows[name])) is not None}
        spending = EQUALISED[equal_of(about)]
        found.append(EqualBudget(str(about.get("study")), spending, float(amount), MappingProxyType(ranges)))
    return tuple(found)


def _ended(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of trials that ran to their end, and of which the record has the last evaluation."""
    rows = rows[rows["status"] == "completed"]
    return rows[~(numbers(rows["steps"]) < numbers(rows[PLANNED]))] if PLANNED in rows else rows


def _ends(column: pd.Series) -> tuple[float, float] | None:
    values = numbers(column)
    return (float(values.min()), float(values.max())) if len(values) and np.isfinite(values).all() else None
