"""Arms that cross several factors, each level of one with each of the others: what a level does on average over all
levels of the others, and whether it does more beside one level of another than beside the next.

Both are sums of effects of pairs of arms that differ in one factor alone, each pair counting the same: of level b
instead of a, beside all that the others may be, and of these beside v less those beside u. No two of the pairs have an
arm in common. With the variances v of pairs' effects, were the arms of a pair alike (`analysis.statistics.repeats`), a
sum Σ c d is compared with Student's t by Σ c² v, which is too large where the arms of a pair differ. As with pairs of
shares, no p is below what one arm's searches can say. How far apart two probabilities of being better lie hangs on
where they lie, so that differences of differences are of means alone.

With this variance alone the interval of shares near 0 or 1 is too short, as effects that are farther off do not vary
more in it: of no 16 replicas that converged and no other 16 it ends at ±.10. There it reaches as far as Zou & Donner's
(2008) too, the ends of the levels' own intervals at distances added in squares. A level's own is Wilson's with
Student's t, of its mean share on the effective units of all its arms, which varies the most if all have that share.
Where by this an effect might be none that the test tells, the interval ends at none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats, wilson_ends
from analysis.statistics.repeats import Effects, pairs_of


class Contrast(NamedTuple):
    """Level `b` of a factor instead of `a`; where there is an `other` factor, beside its level `v` less beside `u`.

    Factors and levels are numbers of places.
    """

    factor: int
    a: int
    b: int
    other: int | None = None
    u: int = 0
    v: int = 0


@dataclass(frozen=True)
class Contrasts:
    """Sums of pairs' effects; arrays (…, C) over studies and contrasts, NaN where pairs have no variance.

    Attributes:
        of: the C contrasts, tested together.
        estimate: of b instead of a, in the effect's own unit; of a single factor a mean over pairs.
        null: what it is where the factor does nothing.
        error: standard error of the estimate.
        unit: of the effect, as of its pairs.
        most: how far from `null` it can be.
        degrees_of_freedom: of the error.
        searches: the least p, corrected or not, that one arm's searches can give.
        levels: shares and effective units (…, C, G) of the levels of which the estimate is a sum, each beside one of
            another factor if need be: every second one counts negative. None of quality.
    """

    of: tuple[Contrast, ...]
    estimate: Floats
    null: float
    error: Floats
    unit: float
    most: float
    degrees_of_freedom: Floats
    searches: Floats
    levels: tuple[Floats, Floats] | None = None

    @property
    def p(self) -> Floats:
        """Two-sided p-values, each alone."""
        found: Floats = np.maximum(self._p, self.searches)
        return found

    @property
    def p_holm(self) -> Floats:
        """Corrected for all contrasts (Holm 1979)."""
        found: Floats = np.maximum(np.apply_along_axis(holm, -1, self._p), self.searches)
        return found

    def ends(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Ends of intervals that hold together (Bonferroni), and hold `null` where the searches decide nothing."""
        miss = (1 - confidence) / len(self.of)
        t = np.asarray(scipy.stats.t.isf(miss / 2, self.degrees_of_freedom), np.float64)
        below, above = (np.maximum(t * self.error, own) for own in self._of_levels(miss, t))
        away = np.abs(self.estimate - self.null)
        held, told = self.searches > 1 - confidence, self.p <= miss
        below, above = (
            np.where(told & towards, np.minimum(far, away), np.where(held, np.maximum(far, away), far))
            for far, towards in ((below, self.estimate > self.null), (above, self.estimate < self.null))
        )
        low, high = (
            np.clip(end, self.null - self.most, self.null + self.most)
            for end in (self.estimate - below, self.estimate + above)
        )
        return low, high

    def _of_levels(self, miss: float, t: Floats) -> tuple[Floats, Floats]:
        """How far below and above the estimate the interval reaches by the levels' own."""
        if self.levels is None:
            return np.zeros(()), np.zeros(())
        shares, units = self.levels
        # Wilson's with t instead of z is that of so many fewer units.
        fewer = (scipy.stats.norm.isf(miss / 2) / t[..., None]) ** 2
        low, high = wilson_ends(shares, units * fewer, 1 - miss)
        far = np.stack([shares - low, high - shares]) ** 2
        plus, minus = far[..., ::2].sum(-1), far[::-1, ..., 1::2].sum(-1)
        reach: Floats = self.unit * np.sqrt(plus + minus)
        return reach[0], reach[1]

    @property
    def _p(self) -> Floats:
        away = np.abs(self.estimate - self.null) / self.error
        return np.asarray(2 * scipy.stats.t.sf(away, self.degrees_of_freedom), np.float64)


