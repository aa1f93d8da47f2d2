"""An explanation of a pair (f, g) as plain data, `ganstudy objective --json`, turned back into numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def numbers(values: Any) -> Floats:
    """Plain data, `inf` and `nan` possibly as text or None, as float64 (M,)."""
    flat = [float("nan") if value is None else float(value) for value in values]
    return np.array(flat, np.float64)


def above_tangent(ratios: Floats, divergence: Floats) -> Floats:
    """φ(r) less its tangent at r = 1 (at a kink, a middle slope), which adds nothing to the divergence; 0 at r = 1.

    Both arrays (M,); NaN where φ is not finite, and everywhere where it is not next to r = 1.
    """
    if len(ratios) < 3:
        return np.full(len(ratios), np.nan)
    at = int(np.argmin(np.abs(np.log(ratios))))
    at = min(max(at, 1), len(ratios) - 2)
    divergence = np.where(np.isfinite(divergence), divergence, np.nan)
    slope = (divergence[at + 1] - divergence[at - 1]) / (ratios[at + 1] - ratios[at - 1])
    rest: Floats = divergence - divergence[at] - slope * (ratios - ratios[at])
    return rest
