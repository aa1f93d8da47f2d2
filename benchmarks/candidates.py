"""The numbers that a search on a mixture might follow, each from some thousand samples of a generator.

Beside measurements that `trainables` has, for samples x of q, the known mixture p with K modes, and y of p:

- `mass_tv`: the total variation between where the samples lie and where the data do, in one bin for each mode's samples
  within 3 standard deviations, and one for all others;
- `ball_js`: their Jensen-Shannon divergence in nats; `mass_js` is the same with each of these balls cut into 4 shells;
- `energy` = 2 E|x - y| - E|x - x'| - E|y - y'| (Szekely & Rizzo 2013), in two dimensions only;
- `multiscale_mmd`: MMD^2 (Gretton et al. 2012) with the sum of Gaussian kernels whose bandwidths halve from the spread
  of the data to the modes' own.

Expectations over p are exact in the last two, so that only the samples of q bring noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from scipy.stats import chi2
from torch import Tensor

from trainables.data import DataSet, Mixture
from trainables.metrics import kernel, measurements, modes, neighbours
from trainables.metrics.distances import squared_distances
from trainables.metrics.measurements import MeasuredSamples, Measurement

NEIGHBOURS, NEIGHBOUR_SAMPLES = 5, 1000


@dataclass(frozen=True)
class Candidate:
    """Samples (R, n, d) to values (R,), float64; `sign` is 1 where less is better, else -1."""

    measure: Callable[[Tensor], Tensor]
    sign: int = 1


def candidates(data: DataSet, samples: int) -> dict[str, Candidate]:
    """All of them, prepared for so many samples of each generator."""
    mixture = data.mixture
    assert mixture is not None
    random = torch.Generator().manual_seed(0)
    shuffled = data.train[torch.randperm(len(data.train), generator=random)]
    blocks = kernel.in_blocks(
        shuffled, kernel.median_gaussian(shuffled), measurements.BLOCKS, samples // measurements.BLOCKS
    )
    balls = neighbours.neighbourhood(shuffled[:NEIGHBOUR_SAMPLES], NEIGHBOURS)
    return {
        "fid": Candidate(_column(measurements.fid(shuffled, mixture), "fid")),
        "mass_js": Candidate(_column(measurements.mode_coverage(data), "mass_js")),
        "mass_tv": Candidate(lambda x: total_variation(*bins(x, mixture))),
        "ball_js": Candidate(lambda x: jensen_shannon(*bins(x, mixture))),
        "sliced_wasserstein": Candidate(_column(measurements.slices(shuffled, random), "sliced_wasserstein")),
        "energy": Candidate(lambda x: energy(x, mixture)),
        "multiscale_mmd": Candidate(lambda x: multiscale_mmd(x, mixture)),
        "mmd": Candidate(lambda x: kernel.mmd(x, blocks)["estimate"]),
        "density_js": Candidate(_column(measurements.densities(mixture), "density_js")),
        "mode_js": Candidate(_column(measurements.mode_coverage(data), "mode_js")),
        "high_quality": Candidate(_column(measurements.mode_coverage(data), "high_quality"), sign=-1),
        "coverage": Candidate(lambda x: neighbours.prdc(x[:, :NEIGHBOUR_SAMPLES], balls)["coverage"], sign=-1),
    }


def _column(measurement: Measurement, name: str) -> Callable[[Tensor], Tensor]:
    return lambda x: measurement(MeasuredSamples(x, x, None, None))[name]


def bins(samples: Tensor, mixture: Mixture, shells: int = 1) -> tuple[Tensor, Tensor]:
    """The shares of samples (R, n, d) and of the data in K * shells + 1 bins, (R, bins) and (bins,).

    Modes are taken to be so far apart that the nearest one's ball holds all that the mixture has there.
    """
    nearest, squared = modes.nearest_mode(samples, mixture.means)
    within = modes.high_quality_share(mixture.dimensions)
    inner = [float(chi2.ppf(within * shell / shells, mixture.dimensions)) for shell in range(1, shells)]
    edges = torch.tensor([*inner, modes.HIGH_QUALITY**2], dtype=torch.float64)
    shell = torch.searchsorted(edges, (squared / mixture.variances[nearest]).contiguous())
    place = torch.where(shell < shells, nearest * shells + shell, mixture.modes * shells)
    counts = modes.histogram(place, mixture.modes * shells + 1)
    own = (mixture.weights * within / shells).repeat_interleave(shells)
    return counts.double() / samples.shape[1], torch.cat([own, own.new_tensor([1 - within])])


def jensen_shannon(q: Tensor, p: Tensor) -> Tensor:
    """JS in nats over the last axis."""
    middle = (q + p) / 2
    gained: Tensor = torch.special.entr(middle) - (torch.special.entr(q) + torch.special.entr(p)) / 2
    return gained.sum(-1).clamp_min(0)


def total_variation(q: Tensor, p: Tensor) -> Tensor:
    """Half the sum of absolute differences over the last axis."""
    return (q - p).abs().sum(-1) / 2


def energy(samples: Tensor, mixture: Mixture) -> Tensor:
    """The unbiased energy distance of samples (R, n, 2), in their units; negative values are noise."""
    means, variances, weights = mixture.means, mixture.variances, mixture.weights
    apart = mean_distance(squared_distances(means, means), variances[:, None] + variances)
    own = weights @ apart @ weights
    found = []
    for one in samples.double():
        across = mean_distance(squared_distances(one, means), variances) @ weights
        found.append(2 * across.mean() - torch.pdist(one).mean() - own)
    return torch.stack(found)


def mean_distance(squared: Tensor, variance: Tensor) -> Tensor:
    """E|z| of z ~ N(m, v I) in two dimensions, given |m|^2 and v: the mean of Rice's distribution."""
    a = squared.clamp_min(0) / (4 * variance)
    bessel: Tensor = (1 + 2 * a) * torch.special.i0e(a) + 2 * a * torch.special.i1e(a)
    return (math.pi / 2 * variance).sqrt() * bessel


