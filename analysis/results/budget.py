"""What a search's budget buys: the best of k configurations, performance profiles, and the bias of selection.

**Best of k.** The best score of a search of k configurations, drawn at random from an arm's n. A configuration counts
as one number, the median over its replicas. Two curves describe it:

- `median`: half of the searches of k do better. It is the (1 - 2^(-1/k)) quantile of a configuration's score, so that
  its interval comes from order statistics and is exact for any distribution (Lourie, Cho & He 2024). An end that the
  data do not bound is infinite, as the better one is once k approaches n/5.
- `mean`: the expected best, the average over all subsets of k, free of bias (Tang et al. 2020; Dodge et al. 2019 with
  replacement); infinite as long as k configurations may all have diverged. Its bootstrap interval, corrected for
  bias, is given for 2 <= k <= n/10 only: beyond, the resampled best hardly varies (coverage 0.7 in simulations at
  k = n/2); at k = 1 it is the interval of a plain mean, which fails under heavy tails.

Both assume that configurations are independent draws, which those of an adaptive sampler are not: a TPE search draws
later ones near good earlier ones, and the curves of its configurations are not those of a TPE search of k.

**Profile.** The share of replicas at least as good as each threshold tau (Dolan & Moré 2002; Agarwal et al. 2021).

**Selection bias.** The best of a search was chosen by its score, which is therefore optimistic; the score of the same
configuration on fresh seeds is not. The two are shown side by side and never pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from analysis.results.cohort import Cohort, cohorts
from analysis.results.effects import Scale
from analysis.results.pairs import scale_of
from analysis.results.selection import SPAN, Selection
from analysis.results.winner import corrected
from analysis.statistics.binomials import log_choose
from analysis.statistics.bootstrap import Resampling, bootstrap, percentiles, resampled
from analysis.statistics.intervals import Band, Floats, Interval, shares

MOST_TAUS = 200
WITHOUT = "no interval: no score in the search"


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


@dataclass(frozen=True)
class Profile:
    """The share of an arm's replicas at least as good as each tau, `band.x`, ascending; diverged ones never are."""

    arm: str
    metric: str
    mode: str
    phase: str
    floor: float
    band: Band


@dataclass(frozen=True)
class SelectionBias:
    """A winner's score in the search that chose it beside its score on fresh seeds.

    Attributes:
        arm: its name.
        repeat, index: which of the arm's searches, and the configuration's number in it; the same in both phases.
        metric: what scores are.
        mode: "min" or "max", which is better.
        search: median over the search's seeds; its interval ignores that it was chosen. NaN where the scheduler
            stopped the trial before it had a final score.
        corrected: the same score corrected for the choice, from the search alone (`analysis.results.winner`).
        confirmed: median over fresh seeds.
        change: confirmed less search, positive being worse where mode is min; captures seeds.
        biased: worse on fresh seeds, and the interval of the change excludes 0.
    """

    arm: str
    repeat: int
    index: int
    metric: str
    mode: str
    search: Interval
    corrected: Interval
    confirmed: Interval
    change: Interval
    biased: bool


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
    low, high = binom.ppf(tail, n, level).astype(np.int64), binom.ppf(1 - tail, n, level).astype(np.int64) + 1
    place = np.maximum(np.ceil(n * level - 1e-9), 1).astype(np.int64)
    return padded[place], padded[low], padded[high]


def profiles(
    selected: Selection,
    metric: str,
    *,
    mode: str | None = None,
    taus: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> tuple[Profile, ...]:
    """Each arm's performance profile, with Wilson's interval at each of `taus`, by default at scores of all arms."""
    found = [cohort for cohort in cohorts(selected, metric, mode) if len(cohort.cost)]
    if not found:
        return ()
    sign = found[0].sign
    grid = _grid(np.concatenate([c.cost for c in found])) if taus is None else np.asarray(taus, np.float64) * sign
    bounds = np.unique(grid)
    result = []
    for cohort in found:
        held = cohort.cost[:, None] <= bounds
        share, low, high, method = shares(held, cohort.unit, cohort.captures, confidence)
        order = np.argsort(bounds * sign)
        x, share, low, high = (values[order] for values in (bounds * sign, share, low, high))
        band = Band(x, share, low, high, len(held), method, cohort.captures, confidence)
        result.append(Profile(cohort.arm, metric, _mode(sign), selected.phase, cohort.floor, band))
    return tuple(result)


def selection_bias(
    searched: Selection,
    confirmed: Selection,
    metric: str,
    *,
    resampling: Resampling,
    mode: str | None = None,
) -> tuple[SelectionBias, ...]:
    """Each confirmed configuration's score in the search and on fresh seeds; arguments as for `best_of_k`."""
    chosen_from = {cohort.arm: cohort for cohort in cohorts(searched, metric, mode)}
    scale: Scale = scale_of(metric, list(chosen_from.values())) if chosen_from else "difference"
    found = []
    for cohort in cohorts(confirmed, metric, mode):
        for index in np.unique(cohort.configuration):
            fresh, again = _replicas(cohort, index, resampling)
            before = chosen_from.get(cohort.arm)
            past, first = _replicas(before, index, resampling) if before else (np.array([]), resampling)
            search, after, change = _change(past, fresh, first, again)
            honest = corrected(before, int(index), scale, resampling.confidence) if before else search
            biased = bool(change.low > 0)
            if cohort.sign < 0:
                search, honest, after, change = (one.negated() for one in (search, honest, after, change))
            repeat, number = divmod(int(index), SPAN)
            found.append(
                SelectionBias(
                    cohort.arm, repeat, number, metric, _mode(cohort.sign), search, honest, after, change, biased
                )
            )
    return tuple(found)


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
        mode=_mode(cohort.sign),
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


def _change(past: Floats, fresh: Floats, first: Resampling, again: Resampling) -> tuple[Interval, Interval, Interval]:
    """A configuration's median cost before, after, and the change, over seeds; by resamples of their own."""
    after = bootstrap(fresh, resampling=again, statistic="median")
    if not len(past):
        none = Interval(np.nan, np.nan, np.nan, 0, WITHOUT, "seeds", again.confidence)
        return none, after, none
    before = bootstrap(past, resampling=first, statistic="median")
    _, drawn_after, degrees_after = resampled(fresh, None, again, ("median",))
    _, drawn_before, degrees_before = resampled(past, None, first, ("median",))
    degrees_of_freedom = (degrees_before + degrees_after) * (min(degrees_before, degrees_after) > 0)
    differences = _difference(drawn_after[0], drawn_before[0])
    estimate = float(_difference(after.estimate, before.estimate))
    n = len(past) + len(fresh)
    return (
        before,
        after,
        percentiles(estimate, differences, degrees_of_freedom, n, "seeds", again.confidence),
    )


def _replicas(cohort: Cohort, index: int, resampling: Resampling) -> tuple[Floats, Resampling]:
    """The costs of a configuration's replicas, and how their intervals are drawn, which their trial's name fixes."""
    own = cohort.configuration == index
    return cohort.cost[own], resampling.named(np.unique(cohort.trial[own]))


def _difference(after: ArrayLike, before: ArrayLike) -> Floats:
    """after - before, equal infinities giving 0."""
    same = np.equal(after, before)
    return np.where(same, 0.0, np.subtract(after, np.where(same, 0.0, before)))


def _grid(cost: Floats) -> Floats:
    scores = np.unique(cost[np.isfinite(cost)])
    places = np.linspace(0, len(scores) - 1, min(len(scores), MOST_TAUS)).round().astype(np.int64)
    return scores[places]


def _mode(sign: int) -> str:
    return "min" if sign == 1 else "max"
