"""Stalled replicas that have hardly begun: their metric ends nearer to the worst that there is than to the best.

A generator whose samples lie in no mode yet has a flat curve at the metric's bound, which is also what one that never
learns has: the rule of outcomes calls both `stalled`. How far from the bound they are, and what others needed to leave
it, tells a reader whether a longer budget is worth trying.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which `ganstudy status` does without
    from analysis.record.loading import Record

WORST: Mapping[str, float] = {"mass_js": math.log(2)}  # of metrics of which less is better and 0 the best


@dataclass(frozen=True)
class Unbegun:
    """What an arm's stalled replicas ended at.

    Attributes:
        arm: its name.
        stalled: replicas whose outcome that is, of `replicas`.
        metric, worst: what their curves are of, and its bound.
        median: of what they ended at, above half of `worst`.
        begun: the share of its budget after which half of the replicas that converged, of all arms, were below half of
            `worst`, by the evaluations; NaN where none converged.
    """

    arm: str
    stalled: int
    replicas: int
    metric: str
    worst: float
    median: float
    begun: float


def has_begun(metric: str, value: float) -> bool:
    """Whether a value is nearer to the best than to the worst; where no worst is known, it is."""
    return not value > WORST.get(metric, math.inf) / 2


def none_begun(metric: str, values: Iterable[Iterable[float]]) -> bool:
    """Whether the best value of every arm, of the values of each, is nearer to the worst; not of no value at all."""
    every = [value for arm in values for value in arm]
    return metric in WORST and bool(every) and not any(has_begun(metric, value) for value in every)


def unbegun(record: Record, phase: str) -> tuple[Unbegun, ...]:
    """The arms of which stalled replicas in `phase` have hardly begun, in the record's order of arms."""
    trials = record.trials[record.trials["phase"] == phase]
    found = []
    for metric, worst in WORST.items():
        if metric not in trials:
            continue
        begun = _begun(record, phase, metric, worst)
        for arm in dict.fromkeys(trials["arm"].astype(str)):
            ended = trials[trials["arm"] == arm]
            stalled = ended.loc[ended["outcome"] == "stalled", metric].dropna()
            median = float(stalled.median()) if len(stalled) else 0.0
            if not has_begun(metric, median):
                found.append(Unbegun(arm, len(stalled), len(ended), metric, worst, median, begun))
    return tuple(found)


def _begun(record: Record, phase: str, metric: str, worst: float) -> float:
    """The share of the budget that half of the converged replicas needed."""
    trials = record.trials[(record.trials["phase"] == phase) & (record.trials["outcome"] == "converged")]
    keys = ["trial_id", "seed"]
    curves = record.history[["step", metric, *keys]].merge(trials[[*keys, "steps"]], on=keys)
    first = curves[curves[metric] < worst / 2].groupby(keys, observed=True)[["step", "steps"]].min()
    return float((first["step"] / first["steps"]).median()) if len(first) else math.nan
