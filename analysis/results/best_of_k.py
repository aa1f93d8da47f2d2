"""The best of k configurations: the best score of a search of k, drawn at random from an arm's n.

A configuration counts as one number, the median over its replicas. Two curves describe it:

- `median`: half of the searches of k do better. It is the (1 - 2^(-1/k)) quantile of a configuration's score, so that
  its interval comes from order statistics and is exact for any distribution (Lourie, Cho & He 2024). An end that the
  data do not bound is infinite, as the better one is once k approaches n/5.
- `mean`: the expected best, the average over all subsets of k, free of bias (Tang et al. 2020; Dodge et al. 2019 with
  replacement); infinite as long as k configurations may all have diverged. Its bootstrap interval, corrected for
  bias, is given for 2 <= k <= n/10 only: beyond, the resampled best hardly varies (coverage 0.7 in simulations at
  k = n/2); at k = 1 it is the interval of a plain mean, which fails under heavy tails.

Both assume that configurations are independent draws, which those of an adaptive sampler are not: a TPE search draws
later ones near good earlier ones, and the curves of its configurations are not those of a TPE search of k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis.results.cohort import Cohort, cohorts
from analysis.results.selection import Selection
from analysis.statistics.binomials import log_choose
from analysis.statistics.bootstrap import Resampling, percentiles
from analysis.statistics.intervals import Band, Floats


@dataclass(frozen=True)
class BestOfK:
    """The best score after k configurations, k = 1, 2, … being `mean.x` and `median.x`, or what they spend (`over`).

    Attributes:
        arm: its name.
        metric: what scores are.
        mode: "min" or "max", which is better.
        n: configurations searched; those a scheduler stopped count as the worst, failed ones are not counted.
        floor: the metric of fresh real samples; NaN when unknown.
        mean: expected best.
        median: median best.
        none_finite: (M,) probability that none of k configurations has a finite score.
        over: what the x are, "configurations" or a key of `analysis.wording.SPENDINGS`.
    """

    arm: str
    metric: str
    mode: str
    n: int
    floor: float
    mean: Band
    median: Band
    none_finite: Floats
    over: str = "configurations"


def best_of_k(
    searched: Selection,
    metric: str,
    *,
    resampling: Resampling,
    mode: str | None = None,
    most: int | None = None,
) -> tuple[BestOfK, ...]:
    """Each arm's best-of-k curves over the configurations of its search.

    Args:
        searched: the rows of the search.
        metric: a column of measurements.
        resampling: of the bootstrap; `confidence` is the nominal coverage at a k.
        mode: "min" or "max"; by default the metric's own.
        most: the largest k; all configurations when None.
    """
    return tuple(
        _best(cohort, metric, most, resampling) for cohort in cohorts(searched, metric, mode) if len(cohort.cost)
    )


def expected_best(cost: Floats, ks: NDArray[np.int64]) -> Floats:
    """The mean, over all subsets of k of the N ascending costs (…, N), of their minimum, (…, K); 1 <= k <= N."""
    n = cost.shape[-1]
    rank = np.arange(1, n + 1)[:, None]
    left = n - rank - ks + 1
    # P(the best of k is the one of rank i) = C(n - i, k - 1) / C(n, k), by logarithms because the counts overflow.
    weight = np.where(left >= 0, np.exp(log_choose(n - rank, ks - 1) - log_choose(n, ks)), 0.0)
    infinite = np.isinf(cost)
    means: Floats = np.where(infinite, 0.0, cost) @ weight
    return np.where(infinite.astype(np.float64) @ weight > 1e-12, np.inf, means)


def median_best(cost: Floats, ks: NDArray[np.int64], confidence: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """The median of the minimum of k fresh draws, estimated from N ascending costs (N,), and its interval, (K,)
    each."""
    n, level = len(cost), -np.expm1(-np.log(2) / ks)
    tail = 0.5 - confidence / 2
    padded = np.r_[-np.inf, cost, np.inf]
    low, high = (scipy.stats.binom.ppf(share, n, level).astype(np.int64) for share in (tail, 1 - tail))
    place = np.maximum(np.ceil(n * level - 1e-9), 1).astype(np.int64)
    return padded[place], padded[low], padded[high + 1]


def _best(cohort: Cohort, metric: str, most: int | None, resampling: Resampling) -> BestOfK:
    cost = np.sort(np.r_[cohort.medians()[1], np.full(cohort.stopped, np.inf)])
    n = len(cost)
    ks = np.arange(1, min(most or n, n) + 1)
    mean = expected_best(cost, ks)
    low, high = _mean_ends(cost, ks, mean, resampling.named(np.unique(cohort.trial)))
    middle, least, greatest = median_best(cost, ks, resampling.confidence)
    finite = int(np.isfinite(cost).sum())
    none_finite = np.where(ks <= n - finite, np.exp(log_choose(n - finite, ks) - log_choose(n, ks)), 0.0)
    x = ks.astype(np.float64)

    def band(estimate: Floats, low: Floats, high: Floats, method: str) -> Band:
        ends = (estimate, low, high) if cohort.sign == 1 else (-estimate, -high, -low)
        return Band(x, *ends, n, method, "configurations", resampling.confidence)

    return BestOfK(
        arm=cohort.arm,
        metric=metric,
        mode=cohort.mode,
        n=n,
        floor=cohort.floor,
        mean=band(mean, low, high, "expected best of k, bootstrap"),
        median=band(middle, least, greatest, "median best of k, order statistics"),
        none_finite=none_finite,
    )


def _mean_ends(
    cost: Floats,
    ks: NDArray[np.int64],
    mean: Floats,
    resampling: Resampling,
) -> tuple[Floats, Floats]:
    """Ends (K,) for the expected best, NaN where the bootstrap is unreliable or the estimate infinite."""
    n = len(cost)
    ends = np.full((2, len(ks)), np.nan)
    trusted = (ks >= 2) & (ks <= n / 10) & np.isfinite(mean)
    if trusted.any():
        drawn = np.sort(resampling.generator.integers(n, size=(resampling.resamples, n)), axis=1)
        draws = expected_best(cost[drawn], ks[trusted])
        for column, place in enumerate(np.flatnonzero(trusted)):
            values = draws[:, column]
            shift = mean[place] - values[np.isfinite(values)].mean()
            found = percentiles(mean[place], values + shift, n - 1, n, "both", resampling.confidence)
            ends[:, place] = found.low, found.high
    return ends[0], ends[1]
