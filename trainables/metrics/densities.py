"""Divergences between a mixture p and the density q of samples, estimated on a fixed grid in one or two dimensions.

The samples of a replica are counted in the cells of a grid and smoothed by a Gaussian kernel; p is smoothed by the same
kernel, which for a mixture is exact, so that the two agree where the generator is perfect:

    density_js = JS(p', q'),  density_kl = KL(p' || q'),  density_reverse_kl = KL(q' || p'),  density_tv = TV(p', q')

Bias. Smoothing can only lower a divergence (data processing inequality). The finite sample raises it, by about the
number of occupied cells over 2n; the floor shows by how much. q includes one pseudo-sample spread as p, so that KL is
at most log(n + 1): n samples cannot show more. Everything beyond the grid counts as one cell. The bandwidth is Scott's
(1992) within the narrowest mode, at least what the largest grid resolves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.mixture import Mixture
from trainables.metrics.modes import histogram

RESOLUTION = {1: 2048, 2: 640}  # cells along an axis, at most
PER_BANDWIDTH = {1: 4, 2: 1}  # cells that a bandwidth spans
CUT = 8.5  # bandwidths, where a Gaussian is below rounding
TINY = 1e-290  # a density below which the other one may have underflowed
REACH = 6.0  # standard deviations about every mean that the grid covers

# (p + q) weigh(log p - log q) is the integrand of a divergence; weigh(t) = phi(e^t) / (1 + e^t).
Weigh = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pair:
    """Log densities (...) of p and q at the same points, and the volume that each point represents."""

    log_p: Tensor
    log_q: Tensor
    volume: Tensor


class Grid:
    """Cells around a mixture in one or two dimensions, of a size that suits `count` samples per replica."""

    def __init__(self, mixture: Mixture, count: int) -> None:
        """Lay out the grid and smooth p on it. Raises `ValueError` for more than two dimensions."""
        self.dimensions = mixture.dimensions
        if self.dimensions not in RESOLUTION:
            raise ValueError(f"expected a mixture in 1 or 2 dimensions, got one in {self.dimensions}")
        spread = mixture.variances.sqrt().unsqueeze(-1)
        self.low = (mixture.means - REACH * spread).amin(0)
        high = (mixture.means + REACH * spread).amax(0)
        extent = float((high - self.low).max())
        scott = max(1.0, count / mixture.modes) ** (-1 / (self.dimensions + 4))
        finest = extent / RESOLUTION[self.dimensions]
        self.step = max(scott * float(spread.min()) / PER_BANDWIDTH[self.dimensions], finest)
        self.bandwidth = self.step * PER_BANDWIDTH[self.dimensions]
        self.sides = [max(1, math.ceil(float(side) / self.step)) for side in high - self.low]
        # A sample in its cell is off by up to half a step, which widens the kernel as a box of that width does.
        widened = mixture.variances + self.bandwidth**2 + self.step**2 / 12
        self.smoothed = Mixture(mixture.weights, mixture.means, widened)
        axes = [
            low + self.step * (torch.arange(side, dtype=torch.float64, device=low.device) + 0.5)
            for low, side in zip(self.low, self.sides, strict=True)
        ]
        self._taps = _taps(PER_BANDWIDTH[self.dimensions], self.bandwidth).to(self.low.device)
        self._peak = float(self._taps.max()) ** self.dimensions
        self._ends = torch.tensor(self.sides, device=self.low.device)
        places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
        log_p = torch.cat([self.smoothed.log_density(row).flatten() for row in places.flatten(0, -2).split(2**16)])
        self._log_p = torch.cat([log_p, _log_outside(self.smoothed, self.low, self.step, self.sides).view(1)])
        self._volume = torch.full_like(self._log_p, self.step**self.dimensions)
        self._volume[-1] = 1.0

    def pair(self, samples: Tensor) -> Pair:
        """The smoothed p and q of one replica's finite samples (n, d), per cell, the last entry beyond the grid."""
        return Pair(self._log_p, self._density(samples).log(), self._volume)

    def at(self, samples: Tensor, points: Tensor, own: bool = False) -> Pair:
        """The smoothed p and q in the cells of points (m, d); with `own` the points are among the samples, and each is
        left out of the estimate of q at its own position."""
        density, cells = self._density(samples), self._cells(points)
        log_p, chosen = self._log_p[cells], density[cells]
        if own:
            count = len(samples)
            peak = torch.full_like(density, self._peak)
            peak[-1] = 1.0
            others = (chosen * (count + 1) - peak[cells]) / count
            chosen = others.maximum(log_p.exp() / count)
        return Pair(log_p, chosen.log(), self._volume[cells])

    def _density(self, samples: Tensor) -> Tensor:
        """q (cells + 1,) of samples (n, d), including the pseudo-sample."""
        counts = histogram(self._cells(samples).unsqueeze(0), len(self._log_p)).squeeze(0).double()
        smooth = counts[:-1].view(-1, self.sides[-1])
        for _ in self.sides:  # the last axis each time, which in the plane then becomes the first
            smooth = functional.conv1d(smooth.unsqueeze(1), self._taps, padding=self._taps.shape[-1] // 2).squeeze(1)
            smooth = smooth.T.contiguous() if self.dimensions == 2 else smooth
        density: Tensor = torch.cat([smooth.flatten(), counts[-1:]])
        return (density + self._log_p.exp()) / (len(samples) + 1)

    def _cells(self, points: Tensor) -> Tensor:
        """The number (m,) of each point's cell, the last number for what lies beyond the grid."""
        place = ((points.double() - self.low) / self.step).floor()
        inside = ((place >= 0) & (place < self._ends)).all(-1)
        index = place.clamp_min(0).minimum(self._ends - 1.0).long()
        flat: Tensor = index[:, 0] if self.dimensions == 1 else index[:, 0] * self.sides[1] + index[:, 1]
        return flat.masked_fill_(~inside, math.prod(self.sides))


def integral(pair: Pair, weigh: Weigh) -> Tensor:
    """The divergence whose integrand is (p + q) weigh(log p/q): a float64 scalar."""
    together = torch.logaddexp(pair.log_p, pair.log_q).exp()
    terms = together * weigh(pair.log_p - pair.log_q) * pair.volume
    total: Tensor = terms.masked_fill(together < TINY, 0.0).sum()
    return total


def js_weight(t: Tensor) -> Tensor:
    """Of JS in nats: (r log r - (1 + r) log((1 + r)/2)) / 2(1 + r) at t = log r."""
    share, rest = t.sigmoid(), (-t).sigmoid()
    entropy: Tensor = torch.special.entr(share) + torch.special.entr(rest)
    return (math.log(2) - entropy) / 2


def kl_weight(t: Tensor) -> Tensor:
    """Of KL(p || q): r log r / (1 + r) at t = log r."""
    return t.sigmoid() * t


def reverse_kl_weight(t: Tensor) -> Tensor:
    """Of KL(q || p): -log r / (1 + r) at t = log r."""
    return -(-t).sigmoid() * t


def tv_weight(t: Tensor) -> Tensor:
    """Of total variation: |r - 1| / 2(1 + r) at t = log r."""
    return (t / 2).tanh().abs() / 2


WEIGHTS: dict[str, Weigh] = {
    "density_js": js_weight,
    "density_kl": kl_weight,
    "density_reverse_kl": reverse_kl_weight,
    "density_tv": tv_weight,
}


def smoothed_divergences(samples: Tensor, grid: Grid) -> dict[str, Tensor]:
    """The columns above, each (R,) float64, of finite samples (R, n, d)."""
    pairs = (grid.pair(one) for one in samples)
    found = [[integral(pair, weigh) for weigh in WEIGHTS.values()] for pair in pairs]
    columns = torch.stack([torch.stack(row) for row in found], 1) if found else samples.new_zeros(len(WEIGHTS), 0)
    return dict(zip(WEIGHTS, columns.double(), strict=True))


def _taps(per_bandwidth: int, bandwidth: float) -> Tensor:
    """A Gaussian density at cells up to `CUT` bandwidths to either side, (1, 1, taps)."""
    reach = math.ceil(CUT * per_bandwidth)
    apart = torch.arange(-reach, reach + 1, dtype=torch.float64) / per_bandwidth
    return ((-apart.square() / 2).exp() / (bandwidth * math.sqrt(2 * math.pi))).view(1, 1, -1)


def _log_outside(mixture: Mixture, low: Tensor, step: float, sides: list[int]) -> Tensor:
    """The log of a mixture's mass beyond the grid, from tails and not as a difference from 1."""
    high = low + step * torch.tensor(sides, dtype=torch.float64, device=low.device)
    std = mixture.variances.sqrt().unsqueeze(-1)
    below, above = (low - mixture.means) / std, (mixture.means - high) / std
    tails: Tensor = torch.special.ndtr(below) + torch.special.ndtr(above)
    missed = -torch.expm1(torch.log1p(-tails).sum(-1))
    return (mixture.weights * missed).sum().log()
