"""Every pair of arms tested, whatever by.

An effect comes with its p-value, corrected for all pairs by Holm, and with an interval that holds for all pairs
together: each at Bonferroni's level, for which Holm's p is a little less strict. Interval and test are made
differently; where they disagree whether two arms may be alike, the interval ends at that.

What is a unit is told by `Unit`: replicas of one configuration are independent given that configuration; those of
several resemble one another, and there each configuration is one unit. Where arms were searched several times each
search is, by `analysis.results.repeated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.statistics import restricted_mean, two_shares
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Captures, Floats, Interval, proportion
from analysis.statistics.ranks import rank_test, relative_effect
from analysis.statistics.shift import shift

ALL = ", for all pairs of arms together"  # how an interval is made
Unit = Literal["replica", "configuration", "repeat"]
Scale = Literal["ratio", "difference"]


@dataclass(frozen=True)
class Sample:
    """The replicas of one arm.

    Attributes:
        arm: its name.
        values: (N,) one of each.
        configuration: (N,) the label of each one's configuration.
        repeat: (N,) which of the arm's searches chose it.
        seed: (N,) of each.
    """

    arm: str
    values: Floats
    configuration: NDArray[np.str_]
    repeat: NDArray[np.int64]
    seed: NDArray[np.int64]

    def units(self, unit: Unit) -> Floats:
        """One value for each replica or configuration: its own, or the median over its replicas."""
        if unit == "replica":
            return self.values
        index, group = np.unique(self.configuration, return_inverse=True)
        return np.array([np.median(self.values[group == place]) for place in range(len(index))], np.float64)

    def kept(self, mask: NDArray[np.bool_]) -> Sample:
        """The replicas that a mask (N,) keeps."""
        return Sample(self.arm, self.values[mask], self.configuration[mask], self.repeat[mask], self.seed[mask])

    def count(self, unit: Unit) -> int:
        """The number of units."""
        if unit == "replica":
            return len(self.values)
        return len(np.unique(self.configuration if unit == "configuration" else self.repeat))


@dataclass(frozen=True)
class Shift:
    """By how much two arms lie apart in the measurement's own unit: the first one's ratio to the second, or less it."""

    scale: Scale
    interval: Interval

    def turned(self) -> Shift:
        """The same of the second to the first."""
        if self.scale == "difference":
            return replace(self, interval=self.interval.negated())
        with np.errstate(divide="ignore"):
            estimate, low, high = (1 / np.float64(getattr(self.interval, end)) for end in ("estimate", "high", "low"))
        turned = replace(self.interval, estimate=float(estimate), low=float(low), high=float(high))
        return replace(self, interval=turned)


@dataclass(frozen=True)
class Effect:
    """Arm `a` against arm `b`.

    Attributes:
        a: one arm.
        b: the other.
        n_a: units of a.
        n_b: units of b.
        effect: of a against b, with an interval that holds for all pairs together.
        null: the effect of arms that are alike.
        p: of the test alone; NaN where it could not be made.
        p_holm: corrected for all pairs of the comparison (Holm 1979).
        shift: how far apart they lie in the measurement's own unit; None where the effect itself says so.
        unbounded: p before it is held above `least`, which is what is corrected for several tests; None where it is p.
        least: the least p that so few searches can give, corrected or not (`analysis.statistics.repeats`).
        alone: the effect with the interval that does not take the searches of all arms to differ about as much; None
            where there is none. Of quality, where searches may end wholly well or wholly badly
            (`analysis.statistics.repeats.may_end_wholly`).
    """

    a: str
    b: str
    n_a: int
    n_b: int
    effect: Interval
    null: float
    p: float
    p_holm: float
    shift: Shift | None = None
    unbounded: float | None = None
    least: float = 0.0
    alone: Interval | None = None

    @property
    def alone_undecided(self) -> bool:
        """Whether the arms may be alike by the interval that does not take their searches to differ about as much."""
        return self.alone is not None and self.alone.low <= self.null <= self.alone.high

    def within(self, margin: float) -> bool:
        """Whether the arms are shown to be the same within a margin > 0.

        The interval of the difference, in the measurement's own unit, then lies within ±margin, that of a ratio within
        a factor of 1 + margin. It holds for all pairs together, which is stricter than two one-sided tests of one pair.
        """
        found = self.shift.interval if self.shift else self.effect
        if self.shift and self.shift.scale == "ratio":
            return 1 / (1 + margin) <= found.low and found.high <= 1 + margin
        return -margin <= found.low and found.high <= margin

    def turned(self) -> Effect:
        """The same with b first."""
        effect, alone = self._mirrored(self.effect), self.alone and self._mirrored(self.alone)
        shift = self.shift and self.shift.turned()
        turned = replace(self, effect=effect, shift=shift, alone=alone)
        return replace(turned, a=self.b, b=self.a, n_a=self.n_b, n_b=self.n_a)

    def _mirrored(self, interval: Interval) -> Interval:
        turned, twice = interval.negated(), 2 * self.null
        return replace(turned, estimate=twice + turned.estimate, low=twice + turned.low, high=twice + turned.high)


def corrected_together(pairs: Sequence[Effect]) -> Floats:
    """p (P,) of pairs, of several comparisons too, corrected for all of them (Holm 1979)."""
    p = holm([one.p if one.unbounded is None else one.unbounded for one in pairs])
    found: Floats = np.maximum(p, [one.least for one in pairs])
    return found


def by_rank(
    samples: Sequence[Sample],
    unit: Unit,
    *,
    test: str = "brunner_munzel",
    scale: Scale = "difference",
    sign: int = 1,
    confidence: float = 0.95,
) -> tuple[Effect, ...]:
    """The probability that a unit of one arm is better than one of the other, ties half, of every pair of arms.

    Args:
        samples: costs, less being better; infinite ones are values.
        unit: of the test; a configuration's cost is the median over its replicas.
        test: one of `analysis.statistics.ranks.TESTS`.
        scale: of the shift; a ratio needs costs above 0.
        sign: cost × sign is what the shift is of.
        confidence: that all intervals hold together.
    """
    units = {sample.arm: sample.units(unit) for sample in samples}
    tests = p_by_rank(samples, unit, test)
    each = together(confidence, len(tests))
    found = []
    for ((a, b), p), p_holm in zip(tests.items(), holm(list(tests.values())), strict=True):
        effect = relative_effect(units[a], units[b])
        method = f"Wilson on {effect.units:.3g} effective pairs{ALL}"
        captures: Captures = "seeds" if unit == "replica" else "configurations"
        interval = Interval(effect.estimate, *effect.ends(each), effect.n + effect.m, method, captures, confidence)
        apart = _shift(units[a], units[b], test, scale, sign, each, interval)
        interval = _agreeing(interval, 0.5, p, each)
        found.append(Effect(a, b, effect.n, effect.m, interval, 0.5, p, float(p_holm), apart))
    return tuple(found)


def p_by_rank(samples: Sequence[Sample], unit: Unit, test: str = "brunner_munzel") -> dict[tuple[str, str], float]:
    """p of each pair of arms alone, as `by_rank` has it."""
    units = {sample.arm: sample.units(unit) for sample in samples}
    return {(a, b): rank_test(units[a], units[b], test)[1] for a, b in combinations(units, 2)}


def by_share(samples: Sequence[Sample], unit: Unit, *, sign: int = 1, confidence: float = 0.95) -> tuple[Effect, ...]:
    """The difference of the shares of replicas for which something held, of every pair of arms.

    Args:
        samples: 1 where it held and 0 where it did not.
        unit: of interval and test; configurations may have different numbers of replicas.
        sign: 1 for the share of the first arm less that of the second, -1 for the opposite.
        confidence: that all intervals hold together.
    """
    held = {sample.arm: sample.values > 0 for sample in samples}
    labels = {sample.arm: sample.configuration for sample in samples}
    names = list(combinations(held, 2))
    each = together(confidence, len(names))
    captures: Captures = "seeds" if unit == "replica" else "both"
    shares = {arm: proportion(values, labels[arm], captures=captures, confidence=each) for arm, values in held.items()}
    units = {sample.arm: sample.count(unit) for sample in samples}
    if unit == "replica":
        p = [two_shares.barnard(int(held[a].sum()), units[a], int(held[b].sum()), units[b]) for a, b in names]
    else:
        p = [two_shares.clustered([held[a], held[b]], [labels[a], labels[b]])[2] for a, b in names]
    found = []
    for (a, b), one, p_holm in zip(names, p, holm(p), strict=True):
        apart = two_shares.difference(shares[a], shares[b])
        effect = replace(apart if sign == 1 else apart.negated(), confidence=confidence, method=f"{apart.method}{ALL}")
        effect = _agreeing(effect, 0.0, one, each)
        found.append(Effect(a, b, units[a], units[b], effect, 0.0, one, float(p_holm)))
    return tuple(found)


def by_time(
    samples: Sequence[Sample],
    observed: Sequence[NDArray[np.bool_]],
    horizon: float,
    unit: Unit,
    *,
    confidence: float = 0.95,
) -> tuple[Effect, ...]:
    """How much longer the first arm goes without an event, on average up to a horizon, of every pair of arms.

    Args:
        samples: times of the event, or at which a replica was last seen without it.
        observed: for each sample whether the event was met, (N,) bool; False is right-censored.
        horizon: of the mean; at most `analysis.statistics.restricted_mean.longest` of the samples.
        unit: of interval and test.
        confidence: that all intervals hold together.
    """
    captures: Captures = "seeds" if unit == "replica" else "both"
    met = {sample.arm: values for sample, values in zip(samples, observed, strict=True)}
    arms = {sample.arm: sample for sample in samples}
    names = list(combinations(arms, 2))
    each = together(confidence, len(names))
    means = {
        arm: restricted_mean.restricted_mean(
            one.values, met[arm], horizon, one.configuration, captures=captures, confidence=each, arm=arm
        )
        for arm, one in arms.items()
    }
    units = {arm: one.count(unit) for arm, one in arms.items()}
    p = [
        restricted_mean.compare(
            (arms[a].values, met[a]),
            (arms[b].values, met[b]),
            horizon,
            None if unit == "replica" else (arms[a].configuration, arms[b].configuration),
        )[1]
        for a, b in names
    ]
    found = []
    for (a, b), one, p_holm in zip(names, p, holm(p), strict=True):
        apart = restricted_mean.difference(means[a], means[b])
        effect = _agreeing(replace(apart, confidence=confidence, method=f"{apart.method}{ALL}"), 0.0, one, each)
        found.append(Effect(a, b, units[a], units[b], effect, 0.0, one, float(p_holm)))
    return tuple(found)


def together(confidence: float, count: int) -> float:
    """The confidence of each of so many intervals by which all hold together (Bonferroni)."""
    return 1 - (1 - confidence) / max(count, 1)


def _agreeing(interval: Interval, null: float, p: float, each: float) -> Interval:
    """The interval with the end that disagrees with the test about the null put on it, if any."""
    if np.isnan(p) or np.isnan(interval.estimate):
        return interval
    if p > 1 - each:
        return replace(interval, low=min(interval.low, null), high=max(interval.high, null))
    if interval.estimate > null:
        return replace(interval, low=max(interval.low, null))
    return replace(interval, high=min(interval.high, null))


def _shift(a: Floats, b: Floats, test: str, scale: Scale, sign: int, each: float, like: Interval) -> Shift:
    if scale == "ratio":
        a, b = np.log(a), np.log(b)
    ends = np.array(shift(a, b, each, test))
    if scale == "ratio":
        ends = np.exp(ends)
    estimate, low, high = (float(end) for end in ends)
    interval = replace(like, estimate=estimate, low=low, high=high, method="Hodges and Lehmann's, by inversion")
    return Shift(scale, interval if sign == 1 else interval.negated())
