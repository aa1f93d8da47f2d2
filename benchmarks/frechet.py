"""Fréchet distance at 2048 features against `scipy.linalg.sqrtm` and torchmetrics, in one run on one thread.

Two cases: *full*, covariances of 3,072 samples, from two pairs of moments to the distance; and *low*, 1,000 samples
of each, fewer than features, where ours goes from the samples to the distance and the peers from the moments. *Cold*
also prepares the reference; *warm* is what every evaluation after the first costs. Times are processor seconds, which
a busy machine does not stretch. The aim is 20 times scipy's speed and 1.5 times torchmetrics', equal to 1e-6.

    python -m benchmarks.frechet [features]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import scipy
import torch
from torch import Tensor
from torchmetrics.image.fid import _compute_fid

from trainables.metrics.frechet import (
    frechet_between,
    frechet_distance,
    gaussian_from_moments,
    gaussian_from_samples,
)

# Seconds foreseen at 2048 features on one thread, from a run of early versions with another scipy.
PREDICTED = {"ours, cold": 2.1, "torchmetrics": 4.7, "scipy.linalg.sqrtm": 68.0}


def images(count: int, features: int, seed: int) -> Tensor:
    """Samples (n, d) whose variances fall off as 1/i in directions of no coordinate, as features of images do."""
    generator = torch.Generator().manual_seed(seed)
    scales = torch.arange(1, features + 1, dtype=torch.float64).rsqrt()
    samples = torch.randn(count, features, generator=generator, dtype=torch.float64) * scales
    square = torch.randn(features, features, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    turn: Tensor = torch.linalg.qr(square)[0]
    return torch.matmul(samples, turn)


def by_scipy(mean: Tensor, covariance: Tensor, other_mean: Tensor, other: Tensor) -> float:
    root = np.asarray(scipy.linalg.sqrtm((covariance @ other).numpy()))
    shift = float((mean - other_mean).square().sum())
    return shift + float(covariance.trace() + other.trace()) - 2 * float(root.trace().real)


def timed(repeats: int, function: Callable[[], float]) -> tuple[float, float]:
    """The best time of some calls in processor seconds, and the result."""
    best, result = float("inf"), float("nan")
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        best = min(best, time.process_time() - start)
    return best, result


def compare(case: str, x: Tensor, y: Tensor) -> None:
    """Time every way on generated samples x and real samples y, and print a line for each."""
    (mean, covariance), (other_mean, other) = ((s.mean(0), torch.cov(s.T)) for s in (x, y))
    low = len(x) < x.shape[1]
    reference = gaussian_from_samples(y) if low else gaussian_from_moments(other_mean, other)

    def warm() -> float:
        if low:
            return float(frechet_distance(x.unsqueeze(0), reference))
        return float(frechet_between(mean.unsqueeze(0), covariance.unsqueeze(0), reference))

    def cold() -> float:
        if low:
            return float(frechet_distance(x.unsqueeze(0), gaussian_from_samples(y)))
        fresh = gaussian_from_moments(other_mean, other)
        return float(frechet_between(mean.unsqueeze(0), covariance.unsqueeze(0), fresh))

    ways: dict[str, tuple[int, Callable[[], float]]] = {
        "ours, warm": (3, warm),
        "ours, cold": (3, cold),
        "torchmetrics": (2, lambda: float(_compute_fid(mean, covariance, other_mean, other))),
        "scipy.linalg.sqrtm": (1, lambda: by_scipy(mean, covariance, other_mean, other)),
    }
    print(f"{case}: {len(x)} samples of {x.shape[1]} features; scipy {scipy.__version__}, torch {torch.__version__}")
    print(f"{'':<20}{'seconds':>9}{'predicted':>11}{'/ warm':>9}{'/ cold':>9}   relative difference")
    times: dict[str, float] = {}
    ours = float("nan")
    for name, (repeats, function) in ways.items():
        times[name], value = timed(repeats, function)
        ours = value if name == "ours, warm" else ours
        ratios = "".join(f"{times[name] / times.get(base, times[name]):9.1f}" for base in ("ours, warm", "ours, cold"))
        foreseen = PREDICTED.get(name, float("nan"))
        print(f"{name:<20}{times[name]:>9.3f}{foreseen:>11.1f}{ratios}   {abs(value - ours) / ours:.1e}", flush=True)


def main(features: int = 2048) -> None:
    torch.set_num_threads(1)
    for case, count in (("full", 3 * features // 2), ("low", features * 1000 // 2048)):
        compare(case, images(count, features, 0), images(count, features, 1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
