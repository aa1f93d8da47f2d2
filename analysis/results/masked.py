"""Means and quantiles of the masked entries of each row, such as of the last evaluations of every replica."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDING = 1e-9  # of a threshold


def under(values: Floats, threshold: float) -> NDArray[np.bool_]:
    """Which values are less than a threshold >= 0: the middle of 1/7 and 6/7 is not less than 1/2, despite rounding."""
    found: NDArray[np.bool_] = values < threshold * (1 - ROUNDING)
    return found


def last_half(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The last half of the masked entries of each row of (N, T), the middle one included."""
    later = mask.sum(1, keepdims=True) - np.cumsum(mask, axis=1)
    found: NDArray[np.bool_] = mask & (2 * later < mask.sum(1, keepdims=True))
    return found


def means(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Mean of the finite masked entries of each row of (N, T); NaN where there are none."""
    used = mask & np.isfinite(values)
    with np.errstate(invalid="ignore"):
        total: Floats = np.where(used, values, 0.0).sum(1) / used.sum(1)
    return total


def quantiles(values: Floats, mask: NDArray[np.bool_], q: float) -> Floats:
    """Linear quantile of the masked entries of each row of (N, T), NaNs left out; NaN where there are none.

    As `numpy.nanquantile` row by row, a hundred times faster on many short rows.
    """
    used = mask & ~np.isnan(values)
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    ordered = np.sort(np.where(used, values, np.nan), axis=1)
    place = q * np.maximum(used.sum(1) - 1, 0)
    below = np.floor(place).astype(np.int64)[:, None]
    low = np.take_along_axis(ordered, below, 1)[:, 0]
    high = np.take_along_axis(ordered, np.ceil(place).astype(np.int64)[:, None], 1)[:, 0]
    with np.errstate(invalid="ignore"):
        between: Floats = np.where(low == high, low, low + (high - low) * (place - below[:, 0]))
    return between
