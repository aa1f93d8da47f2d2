"""Replicas crossed: k arms, whose searches were each made m times, the winner of each confirmed on the same S seeds.

A score is modelled as arm + repeat within its arm + seed + arm × seed + rest. Repeats and seeds are both draws, so that
the mean of an arm errs by

    B / m + κ / S,

B being the variance between the means of its repeats (which holds the rest over S already) and κ that of arm × seed;
what a seed does to all arms alike cancels in differences. B is estimated by the variance between the means; κ by the
products of two repeats' deviations on one seed, within arms less across arms, and never taken to be below 0. This is
the method of moments, with complete tables the analysis of variance (Owen 2007 on the crossed model; Cameron, Gelbach &
Miller 2011 on two-way clusters, whose sum of variances it is).

Both are divided by the variance V of one replica's score and pooled over the arms, since two degrees of freedom, of
three repeats, say next to nothing: each arm's search is taken to shake its scores by a like part, whatever their scale.
Two guards: an arm whose part is larger than those of the others, beyond what chance lets one arm in ten have (F test),
has its own; and B is not believed to be smaller than chance lets it be in one study of twenty whose repeats do not
differ at all, so that repeats that agree by accident prove nothing, on all seeds or on each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.intervals import Floats

LOOSE = 0.9  # of the F distribution, beyond which an arm has its own part between repeats
TIGHT = 0.05  # of the chi-squared distribution, below which the variance between repeats is not believed
SEEDS = 0.9  # at most this part of the variance within repeats is believed to be the seeds'


@dataclass(frozen=True)
class Components:
    """Parts of the variance of one replica's score; arrays over studies (…).

    Attributes:
        repeat: (…, k) B / V of each arm, in (0, 1]: a repeat is worth 1 / this independent replicas. 1 where the scores
            of no arm vary, NaN where no arm has two repeats.
        interaction: κ / V, at least 0.
        degrees_of_freedom: of the pooled B, by Satterthwaite (1946); 0 where no arm has two repeats.
        repeats: (…, k) repeats of each arm that have a replica.
        seeds: (…) seeds that have one.
    """

    repeat: Floats
    interaction: Floats
    degrees_of_freedom: Floats
    repeats: Floats
    seeds: Floats


def table(
    values: ArrayLike, arms: ArrayLike, repeats: ArrayLike, seeds: ArrayLike, order: Sequence[object] | None = None
) -> Floats:
    """Replicas' values as a crossed table (k, m, S).

    Args:
        values: (N,) numbers; infinities are values, NaN is refused.
        arms: (N,) labels.
        repeats: (N,) labels of the repeats within an arm.
        seeds: (N,) labels, the same in every arm and repeat.
        order: the k arms; by default those that occur, sorted.

    Returns:
        NaN where a replica is missing; arms with fewer repeats than m have rows of NaN at the end.

    Raises:
        ValueError: columns of different lengths; NaN; an arm that is not in `order`; two replicas of one place.
    """
    numbers = np.asarray(values, np.float64)
    labels = [np.asarray(column) for column in (arms, repeats, seeds)]
    if numbers.ndim != 1 or any(column.shape != numbers.shape for column in labels) or np.isnan(numbers).any():
        raise ValueError(
            f"values: expected (N,) numbers without NaN, and as many arms, repeats and seeds, got shapes"
            f" {[column.shape for column in (numbers, *labels)]} with {int(np.isnan(numbers).sum())} NaN"
        )
    names = list(order) if order is not None else sorted(set(labels[0].tolist()))
    unknown = set(labels[0].tolist()) - set(names)
    if unknown:
        raise ValueError(f"order: expected every arm, {sorted(map(str, unknown))} is missing")
    found_seeds, seed = np.unique(labels[2], return_inverse=True)
    arm = np.array([names.index(name) for name in labels[0].tolist()], np.int64)
    repeat = np.zeros(len(numbers), np.int64)
    for place in range(len(names)):
        repeat[arm == place] = np.unique(labels[1][arm == place], return_inverse=True)[1]
    shape = (len(names), int(repeat.max(initial=0)) + 1, len(found_seeds))
    if len(np.unique(np.ravel_multi_index((arm, repeat, seed), shape))) < len(numbers):
        raise ValueError("seeds: expected one replica for each arm, repeat and seed, got two for some")
    cells = np.full(shape, np.nan)
    cells[arm, repeat, seed] = numbers
    return cells


def repeat_weights(cells: Floats) -> Floats:
    """Weights (…, k, m, S) of replicas, 0 where one is missing, by which every repeat of an arm counts the same; each
    arm's sum to 1, or are all 0 if it has none."""
    present = ~np.isnan(cells)
    number = present.sum(-1, keepdims=True)
    repeats = (number > 0).sum(-2, keepdims=True)
    weights: Floats = present / np.maximum(number, 1) / np.maximum(repeats, 1)
    return weights


