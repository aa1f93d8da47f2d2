"""The Kaplan-Meier curve (1958): the share of replicas that has not met an event by each step.

Censoring is assumed to be uninformative: a replica that a scheduler stopped would have fared like those still at risk
at that step. The curve's interval at each step is Wilson's on the effective number of independent uncensored replicas
(Rothman 1978). Unlike a normal approximation it exists also where no replica or every replica met the event; there the
number is that still at risk (Dorey & Korn 1987). After the first event the band moves at events alone. The variance is
Greenwood's (1926) for seeds; for both, that between configurations (Williams 1995) of the curve's derivative by each
replica's weight.

Equality is that of counts, not of rounded numbers: a share of exactly 1/2 is the median, and configurations that are
exactly alike have no variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.intervals import Band, Captures, Floats, Interval, effective_units, numbered, wilson_ends

Counts = NDArray[np.int64]
PRIME = 2**31 - 1  # its square is below 2^63


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
        if not step >= 0:
            raise ValueError(f"step: expected a number >= 0, got {step}")
        band = self.band
        place = int(np.searchsorted(band.x, step, side="right")) - 1
        estimate, low, high = (float(ends[place]) for ends in (band.estimate, band.low, band.high))
        if step > band.x[-1] and estimate > 0:
            estimate, low = float("nan"), 0.0
        return Interval(estimate, low, high, band.n, band.method, band.captures, band.confidence)


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
    if times.ndim != 1 or met.shape != times.shape or not len(times) or not (times >= 0).all():
        raise ValueError(f"time: expected (N,) steps >= 0, N > 0, as many as observed {met.shape}, got {times.shape}")
    steps = np.unique(np.r_[0.0, times])  # before the first time the curve is 1, with an interval too
    place = np.searchsorted(steps, times)
    deaths = np.bincount(place[met], minlength=len(steps))
    risk = len(times) - np.searchsorted(np.sort(times), steps)
    share = _curve(deaths, risk)
    if captures == "seeds":
        units = _units(share, deaths, risk)
        method = "Kaplan-Meier, Wilson on effective replicas"
    else:
        group, count = numbered(configurations, len(times), captures)
        ended, died = np.zeros((2, count, len(steps)), np.int64)
        np.add.at(ended, (group, place), 1)
        np.add.at(died, (group[met], place[met]), 1)
        units = _clustered_units(share, ended, died, confidence)
        method = f"Kaplan-Meier, Wilson on effective replicas of {count} configurations"
    low, high = wilson_ends(share, units, confidence)
    band = Band(steps, share, low, high, len(times), method, captures, confidence)
    half, soonest, latest = (_first(steps, ends <= 0.5) for ends in (share, low, high))
    median = Interval(half, soonest, latest, len(times), f"{method}, inverted", captures, confidence)
    return SurvivalCurve(arm, event, band, risk, np.sort(times[~met]), int(met.sum()), len(times), median)


def _curve(deaths: Counts, risk: Counts) -> Floats:
    """The curve (M,), each value rounded once."""
    left, whole = (accumulate(map(int, counts), mul) for counts in (risk - deaths, risk))
    return np.array([above / below for above, below in zip(left, whole, strict=True)])


def _units(share: Floats, deaths: Counts, risk: Counts) -> Floats:
    """Effective replicas (M,) by Greenwood's variance; those at risk where nobody met the event, and where all did."""
    left = np.maximum(risk - deaths, 1)
    greenwood = np.cumsum(deaths / (risk * left))
    known = (share > 0) & (share < 1)
    units: Floats = np.where(known, (1 - share) / np.where(known, share * greenwood, 1.0), risk)
    if share[-1] == 0 and len(share) > 1 and known[-2]:
        units[-1] = units[-2]
    return units


def _clustered_units(share: Floats, ended: Counts, died: Counts, confidence: float) -> Floats:
    """Effective replicas (M,) by the variance, between configurations, of what they contribute to the curve's error.

    `ended` and `died` (C, M) count each configuration's replicas whose time is each step, and those that met the event.
    """
    waiting = np.cumsum(ended[:, ::-1], axis=1)[:, ::-1]
    met_by, n = np.cumsum(died, axis=1), int(ended.sum())
    mixed = np.minimum((met_by > 0).sum(0), (met_by < ended.sum(1, keepdims=True)).sum(0))
    observed = ((met_by > 0) | (waiting > 0)).sum(0)
    last = np.maximum.accumulate(np.where(died.any(0), np.arange(len(share)), 0))
    observed = np.where(share < 1, observed[last], observed)
    return effective_units(share, n * share * _influence(waiting, died), mixed, observed, n, confidence)


def _influence(waiting: Counts, died: Counts) -> Floats:
    """The derivative (C, M) of the curve's logarithm by the weight of each configuration: sums (Y - dN)/(r - d) - Y/r.

    Where configurations are exactly alike they are exactly 0, despite rounding: fractions add up to 0 only if they do
    so modulo a prime above their denominators, and otherwise hardly ever.
    """
    risk, left = waiting.sum(0), (waiting - died).sum(0)
    left = np.where(left > 0, left, risk)  # where all fall the curve is 0, without a derivative
    found: Floats = np.cumsum((waiting - died) / left - waiting / risk, axis=1)
    after, before = (np.array([pow(int(number), -1, PRIME) for number in numbers]) for numbers in (left, risk))
    residue = np.cumsum(((waiting - died) * after - waiting * before) % PRIME, axis=1) % PRIME
    found[:, (residue == 0).all(0)] = 0.0
    return found


def _first(steps: Floats, reached: NDArray[np.bool_]) -> float:
    return float(steps[reached.argmax()]) if reached.any() else float("inf")
