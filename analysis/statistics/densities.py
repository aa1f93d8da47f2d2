"""Densities on a line: of a Gaussian mixture, and of samples by a Gaussian kernel.

The kernel's bandwidth is half of Silverman's (1986, eq. 3.31), h = 0.45 min(s, IQR / 1.34) n^(-1/5), because his is for
unimodal densities. Smoothing makes a sharp mode lower and wider.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.statistics.intervals import Floats


def mixture_density(x: Floats, means: Floats, stds: Floats, weights: Floats | None = None) -> Floats:
    """Density (n,) at x (n,) of Gaussians with means (K,), deviations (K,) and weights (K,), equal by default."""
    weights = np.full(len(means), 1 / len(means)) if weights is None else weights
    standard = (x[:, None] - means) / stds
    density: Floats = (np.exp(-0.5 * standard**2) / (stds * math.sqrt(2 * math.pi))) @ weights
    return density


def kernel_density(samples: Floats, x: Floats) -> Floats:
    """Density (M,) at evenly spaced x (M,) estimated from samples (n,); those that are not finite count in n alone.

    The kernel is at least half a step of x wide, so that a collapsed generator is a peak. NaN with fewer
    than two finite samples.
    """
    finite = samples[np.isfinite(samples)]
    if len(finite) < 2:
        return np.full(len(x), np.nan)
    deviation = float(finite.std(ddof=1))
    spread = min(deviation, float(np.subtract(*np.quantile(finite, (0.75, 0.25)))) / 1.34) or deviation
    width = max(0.45 * spread * len(finite) ** -0.2, (x[1] - x[0]) / 2)
    kernels = np.exp(-0.5 * ((x[:, None] - finite) / width) ** 2)
    found: Floats = kernels.sum(axis=1) / (len(samples) * width * np.sqrt(2 * np.pi))
    return found
