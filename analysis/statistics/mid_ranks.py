"""Ranks, equal values sharing the mean of theirs, as `scipy.stats.rankdata` gives them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Floats


def mid_ranks(values: ArrayLike) -> Floats:
    """The ranks (…, n), from 1, of values (…, n) among those of their row; infinities are values, and none is NaN."""
    given = np.asarray(values)
    ranks = np.empty(given.shape)
    for place in np.ndindex(given.shape[:-1]):
        row, ordered = given[place], np.sort(given[place])
        ranks[place] = (np.searchsorted(ordered, row) + np.searchsorted(ordered, row, "right") + 1) / 2
    return ranks
