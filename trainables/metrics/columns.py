"""The table of measurements of samples: the columns of each, when it is made, and how it is prepared from the data.

`columns` names the columns before any data are loaded; `Evaluator` prepares its measurements from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data import DataSet, Mixture
from trainables.metrics import measurements, own
from trainables.metrics.feature_spaces import Setting
from trainables.metrics.measurements import Measurement
from trainables.metrics.own import OwnMetric

GROUPS = {  # that `measure` may ask for, and what each is
    "kernel": "distances of kernel means, KID and MMD, with intervals",
    "sliced": "Wasserstein distances along random directions",
    "divergences": "of mixtures: divergences of the samples' density, and what the critic's bound says of them",
    "memorisation": "whether samples are copies of training points",
    "infinity": "the Fréchet distance extrapolated to infinitely many samples",
    "jacobian": "eigenvalues of the game's Jacobian at the end of training",
}


BACK = {  # what is measured of a model's second generator, and its column
    "fid": "fid_back", "fid_error": "fid_back_error", "modes_held": "modes_held_back",
    "label_fidelity": "label_fidelity_back",
}  # fmt: skip


@dataclass(frozen=True)
class DataTraits:
    """What decides which columns are measured: the `shape` (d,) or (C, H, W) of a sample, whether the data are a known
    mixture, whether there is a classifier, whether labels are requested of samples, the groups of `measure`, and
    whether classes are told by their means, as those of labelled points that are no mixture are, and whether features
    are InceptionV3's."""

    shape: tuple[int, ...]
    mixture: bool
    classifier: bool
    requested: bool
    measure: Sequence[str] = ()
    class_means: bool = False
    inception: bool = False

    @classmethod
    def of(cls, data: DataSet, classifier: bool, measure: Sequence[str] = (), features: Setting = "raw") -> DataTraits:
        """Those of a data set, in a feature space, where labels, if it has any, are requested of all samples."""
        labelled, mixture = data.labels is not None, data.mixture is not None
        means = labelled and not mixture and not data.images
        return cls(data.shape, mixture, classifier, labelled, measure, means, features == "inception")

    @property
    def classes_predicted(self) -> bool:
        """Whether the class of a sample can be predicted: by its nearest mode, the classifier or its nearest class
        mean."""
        return self.mixture or self.classifier or self.class_means


@dataclass(frozen=True)
class Reference:
    """What measurements are prepared from: the data, the features (N, d) of all training points in order and in random
    order, those of held-out points when called for, InceptionV3's last layer if features are its, the mixture if
    features are the data themselves, sample sizes, a random generator, the user's own measurements and who is told of
    their trouble.

    `samples` of each replica are measured, the first `neighbour_samples` of them by nearest neighbours, in balls that
    reach the `neighbours`-th one.
    """

    data: DataSet
    features: Tensor
    shuffled: Tensor
    heldout: Callable[[], Tensor]
    head: Tensor | None
    exact: Mixture | None
    samples: int
    neighbour_samples: int
    neighbours: int
    generator: torch.Generator
    own: tuple[OwnMetric, ...] = ()
    trouble: Callable[[str], None] = print


@dataclass(frozen=True)
class Row:
    """One measurement: its columns (none where it is not made), and the function that prepares it."""

    columns: Callable[[DataTraits], tuple[str, ...]]
    prepare: Callable[[Reference], Measurement]


def _of_modes(traits: DataTraits) -> tuple[str, ...]:
    names = ("modes", "modes_held", "modes_covered", "reverse_kl", "mode_js", "mode_histogram")
    if traits.mixture:
        return (*names, "high_quality", "mass_js", "mass_js_error")
    return names if traits.classes_predicted else ()


def _of_labels(traits: DataTraits) -> tuple[str, ...]:
    names = ("class_fid", "class_coverage") if traits.requested else ()
    return (*names, "label_fidelity") if traits.requested and traits.classes_predicted else names


def _where(holds: Callable[[DataTraits], bool], *names: str) -> Callable[[DataTraits], tuple[str, ...]]:
    return lambda traits: names if holds(traits) else ()


def _densities(reference: Reference) -> Measurement:
    assert reference.data.mixture is not None
    return measurements.densities(reference.data.mixture)


def _labels(reference: Reference) -> Measurement:
    data = reference.data
    assert data.labels is not None
    return measurements.label_agreement(
        reference.features, data.labels, data.classes, reference.exact, reference.neighbours, reference.samples
    )


ROWS = (
    Row(_where(lambda traits: True, "fid", "fid_error"), lambda r: measurements.fid(r.shuffled, r.exact)),
    Row(
        _where(lambda traits: True, "precision", "recall", "density", "coverage"),
        lambda r: measurements.prdc(r.shuffled, r.neighbour_samples, r.neighbours),
    ),
    Row(_of_modes, lambda r: measurements.mode_coverage(r.data)),
    Row(_of_labels, _labels),
    Row(_where(lambda traits: traits.shape == (1,), "wasserstein_1d"), lambda r: measurements.wasserstein(r.data)),
    Row(
        _where(lambda traits: "kernel" in traits.measure, "kid", "kid_low", "kid_high", "mmd", "mmd_low", "mmd_high"),
        lambda r: measurements.kernels(r.shuffled, r.samples),
    ),
    Row(
        _where(
            lambda traits: "divergences" in traits.measure and traits.mixture,
            "density_js", "density_kl", "density_reverse_kl", "density_tv",
        ),
        _densities,
    ),
    Row(
        _where(lambda traits: "memorisation" in traits.measure, "memorisation"),
        lambda r: measurements.copies(r.features, r.heldout(), r.neighbour_samples),
    ),
    Row(
        _where(lambda traits: "sliced" in traits.measure or "divergences" in traits.measure, "sliced_wasserstein"),
        lambda r: measurements.slices(r.shuffled, r.generator),
    ),
    Row(
        _where(
            lambda traits: "infinity" in traits.measure, "fid_infinity", "fid_infinity_low", "fid_infinity_high"
        ),
        lambda r: measurements.infinity(r.shuffled, r.exact, r.samples),
    ),
    Row(_where(lambda traits: traits.inception, "inception_score"), lambda r: measurements.score(r.head)),
    Row(lambda traits: own.columns_of(traits.measure), lambda r: measurements.of_the_user(r.own, r.data, r.trouble)),
)  # fmt: skip


def columns(traits: DataTraits) -> tuple[str, ...]:
    """The names of all columns that an evaluator of such data returns."""
    return tuple(name for row in ROWS for name in row.columns(traits))
