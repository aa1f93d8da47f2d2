"""What a comparison of k arms can find: the chance that a pair that differs by so much is told apart, in advance.

Each pair is tested at α / (number of pairs), the hardest of Holm's steps, so that the power is that of a pair whatever
the others do. Shares lie δ apart around a centre, of which 1/2 is the hardest; P(better) is 1/2 + δ.

**One search an arm.** Units are the S replicas of an arm. For shares, the tables that Barnard's test rejects are listed
and their chances summed; past the largest that it takes (`analysis.statistics.two_shares`), Fisher's test is
approximated (Casagrande, Pike & Smith 1978). For P(better) scores are taken as normal with one variance: the estimate
then has the variance of its placements, and must pass both Mann and Whitney's and Brunner and Munzel's test
(`analysis.statistics.ranks`).

**Repeated searches.** The statistic of `analysis.statistics.repeats`, none of m repeats and S seeds missing:
D asin(d/D) is normal with variance v and is compared with Student's t. The estimate of v moves with its part between
repeats, of k (m - 1) degrees of freedom, and with it the least p that there can be; the power is the mean over it. Of
shares two repeats find nothing, whatever the seeds.

Against simulations by the tests themselves, of normal scores and beta-binomial counts, a power of .8 comes out between
.74 and .94: too low for small samples and strong effects, a little too high where repeats are few and differ little.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis.statistics.crossed import TIGHT
from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import least_p
from analysis.statistics.two_shares import LARGEST, barnard

ENOUGH = 0.8
ESTIMATES = (np.arange(400) + 0.5) / 400  # quantiles of the variance between repeats, over which power is averaged
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


@dataclass(frozen=True)
class Parts:
    """Parts of the variance of one replica's score within its arm.

    Attributes:
        repeat: between the arm's repeats, were each confirmed on all seeds that there are.
        interaction: κ of `analysis.statistics.crossed`, of arm × seed: what a seed does to all repeats of one arm.
    """

    repeat: float
    interaction: float

    def between(self, seeds: int) -> float:
        """B / V: the variance between the means of repeats on so many seeds, which holds a share of the rest."""
        return self.repeat + self.rest / seeds

    @property
    def rest(self) -> float:
        """Of replicas of one repeat, beyond what seeds bring."""
        return 1 - self.repeat - self.interaction


@dataclass(frozen=True)
class Design:
    """A study to come: its arms, the repeats of every arm's search, and the seeds on which each choice is confirmed.

    Raises ValueError for fewer than two arms, one repeat or one seed.
    """

    arms: int
    repeats: int
    seeds: int
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what compares nothing."""
        for name, least in (("arms", 2), ("repeats", 1), ("seeds", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected {least} or more, got {getattr(self, name)}")

    @property
    def pairs(self) -> int:
        """All are tested."""
        return math.comb(self.arms, 2)

    @property
    def level(self) -> float:
        """Of the test of one pair."""
        return self.alpha / self.pairs


def least(power: Callable[[int], float], low: int, high: int) -> int | None:
    """The least of low … high that is `ENOUGH`, the power growing with it; None where not even `high` is."""
    if power(high) < ENOUGH:
        return None
    return low + bisect_left(range(low, high + 1), True, key=lambda size: power(size) >= ENOUGH)


def two_shares(apart: float, centre: float = 0.5) -> tuple[float, float]:
    """Two shares so far apart, around the centre as far as [0, 1] allows."""
    low = float(np.clip(centre - apart / 2, 0.0, 1.0 - apart))
    return low, low + apart


def power_of_shares(design: Design, apart: float, parts: Parts, centre: float = 0.5) -> float:
    """The chance that two arms whose shares lie `apart`, in (0, 1], are told apart, the right way round.

    `parts` are of the indicator's variance, and matter where searches are repeated.
    """
    low, high = two_shares(apart, centre)
    if design.repeats > 1:
        middle = (low + high) / 2
        return _repeated(design, apart, middle * (1 - middle), 1 / 4, parts, bounded=True)
    n = design.seeds
    if (n + 1) ** 2 <= LARGEST:
        first, second = (scipy.stats.binom.pmf(np.arange(n + 1), n, share) for share in (low, high))
        return float(first @ np.triu(_rejected(n, design.level)) @ second)
    middle = (low + high) / 2
    away = apart - 1 / n - scipy.stats.norm.isf(design.level / 2) * math.sqrt(2 * middle * (1 - middle) / n)
    error = math.sqrt((low * (1 - low) + high * (1 - high)) / n)
    return float(scipy.stats.norm.cdf(away / error)) if apart < 1 else 1.0


def power_of_ranks(design: Design, beyond: float, parts: Parts) -> float:
    """The chance that two arms with P(better) = 1/2 + `beyond`, in (0, 1/2), are told apart, the right way round.

    `parts` are of the variance of a replica's place among those of its arm, and matter where searches are repeated.
    """
    if design.repeats > 1:
        return _repeated(design, 2 * beyond, 1 / 3, 1 / 3, parts, bounded=False)
    n, level = design.seeds, design.level
    if 2 / math.comb(2 * n, n) > level:
        return 0.0
    spread = math.sqrt(2 * _placements(0.5 + beyond) / n)
    limit = scipy.stats.norm.isf(level / 2) * math.sqrt((2 * n + 1) / 12) / n + 1 / (2 * n * n)
    limit = max(limit, float(scipy.stats.t.isf(level / 2, 2 * n - 2)) * spread)
    most = 0.5 - 1 / (2 * n * n)  # complete separation is always found
    return float(scipy.stats.norm.cdf((beyond - min(limit, most)) / spread))


def _placements(better: float) -> float:
    """The variance of Φ(X + δ), X standard normal: where a unit of one arm stands among those of the other."""
    away = scipy.stats.norm.ppf(better) * math.sqrt(2)
    places, weights = scipy.stats.norm.cdf(NODES + away), WEIGHTS / WEIGHTS.sum()
    return float(weights @ (places - weights @ places) ** 2)


@lru_cache(maxsize=64)
def _rejected(n: int, level: float) -> NDArray[np.bool_]:
    """The tables (n + 1, n + 1) of two arms of n replicas whose p-value by Barnard's test is at most the level."""
    x, y = np.ogrid[: n + 1, : n + 1]
    apart: Floats = (x - y) ** 2 / np.maximum((x + y) * (2 * n - x - y), 1)  # the order of z, for arms of one size
    steps, place = np.unique(apart, return_index=True)
    low, high = 0, len(steps)
    while high - low > 1:
        middle = (low + high) // 2
        a, b = divmod(int(place[middle]), n + 1)
        low, high = (low, middle) if barnard(a, n, b, n) <= level else (middle, high)
    return apart >= steps[high] if high < len(steps) else np.zeros(apart.shape, np.bool_)


def _repeated(design: Design, d: float, spread: float, largest: float, parts: Parts, *, bounded: bool) -> float:
    """Power where the difference is d and a replica's score has the variance `spread`, `largest` at most."""
    m, seeds, free = design.repeats, design.seeds, design.arms * (design.repeats - 1)
    part, common = parts.between(seeds), 2 * parts.interaction / seeds
    between = part * scipy.stats.chi2.ppf(ESTIMATES, free) / free
    between = np.maximum(between, parts.rest / seeds * scipy.stats.chi2.ppf(TIGHT, free) / free)
    seen = between / (between + 1 - part)
    whole = spread + largest * seen / (2 * m)
    most = 2 * np.sqrt(whole) if bounded else np.ones_like(whole)
    away = most * np.arcsin(np.minimum(d / most, 1.0))
    limit = scipy.stats.t.isf(design.level / 2, free) * np.sqrt(whole * (2 * seen / m + common))
    error = math.sqrt(spread * (2 * part / m + common))
    found = scipy.stats.norm.cdf((away - limit) / error) * (least_p(m / seen, m / seen) <= design.level)
    if bounded and barnard(m, m, 0, m) > design.alpha:
        return 0.0
    return float(found.mean())
