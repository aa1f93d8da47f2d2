"""The score of a winner, corrected for its having been chosen by it (Andrews, Kitagawa & McCloskey 2024).

Of K independent scores the least is reported, X ~ N(μ, σ²) with a known error σ: on average it lies below its own μ.
Given the other scores, the winner's is normal, truncated at the runner-up's. The **conditional** estimate is the μ
under which the truncated distribution has its median at the score seen, and is as often too low as too high. It runs
away where the runner-up is near; the **hybrid** one is also given that μ lies within the simultaneous interval of all
K scores at level 1 - β, β being a tenth of the error that is allowed, and stays in it. Its median bias is small for all
μ, and its interval, by the same distribution, covers about as often as it says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from analysis.statistics.intervals import Floats, quantile

PART = 0.1  # of the error, for the interval that the estimate is confined to
GRID = 400


@dataclass(frozen=True)
class Winner:
    """The winner's true score: a median-unbiased estimate, up to what the confinement costs, and its interval."""

    estimate: float
    low: float
    high: float


def hybrid(scores: ArrayLike, error: float, confidence: float = 0.95, degrees_of_freedom: float = math.inf) -> Winner:
    """The hybrid estimate of the true score of the least of K scores.

    Args:
        scores: (K,) less is better; infinite ones did not win.
        error: of the winner, σ.
        confidence: nominal coverage.
        degrees_of_freedom: that the error was estimated with, by which the interval is widened as Student's t is.

    Raises:
        ValueError: NaN or no finite score, or an error that is not above 0 and finite.
    """
    values = np.sort(np.asarray(scores, np.float64))
    if values.ndim != 1 or np.isnan(values).any() or not np.isfinite(values).any():
        raise ValueError(f"scores: expected (K,) numbers without NaN, one finite at least, got {values}")
    if not 0 < error < math.inf:
        raise ValueError(f"error: expected a finite number above 0, got {error}")
    slack = PART * (1 - confidence)
    reach = float(scipy.stats.norm.ppf((1 + (1 - slack) ** (1 / np.isfinite(values).sum())) / 2))
    left = (1 - confidence - slack) / (1 - slack) / 2
    wide = error * quantile(confidence, degrees_of_freedom) / quantile(confidence)
    return Winner(_at(0.5, values, error, reach), _at(1 - left, values, wide, reach), _at(left, values, wide, reach))


def _at(level: float, scores: Floats, error: float, reach: float) -> float:
    """The μ, within `reach` errors of the least of ascending scores, under which this one's distribution, truncated at
    the next and at μ ± `reach` errors, reaches a level there."""
    below = scipy.stats.norm.cdf
    gap = (float(scores[1]) - float(scores[0])) / error if len(scores) > 1 else math.inf
    floor = below(-reach)

    def above(shift: float) -> float:
        return float((below(-shift) - floor) / (below(min(gap - shift, reach)) - floor)) - level

    ends = (-reach * (1 - 1e-9), reach * (1 - 1e-9))
    return float(scores[0]) + error * (ends[1] if above(ends[1]) > 0 else float(brentq(above, *ends)))


@lru_cache
def median_error(n: int) -> float:
    """The standard deviation of the median of n independent standard normal numbers."""
    share = (np.arange(GRID) + 0.5) / GRID
    x: Floats = scipy.stats.norm.ppf(share)
    half = n // 2
    if n % 2:
        weight = scipy.stats.beta.pdf(share, half + 1, half + 1)
        return float(np.sqrt((weight * x**2).sum() / weight.sum()))
    joint = np.triu(np.outer(share ** (half - 1), (1 - share) ** (half - 1)), 1)
    return float(np.sqrt((joint * ((x[:, None] + x) / 2) ** 2).sum() / joint.sum()))
