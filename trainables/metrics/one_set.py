"""Every measurement of one set of samples, wherever they come from, against real data: FID, PRDC, modes and the rest.

The same numbers as a study's, from the same `Evaluator`; for a population of replicas, or many sets against one
reference, use that itself: it prepares its reference once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from trainables.data import DataSet, floats, load
from trainables.data.in_memory import Array, as_labels, as_points, require_images_in_range
from trainables.metrics.classifier import Classifier
from trainables.metrics.evaluator import Evaluator

LEAST = 20  # samples


def evaluate(
    samples: Array,
    data: DataSet | Array | str | Mapping[str, Any],
    *,
    labels: Array | None = None,
    measure: Sequence[str] = (),
    classifier: Classifier | None = None,
    device: torch.device | str = "cpu",
    **settings: Any,
) -> dict[str, Any]:
    """Measure samples (n, d), or images (n, c, h, w) or (n, h, w, c), against real data of the same shape.

    `data` is a data set, the name or the mapping of one as in a configuration, or an array of real samples, all of
    which are the reference. Of images, numbers are in [-1, 1], and bytes are taken as well. `labels` (n,) are those
    requested of the samples, where the data have labels. `measure` names further groups of measurements and `settings`
    are those of `trainables.metrics.evaluator.Settings`, as `features="inception"`; the module of `Evaluator` has the
    columns, and what each of them takes. A `classifier` (see `train_classifier`) makes classes of images countable as
    modes.

    Samples are measured in a random order that is always the same. FID and its like depend on how many there are:
    compare sets of one size, or with `Evaluator.floor`, what real samples score.

    Returns:
        A number for each column, NaN where it cannot be measured; for `mode_histogram` a list of counts.

    Raises:
        ValueError: samples, labels, data or settings that do not fit, by name.
    """
    seen, reference = floats(as_points("samples", samples)), _reference(data)
    if len(seen) < LEAST:
        raise ValueError(f"samples: expected at least {LEAST}, got {len(seen)}")
    if tuple(seen.shape[1:]) != reference.shape:
        raise ValueError(f"samples: expected each of shape {reference.shape}, as the data, got {tuple(seen.shape[1:])}")
    if "memorisation" in measure and reference.heldout is reference.train:
        raise ValueError("measure: memorisation needs held-out points; expected a data set as data, got an array")
    asked = None if labels is None else as_labels("labels", labels, len(seen))
    evaluator = Evaluator(
        reference, {"samples": len(seen), **settings}, measure, device, classifier=classifier
    )  # fmt: skip
    order = torch.randperm(len(seen), generator=torch.Generator().manual_seed(0))
    measured = evaluator(seen[order].unsqueeze(0), None if asked is None else asked[order].unsqueeze(0))
    return {name: values[0].tolist() for name, values in measured.items()}


def _reference(data: DataSet | Array | str | Mapping[str, Any]) -> DataSet:
    """The data to measure against; an array is all reference, so nothing is held out of it."""
    if isinstance(data, DataSet):
        return data
    if isinstance(data, str):
        return load(data)
    if isinstance(data, Mapping):
        return load(**data)
    real = as_points("data", data)
    require_images_in_range("data", real)
    return DataSet("data", real, None, real, None, classes=0)
