"""Wasserstein distances that need only sorting: exact in 1-D, and sliced in more dimensions.

In 1-D, with quantile functions Q and S, W_p^p = ∫₀¹ |Q(u) − S(u)|^p du, which for two samples is a finite sum over the
levels at which either quantile function jumps; their sizes may differ. Against a mixture, whose Q and partial means
I(u) = ∫₀ᵘ Q are known, no reference sample is needed. The sliced distance (Rabin et al. 2011; Bonneel
et al. 2015) is the root mean of W₂² over projections onto fixed random directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.mixture import Mixture
from trainables.metrics.finite import finite_only


@dataclass(frozen=True)
class Slices:
    """Unit directions (d, P), the reference's projections onto them, sorted, (P, m), and the running sums of these,
    (P, m + 1)."""

    directions: Tensor
    projections: Tensor
    sums: Tensor


def slices(reference: Tensor, count: int, generator: torch.Generator) -> Slices:
    """Project a reference (m, d) onto `count` directions drawn uniformly with `generator` (on the CPU)."""
    drawn = torch.randn(count, reference.shape[-1], generator=generator, dtype=torch.float64)
    directions = (drawn / drawn.norm(dim=1, keepdim=True)).T.to(reference.device)
    projections = (reference.double() @ directions).T.contiguous().sort(-1).values
    return Slices(directions, projections, functional.pad(projections.cumsum(-1), (1, 0)))


@finite_only
def sliced_wasserstein(samples: Tensor, reference: Slices) -> Tensor:
    """Sliced W₂ of each replica's samples (R, n, d) from the reference: (R,) float64, in units of the features."""
    projected = (samples.double() @ reference.directions).mT.contiguous().sort(-1).values
    squares = projected.square().mean(-1) + reference.projections.square().mean(-1)
    products: Tensor = (projected * _cells(reference, samples.shape[1])).sum(-1)
    return (squares - 2 * products).clamp_min(0).mean(-1).sqrt()


def _cells(reference: Slices, count: int) -> Tensor:
    """The integrals (P, n) of the reference's quantile functions over the levels (i, i + 1)/n that sample i carries."""
    size = reference.projections.shape[-1]
    levels = torch.arange(count + 1, device=reference.sums.device) * size
    whole, part = levels // count, (levels % count).double() / count
    last = reference.projections[:, whole.clamp_max(size - 1)]
    return (reference.sums[:, whole] + part * last).diff(dim=-1) / size


@finite_only
def wasserstein_1d(samples: Tensor, reference: Tensor) -> Tensor:
    """Exact W₁ between each replica's samples (R, n) and a sorted reference (m,): (R,) float64, in data units."""
    x, y = samples.double().sort(-1).values, reference.double()
    n, m = x.shape[-1], len(y)
    starts, mass = _between_jumps(n, m, x.device)
    gap: Tensor = (x[:, starts // m] - y[starts // n]).abs()
    return gap.mul_(mass).sum(-1)


@lru_cache(maxsize=8)
def _between_jumps(n: int, m: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The levels at which the quantile functions of n or of m samples jump, in units of 1/nm, where they are whole
    numbers, and the mass from each of them to the next."""
    jumps = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).unique().to(device)
    starts = functional.pad(jumps[:-1], (1, 0))
    return starts, (jumps - starts).double() / (n * m)


@finite_only
def wasserstein_to_mixture(samples: Tensor, mixture: Mixture) -> Tensor:
    """Exact W₁ between each replica's samples (R, n) and a mixture in 1-D itself: (R,) float64, in data units."""
    x = samples.double().sort(-1).values
    levels = torch.linspace(0, 1, x.shape[-1] + 1, dtype=torch.float64, device=x.device)
    quantiles = mixture.quantile(levels).squeeze(-1)
    # Sample i carries the levels (i, i + 1)/n; it lies above Q up to where Q crosses it, and below from there on.
    crossing = x.clamp(quantiles[:-1], quantiles[1:])
    level = mixture.cdf(x.unsqueeze(-1)).clamp(levels[:-1], levels[1:])
    partial = _partial_mean(mixture, quantiles)
    below_less_above = 2 * level - levels[:-1] - levels[1:]
    gap = x * below_less_above - 2 * _partial_mean(mixture, crossing) + partial[:-1] + partial[1:]
    return gap.clamp_min(0).sum(-1)


def _partial_mean(mixture: Mixture, x: Tensor) -> Tensor:
    """E X 1{X <= x} of a mixture in 1-D, for x (...), infinite ones included."""
    std = mixture.variances.sqrt()
    z = (x.unsqueeze(-1) - mixture.means.squeeze(-1)) / std
    density = (-z.square() / 2).exp() / math.sqrt(2 * math.pi)
    of_modes: Tensor = mixture.means.squeeze(-1) * torch.special.ndtr(z) - std * density
    return of_modes.mul_(mixture.weights).sum(-1)
