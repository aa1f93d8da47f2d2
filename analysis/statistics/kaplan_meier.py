"""The Kaplan-Meier curve (1958): the share of replicas that has not met an event by each step.

Censoring is assumed to be uninformative: a replica that a scheduler stopped would have fared like those still at risk
at that step. The curve's interval at each step is Wilson's on the effective number of independent uncensored replicas
(Rothman 1978). Unlike a normal approximation it exists also where no replica or every replica met the event; there the
number is that still at risk (Dorey & Korn 1987). After the first event the band moves at events alone. The variance is
Greenwood's (1926) for seeds; for both, that between configurations (`analysis.statistics.risk_sets`).

Equality is that of counts, not of rounded numbers: a share of exactly 1/2 is the median, and configurations that are
exactly alike have no variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.intervals import Band, Captures, Floats, Interval, numbered, wilson_ends
from analysis.statistics.risk_sets import RiskSets, clustered_units, risk_sets, survival_curve, survival_influence


@dataclass(frozen=True)
class SurvivalCurve:
    """The share of an arm's replicas without the event.

    Attributes:
        arm: its name.
        event: its name.
        band: `x` are steps from 0 on, each holding until the next.
        at_risk: (M,) replicas that had neither met the event nor been censored before each step.
        censored: the steps at which replicas were censored, ascending.
        events: replicas that met it.
        n: replicas.
        median: steps until half met it; inf where the curve, or an end of the interval, never falls to 1/2.
    """

    arm: str
    event: str
    band: Band
    at_risk: NDArray[np.int64]
    censored: Floats
    events: int
    n: int
    median: Interval

    def at(self, step: float) -> Interval:
        """The share without the event at a step.

        Past the last step with a replica at risk the estimate is NaN, unless all had met the event, and the interval
        extends from 0 to the last upper end. Raises ValueError for a step below 0.
        """
        found = self.band.at(step)
        unknown = step > self.band.x[-1] and found.estimate > 0
        return replace(found, estimate=math.nan, low=0.0) if unknown else found


def kaplan_meier(
    time: ArrayLike,
    observed: ArrayLike,
    configurations: ArrayLike | None = None,
    *,
    captures: Captures = "seeds",
    confidence: float = 0.95,
    arm: str = "",
    event: str = "",
) -> SurvivalCurve:
    """The curve of N replicas.

    Args:
        time: (N,) steps until the event, or until the replica was last seen without it.
        observed: (N,) whether the event was met; False is right-censored.
        configurations: (N,) labels, needed where both are captured.
        captures: seeds or both (`analysis.statistics.intervals`).
        confidence: nominal coverage at a step.
        arm: name of the arm.
        event: name of the event.
    """
    times, met = np.asarray(time, np.float64), np.asarray(observed, np.bool_)
    group, count = numbered(configurations, len(times), captures)
    if captures == "seeds":
        group, count = np.zeros(len(times), np.int64), 1
    sets = risk_sets(times, met, met, group, count)
    steps, share = sets.steps, survival_curve(sets)
    method = "Kaplan-Meier, Wilson on effective replicas"
    if captures == "seeds":
        units = _units(share, sets)
    else:
        units = clustered_units(share, survival_influence(sets), sets, confidence)
        method = f"{method} of {count} configurations"
    low, high = wilson_ends(share, units, confidence)
    band = Band(steps, share, low, high, len(times), method, captures, confidence)
    half, soonest, latest = (_first(steps, ends <= 0.5) for ends in (share, low, high))
    median = Interval(half, soonest, latest, len(times), f"{method}, inverted", captures, confidence)
    return SurvivalCurve(arm, event, band, sets.risk, np.sort(times[~met]), int(met.sum()), len(times), median)


def _units(share: Floats, sets: RiskSets) -> Floats:
    """Effective replicas (M,) by Greenwood's variance; those at risk where nobody met the event, and where all did."""
    greenwood = np.cumsum(sets.died.sum(0) / (sets.risk * np.maximum(sets.left, 1)))
    known = (share > 0) & (share < 1)
    units: Floats = np.where(known, (1 - share) / np.where(known, share * greenwood, 1.0), sets.risk)
    if share[-1] == 0 and len(share) > 1 and known[-2]:
        units[-1] = units[-2]
    return units


def _first(steps: Floats, reached: NDArray[np.bool_]) -> float:
    return float(steps[reached.argmax()]) if reached.any() else float("inf")
