"""Medians and interquartile means of replicas, with a bootstrap stratified by configuration.

A resample is a set of weights on the sorted values; all are computed at once. It draws n - 1 of a configuration's n
replicas where seeds are captured, or C - 1 of C configurations, each with all its replicas, where both are (see
`analysis.statistics.intervals`), since drawing n of n understates the variance by a factor (n - 1)/n, a quarter at four
seeds (McCarthy & Snowden 1985; Rao & Wu 1988). Percentiles are widened as Student's t is (Hesterberg 2015). Infinities
take part by rank, so that a diverged replica counts as worse than any finite score.

Few units, replicas where seeds are captured and configurations where both are, have no interval: its ends would lie
among their values, which enclose even the median in no more than 1 - 2^(1-n) of all samples, .75 for three, .94 for
five, so that 95 % take six. Nominal 95 % intervals of the interquartile mean were found to cover .74 to .78 with three
replicas, .76 to .90 with four, .82 to .95 with five and .88 to .97 with six, least where three in ten lie far off; with
eight or more, .94 to .98.

The interquartile mean is that of the middle half exactly: of five values, the second and fourth count three quarters.
rliable's (Agarwal et al. 2021), which is `scipy.stats.trim_mean`, leaves out whole values, one at each end of five, six
or seven. The two are equal where n is divisible by four.

The draws' distribution of one configuration's median is known (Efron 1979): its percentiles are computed and not
drawn, so that they do not hop from one order statistic to the next with the generator's seed. Its ends being order
statistics, of an even number at least, it covers what a binomial says: .930 of eight replicas, .979 of 16, .950 of 32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtrc, ndtr  # as in `intervals`, not of scipy.stats

from analysis.statistics.binomials import log_choose
from analysis.statistics.intervals import TOO_FEW, Captures, Floats, Interval, fewest, numbered, quantile
from analysis.statistics.streams import stream

Statistic = Literal["median", "iqm"]
STATISTICS: tuple[Statistic, ...] = ("median", "iqm")
CHUNK = 1 << 21  # weights held at once
MOST_EXACT = 2000  # replicas whose median's draws are not drawn: their number grows with the square


@dataclass(frozen=True)
class Resampling:
    """How intervals are bootstrapped.

    Attributes:
        generator: source of the random draws; its state determines the result and is advanced.
        resamples: number of resamples.
        confidence: nominal coverage.
    """

    generator: np.random.Generator
    resamples: int = 4000
    confidence: float = 0.95

    def named(self, names: Iterable[str]) -> Resampling:
        """The same with the generator of this name (`analysis.statistics.streams.stream`)."""
        return replace(self, generator=stream(self.generator, names))


def bootstrap(
    values: ArrayLike,
    configurations: ArrayLike | None = None,
    *,
    resampling: Resampling,
    statistic: Statistic = "iqm",
    captures: Captures = "seeds",
) -> Interval:
    """The median or interquartile mean of replicas, with a bootstrap interval stratified by configuration.

    Args:
        values: (N,) scores; infinities take part by rank, NaN is refused.
        configurations: (N,) labels, the configuration of each; a single one when None.
        resampling: generator, number of resamples and coverage.
        statistic: "median", or "iqm", the mean of the middle half, which is infinite when an infinity is in it.
        captures: seeds or both, see the module's docstring.

    Returns:
        The ends are NaN with one replica per configuration (`seeds`), and of too few replicas (`seeds`) or
        configurations (`both`), see `analysis.statistics.intervals.fewest`.
    """
    [interval] = bootstraps(values, configurations, resampling, (statistic,), captures)
    return interval


def bootstraps(
    values: ArrayLike,
    configurations: ArrayLike | None,
    resampling: Resampling,
    statistics: Sequence[Statistic],
    captures: Captures = "seeds",
) -> list[Interval]:
    """Intervals of several statistics by the same resamples; arguments as for `bootstrap`."""
    n, confidence = np.size(values), resampling.confidence
    known = captures == "seeds" and 1 < n <= MOST_EXACT
    known = known and (configurations is None or len(np.unique(np.asarray(configurations))) == 1)
    drawn = [name for name in statistics if not (known and name == "median")]
    estimates, draws, degrees_of_freedom = resampled(values, configurations, resampling, drawn, captures)
    found = {
        name: percentiles(estimate, draw, degrees_of_freedom, n, captures, confidence)
        for name, estimate, draw in zip(drawn, estimates, draws, strict=True)
    }
    scores = np.sort(np.asarray(values, np.float64))
    intervals = [found[name] if name in found else _median(scores, confidence) for name in statistics]
    units = n if captures == "seeds" else numbered(configurations, n, captures)[1]
    if units < fewest(confidence) and not np.isnan(intervals[0].low):
        none = f"{TOO_FEW} {fewest(confidence)} {'seeds' if captures == 'seeds' else 'configurations'}"
        return [replace(one, low=np.nan, high=np.nan, method=none) for one in intervals]
    return intervals


def resampled(
    values: ArrayLike,
    configurations: ArrayLike | None,
    resampling: Resampling,
    statistics: Sequence[Statistic],
    captures: Captures = "seeds",
) -> tuple[Floats, Floats, int]:
    """Estimates (S,) of S statistics, their bootstrap draws (S, resamples), and the draws' degrees of freedom.

    With no degrees of freedom the draws are NaN. Arguments as for `bootstrap`.
    """
    scores = np.asarray(values, np.float64)
    if scores.ndim != 1 or not len(scores) or np.isnan(scores).any():
        raise ValueError(f"values: expected (N,) numbers without NaN, N > 0, got {_described(scores)}")
    group, count = numbered(configurations, len(scores), captures)
    order = np.argsort(scores, kind="stable")
    scores, group = scores[order], group[order]
    degrees_of_freedom = len(scores) - count if captures == "seeds" else count - 1
    plain = np.cumsum(np.ones((1, len(scores))), axis=1)
    estimates = np.array([_statistic(scores, plain, name)[0] for name in statistics])
    draws = np.full((len(statistics), resampling.resamples), np.nan)
    weigh = _within if captures == "seeds" else _between
    rows = max(1, CHUNK // len(scores))
    for start in range(0, resampling.resamples if degrees_of_freedom > 0 and len(statistics) else 0, rows):
        number = min(rows, resampling.resamples - start)
        mass = np.cumsum(weigh(group, number, resampling.generator), axis=1)
        for row, name in enumerate(statistics):
            draws[row, start : start + number] = _statistic(scores, mass, name)
    return estimates, draws, degrees_of_freedom


def percentiles(
    estimate: float, draws: Floats, degrees_of_freedom: int, n: int, captures: Captures, confidence: float = 0.95
) -> Interval:
    """The interval between percentiles of bootstrap draws, widened as Student's t of those degrees of freedom is."""
    if degrees_of_freedom < 1:
        unit = "replica per configuration" if captures == "seeds" else "configuration"
        return Interval(float(estimate), np.nan, np.nan, n, f"no interval: one {unit}", captures, confidence)
    tail = _tail(confidence, degrees_of_freedom)
    low, high = ordered_quantiles(draws, (tail, 1 - tail))
    return Interval(float(estimate), low, high, n, "stratified bootstrap", captures, confidence)


