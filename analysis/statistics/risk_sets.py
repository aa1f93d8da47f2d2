"""Who was at risk at each step, and what follows from the counts: curves, and each unit's influence on them.

A unit is a configuration with its replicas, or a single replica. Its influence is the derivative of a curve by the
unit's weight. Influences add up to 0, and the sum of their squares estimates the curve's variance (the infinitesimal
jackknife; Williams 1995 for clusters), which is Greenwood's (1926) for survival and single replicas.

Units that are exactly alike have an influence of exactly 0, which rounding would hide. Sums of fractions are therefore
taken a second time modulo a prime above all denominators: what is 0 is 0 there, and otherwise hardly ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.intervals import Floats, effective_units

Counts = NDArray[np.int64]
Numbers = NDArray[Any]  # float64, or int64 modulo PRIME
PRIME = 2**31 - 1  # its square is below 2^63


@dataclass(frozen=True)
class RiskSets:
    """Counts of C units over M ascending steps, each holding until the next.

    Attributes:
        steps: (M,) from 0 on, every time of a replica among them.
        ended: (C, M) replicas whose time is the step, with an event or censored.
        died: (C, M) those of them that met an event.
        own: (C, M) those that met the event of interest; the others met a competing one.
    """

    steps: Floats
    ended: Counts
    died: Counts
    own: Counts

    @property
    def n(self) -> int:
        """The number of replicas."""
        return int(self.ended.sum())

    @property
    def waiting(self) -> Counts:
        """(C, M) replicas at risk: those whose time is the step or later."""
        found: Counts = np.cumsum(self.ended[:, ::-1], axis=1)[:, ::-1]
        return found

    @property
    def risk(self) -> Counts:
        """(M,) all replicas at risk."""
        found: Counts = self.waiting.sum(0)
        return found

    @property
    def left(self) -> Counts:
        """(M,) those of them that meet no event at the step."""
        found: Counts = self.risk - self.died.sum(0)
        return found


def risk_sets(
    time: Floats, met: NDArray[np.bool_], own: NDArray[np.bool_], group: NDArray[np.int64], count: int
) -> RiskSets:
    """The counts of N replicas: times, whether an event was met, whether that of interest, and units numbered (N,)."""
    if time.ndim != 1 or met.shape != time.shape or not len(time) or not (time >= 0).all():
        raise ValueError(f"time: expected (N,) steps >= 0, N > 0, as many as observed {met.shape}, got {time.shape}")
    steps = np.unique(np.r_[0.0, time])  # before the first time curves stand still, with an interval too
    place = np.searchsorted(steps, time)
    ended, died, its_own = np.zeros((3, count, len(steps)), np.int64)
    np.add.at(ended, (group, place), 1)
    np.add.at(died, (group[met], place[met]), 1)
    np.add.at(its_own, (group[own], place[own]), 1)
    return RiskSets(steps, ended, died, its_own)


def survival_curve(sets: RiskSets) -> Floats:
    """The share (M,) that has met no event by each step: Kaplan & Meier's product of left / risk, rounded once."""
    above, below = (accumulate(map(int, counts), mul) for counts in (sets.left, sets.risk))
    return np.array([left / whole for left, whole in zip(above, below, strict=True)])


def incidence_curve(sets: RiskSets) -> Floats:
    """The share (M,) that has met the event of interest by each step (Aalen & Johansen 1978), rounded once."""
    alive, whole, fallen = 1, 1, 0  # alive / whole is survival before the step, fallen / whole the incidence
    found = []
    for risk, left, own in zip(sets.risk.tolist(), sets.left.tolist(), sets.own.sum(0).tolist(), strict=True):
        fallen = fallen * risk + alive * own
        alive, whole = alive * left, whole * risk
        found.append(fallen / whole)
    return np.array(found)


def survival_influence(sets: RiskSets) -> Floats:
    """The derivative (C, M) of survival by the weight of each unit; 0 where all have fallen."""
    return survival_curve(sets) * _exactly_zero(_log_survival, sets)


def incidence_influence(sets: RiskSets) -> Floats:
    """The derivative (C, M) of incidence by the weight of each unit."""
    return _exactly_zero(_incidence, sets)


def clustered_units(share: Floats, influence: Floats, sets: RiskSets, confidence: float) -> Floats:
    """Effective replicas (M,) of a curve by the variance between units; after the first event they change at events.

    `share` is the part that has met the event of interest, or that has not; `influence` (C, M) is the units' on it.
    """
    own_by = np.cumsum(sets.own, axis=1)
    mixed = np.minimum((own_by > 0).sum(0), (own_by < sets.ended.sum(1, keepdims=True)).sum(0))
    observed = ((np.cumsum(sets.died, axis=1) > 0) | (sets.waiting > 0)).sum(0)
    last = np.maximum.accumulate(np.where(sets.own.any(0), np.arange(len(share)), 0))
    observed = np.where(own_by.any(0), observed[last], observed)
    return effective_units(share, sets.n * influence, mixed, observed, sets.n, confidence)


@dataclass(frozen=True)
class _Arithmetic:
    """How fractions are added and multiplied: rounded, or modulo `PRIME`."""

    inverse: Callable[[Counts], Numbers]
    reduced: Callable[[Numbers], Numbers]
    products: Callable[[Numbers], Numbers]

    def sums(self, terms: Numbers) -> Numbers:
        return self.reduced(np.cumsum(self.reduced(terms), axis=-1))


_ROUNDED = _Arithmetic(lambda counts: 1 / counts, lambda numbers: numbers, np.cumprod)
_MODULO = _Arithmetic(
    lambda counts: np.array([pow(int(count), -1, PRIME) for count in counts]),
    lambda numbers: numbers % PRIME,
    lambda numbers: np.array(list(accumulate(numbers.tolist(), lambda a, b: a * b % PRIME))),
)


def _exactly_zero(derivative: Callable[[RiskSets, _Arithmetic], Numbers], sets: RiskSets) -> Floats:
    found: Floats = derivative(sets, _ROUNDED)
    found[:, (derivative(sets, _MODULO) == 0).all(0)] = 0.0
    return found


def _log_survival(sets: RiskSets, arithmetic: _Arithmetic) -> Numbers:
    """Sums of (Y - dN) / (r - d) - Y / r; where all fall, and survival has no logarithm, they go on as if none did."""
    waiting, left = sets.waiting, np.where(sets.left > 0, sets.left, sets.risk)
    after, before = arithmetic.inverse(left), arithmetic.inverse(sets.risk)
    return arithmetic.sums(arithmetic.reduced((waiting - sets.died) * after) - waiting * before)


def _incidence(sets: RiskSets, arithmetic: _Arithmetic) -> Numbers:
    """Sums of S' d/r + S (dN/r - Y d/r²), S being survival before the step and S' its derivative."""
    before, reduced = arithmetic.inverse(sets.risk), arithmetic.reduced
    factors = np.r_[np.ones(1, before.dtype), reduced(sets.left * before)[:-1]]
    falls = reduced(arithmetic.products(factors) * before)  # S / r
    own = sets.own.sum(0)
    log = _log_survival(sets, arithmetic)
    log = np.concatenate([np.zeros_like(log[:, :1]), log[:, :-1]], axis=1)
    hazard = reduced(own * falls)
    risk = reduced(reduced(hazard * before) * sets.waiting)
    return arithmetic.sums(reduced(hazard * log) + reduced(falls * sets.own) - risk)
