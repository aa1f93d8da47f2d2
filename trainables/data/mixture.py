"""A mixture of isotropic Gaussians, p(x) = Σ_k w_k N(x; μ_k, v_k I), with exact density and quantiles.

Symbols: K modes, d dimensions, w weights that sum to one, μ means, v variances (of each coordinate, not
standard deviations). Points carry their coordinates last, (..., d), also when d = 1. Everything is in float64
whatever the points' dtype, because measurements against it are often small differences.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

# Halvings of a bracket: 64 leave 2⁻⁶⁴ of its width, which is below float64's resolution of its ends.
_HALVINGS = 64


@dataclass(frozen=True, eq=False)
class Mixture:
    """Exact density, moments, quantiles and samples of Σ_k w_k N(μ_k, v_k I).

    Args:
        weights: (K,) positive; normalised to sum to one.
        means: (K, d) finite.
        variances: (K,) positive, of each coordinate.

    All three are kept in float64 on the device they came on.

    Raises:
        ValueError: a shape that does not fit, or a value out of range.
    """

    weights: Tensor
    means: Tensor
    variances: Tensor

    def __post_init__(self) -> None:
        """Check the parts, normalise the weights, and convert to float64."""
        weights, means, variances = (part.detach().double() for part in (self.weights, self.means, self.variances))
        if means.ndim != 2 or not means.numel():
            raise ValueError(f"means: expected shape (modes, dimensions), got {tuple(means.shape)}")
        for name, values in (("weights", weights), ("variances", variances)):
            if values.shape != means.shape[:1]:
                expected = f"one number for each of the {len(means)} means"
                raise ValueError(f"{name}: expected {expected}, got shape {tuple(values.shape)}")
            if not ((values > 0) & values.isfinite()).all():
                raise ValueError(f"{name}: expected positive finite numbers, got {values.tolist()}")
        if not means.isfinite().all():
            raise ValueError(f"means: expected finite numbers, got {means.tolist()}")
        object.__setattr__(self, "weights", weights / weights.sum())
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "variances", variances)

    @property
    def modes(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def dimensions(self) -> int:
        """The d of its points."""
        return self.means.shape[1]

    @property
    def mean(self) -> Tensor:
        """(d,) E x."""
        return torch.mv(self.means.T, self.weights)

    @property
    def covariance(self) -> Tensor:
        """(d, d) covariance: Σ w_k v_k I within the modes plus the spread of the means."""
        centred = self.means - self.mean
        within = (self.weights * self.variances).sum()
        between = (self.weights[:, None] * centred).T @ centred
        return between + within * torch.eye(self.dimensions, dtype=between.dtype, device=between.device)

    def log_density(self, x: Tensor) -> Tensor:
        """log p in nats, (...) for points (..., d); differentiable.

        Summed as logarithms, so it stays finite where p itself underflows. -inf where the squared distance
        overflows (some 1e154 away), NaN where a coordinate is NaN.

        Raises:
            ValueError: the last axis of `x` is not d.
        """
        squared = (self._points(x).unsqueeze(-2) - self.means).square().sum(-1)
        normaliser = self.weights.log() - self.dimensions / 2 * (2 * math.pi * self.variances).log()
        return torch.logsumexp(normaliser - squared / (2 * self.variances), dim=-1)

    def density(self, x: Tensor) -> Tensor:
        """p, (...) for points (..., d); 0 where it underflows."""
        return self.log_density(x).exp()

    def cdf(self, x: Tensor) -> Tensor:
        """P(X ≤ x), (...) for points (..., 1), one dimension only; accurate also in the lower tail.

        Raises:
            ValueError: the mixture has more than one dimension.
        """
        self._require_one_dimension()
        return self._cdf(self._points(x).squeeze(-1))

    def quantile(self, probability: Tensor) -> Tensor:
        """The least x with P(X ≤ x) ≥ `probability`, (..., 1) for probabilities (...); one dimension only.

        This is the exact transform from a uniform to the data (the inverse transform method). 0 gives -inf, 1
        gives inf, NaN and anything outside [0, 1] NaN. Between modes so far apart that the cdf is flat to
        float64, the answer is the left end of the plateau.

        Raises:
            ValueError: the mixture has more than one dimension.
        """
        self._require_one_dimension()
        probability = probability.double()
        # Every mode's own quantile lies on one side or the other of the mixture's, so theirs bracket it.
        standard: Tensor = torch.special.ndtri(probability).unsqueeze(-1)
        of_modes = self.means.squeeze(-1) + self.variances.sqrt() * standard
        low, high = of_modes.amin(-1), of_modes.amax(-1)
        for _ in range(_HALVINGS):
            middle = low / 2 + high / 2
            reached = self._cdf(middle) >= probability
            low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
        return high.unsqueeze(-1)

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Independent points (count, d) in float64 and the mode each came from, (count,) int64."""
        labels = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        noise = torch.randn(
            (count, self.dimensions), generator=generator, dtype=torch.float64, device=self.means.device
        )
        return self.means[labels] + self.variances[labels].sqrt().unsqueeze(-1) * noise, labels

    def to(self, device: torch.device | str) -> Mixture:
        """The same mixture on another device."""
        moved = copy(self)  # skips the checks, which would synchronise with the device
        for part in ("weights", "means", "variances"):
            object.__setattr__(moved, part, getattr(self, part).to(device))
        return moved

    def _cdf(self, x: Tensor) -> Tensor:
        standard = (x.unsqueeze(-1) - self.means.squeeze(-1)) / self.variances.sqrt()
        return (self.weights * torch.erfc(-standard / math.sqrt(2))).sum(-1) / 2

    def _points(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.dimensions:
            raise ValueError(f"expected points of shape (..., {self.dimensions}), got {tuple(x.shape)}")
        return x.double()

    def _require_one_dimension(self) -> None:
        if self.dimensions != 1:
            raise ValueError(f"a cdf needs a mixture in 1 dimension, this one has {self.dimensions}")


def gaussian(mean: float | Tensor, std: float | Tensor) -> Mixture:
    """N(mean, std²) in one dimension as a mixture of one."""
    mean, std = torch.as_tensor(mean, dtype=torch.float64), torch.as_tensor(std, dtype=torch.float64)
    return Mixture(torch.ones_like(mean).view(1), mean.view(1, 1), std.square().view(1))