def components(scores: Floats) -> Components:
    """Parts of the variance of finite scores (…, k, m, S), NaN where missing."""
    present = ~np.isnan(scores)
    # From the least of its arm, so that scores all alike have a variance of exactly 0.
    scores = scores - np.where(present, scores, np.inf).min((-2, -1), keepdims=True)
    number = present.sum(-1)  # replicas of a repeat
    exists = number > 0
    repeats = exists.sum(-1)
    mean = np.where(present, scores, 0.0).sum(-1) / np.maximum(number, 1)
    centre = mean.sum(-1) / np.maximum(repeats, 1)
    free = np.maximum(repeats - 1, 0)
    between = (np.where(exists, mean - centre[..., None], 0.0) ** 2).sum(-1)  # (…, k), free times B
    rest = np.where(present, scores - mean[..., None], 0.0)
    inner = np.maximum(number - 1, 0).sum(-1)
    within = (rest**2).sum((-2, -1)) / np.maximum(inner, 1)
    share = np.where(exists, 1 / np.maximum(number, 1), 0.0).sum(-1) / np.maximum(repeats, 1)  # 1 / S
    whole = between + free * within * (1 - share)  # free times V
    same, across = _common(rest, present)
    least = free * np.maximum(within - same, (1 - SEEDS) * within) * share
    total, freedom = whole.sum(-1), free.sum(-1)
    known = (total > 0) & (freedom > 0)
    scale = np.where(known, total, 1.0) / np.maximum(freedom, 1)
    shared = (free * same).sum(-1) / np.maximum(freedom, 1)
    return Components(
        repeat=np.where((freedom > 0)[..., None], _parts(between, whole, least, free), np.nan),
        interaction=np.where(known, np.maximum(shared - across, 0.0) / scale, 0.0),
        degrees_of_freedom=_satterthwaite(between, free),
        repeats=repeats.astype(np.float64),
        seeds=present.any((-3, -2)).sum(-1).astype(np.float64),
    )


def _parts(between: Floats, whole: Floats, least: Floats, free: NDArray[np.int64]) -> Floats:
    """B / V of each arm (…, k), from B, V and the rest over S, each times its degrees of freedom (…, k)."""
    one, all_, freedom = (column.sum(-1, keepdims=True) for column in (between, whole, free))
    believed = (
        scipy.stats.chi2.ppf(TIGHT, np.maximum(freedom, 1)) / np.maximum(freedom, 1) * least.sum(-1, keepdims=True)
    )
    pooled = _ratio(np.maximum(one, believed), all_)
    own, others = _ratio(between, whole), _ratio(one - between, all_ - whole)
    limit = scipy.stats.f.ppf(LOOSE, np.maximum(free, 1), np.maximum(freedom - free, 1))
    alone = (free > 0) & (freedom > free) & (whole > 0) & (own > np.maximum(limit * others, pooled))
    found: Floats = np.where(alone, own, pooled)
    return np.minimum(found, 1.0)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """1 where the whole is 0."""
    found: Floats = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 1.0)
    return found


def _common(rest: Floats, present: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The mean product of two replicas on one seed: of two repeats of an arm (…, k), and of two arms (…)."""
    seeds = np.maximum(present.any((-3, -2)).sum(-1), 2)
    unbiased = seeds / (seeds - 1)  # deviations from a repeat's mean lose a part 1 / S
    sums, squares = rest.sum(-2), (rest**2).sum(-2)
    count = present.sum(-2)
    pairs = (count**2 - count).sum(-1)
    same = (sums**2 - squares).sum(-1) / np.maximum(pairs, 1) * unbiased[..., None]
    whole, arms = sums.sum(-2), count.sum(-2)
    apart = (arms**2 - (count**2).sum(-2)).sum(-1)
    across = (whole**2 - (sums**2).sum(-2)).sum(-1) / np.maximum(apart, 1) * unbiased
    return same, across


def _satterthwaite(between: Floats, free: NDArray[np.int64]) -> Floats:
    """Degrees of freedom of the pooled variance between repeats: fewer where few arms hold most of it."""
    total, freedom = between.sum(-1), free.sum(-1)
    spread = (between**2 / (free + 2)).sum(-1)  # unbiased for the squared variances
    found: Floats = np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1.0), freedom)
    least: Floats = np.minimum(found, freedom).astype(np.float64)
    return least
