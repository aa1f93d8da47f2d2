"""Whether two shares differ, and by how much: the difference with its interval, and tests of equality.

**Interval.** Newcombe's (1998, his method 10): the ends of the two shares' own intervals at distances added in squares,
as the errors of independent shares are. It follows Wilson's for independent replicas, and the interval over
configurations where these are captured (Zou & Donner 2008).

**Test.** Of independent replicas, Barnard's (1947): both counts are free, and the p-value is the largest chance, over
all shares that the two arms could have in common, of tables as far apart as the one seen, measured by z with the pooled
variance (Suissa & Shuster 1985). Its level is at most the nominal one, and at 16 against 16 it finds .05 against .35 in
.60, where Fisher's test finds .44 and Boschloo's .45. Samples too large for it have Fisher's, which is valid too, and
by then hardly weaker. Over configurations, these are dealt out anew (`analysis.statistics.permutation`).

The interval and the test are made differently, and near the level may disagree about 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Floats, Interval, numbered, summed, wilson
from analysis.statistics.permutation import permutation

LARGEST = 17_000  # tables, 129 against 129, which take 40 ms


def newcombe(a: int, n: int, b: int, m: int, confidence: float = 0.95) -> Interval:
    """The share a of n less the share b of m, of independent replicas; captures seeds."""
    return difference(wilson(a, n, confidence), wilson(b, m, confidence))


def difference(first: Interval, second: Interval) -> Interval:
    """The first of two independent shares less the second, from their intervals.

    With nothing known of one of them the estimate is NaN and the interval [-1, 1]. Raises ValueError for intervals that
    capture or cover not the same.
    """
    if (first.captures, first.confidence) != (second.captures, second.confidence):
        raise ValueError(
            "second: expected an interval that captures and covers the same as the first,"
            f" {first.captures} at {first.confidence}, got {second.captures} at {second.confidence}"
        )
    estimate, n = first.estimate - second.estimate, first.n + second.n
    if math.isnan(estimate):
        return replace(first, estimate=math.nan, low=-1.0, high=1.0, n=n, method="nothing known of one share")
    low = estimate - math.hypot(first.estimate - first.low, second.high - second.estimate)
    high = estimate + math.hypot(first.high - first.estimate, second.estimate - second.low)
    return replace(first, estimate=estimate, low=low, high=high, n=n, method=f"Newcombe, {first.method}")


@lru_cache(maxsize=4096)
def barnard(a: int, n: int, b: int, m: int) -> float:
    """Two-sided p-value of the shares a of n and b of m of independent replicas; NaN where n or m is 0.

    Not `scipy.stats.barnard_exact`, which asks for equality of rounded statistics and so may miss the observed table's
    mirror image: of 6 of 15 and 29 of 35 it says .0029, where it is .0036.
    """
    if not (0 <= a <= n and 0 <= b <= m):
        raise ValueError(f"counts: expected 0 <= a <= n and 0 <= b <= m, got {a} of {n} and {b} of {m}")
    if n == 0 or m == 0:
        return math.nan
    apart, spread = a * m - b * n, (a + b) * (n + m - a - b)
    if apart == 0:
        return 1.0
    if (n + 1) * (m + 1) > LARGEST:
        return float(scipy.stats.fisher_exact(np.array([[a, n - a], [b, m - b]])).pvalue)
    x, y = np.ogrid[: n + 1, : m + 1]
    # z² is N (x m - y n)² / (n m (x + y)(N - x - y)): multiplied out, tables as far apart are so exactly.
    further = ((x * m - y * n) ** 2 * spread >= apart**2 * (x + y) * (n + m - x - y)) & (x * m != y * n)
    angles = np.linspace(0, math.pi / 2, 513)
    place = int(_chances(further, angles).argmax())
    closer = np.linspace(angles[max(place - 1, 0)], angles[min(place + 1, 512)], 65)
    return min(float(_chances(further, closer).max()), 1.0)


def _chances(tables: ArrayLike, angles: Floats) -> Floats:
    """The chance (G,) of a set of tables, (n + 1, m + 1) bool, at common shares sin² of the angles (G,)."""
    held = np.asarray(tables, np.float64)
    share = np.sin(angles) ** 2
    rows, columns = (scipy.stats.binom.pmf(np.arange(size)[:, None], size - 1, share) for size in held.shape)
    found: Floats = ((held.T @ rows) * columns).sum(0)
    return found


def clustered(samples: Sequence[ArrayLike], configurations: Sequence[ArrayLike]) -> tuple[float, int, float]:
    """Chi-squared, its degrees of freedom and p-value of the shares of k arms whose replicas come in configurations.

    Args:
        samples: for each arm, whether something held for each of its replicas (n,).
        configurations: for each arm, the labels (n,) of its replicas' configurations.

    Returns:
        As `analysis.statistics.permutation.permutation` of what the configurations hold beyond the share of all.
    """
    held = [np.asarray(sample, np.bool_) for sample in samples]
    total, seen = sum(map(len, held)), int(sum(one.sum() for one in held))
    beyond = [
        summed(one * total - seen, *numbered(labels, len(one), "both"))
        for one, labels in zip(held, configurations, strict=True)
    ]
    return permutation([sums / total for sums in beyond])
