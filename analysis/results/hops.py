"""Hops: mode mass that moves from one evaluation to the next, sampling noise taken off.

For mode histograms of n and n' samples, a hop is their total variation less the part due to sampling noise: the mean
total variation over all ways of redistributing the n + n' samples. A mode with m of them then has a hypergeometric
number X of the first n, and E|X − EX| = 2 g(ν) / (n + n'), with g(ν) = ν (n' − m + ν) P(X = ν) and ν = ⌊EX⌋ + 1 (De
Moivre's summation; Diaconis & Zabell 1991). For a generator that does not change, hops thus average to exactly 0
whatever the modes' weights, single ones being negative; a complete move gives nearly 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.binomials import log_choose

Floats = NDArray[np.float64]


def multinomial_noise(first: ArrayLike, second: ArrayLike) -> Floats:
    """Expected total variation (…,) between two samples of one distribution, given the sizes and pooled counts of two
    histograms (…, K).

    NaN where a sample is empty.
    """
    counts, others = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n, rest = counts.sum(-1, keepdims=True), others.sum(-1, keepdims=True)
    held = counts + others
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.floor(held * n / (n + rest)) + 1
        left = rest - held + above
        possible = (above <= held) & (above <= n) & (left > 0)
        chance = log_choose(held, above) + log_choose(n + rest - held, n - above) - log_choose(n + rest, n)
        summed = np.where(possible, above * left * np.exp(chance), 0.0)
        noise: Floats = (summed / (n * rest)).sum(-1)
    return noise


def hops(histograms: ArrayLike) -> Floats:
    """Mode mass moved between each evaluation and the previous one, less sampling noise.

    Args:
        histograms: (…, T, K) counts of samples by mode.

    Returns:
        (…, T), NaN at the first evaluation and where a histogram is empty.
    """
    counts = np.asarray(histograms, np.float64)
    moved = np.full(counts.shape[:-1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / counts.sum(-1, keepdims=True)
    distance = 0.5 * np.abs(np.diff(share, axis=-2)).sum(-1)
    moved[..., 1:] = distance - multinomial_noise(counts[..., :-1, :], counts[..., 1:, :])
    return moved
