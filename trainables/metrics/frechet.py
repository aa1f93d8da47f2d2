"""Fréchet distance between Gaussians fitted to features (FID, Heusel et al. 2017; Dowson & Landau 1982).

    d² = ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½

With any factors Σ = L Lᵀ the last trace is the sum of the singular values of L₂ᵀ L₁, so no matrix square root is needed
and singular covariances are no special case. The reference's factor is computed once. The singular values come from
`eigvalsh` of the cross product's Gram matrix, which squares the condition number; where the error that this may cause
is not far below the distance itself, from `svdvals` of the cross product instead. Everything is float64,
covariances divide by n − 1 as `numpy.cov` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.metrics.finite import finite_only

# The relative error of a distance above which its singular values are computed without squaring.
_TOLERANCE = 5e-7

_BLOCK = 256


@dataclass(frozen=True)
class FactoredGaussian:
    """A reference N(mean, factor factorᵀ): mean (d,), factor (d, k) with k >= rank, whether that is lower triangular,
    and the covariance's trace ()."""

    mean: Tensor
    factor: Tensor
    lower: bool
    trace: Tensor


def gaussian_from_moments(mean: Tensor, covariance: Tensor) -> FactoredGaussian:
    """The Gaussian of a mean (d,) and a positive semi-definite covariance (d, d), singular ones included."""
    covariance = covariance.double()
    return FactoredGaussian(mean.double(), *_factor(covariance), covariance.trace())


def gaussian_from_samples(samples: Tensor) -> FactoredGaussian:
    """The Gaussian fitted to samples (n, d), n >= 2; with n <= d the centred samples themselves are the factor."""
    mean, rows = _centred(samples)
    factor, lower = (rows.mT, False) if rows.shape[0] <= rows.shape[1] else _factor(rows.mT @ rows)
    return FactoredGaussian(mean, factor, lower, rows.square().sum())


@finite_only
def frechet_distance(samples: Tensor, reference: FactoredGaussian, present: Tensor | None = None) -> Tensor:
    """FID of each replica's samples (R, n, d), n >= 2, against the reference: (R,) float64, in squared feature units.

    Of replicas with unequally many samples a mask `present` (R, n) says which count, at least 2 of each; it needs
    finite samples. The estimate is biased upwards by an amount that depends on n: compare it with its floor. NaN for a
    replica with samples that are not finite.
    """
    mean, rows = _centred(samples, present)
    factor = reference.factor
    total = (mean - reference.mean).square().sum(-1) + rows.square().sum((-2, -1)) + reference.trace
    if rows.shape[-2] < factor.shape[-1]:
        cross = rows @ factor
        gram = cross @ cross.mT
    else:
        gram = _congruence(rows.mT @ rows, reference)
    return _distance(total, gram, lambda doubtful: rows[doubtful] @ factor)


def frechet_between(mean: Tensor, covariance: Tensor, reference: FactoredGaussian) -> Tensor:
    """FID between Gaussians given by their moments, means (R, d) and covariances (R, d, d): (R,) float64.

    Where samples are at hand prefer `frechet_distance`: a singular covariance tells less than the samples it came from.
    """
    mean, covariance = mean.double(), covariance.double()
    total = (mean - reference.mean).square().sum(-1) + torch.einsum("rii->r", covariance) + reference.trace

    def crossed(doubtful: Tensor) -> Tensor:
        return _root(covariance[doubtful]) @ reference.factor

    return _distance(total, _congruence(covariance, reference), crossed)


def _centred(samples: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean (..., d) and rows (..., n, d) with rowsᵀ rows = covariance."""
    least = samples.shape[-2] if present is None else int(present.sum(-1).min())
    if least < 2:
        raise ValueError(f"a Fréchet distance needs at least 2 samples, got {least}")
    samples = samples.double()
    if present is None:
        mean = samples.mean(-2, keepdim=True)
        return mean.squeeze(-2), (samples - mean).div_(math.sqrt(least - 1))
    present = present.double().unsqueeze(-1)
    count = present.sum(-2, keepdim=True)
    mean = (samples * present).sum(-2, keepdim=True) / count
    return mean.squeeze(-2), (samples - mean) * (present / (count - 1).sqrt())


def _factor(covariance: Tensor) -> tuple[Tensor, bool]:
    """L (d, k) with L Lᵀ = covariance, and whether it is lower triangular: Cholesky's where that exists, else the
    eigenvectors that carry variance."""
    cholesky: Tensor
    cholesky, failed = torch.linalg.cholesky_ex(covariance)
    if not bool(failed):
        return cholesky, True
    root = _root(covariance)
    return root[root.any(-1)].mT, False


def _congruence(covariance: Tensor, reference: FactoredGaussian) -> Tensor:
    """The lower triangle, at least, of Lᵀ covariance L (R, k, k), at a quarter of the work where L is triangular."""
    factor = reference.factor
    if not reference.lower:
        return factor.mT @ covariance @ factor
    starts = range(0, len(factor), _BLOCK)
    product = torch.zeros_like(covariance)
    for start in starts:
        columns = slice(start, start + _BLOCK)
        half = covariance[:, start:, start:] @ factor[start:, columns]
        for below in starts[start // _BLOCK :]:
            rows = slice(below, below + _BLOCK)
            product[:, rows, columns] = factor[below:, rows].mT @ half[:, below - start :]
    return product


def _root(covariance: Tensor) -> Tensor:
    """C (..., d, d) with Cᵀ C = covariance: its eigenvectors as rows, scaled; 0 where their variance is rounding."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    noise = values[..., -1:] * values.shape[-1] * torch.finfo(values.dtype).eps
    return torch.where(values > noise, values, 0.0).sqrt().unsqueeze(-1) * vectors.mT


def _distance(total: Tensor, gram: Tensor, crossed: Callable[[Tensor], Tensor]) -> Tensor:
    """`total` (R,) less twice the traces of the roots of `gram` (R, k, k); `crossed(mask)` is what gram squares."""
    values: Tensor = torch.linalg.eigvalsh(gram).clamp_min(0)
    distance = total - 2 * values.sqrt().sum(-1)
    doubtful = 2 * _root_error(values) > _TOLERANCE * distance
    if bool(doubtful.any()):
        distance[doubtful] = total[doubtful] - 2 * torch.linalg.svdvals(crossed(doubtful)).sum(-1)
    return distance.clamp_min(0)


def _root_error(values: Tensor) -> Tensor:
    """What the rounding of eigenvalues (R, k), ascending, may leave in the sum of their roots, (R,): independent errors
    of 4 units in the last place of the largest. No spectrum tried exceeded it."""
    rounding = 4 * torch.finfo(values.dtype).eps * values[..., -1:]
    of_roots: Tensor = torch.minimum(rounding.sqrt(), rounding / (2 * values.sqrt())).nan_to_num(0.0)
    return of_roots.square().sum(-1).sqrt()