def multiscale_mmd(samples: Tensor, mixture: Mixture) -> Tensor:
    """Unbiased MMD^2 of samples (R, n, d); negative values are noise."""
    means, weights, variances = mixture.means, mixture.weights, mixture.variances
    scales = bandwidths(mixture)
    own = weights @ _expected(squared_distances(means, means), variances[:, None] + variances, mixture) @ weights
    found = []
    for one in samples.double():
        within = sum(power.mean() for power in _ladder(torch.pdist(one).square_(), scales))
        across = (_expected(squared_distances(one, means), variances, mixture) @ weights).mean()
        found.append(within + own - 2 * across)
    return torch.stack(found)


def bandwidths(mixture: Mixture) -> list[float]:
    """From the spread of the data, the root of their total variance, halved until at or below the narrowest mode."""
    narrowest, scales = float(mixture.variances.min().sqrt()), [float(mixture.covariance.trace().sqrt())]
    while scales[-1] > narrowest:
        scales.append(scales[-1] / 2)
    return scales


def _ladder(squared: Tensor, scales: list[float]) -> Iterator[Tensor]:
    """exp(-squared / 2 s^2) at every scale, each half the one before, so that its fourth power is the next."""
    power = squared.mul_(-1 / (2 * scales[0] ** 2)).exp_()
    yield power
    for _ in scales[1:]:
        power = power.square_().square_()
        yield power


def _expected(squared: Tensor, variance: Tensor, mixture: Mixture) -> Tensor:
    """The sum over the scales s of E exp(-|z|^2 / 2 s^2), z ~ N(m, v I), given |m|^2 and v."""
    total = torch.zeros_like(squared)
    for scale in bandwidths(mixture):
        wide = scale**2 + variance
        total += (scale**2 / wide) ** (mixture.dimensions / 2) * (-squared.clamp_min(0) / (2 * wide)).exp()
    return total
