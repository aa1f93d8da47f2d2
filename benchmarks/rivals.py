"""Other ways to compare arms that were searched several times, for `benchmarks.calibration`.

Each takes outcomes (studies, k, m, S), less being better, and returns p-values (studies, P) of the pairs of arms. But
for the first two they take the repeat as their unit, and the replica's score is its mid-rank in the pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
from scipy.stats import norm, rankdata, t

from analysis.statistics.crossed import components
from analysis.statistics.intervals import Floats

DEALS = 199  # of the permutation test


def one_search(outcomes: Floats) -> Floats:
    """One search for each arm, seeds as units: Brunner and Munzel's test, never below Mann and Whitney's."""
    return _paired(outcomes[:, :, 0], _brunner_munzel_or_mann_whitney)


def all_replicas(outcomes: Floats) -> Floats:
    """Student's t of the ranks of all replicas, as if each were independent."""
    return _paired(outcomes, lambda a, b: _t(*_ranked(a, b), pooled=True))


def t_of_repeats(outcomes: Floats) -> Floats:
    """Student's t of the repeats' mean ranks."""
    return _paired(outcomes, lambda a, b: _t(*(one.mean(-1) for one in _ranked(a, b)), pooled=True))


def brunner_munzel_of_repeats(outcomes: Floats) -> Floats:
    """Welch's t of the repeats' mean placements, Brunner and Munzel's test of clusters (Obuchowski 1997)."""

    return _paired(outcomes, _brunner_munzel)


def mixed_model(outcomes: Floats) -> Floats:
    """A mixed model of each pair's ranks, with repeats in arms and arm × seed as random, Satterthwaite's degrees of
    freedom: of balanced tables it is an analysis of variance."""

    def test(a: Floats, b: Floats) -> Floats:
        ranks = np.stack(_ranked(a, b), 1)
        m, seeds = ranks.shape[2:]
        between = ranks.mean(-1).var(-1, ddof=1)
        rest = ranks - ranks.mean(-1, keepdims=True)
        whole = between.mean(-1) + (rest**2).sum((-2, -1)).mean(-1) / (m * (seeds - 1)) * (1 - 1 / seeds)
        crossed = 2 * components(ranks).interaction * whole / seeds
        variance = between.sum(-1) / m + crossed
        freedom = variance**2 / ((between**2).sum(-1) / m**2 / (m - 1) + crossed**2 / (2 * (seeds - 1)))
        away = ranks[:, 0].mean((-2, -1)) - ranks[:, 1].mean((-2, -1))
        return 2 * t.sf(np.abs(away) / np.sqrt(variance), freedom)

    return _paired(outcomes, test)


def pigeonhole(outcomes: Floats) -> Floats:
    """The two-way bootstrap of repeats and seeds (Owen 2007), its variance in closed form, as the mean rank is linear,
    with Student's t of the repeats' degrees of freedom."""

    def test(a: Floats, b: Floats) -> Floats:
        one, other = _ranked(a, b)
        away = one.mean((-2, -1)) - other.mean((-2, -1))
        m, seeds = one.shape[-2:]
        apart = one.mean(-2) - other.mean(-2)  # by seed
        variance = apart.var(-1) / (seeds - 1)
        for ranks in (one, other):
            cells = ranks - ranks.mean(-1, keepdims=True) - ranks.mean(-2, keepdims=True)
            variance = variance + ranks.mean(-1).var(-1, ddof=1) / m + cells.var((-2, -1)) / (m * seeds)
        return 2 * t.sf(np.abs(away) / np.sqrt(variance), 2 * (m - 1))

    return _paired(outcomes, test)


def pooled_t(outcomes: Floats) -> Floats:
    """Student's t of the repeats' mean ranks among all replicas, by the variance pooled over all arms."""
    ranks = rankdata(outcomes.reshape(len(outcomes), -1), axis=-1).reshape(outcomes.shape).mean(-1)
    m = ranks.shape[-1]
    error = np.sqrt(2 * ranks.var(-1, ddof=1).mean(-1, keepdims=True) / m)
    a, b = np.array(list(combinations(range(ranks.shape[1]), 2))).T
    return 2 * t.sf(np.abs(ranks.mean(-1)[:, a] - ranks.mean(-1)[:, b]) / error, ranks.shape[1] * (m - 1))


