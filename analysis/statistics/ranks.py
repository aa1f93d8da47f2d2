"""Comparison of two samples by rank: the probability that one is below the other, with interval and test.

The relative effect is P(A < B) + P(A = B)/2 (Mann & Whitney 1947), which is Vargha & Delaney's A (2000), and Cliff's
delta (1993) is twice it less one. Only ranks matter: ties count half, and infinities are ordinary values.

**Interval.** Wilson's, on the number of units that has the variance of the placements (Brunner & Munzel 2000), with
Welch's degrees of freedom. The units are clipped to [min(n, m), 4nm/(n + m)], whose lower end bounds them for all
distributions (Birnbaum & Klose 1957): near complete separation the estimated variance is unreliable, at it 0.

**Test.** `mann_whitney` tests whether two distributions are equal. Up to samples of about 24 its p-value is exact, with
ties too: twice the smaller tail over all ways to deal the ranks out anew, counted by their sum. Beyond, it is
approximate. `brunner_munzel` tests whether the relative effect is 1/2, whatever the variances; since it alone rejects
too often in samples of tens, and always where they are separated, its p-value here is never below Mann and Whitney's,
so that it keeps its level under either null hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Floats, quantile, wilson_ends

TESTS = ("brunner_munzel", "mann_whitney")
EXACT = 2 * 10**6  # additions, 2 ms: two samples of up to 24, or three against 300


@dataclass(frozen=True)
class RelativeEffect:
    """P(A < B) + P(A = B)/2 of samples of n and m, the variance of the estimate, and its degrees of freedom."""

    estimate: float
    variance: float
    degrees_of_freedom: float
    n: int
    m: int

    @property
    def units(self) -> float:
        """The number of independent Bernoulli trials that would estimate the effect as precisely."""
        least, most = min(self.n, self.m), 4 * self.n * self.m / (self.n + self.m)
        spread = self.estimate * (1 - self.estimate)
        return float(np.clip(spread / self.variance, least, most)) if self.variance > 0 else float(least)

    def ends(self, confidence: float = 0.95) -> tuple[float, float]:
        """Ends of the effect's interval."""
        widened = (quantile(confidence) / quantile(confidence, self.degrees_of_freedom)) ** 2
        low, high = wilson_ends(self.estimate, self.units * widened, confidence)
        return float(low), float(high)

    def brunner_munzel(self) -> tuple[float, float]:
        """Statistic and two-sided p-value by Student's t; ±inf and 0 at complete separation."""
        away = self.estimate - 0.5
        if away == 0:
            return 0.0, 1.0
        statistic = away / np.sqrt(self.variance) if self.variance > 0 else np.copysign(np.inf, away)
        return float(statistic), float(2 * scipy.stats.t.sf(abs(statistic), self.degrees_of_freedom))


def relative_effect(a: ArrayLike, b: ArrayLike) -> RelativeEffect:
    """The relative effect of two samples, (n,) and (m,); infinities are values, NaN is refused."""
    first, second = _sample("a", a), _sample("b", b)
    n, m = len(first), len(second)
    ranks = scipy.stats.rankdata(np.concatenate([first, second]))
    above = 1 - (ranks[:n] - scipy.stats.rankdata(first)) / m  # for each a, the share of b above it, ties half
    below = (ranks[n:] - scipy.stats.rankdata(second)) / n
    parts = np.array([_variance(above) / n, _variance(below) / m])
    variance = float(parts.sum())
    # Welch and Satterthwaite; where both variances are 0 any number would do.
    welch = variance**2 / (parts**2 / np.maximum([n - 1, m - 1], 1)).sum() if variance > 0 else min(n, m) - 1
    wins = ranks[n:].sum() - m * (m + 1) / 2  # a whole number or a half
    return RelativeEffect(float(wins / (n * m)), variance, max(float(welch), 1.0), n, m)


def rank_test(a: ArrayLike, b: ArrayLike, test: str = "brunner_munzel") -> tuple[float, float]:
    """Statistic and two-sided p-value of one of `TESTS`; the statistic, or U, is large where a tends below b."""
    if test not in TESTS:
        raise ValueError(f"test: expected one of {', '.join(TESTS)}, got {test!r}")
    first, second = _sample("a", a), _sample("b", b)
    ranks = scipy.stats.rankdata(np.concatenate([first, second]))
    if ranks.min() == ranks.max():
        return (0.0 if test == "brunner_munzel" else len(first) * len(second) / 2), 1.0
    own, others = ranks[: len(first)], ranks[len(first) :]
    p = _exact(own, others)
    if p is None:
        p = float(scipy.stats.mannwhitneyu(others, own, method="asymptotic").pvalue)
    if test == "mann_whitney":
        return float(others.sum()) - len(others) * (len(others) + 1) / 2, p
    statistic, unequal = relative_effect(first, second).brunner_munzel()
    return statistic, max(unequal, p)


def mid_distribution(values: Floats, weights: Floats) -> Floats:
    """Mid-ranks by weights: (F(x-) + F(x)) / 2 at each of the values (…, N), F being their distribution by weights
    (…, N) that add up to 1, and are 0 where a value is NaN."""
    order = np.argsort(values, -1)
    ordered = np.take_along_axis(values, order, -1)
    upto = np.cumsum(np.take_along_axis(weights, order, -1), -1)
    before = np.concatenate([np.zeros_like(upto[..., :1]), upto[..., :-1]], -1)
    new = np.concatenate([np.ones_like(ordered[..., :1], bool), ordered[..., 1:] != ordered[..., :-1]], -1)
    below = np.maximum.accumulate(np.where(new, before, 0.0), -1)
    last = np.concatenate([new[..., 1:], np.ones_like(new[..., :1])], -1)
    through = np.minimum.accumulate(np.where(last, upto, np.inf)[..., ::-1], -1)[..., ::-1]
    found = np.empty_like(values)
    np.put_along_axis(found, order, (below + through) / 2, -1)
    return found


def _exact(a: Floats, b: Floats) -> float | None:
    """Twice the smaller tail of the sum of ranks over all ways to deal them out; None where that would take long."""
    fewer, more = sorted((a, b), key=len)
    ranks = np.rint(2 * np.concatenate([fewer, more])).astype(np.int64)  # mid-ranks are halves
    ranks -= ranks.min()
    size, seen = len(fewer), int(ranks[: len(fewer)].sum())
    most = int(np.sort(ranks)[-size:].sum())
    if size * most * len(ranks) > EXACT:
        return None
    ways = np.zeros((size + 1, most + 1))  # of dealing so many ranks with this sum
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : most + 1 - rank]
    tail = min(ways[-1, : seen + 1].sum(), ways[-1, seen:].sum())
    return min(float(2 * tail / ways[-1].sum()), 1.0)


def _variance(placements: Floats) -> float:
    return float(placements.var(ddof=1)) if len(placements) > 1 else 0.0


def _sample(name: str, values: ArrayLike) -> Floats:
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not len(found) or np.isnan(found).any():
        raise ValueError(f"{name}: expected (n,) numbers without NaN, n > 0, got shape {found.shape}")
    return found
