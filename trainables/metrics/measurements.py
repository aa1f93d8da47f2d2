"""The measurements of an `Evaluator`: each function computes its reference once and returns a measurement of samples.

A measurement takes `MeasuredSamples` and returns columns (R,), float64. The reference is the training part of
the data; for a mixture in the space of the data itself, moments are the exact ones instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from trainables.data import DataSet, Mixture
from trainables.metrics import densities as density
from trainables.metrics import frechet, kernel, modes, neighbours, own, sliced
from trainables.metrics import labels as conditional
from trainables.metrics import memorisation as memory
from trainables.metrics.classifier import is_stacked
from trainables.metrics.inception import inception_score
from trainables.metrics.infinity import CUTS, fid_infinity
from trainables.metrics.sampling_error import in_blocks, standard_error

# Blocks of a kernel estimate, whose spread gives its interval; directions of the sliced distance.
BLOCKS = 10
_DIRECTIONS = 128


@dataclass(frozen=True)
class MeasuredSamples:
    """Finite samples (R, n, *shape), their features (R, n, d), their predicted classes (R, n) if they can be
    predicted, and the labels (R, n) requested of them if any were."""

    samples: Tensor
    features: Tensor
    predicted: Tensor | None
    requested: Tensor | None


Measurement = Callable[[MeasuredSamples], dict[str, Tensor]]


def fid(real: Tensor, mixture: Mixture | None) -> Measurement:
    """`fid` and its standard error `fid_error` from real features (N, d), or from the moments of a mixture."""
    reference = _gaussian(real, mixture)

    def measure(seen: MeasuredSamples) -> dict[str, Tensor]:
        of_blocks = frechet.frechet_distance(in_blocks(seen.features), reference)
        return {"fid": frechet.frechet_distance(seen.features, reference), "fid_error": standard_error(of_blocks)}

    return measure


def _gaussian(real: Tensor, mixture: Mixture | None) -> frechet.FactoredGaussian:
    if mixture is None:
        return frechet.gaussian_from_samples(real)
    return frechet.gaussian_from_moments(mixture.mean, mixture.covariance)


def require_samples(features: int, samples: int) -> None:
    """Refuse so few samples that `infinity` cannot be measured in a space of so many features, with a `ValueError`."""
    if samples // CUTS <= features:
        needs = f"more than {CUTS} times the {features} features"
        raise ValueError(f"evaluation.samples: expected {needs} for measure infinity, got {samples}")


def infinity(real: Tensor, mixture: Mixture | None, samples: int) -> Measurement:
    """`fid_infinity`, with `_low` and `_high`, against the reference of `fid`.

    Raises `ValueError` where so many `samples` are too few for the number of features.
    """
    require_samples(real.shape[1], samples)
    reference = _gaussian(real, mixture)

    def measure(seen: MeasuredSamples) -> dict[str, Tensor]:
        found = fid_infinity(seen.features, reference)
        low, high = found["low"], found["high"]
        return {"fid_infinity": found["estimate"], "fid_infinity_low": low, "fid_infinity_high": high}

    return measure


def score(head: Tensor | None) -> Measurement:
    """`inception_score`, by the last layer of InceptionV3."""
    assert head is not None
    return lambda seen: {"inception_score": inception_score(seen.features, head)}


def prdc(real: Tensor, count: int, k: int) -> Measurement:
    """`precision`, `recall`, `density` and `coverage` of the first `count` samples among as many real features."""
    reference = neighbours.neighbourhood(real[:count], k)
    return lambda seen: neighbours.prdc(seen.features[:, :count], reference)


def mode_coverage(data: DataSet) -> Measurement:
    """`modes`, `modes_held`, `modes_covered`, `reverse_kl`, `mode_js`, `mode_histogram`, and of a mixture
    `high_quality`, `mass_js`, `mass_js_error`."""
    mixture = data.mixture
    if mixture is not None:
        parts = mixture.weights, mixture.means, mixture.variances
        return lambda seen: modes.mixture_modes(seen.samples, *parts)
    weights = class_weights(data)
    return lambda seen: {} if seen.predicted is None else modes.class_modes(seen.predicted, weights)


def class_weights(data: DataSet) -> Tensor:
    """How often each class of labelled data occurs, (K,): as in the training part, and equally in stacked digits."""
    if data.labels is None:
        raise ValueError(f"'{data.name}' has no labels")
    if is_stacked(data):
        return torch.full((data.classes,), 1 / data.classes, dtype=torch.float64, device=data.labels.device)
    return data.labels.bincount(minlength=data.classes).double() / len(data.labels)


def label_agreement(
    real: Tensor, labels: Tensor, classes: int, mixture: Mixture | None, k: int, samples: int
) -> Measurement:
    """`class_fid`, `class_coverage` by `k` neighbours, and `label_fidelity` where classes can be predicted, of
    `samples` samples with requested labels."""
    if mixture is None:
        references = conditional.class_gaussians(real, labels, classes)
    else:
        identity = torch.eye(mixture.dimensions, dtype=torch.float64, device=mixture.means.device)
        moments = zip(mixture.means, mixture.variances, strict=True)
        references = [frechet.gaussian_from_moments(mean, variance * identity) for mean, variance in moments]
    balls = conditional.class_neighbourhoods(real, labels, classes, k, samples // classes)

    def measure(seen: MeasuredSamples) -> dict[str, Tensor]:
        if seen.requested is None:
            return {}
        columns = {
            "class_fid": conditional.class_fid(seen.features, seen.requested, references),
            "class_coverage": conditional.class_coverage(seen.features, seen.requested, balls),
        }
        if seen.predicted is not None:
            columns["label_fidelity"] = conditional.label_fidelity(seen.predicted, seen.requested)
        return columns

    return measure


def wasserstein(data: DataSet) -> Measurement:
    """`wasserstein_1d` of 1-D data: from the mixture itself where it is known, else from the training part."""
    mixture = data.mixture
    if mixture is not None:
        return lambda seen: {"wasserstein_1d": sliced.wasserstein_to_mixture(seen.samples.squeeze(-1), mixture)}
    reference = data.train.double().squeeze(-1).sort().values
    return lambda seen: {"wasserstein_1d": sliced.wasserstein_1d(seen.samples.squeeze(-1), reference)}


def kernels(real: Tensor, samples: int) -> Measurement:
    """`kid` and `mmd`, each with `_low` and `_high`, in blocks that `samples` samples and the real features fill."""
    size = min(samples, len(real)) // BLOCKS
    chosen = {"kid": kernel.cubic_kernel, "mmd": kernel.median_gaussian(real)}
    references = {name: kernel.in_blocks(real, function, BLOCKS, size) for name, function in chosen.items()}

    def measure(seen: MeasuredSamples) -> dict[str, Tensor]:
        columns: dict[str, Tensor] = {}
        for name, reference in references.items():
            found = kernel.mmd(seen.features, reference)
            columns |= {name: found["estimate"], f"{name}_low": found["low"], f"{name}_high": found["high"]}
        return columns

    return measure


def densities(mixture: Mixture) -> Measurement:
    """`density_js`, `density_kl`, `density_reverse_kl` and `density_tv`, on a grid that fits the number of samples."""

    @cache
    def grid(count: int) -> density.Grid:
        return density.Grid(mixture, count)

    return lambda seen: density.smoothed_divergences(seen.samples, grid(seen.samples.shape[1]))


def copies(real: Tensor, heldout: Tensor, count: int) -> Measurement:
    """`memorisation` of the first `count` samples, of all real features (N, d) and as many held-out ones (m, d)."""
    reference = memory.prepared(real, heldout[:count])
    return lambda seen: {"memorisation": memory.memorisation(seen.features[:, :count], reference)}


def of_the_user(metrics: Sequence[own.OwnMetric], data: DataSet, trouble: Callable[[str], None]) -> Measurement:
    """The user's own columns, as `own.robust` has them; `trouble` is told of what could not be measured."""
    return lambda seen: {one.column: own.robust(one, seen.samples, data, trouble) for one in metrics}


def slices(real: Tensor, generator: torch.Generator) -> Measurement:
    """`sliced_wasserstein` along fixed random directions."""
    reference = sliced.slices(real, _DIRECTIONS, generator)
    return lambda seen: {"sliced_wasserstein": sliced.sliced_wasserstein(seen.features, reference)}
