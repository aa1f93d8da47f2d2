"""The table of measurements of samples: which columns each brings, when, and how it is prepared from the data.

Which columns there will be is known before anything is loaded: `columns`. `Evaluator` prepares from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data import DataSet, Mixture
from trainables.metrics import measurements
from trainables.metrics.features import Features
from trainables.metrics.measurements import Measurement

GROUPS = ("kernel", "sliced", "divergences", "memorisation", "jacobian")  # that `measure` may ask for


@dataclass(frozen=True)
class Circumstances:
    """What decides which columns there are: the shape (d,) or (C, H, W) of a sample, whether the data's mixture is
    known, whether a classifier is given, whether labels are requested of samples, and the groups of `measure`."""

    shape: tuple[int, ...]
    mixture: bool
    classifier: bool
    requested: bool
    measure: Sequence[str] = ()

    @property
    def classes_told(self) -> bool:
        """Whether the class of a sample can be told from it."""
        return self.mixture or self.classifier


@dataclass(frozen=True)
class Reference:
    """What measurements are prepared from: the data, the features (N, d) of all training points in order and in random
    order, the map to features, the mixture where features are its own space, sample sizes, and a random generator.

    `samples` of each replica will be measured, `some` of them by nearest neighbours, in balls of `neighbours`.
    """

    data: DataSet
    features: Tensor
    shuffled: Tensor
    extract: Features
    exact: Mixture | None
    samples: int
    some: int
    neighbours: int
    generator: torch.Generator


@dataclass(frozen=True)
class Row:
    """The columns of one measurement (none where it is not made), and what prepares it."""

    columns: Callable[[Circumstances], tuple[str, ...]]
    prepare: Callable[[Reference], Measurement]


def _of_modes(given: Circumstances) -> tuple[str, ...]:
    names = ("modes", "reverse_kl", "mode_js", "mode_histogram") if given.classes_told else ()
    return (*names, "high_quality") if given.mixture else names


def _of_labels(given: Circumstances) -> tuple[str, ...]:
    names = ("class_fid", "class_coverage") if given.requested else ()
    return (*names, "label_fidelity") if given.requested and given.classes_told else names


def _where(holds: Callable[[Circumstances], bool], *names: str) -> Callable[[Circumstances], tuple[str, ...]]:
    return lambda given: names if holds(given) else ()


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
    Row(_where(lambda given: True, "fid"), lambda r: measurements.fid(r.shuffled, r.exact)),
    Row(
        _where(lambda given: True, "precision", "recall", "density", "coverage"),
        lambda r: measurements.prdc(r.shuffled, r.some, r.neighbours),
    ),
    Row(_of_modes, lambda r: measurements.mode_coverage(r.data)),
    Row(_of_labels, _labels),
    Row(_where(lambda given: given.shape == (1,), "wasserstein_1d"), lambda r: measurements.wasserstein(r.data)),
    Row(
        _where(lambda given: "kernel" in given.measure, "kid", "kid_low", "kid_high", "mmd", "mmd_low", "mmd_high"),
        lambda r: measurements.kernels(r.shuffled, r.samples),
    ),
    Row(
        _where(
            lambda given: "divergences" in given.measure and given.mixture,
            "density_js", "density_kl", "density_reverse_kl", "density_tv",
        ),
        _densities,
    ),
    Row(
        _where(lambda given: "memorisation" in given.measure, "memorisation"),
        lambda r: measurements.copies(r.features, r.extract(r.data.heldout), r.some),
    ),
    Row(
        _where(lambda given: "sliced" in given.measure or "divergences" in given.measure, "sliced_wasserstein"),
        lambda r: measurements.slices(r.shuffled, r.generator),
    ),
)  # fmt: skip


def columns(given: Circumstances) -> tuple[str, ...]:
    """The names of all columns that an evaluator brings."""
    return tuple(name for row in ROWS for name in row.columns(given))
