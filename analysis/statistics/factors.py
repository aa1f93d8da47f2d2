"""Arms that cross several factors, each level of one with each of the others: what a level does on average over all
levels of the others, and whether it does more beside one level of another than beside the next.

Both are sums of effects of pairs of arms that differ in one factor alone, each pair counting the same: of level b
instead of a, beside all that the others may be, and of these beside v less those beside u. No two of the pairs have an
arm in common. With the variances v of pairs' effects, were the arms of a pair alike (`analysis.statistics.repeats`), a
sum Σ c d is compared with Student's t by Σ c² v, which is too large where the arms of a pair differ. As with pairs of
shares, no p is below what one arm's searches can say. How far apart two probabilities of being better lie hangs on
where they lie, so that differences of differences are of means alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import Effects, pairs_of

Places = tuple[int, ...]  # a level of each factor


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
        most: how far from `null` it can be.
        degrees_of_freedom: of the error.
        searches: the least p, corrected or not, that one arm's searches can give.
    """

    of: tuple[Contrast, ...]
    estimate: Floats
    null: float
    error: Floats
    most: float
    degrees_of_freedom: Floats
    searches: Floats

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
        away = scipy.stats.t.isf(miss / 2, self.degrees_of_freedom) * self.error
        away = np.where(self.searches > 1 - confidence, np.maximum(away, np.abs(self.estimate - self.null)), away)
        low, high = (
            np.clip(self.estimate + side * away, self.null - self.most, self.null + self.most) for side in (-1, 1)
        )
        return low, high

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
    weights = np.zeros((len(every), len(place)))
    for row, one in enumerate(every):
        for first, second, weight in _pairs(one, levels):
            weights[row, place[first, second]] = weight
    d = (effects.estimate - effects.null) / effects.unit
    searches, freedom = (np.broadcast_to(one, d.shape) for one in (effects.searches, effects.degrees_of_freedom))
    used = weights != 0
    return Contrasts(
        of=every,
        estimate=effects.null + effects.unit * (d @ weights.T),
        null=effects.null,
        error=effects.unit * np.sqrt(effects.variance @ (weights**2).T),
        most=effects.unit * (1.0 if every[0].other is None else 2.0),
        degrees_of_freedom=_least(freedom, used),
        searches=-_least(-searches, used),
    )


def _least(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """The least (…, C) of the values (…, P) that each row of `used` (C, P) has."""
    return np.stack([values[..., row].min(-1) for row in used], -1)


def _pairs(one: Contrast, levels: Sequence[int]) -> Iterator[tuple[int, int, float]]:
    """The pairs of arms, as `Effects` has them, with the weights of their effects."""
    free = [size for factor, size in enumerate(levels) if factor not in (one.factor, one.other)]
    beside = [(None, 1.0)] if one.other is None else [(one.v, 1.0), (one.u, -1.0)]
    for level, sign in beside:
        for rest in product(*map(range, free)):
            first, second = (_arm(one, end, level, rest, levels) for end in (one.a, one.b))
            yield first, second, -sign / float(np.prod(free, initial=1))


def _arm(one: Contrast, end: int, beside: int | None, rest: Places, levels: Sequence[int]) -> int:
    others = iter(rest)
    place = 0
    for factor, size in enumerate(levels):
        level = end if factor == one.factor else beside if factor == one.other and beside is not None else next(others)
        place = place * size + level
    return place
