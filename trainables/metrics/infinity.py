"""FID of infinitely many samples (Chong & Forsyth 2020), extrapolated, with an interval.

The FID of n samples exceeds that of the distribution by about c/n, where c depends on the generator: of two generators
the one with the smaller FID at n samples may be the worse one. Where the paper draws a subset of each of 15 sizes, here
the n samples are cut into k disjoint blocks, for each k up to `CUTS`, and the mean of the blocks' FIDs is the FID of
n/k samples, with less noise. A line through these over k/n, by least squares, ends at k/n = 0 at the FID of infinitely
many.

The whole is done again with each of 5 disjoint parts of the samples; their spread gives a Student t interval (see
`sampling_error`), which covers the sampling of points and not of trainings. The bias of the reference, if it is fitted
to points, stays. n/k must be well above the number of features for the law to hold: blocks of fewer give NaN.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from scipy.special import stdtrit  # scipy.stats would cost every worker a second to import
from torch import Tensor

from trainables.metrics.finite import finite_only
from trainables.metrics.frechet import FactoredGaussian, frechet_distance
from trainables.metrics.sampling_error import BLOCKS, in_blocks, standard_error

CUTS = 3


@finite_only
def fid_infinity(samples: Tensor, reference: FactoredGaussian, confidence: float = 0.95) -> dict[str, Tensor]:
    """FID∞ of each replica's samples (R, n, d), in random order: `estimate`, `low` and `high`, each (R,) float64.

    The estimate may be negative, as it is unbiased. NaN where n / `CUTS` is not above d, and for the interval where
    that of a part of them is not.
    """
    estimate = _extrapolated(samples, reference)
    error = standard_error(_extrapolated(in_blocks(samples), reference))
    half = float(stdtrit(BLOCKS - 1, (1 + confidence) / 2)) * error
    return {"estimate": estimate, "low": estimate - half, "high": estimate + half}


def _extrapolated(samples: Tensor, reference: FactoredGaussian) -> Tensor:
    """The line's value at infinitely many samples (R,)."""
    replicas, count, width = samples.shape
    if count // CUTS <= width:
        return torch.full((replicas,), torch.nan, dtype=torch.float64, device=samples.device)
    sizes = [count // cuts for cuts in range(1, CUTS + 1)]
    means = [
        frechet_distance(samples[:, : size * cuts].reshape(replicas * cuts, size, width), reference)
        .reshape(replicas, cuts)
        .mean(1)
        for cuts, size in enumerate(sizes, 1)
    ]
    extrapolated: Tensor = torch.stack(means, 1) @ _intercept(tuple(sizes), samples.device)
    return extrapolated


@lru_cache(maxsize=8)
def _intercept(sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """The combination (sizes,) of means that is the intercept of their least squares on 1/size."""
    slope_at = torch.tensor([[1.0, 1 / size] for size in sizes], dtype=torch.float64)
    intercept: Tensor = torch.linalg.pinv(slope_at)[0]
    return intercept.to(device)
