"""Binomial coefficients of numbers too large for a factorial."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from analysis.statistics.intervals import Floats


def log_choose(n: Floats | NDArray[np.int64] | int, k: Floats | NDArray[np.int64] | int) -> Floats:
    """ln of n over k, element by element; undefined where k > n."""
    found: Floats = gammaln(np.add(n, 1)) - gammaln(np.add(k, 1)) - gammaln(np.maximum(np.subtract(n, k) + 1, 1))
    return found
