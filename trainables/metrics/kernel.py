"""Maximum mean discrepancy (Gretton et al. 2012), unbiased, with a confidence interval from disjoint blocks.

    MMD² = E k(x, x′) + E k(y, y′) − 2 E k(x, y)

KID (Bińkowski et al. 2018) is MMD² with the cubic kernel (xᵀy/d + 1)³. The samples and the reference are cut into
disjoint blocks, as many of one as of the other; the estimate is the mean of the blocks' unbiased estimates (Zaremba et
al. 2013), which are independent, so that their spread gives a Student t interval. It covers the sampling of points,
not of trainings. Unbiased estimates are negative about half the time where the distributions agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from scipy.special import stdtrit  # scipy.stats would cost every worker a second to import
from torch import Tensor

from trainables.metrics.distances import blocks, squared_distances
from trainables.metrics.finite import finite_only

Kernel = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Blocks:
    """A reference in blocks (B, b, d), each block's mean kernel with itself (B,), and the kernel."""

    points: Tensor
    within: Tensor
    kernel: Kernel


def cubic_kernel(x: Tensor, y: Tensor) -> Tensor:
    """KID's kernel (xᵀy/d + 1)³ of points (..., n, d) and (..., m, d): (..., n, m)."""
    base = (x @ y.mT).div_(x.shape[-1]).add_(1)
    return base.square().mul_(base)


def gaussian_kernel(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """The mean of exp(−‖x − y‖²/2σ²) over σ = ½, 1 and 2 times the bandwidth, in units of the points: (..., n, m)."""
    widest = squared_distances(x, y).clamp_min_(0).mul_(-1 / (8 * bandwidth**2)).exp_()
    middle = widest.square().square_()
    return middle.square().square_().add_(middle).add_(widest).div_(3)


def median_gaussian(reference: Tensor) -> Kernel:
    """The Gaussian kernel whose bandwidth is the median distance within a reference (m, d)."""
    points = reference.double()
    points = points[:1000] - points[:1000].mean(0)
    squared = squared_distances(points, points)
    above = torch.ones_like(squared, dtype=torch.bool).triu(1)
    median = float(squared[above].median().clamp_min(torch.finfo(torch.float64).tiny).sqrt())
    return partial(gaussian_kernel, bandwidth=median)


def in_blocks(reference: Tensor, kernel: Kernel, count: int, size: int) -> Blocks:
    """Cut the first count·size points of a reference (m, d), which should be in random order, into blocks.

    Raises `ValueError` where there are too few points, or blocks of fewer than 2.
    """
    if size < 2 or count < 2 or count * size > len(reference):
        raise ValueError(f"expected at least 2 blocks of 2 points out of {len(reference)}, got {count} of {size}")
    points = reference[: count * size].double().reshape(count, size, -1)
    return Blocks(points, _among_others(kernel(points, points)), kernel)


@finite_only
def mmd(samples: Tensor, reference: Blocks, confidence: float = 0.95) -> dict[str, Tensor]:
    """MMD² of each replica's samples (R, n, d): `estimate`, `low` and `high` of its interval, each (R,) float64.

    Uses as many of the blocks as n fills. Raises `ValueError` where that is fewer than 2.
    """
    count, size, width = reference.points.shape
    count = min(count, samples.shape[1] // size)
    if count < 2:
        raise ValueError(f"2 blocks of {size} need {2 * size} samples, got {samples.shape[1]}")
    estimates = torch.empty(len(samples), count, dtype=torch.float64, device=samples.device)
    for some in blocks(len(samples), count * size * size, samples.device):
        points = samples[some, : count * size].double().reshape(-1, count, size, width)
        own = _among_others(reference.kernel(points, points))
        across = reference.kernel(points, reference.points[:count]).mean((-2, -1))
        estimates[some] = own + reference.within[:count] - 2 * across
    mean = estimates.mean(1)
    error = ((estimates - mean.unsqueeze(1)).square().sum(1) / (count * (count - 1))).sqrt()
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * error
    return {"estimate": mean, "low": mean - half, "high": mean + half}


def _among_others(kernel: Tensor) -> Tensor:
    """The mean (...) of kernel matrices (..., n, n) without their diagonals."""
    size = kernel.shape[-1]
    total = kernel.sum((-2, -1)) - kernel.diagonal(dim1=-2, dim2=-1).sum(-1)
    return total / (size * (size - 1))
