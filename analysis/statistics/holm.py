"""Holm's correction (1979): the family-wise error of many tests, with no assumption about their dependence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values (M,) of M tests; reject where they are at most the level.

    A NaN stands for a test that could not be made: it stays NaN and is not counted in M.
    """
    given = np.asarray(p, np.float64)
    if given.ndim != 1 or (given < 0).any() or (given > 1).any():
        raise ValueError(f"p: expected (M,) probabilities, got shape {given.shape} with values {given}")
    adjusted = np.full(given.shape, np.nan)
    made = np.flatnonzero(~np.isnan(given))
    order = made[np.argsort(given[made], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
