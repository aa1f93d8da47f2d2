"""Stalled replicas that have hardly begun: their metric ends nearer to the worst that there is than to the best, or, of
one of which more is better and 0 the worst, at it.

A generator whose samples lie in no mode yet, or near no point, has a flat curve at the metric's bound, which is also
what one that never learns has: the rule of outcomes calls both `stalled`. How far from the bound they are, and what
others needed to leave it, tells a reader whether a longer budget is worth trying.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.record.schema import HIGHER

if TYPE_CHECKING:  # which `ganstudy status` does without
    from analysis.record.loading import Record

WORST: Mapping[str, float] = {"mass_js": math.log(2), "coverage": 0.0}  # of the first 0 is the best


@dataclass(frozen=True)
class Unbegun:
    """What an arm's stalled replicas ended at.

    Attributes:
        arm: its name.
        stalled: replicas whose outcome that is, of `replicas`.
        metric, worst: what their curves are of, and its bound.
        median: of what they ended at, which `has_begun` tells from others.
        begun: the share of its budget after which half of the replicas that converged, of all arms, had begun, by the
            evaluations; NaN where none converged.
    """

    arm: str
    stalled: int
    replicas: int
    metric: str
    worst: float
    median: float
    begun: float


def has_begun(metric: str, value: float) -> bool:
    """Whether a value is nearer to the best than to the worst, or, where more is better, off the worst; where no worst
    is known, it is."""
    return not _astray(metric, value)


def _astray(metric: str, values: Any) -> Any:
    """Whether a value, or each of many, has not begun; none that is NaN."""
    if metric in HIGHER:
        return values <= WORST.get(metric, -math.inf)
    return values > WORST.get(metric, math.inf) / 2


def none_begun(metric: str, values: Iterable[Iterable[float]]) -> bool:
    """Whether the best value of every arm, of the values of each, has not begun; not of no value at all, nor where
    every replica diverged, which may have begun before."""
    every = [value for arm in values for value in arm]
    return metric in WORST and any(map(math.isfinite, every)) and not any(has_begun(metric, one) for one in every)


def unbegun(record: Record, phase: str) -> tuple[Unbegun, ...]:
    """The arms of which stalled replicas in `phase` have hardly begun, in the record's order of arms, each by the first
    metric that says so; of those whose history was read, as what is searched for is."""
    trials = record.trials[record.trials["phase"] == phase]
    found: dict[str, Unbegun] = {}
    for metric, worst in WORST.items():
        if metric not in trials or metric not in record.history:
            continue
        begun = _begun(record, phase, metric)
        for arm in dict.fromkeys(trials["arm"].astype(str)):
            ended = trials[trials["arm"] == arm]
            stalled = ended.loc[ended["outcome"] == "stalled", metric].dropna()
            median = float(stalled.median())
            if arm not in found and not has_begun(metric, median):
                found[arm] = Unbegun(arm, len(stalled), len(ended), metric, worst, median, begun)
    return tuple(found.values())


def _begun(record: Record, phase: str, metric: str) -> float:
    """The share of the budget that half of the converged replicas needed."""
    trials = record.trials[(record.trials["phase"] == phase) & (record.trials["outcome"] == "converged")]
    keys = ["trial_id", "seed"]
    curves = record.history[["step", metric, *keys]].merge(trials[[*keys, "steps"]], on=keys).dropna(subset=metric)
    first = curves[~_astray(metric, curves[metric])].groupby(keys, observed=True)[["step", "steps"]].min()
    return float((first["step"] / first["steps"]).median()) if len(first) else math.nan
