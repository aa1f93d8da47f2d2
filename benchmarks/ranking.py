"""How well one number ranks things as another does: arrays in, shares and correlations out. Less is better everywhere.

Spearman's correlation with percentile intervals from resampled clusters, as two looks at one training are not
independent; the share of clearly different pairs that are put the wrong way; and what a search of a few trials loses
by following the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
RESAMPLES, DRAWS, TRIALS = 1000, 20_000, 4


@dataclass(frozen=True)
class Correlations:
    """Spearman's correlation of every column with every other, (C, C), and of as many resamples, (B, C, C)."""

    estimate: Floats
    resampled: Floats

    def interval(self, one: int, other: int) -> tuple[float, float]:
        """95 % of how two columns correlate; it captures which clusters there were."""
        low, high = np.nanpercentile(self.resampled[:, one, other], [2.5, 97.5])
        return float(low), float(high)

    def gain(self, one: int, another: int, with_: int) -> tuple[float, float, float]:
        """By how much more one column than another correlates with a third, and the 95 % interval of that."""
        estimate = self.estimate[one, with_] - self.estimate[another, with_]
        low, high = np.nanpercentile(self.resampled[:, one, with_] - self.resampled[:, another, with_], [2.5, 97.5])
        return float(estimate), float(low), float(high)


def spearman(columns: Floats) -> Floats:
    """Spearman's correlations (C, C) of columns (C, n); NaN for a constant column."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.atleast_2d(np.corrcoef(rankdata(columns, axis=1)))
    return found


def correlations(groups: Sequence[tuple[Floats, Sequence[str]]], seed: int = 0) -> Correlations:
    """The mean over groups of Spearman's correlations within each; a group is columns (C, n) and n names of clusters.

    Clusters are resampled in each group by itself.
    """
    random = np.random.default_rng(seed)
    members = [[np.flatnonzero(np.array(names) == name) for name in dict.fromkeys(names)] for _, names in groups]
    resampled = []
    for _ in range(RESAMPLES):
        picked = [[some[i] for i in random.integers(len(some), size=len(some))] for some in members]
        found = [spearman(columns[:, np.concatenate(who)]) for (columns, _), who in zip(groups, picked, strict=True)]
        resampled.append(np.mean(found, axis=0))
    return Correlations(np.mean([spearman(columns) for columns, _ in groups], axis=0), np.array(resampled))


def wrong_pairs(metric: Floats, truth: Floats, error: float) -> float:
    """The share of pairs put the wrong way, a tie for half, of those whose truths (n,) differ by more than 3 standard
    errors of a difference; `error` is a truth's own."""
    first, second = np.triu_indices(len(truth), 1)
    apart = truth[first] - truth[second]
    clear = np.abs(apart) > 3 * np.sqrt(2) * error
    agreement = np.sign(metric[first] - metric[second]) * np.sign(apart)
    return float(np.mean(1 - agreement[clear]) / 2)


def regret(metric: Floats, truth: Floats, seed: int = 0) -> float:
    """By how much the truth of the best by the metric exceeds the best truth, on average over searches of `TRIALS`."""
    random = np.random.default_rng(seed)
    drawn = random.random((DRAWS, len(truth))).argsort(axis=1)[:, :TRIALS]
    picked = drawn[np.arange(DRAWS), metric[drawn].argmin(1)]
    return float(np.mean(truth[picked] - truth[drawn].min(1)))