def permuted(outcomes: Floats) -> Floats:
    """Repeats dealt out to all arms anew; of their mean ranks among all replicas the largest difference counts, so that
    p is corrected for the pairs already and is divided by their number here."""
    generator = np.random.default_rng(0)
    ranks = rankdata(outcomes.reshape(len(outcomes), -1), axis=-1).reshape(outcomes.shape).mean(-1)
    a, b = np.array(list(combinations(range(ranks.shape[1]), 2))).T
    apart = np.abs(ranks.mean(-1)[:, a] - ranks.mean(-1)[:, b])
    further = np.ones_like(apart)
    for _ in range(DEALS):
        means = generator.permuted(ranks.reshape(len(ranks), -1), axis=-1).reshape(ranks.shape).mean(-1)
        further += np.ptp(means, axis=-1)[:, None] >= apart - 1e-9
    return further / (DEALS + 1) / len(a)


RIVALS: Mapping[str, Callable[[Floats], Floats]] = {
    "t of repeats": t_of_repeats,
    "Brunner-Munzel of repeats": brunner_munzel_of_repeats,
    "mixed model": mixed_model,
    "pigeonhole bootstrap": pigeonhole,
    "pooled t": pooled_t,
    "permutation": permuted,
}


def _paired(outcomes: Floats, test: Callable[[Floats, Floats], Floats]) -> Floats:
    return np.stack([test(outcomes[:, a], outcomes[:, b]) for a, b in combinations(range(outcomes.shape[1]), 2)], -1)


def _ranked(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    ranks = rankdata(np.concatenate([a.reshape(len(a), -1), b.reshape(len(b), -1)], -1), axis=-1)
    half = ranks.shape[-1] // 2
    return ranks[:, :half].reshape(a.shape), ranks[:, half:].reshape(b.shape)


def _t(a: Floats, b: Floats, *, pooled: bool) -> Floats:
    """Two-sided p-values of Student's or Welch's t."""
    one, other = (sample.reshape(len(sample), -1) for sample in (a, b))
    return _student(one.mean(-1) - other.mean(-1), one, other, pooled=pooled)


def _student(away: Floats, one: Floats, other: Floats, *, pooled: bool) -> Floats:
    """p-values of differences (studies,) whose variance is that of two means of (studies, n); 1 where they are 0."""
    n = one.shape[-1]
    parts = np.stack([one.var(-1, ddof=1), other.var(-1, ddof=1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = parts.sum(0) ** 2 * (n - 1) / (parts**2).sum(0)
        freedom = 2 * (n - 1) if pooled else np.nan_to_num(welch, nan=n - 1)
        p = 2 * t.sf(np.abs(away) / np.sqrt(parts.sum(0) / n), freedom)
    return np.where(away == 0, 1.0, p)


def _brunner_munzel(a: Floats, b: Floats) -> Floats:
    """Of samples (studies, n), or by the mean placements of n units with several replicas (studies, n, S)."""
    placements = []
    for ranks, own in zip(_ranked(a, b), (a, b), strict=True):
        within = rankdata(own.reshape(len(own), -1), axis=-1).reshape(own.shape)
        share = (ranks - within) / own[0].size
        placements.append(share.mean(-1) if share.ndim == 3 else share)
    return _student(placements[1].mean(-1) - 0.5, *placements, pooled=False)


def _brunner_munzel_or_mann_whitney(a: Floats, b: Floats) -> Floats:
    ranks, n = _ranked(a, b), a.shape[-1]
    away = ranks[0].mean(-1) - ranks[1].mean(-1)
    spread = np.concatenate(ranks, -1).var(-1, ddof=1)
    mann_whitney = 2 * norm.sf(np.abs(away) / np.sqrt(np.where(spread > 0, spread, np.inf) * 2 / n))
    return np.maximum(_brunner_munzel(a, b), mann_whitney)
