"""Arms compared by one long random search each: what the best of k configurations would give on a fresh seed.

Where configurations are drawn independently, every k of the n that were trained are a search that could have been. Over
all of these the mean is a U-statistic (Hoeffding 1948): the configuration of rank r among n is the best of
(n-r choose k-1) of the (n choose k) searches. So that it is not judged by what it was chosen by, each of its replicas
in turn is judged, and the configuration ranked by the median of the others; the search that is spoken of has one
replica less than that which was made.

The variance is the sum of two jackknives, of configurations in each arm (Arvesen 1969; it errs upwards, Efron & Stein
1981) and of seeds in both arms together, since all configurations share them. It is never below that of n independent
draws in each arm. Student's t has the degrees of freedom of the n/k searches that are disjoint, and of the seeds, by
Satterthwaite (1946). An adaptive sampler's configurations are not such draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln

from analysis.statistics.intervals import Floats
from analysis.statistics.ranks import mid_distribution
from analysis.statistics.repeats import Effects, Pairs, least_p, pairs_of

Parts = tuple[Floats, Floats, Floats]  # an estimate (…), without each configuration (…, n), and on each seed (…, R)


def best_of(costs: Floats, values: Floats, k: int) -> Parts:
    """The mean value of the best of k configurations.

    Args:
        costs: (…, n, R) what n configurations are chosen by on R seeds, R > 1; less is better, infinities are values.
        values: (…, n, R) what the chosen one is judged by, finite.
        k: configurations in a search, below n.

    Returns:
        The mean (…), the means without each configuration (…, n), and those judged on each seed alone (…, R).
    """
    n, seeds = costs.shape[-2:]
    if not 0 < k < n or seeds < 2:
        raise ValueError(f"k: expected 0 < k < n configurations on two seeds or more, got {k} of {n} on {seeds}")
    chosen = np.stack([np.median(np.delete(costs, seed, -1), -1) for seed in range(seeds)], -1)
    order = np.argsort(chosen, -2)
    ordered = _tied(np.take_along_axis(chosen, order, -2), np.take_along_axis(values, order, -2))
    by_seed = (_chances(n, k)[:, None] * ordered).sum(-2)
    fewer = _chances(n - 1, k)[:, None]
    zero = np.zeros_like(ordered[..., :1, :])
    better = np.concatenate([zero, np.cumsum(fewer * ordered[..., :-1, :], -2)], -2)
    worse = np.concatenate([np.cumsum((fewer * ordered[..., 1:, :])[..., ::-1, :], -2)[..., ::-1, :], zero], -2)
    without = np.empty_like(ordered)
    np.put_along_axis(without, order, better + worse, -2)
    return by_seed.mean(-1), without.mean(-1), by_seed


def by_rank(costs: Sequence[Floats], k: int) -> Effects:
    """P(a better than b), ties half, of the best of k configurations, for every pair of arms (…, n, R)."""
    weights = [_weights(one, k) for one in costs]
    pairs = pairs_of(len(costs))
    found = []
    for a, b in pairs:
        first = best_of(costs[a], 1 - _below(costs[a], costs[b], weights[b]), k)
        second = best_of(costs[b], _below(costs[b], costs[a], weights[a]), k)
        variance, freedom = _variance(first[1], second[1], first[2] + second[2], k)
        least = (1 / costs[a].shape[-2] + 1 / costs[b].shape[-2]) / 3
        found.append((first[0], _were_they_alike(4 * variance, 2 * first[0] - 1, 1.0, least), freedom))
    estimate, variance, freedom = (np.stack(column, -1) for column in zip(*found, strict=True))
    most = np.ones_like(estimate)
    return Effects(pairs, estimate, 0.5, 0.5, variance, most, freedom, _least(estimate, costs, pairs))


def by_mean(costs: Sequence[Floats], values: Sequence[Floats], k: int, most: float = 1.0) -> Effects:
    """The mean of a less that of b, of the best of k configurations, from values (…, n, R) in [0, most]."""
    parts = [best_of(cost, value / most, k) for cost, value in zip(costs, values, strict=True)]
    weights = [_weights(cost, k) for cost in costs]
    squares = [(weight * (value / most) ** 2).sum((-2, -1)) for weight, value in zip(weights, values, strict=True)]
    pairs = pairs_of(len(costs))
    found = []
    for a, b in pairs:
        first, second = parts[a], parts[b]
        n, m = costs[a].shape[-2], costs[b].shape[-2]
        spread = (squares[a] + squares[b]) / 2 - ((first[0] + second[0]) / 2) ** 2
        whole = np.maximum(spread, 0.0) + 1 / (4 * (n + m))
        variance, freedom = _variance(first[1], second[1], first[2] - second[2], k)
        away, reach = first[0] - second[0], 2 * np.sqrt(whole)
        found.append((away, _were_they_alike(variance, away, reach, whole * (1 / n + 1 / m)), reach, freedom))
    estimate, variance, reach, freedom = (np.stack(column, -1) for column in zip(*found, strict=True))
    least = _least(estimate, costs, pairs)
    return Effects(pairs, estimate * most, 0.0, most, variance, reach, freedom, least)


def _variance(first: Floats, second: Floats, seeds: Floats, k: int) -> tuple[Floats, Floats]:
    """The variance (…) of a difference, from means without each configuration (…, n), (…, m) and of each seed (…, R),
    and its degrees of freedom."""
    drawn, crossed = _jackknife(first) + _jackknife(second), seeds.var(-1, ddof=1) / seeds.shape[-1]
    searches = max((first.shape[-1] + second.shape[-1]) / k - 2, 1.0)
    whole = drawn + crossed
    spread = drawn**2 / searches + crossed**2 / (seeds.shape[-1] - 1)
    return whole, np.where(spread > 0, whole**2 / np.where(spread > 0, spread, 1.0), searches)


def _least(estimate: Floats, costs: Sequence[Floats], pairs: Pairs) -> Floats:
    """The least p (…, P) that dealing out configurations anew could give."""
    size = np.array([cost.shape[-2] for cost in costs])
    a, b = np.array(pairs).T
    return np.broadcast_to(least_p(size[a], size[b]), estimate.shape)


def _chances(n: int, k: int) -> Floats:
    """The chance (n,) that the configuration of each rank is the best of k drawn from n without replacement."""
    worse = n - np.arange(1.0, n + 1)
    enough = worse >= k - 1
    ways = gammaln(worse + 1) - gammaln(k) - gammaln(np.maximum(worse - k + 1, 0) + 1)
    found: Floats = np.where(enough, np.exp(ways - gammaln(n + 1) + gammaln(k + 1) + gammaln(n - k + 1)), 0.0)
    return found


def _weights(costs: Floats, k: int) -> Floats:
    """The weight (…, n, R) of every replica in the distribution of the best of k."""
    n, seeds = costs.shape[-2:]
    chosen = np.stack([np.median(np.delete(costs, seed, -1), -1) for seed in range(seeds)], -1)
    order = np.argsort(chosen, -2)
    chances = np.broadcast_to(_chances(n, k)[:, None], chosen.shape)
    found = np.empty_like(chosen)
    np.put_along_axis(found, order, _tied(np.take_along_axis(chosen, order, -2), chances) / seeds, -2)
    return found


def _tied(ordered: Floats, values: Floats) -> Floats:
    """Values (…, n, R), averaged over configurations that rank alike: those whose ascending numbers are equal."""
    place = np.broadcast_to(np.arange(ordered.shape[-2])[:, None], ordered.shape)
    new = np.ones(ordered.shape, np.bool_)
    new[..., 1:, :] = ordered[..., 1:, :] != ordered[..., :-1, :]
    last = np.ones(ordered.shape, np.bool_)
    last[..., :-1, :] = new[..., 1:, :]
    first = np.maximum.accumulate(np.where(new, place, 0), -2)
    end = np.minimum.accumulate(np.where(last, place, place.shape[-2])[..., ::-1, :], -2)[..., ::-1, :]
    sums = np.concatenate([np.zeros_like(values[..., :1, :]), np.cumsum(values, -2)], -2)
    mean: Floats = (np.take_along_axis(sums, end + 1, -2) - np.take_along_axis(sums, first, -2)) / (end - first + 1)
    return np.where(end > first, mean, values)


def _below(costs: Floats, others: Floats, weights: Floats) -> Floats:
    """(F(x-) + F(x)) / 2 at each of the costs (…, n, R), F being the distribution of others by weights (…, m, R)."""
    own, flat = costs.reshape(*costs.shape[:-2], -1), others.reshape(*others.shape[:-2], -1)
    both = np.concatenate([own, flat], -1)
    weight = np.concatenate([np.zeros_like(own), weights.reshape(flat.shape)], -1)
    return mid_distribution(both, weight)[..., : own.shape[-1]].reshape(costs.shape)


def _were_they_alike(variance: Floats, away: Floats, most: Floats | float, least: Floats | float) -> Floats:
    """The variance that d would have at 0, from that at a distance, where it is smaller by 1 - d²/D²."""
    left = 1 - (away / most) ** 2
    found: Floats = np.maximum(np.where(left > 0, variance / np.where(left > 0, left, 1.0), 0.0), least)
    return found


def _jackknife(without: Floats) -> Floats:
    n = without.shape[-1]
    found: Floats = (n - 1) * without.var(-1)
    return found