def of_levels(effects: Effects, levels: Sequence[int]) -> Contrasts:
    """Every two levels of every factor; `effects` are of all pairs of the arms that cross factors with so many levels,
    the last factor's levels changing fastest, all of which have replicas."""
    every = tuple(Contrast(factor, a, b) for factor, size in enumerate(levels) for a, b in pairs_of(size))
    return _contrasts(effects, levels, every)


def of_differences(effects: Effects, levels: Sequence[int]) -> Contrasts:
    """Every two levels of every factor beside every two of another, each pair of factors once, the later one's levels
    beside the earlier one's; arguments as for `of_levels`, effects with a null of 0."""
    every = tuple(
        Contrast(factor, a, b, other, u, v)
        for other, factor in combinations(range(len(levels)), 2)
        for u, v in pairs_of(levels[other])
        for a, b in pairs_of(levels[factor])
    )
    return _contrasts(effects, levels, every)


def _contrasts(effects: Effects, levels: Sequence[int], every: tuple[Contrast, ...]) -> Contrasts:
    place = {pair: number for number, pair in enumerate(effects.pairs)}
    arms = [_arms(one, levels) for one in every]
    weights = np.zeros((len(every), len(place)))
    for row, groups in enumerate(arms):
        for more, less in zip(groups[::2].ravel().tolist(), groups[1::2].ravel().tolist(), strict=True):
            sign = 1 if more < less else -1
            weights[row, place[min(more, less), max(more, less)]] = sign / groups.shape[1]
    d = (effects.estimate - effects.null) / effects.unit
    searches, freedom = (np.broadcast_to(one, d.shape) for one in (effects.searches, effects.degrees_of_freedom))
    used = weights != 0
    own = None
    if effects.shares is not None:
        shares, units = effects.shares
        means = np.stack([shares[..., groups].mean(-1) for groups in arms], -2)
        own = means, np.stack([groups.shape[1] / (1 / units[..., groups]).mean(-1) for groups in arms], -2)
    return Contrasts(
        of=every,
        estimate=effects.null + effects.unit * (d @ weights.T),
        null=effects.null,
        unit=effects.unit,
        error=effects.unit * np.sqrt(effects.variance @ (weights**2).T),
        most=effects.unit * (1.0 if every[0].other is None else 2.0),
        degrees_of_freedom=_least(freedom, used),
        searches=-_least(-searches, used),
        levels=own,
    )


def _least(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """The least (…, C) of the values (…, P) that each row of `used` (C, P) has."""
    return np.stack([values[..., row].min(-1) for row in used], -1)


def _arms(one: Contrast, levels: Sequence[int]) -> NDArray[np.int64]:
    """Places (G, n) of the arms of each level, one beside another if need be, every second level counting negative;
    those of one column differ in the factor alone, or in the other one too."""
    every = np.arange(np.prod(levels)).reshape(levels)
    ends = [(one.b, one.v), (one.a, one.v), (one.a, one.u), (one.b, one.u)][: 2 if one.other is None else 4]
    found = []
    for level, beside in ends:
        place: list[int | slice] = [slice(None)] * len(levels)
        place[one.factor] = level
        if one.other is not None:
            place[one.other] = beside
        found.append(every[tuple(place)].ravel())
    return np.stack(found)