def ordered_quantiles(draws: Floats, levels: Sequence[float]) -> tuple[float, ...]:
    """Quantiles without interpolation between draws, which infinities would make NaN; a level is what it is written."""
    ordered = np.sort(draws)
    places = (math.ceil(Fraction(str(float(level))) * len(ordered)) - 1 for level in levels)
    return tuple(float(ordered[min(max(place, 0), len(ordered) - 1)]) for place in places)


def _median(scores: Floats, confidence: float) -> Interval:
    """What `percentiles` gives of infinitely many draws of n - 1 of n ascending scores, n > 1."""
    n, tail = len(scores), _tail(confidence, len(scores) - 1)
    half, odd = divmod(n - 1, 2)
    place = np.arange(1, n + 1)
    if odd:
        values, mass = scores, np.diff(bdtrc(half, n - 1, place / n), prepend=0.0)
    else:
        # The two middle draws are those of ranks i <= j if half of all draws end at i and the other half begins at j.
        ends, begins = np.diff((place / n) ** half, prepend=0.0), -np.diff((1 - place / n) ** half, prepend=1.0)
        with np.errstate(divide="ignore"):
            joint = np.triu(np.exp(log_choose(n - 1, half) + np.log(ends)[:, None] + np.log(begins)), 1)
        lower = np.diff(bdtrc(half - 1, n - 1, place / n), prepend=0.0)
        joint[np.diag_indices(n)] = lower - joint.sum(1)
        values, mass = _middle(scores[:, None], scores[None, :]).ravel(), joint.ravel()
    order = np.argsort(values, kind="stable")
    places = np.searchsorted(np.cumsum(mass[order]), (tail, 1 - tail)).clip(0, len(order) - 1)
    low, high = values[order][places].tolist()
    estimate = float(_middle(scores[(n - 1) // 2], scores[n // 2]))
    return Interval(estimate, low, high, n, "exact bootstrap", "seeds", confidence)


def _middle(below: Floats, above: Floats) -> Floats:
    """The mean of two scores, of two equal infinities too."""
    same = below == above
    middle: Floats = np.where(same, below, (below + np.where(same, 0.0, above)) / 2)
    return middle


def _tail(confidence: float, degrees_of_freedom: int) -> float:
    """The level of the lower percentile, widened as Student's t is."""
    return float(ndtr(-quantile(confidence, degrees_of_freedom)))


def _within(group: NDArray[np.int64], number: int, generator: np.random.Generator) -> Floats:
    """Bootstrap weights (number, N) that draw n - 1 of the n replicas of each configuration (1 of 1).

    They are whole numbers, so that equal parts of the weight are found equal: 1 is the least common multiple of all
    n - 1, which keeps every configuration's total at n of them.
    """
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    unit = math.lcm(*(int(size) - 1 for size in sizes if size > 1))
    weights = np.full((number, len(group)), float(unit))
    for size in np.unique(sizes[sizes > 1]):
        columns = order[starts[sizes == size][:, None] + np.arange(size)]
        drawn = generator.multinomial(size - 1, np.full(size, 1 / size), (number, len(columns)))
        weights[:, columns] = drawn * float(int(size) * unit // (int(size) - 1))
    return weights


def _between(group: NDArray[np.int64], number: int, generator: np.random.Generator) -> Floats:
    """Bootstrap weights (number, N) that draw C - 1 of the C configurations, each with all its replicas."""
    count = int(group.max()) + 1
    drawn: Floats = generator.multinomial(count - 1, np.full(count, 1 / count), number)[:, group].astype(np.float64)
    return drawn


def _statistic(scores: Floats, mass: Floats, statistic: Statistic) -> Floats:
    """The statistic (B,) of ascending scores (N,) under each row (B, N) of weights, whole numbers added up."""
    whole = mass[:, -1:]
    if statistic == "median":
        below, above = scores[(2 * mass < whole).sum(1)], scores[(2 * mass <= whole).sum(1)]
        return _middle(below, above)
    if statistic != "iqm":
        raise ValueError(f"statistic: expected one of {', '.join(STATISTICS)}, got {statistic!r}")
    share = np.diff(np.clip(mass, whole / 4, whole * 0.75), axis=1, prepend=whole / 4) / (whole / 2)
    infinite: Floats = np.where(np.isfinite(scores), 0.0, np.sign(scores))
    means: Floats = share @ np.where(infinite == 0, scores, 0.0)
    if infinite.any():
        reached: Floats = (share > 0).astype(np.float64) @ infinite
        means[reached != 0] = np.copysign(np.inf, reached[reached != 0])
    return means


def _described(values: Floats) -> str:
    return f"shape {values.shape} with {int(np.isnan(values).sum())} NaN"
