"""Conditional models: agreement of samples with the requested labels, and the quality of each class.

Label fidelity is the classifier's agreement with the requested labels (for a mixture: the nearest mean's). The
per-class FID fits a Gaussian to the samples of each requested label and compares it with that class of the data. The
per-class coverage (Naeem et al. 2020, within a class) is the fraction of a class's real points whose ball of k
neighbours within the class holds a sample of that requested label.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.metrics.frechet import FactoredGaussian, frechet_distance, gaussian_from_samples
from trainables.metrics.modes import histogram
from trainables.metrics.neighbours import Neighbourhood, covered, neighbourhood

# Below this many samples a class has no FID of its own: the estimate would be its sampling bias alone.
MINIMUM = 20


def label_fidelity(predicted: Tensor, requested: Tensor) -> Tensor:
    """The fraction (R,), float64, of samples whose predicted label is the requested one; both (R, n)."""
    return (predicted == requested).double().mean(1)


def class_gaussians(features: Tensor, labels: Tensor, classes: int) -> list[FactoredGaussian | None]:
    """The Gaussian of each class of real features (N, d) labelled (N,); None for one of fewer than `MINIMUM`."""
    members = [features[labels == label] for label in range(classes)]
    return [gaussian_from_samples(some) if len(some) >= MINIMUM else None for some in members]


def class_frechet(features: Tensor, labels: Tensor, references: Sequence[FactoredGaussian | None]) -> Tensor:
    """FID of each requested class of each replica, (R, K) float64, of finite features (R, n, d) labelled (R, n).

    NaN where the class has fewer than `MINIMUM` samples, generated or real.
    """
    distances = torch.full((len(features), len(references)), torch.nan, dtype=torch.float64, device=features.device)
    enough = histogram(labels, len(references)) >= MINIMUM
    for label in enough.any(0).nonzero().flatten().tolist():
        if (reference := references[label]) is not None:
            replicas = enough[:, label]
            members, present = _members(features[replicas], labels[replicas] == label)
            distances[replicas, label] = frechet_distance(members, reference, present)
    return distances


def class_fid(features: Tensor, labels: Tensor, references: Sequence[FactoredGaussian | None]) -> Tensor:
    """The mean (R,) of `class_frechet` over the classes that have one; NaN where none has."""
    return class_frechet(features, labels, references).nanmean(1)


def class_neighbourhoods(
    features: Tensor, labels: Tensor, classes: int, k: int, size: int
) -> list[Neighbourhood | None]:
    """The balls around the first `size` real features (N, d) of each label (N,), at least `MINIMUM`; None for a class
    of fewer than that or too few for k neighbours."""
    members = [features[labels == label][: max(size, MINIMUM)] for label in range(classes)]
    return [neighbourhood(some, k) if len(some) >= max(MINIMUM, k + 1) else None for some in members]


def class_coverage(features: Tensor, labels: Tensor, balls: Sequence[Neighbourhood | None]) -> Tensor:
    """The mean (R,) float64 over classes of the coverage of finite features (R, n, d) with requested labels (R, n).

    The first samples of a class count, at most as many as its real points; NaN where no class has `MINIMUM` samples.
    """
    coverages = torch.full((len(features), len(balls)), torch.nan, dtype=torch.float64, device=features.device)
    enough = histogram(labels, len(balls)) >= MINIMUM
    for label in enough.any(0).nonzero().flatten().tolist():
        if (real := balls[label]) is not None:
            for replica in enough[:, label].nonzero().flatten().tolist():
                chosen = features[replica, labels[replica] == label][: len(real.points)]
                coverages[replica, label] = covered(chosen, real)
    return coverages.nanmean(1)


def _members(features: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """The features (R, n, d) in a mask (R, n) moved together, (R, m, d) with m the largest count, and their mask."""
    largest = int(present.sum(1).max())
    mask, order = present.to(torch.uint8).sort(dim=1, descending=True, stable=True)
    chosen = order[:, :largest].unsqueeze(-1).expand(-1, -1, features.shape[-1])
    return features.gather(1, chosen), mask[:, :largest].bool()
