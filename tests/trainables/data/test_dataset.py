"""A data set refuses parts that do not fit, and moves whole."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from trainables.data import DataSet, load


@pytest.fixture
def labelled() -> DataSet:
    pictures = torch.zeros(6, 1, 4, 4)
    return DataSet("made", pictures, torch.arange(6) % 3, pictures[:3], torch.arange(3), 3)


def test_shape_and_kind(labelled: DataSet) -> None:
    assert (labelled.shape, labelled.images) == ((1, 4, 4), True)
    ring = load("ring", points=5, heldout=5)
    assert (ring.shape, ring.images) == ((2,), False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": torch.zeros(6, 1, 4, 4, dtype=torch.float64)}, "made train: expected float32 points"),
        (
            {"heldout": torch.zeros(0, 1, 4, 4)},
            r"made heldout: expected float32 points .* got torch.float32 of shape \(0, 1",
        ),
        ({"heldout": torch.zeros(3, 1, 5, 4)}, r"must have one shape, got \(1, 4, 4\) and \(1, 5, 4\)"),
        ({"labels": None}, "made train: labels and classes go together, got classes 3 without labels"),
        ({"classes": 0}, "made train: labels and classes go together, got classes 0 with labels"),
        ({"labels": torch.zeros(5, dtype=torch.int64)}, r"made train: expected 6 int64 labels, .* shape \(5,\)"),
        ({"labels": torch.zeros(6)}, "expected 6 int64 labels, one per point, got torch.float32"),
        ({"heldout_labels": torch.tensor([0, 1, 3])}, r"made heldout: expected labels in 0..2, got 0..3"),
        ({"heldout_labels": torch.tensor([0, 1, -1])}, r"made heldout: expected labels in 0..2, got -1..1"),
    ],
)
def test_parts_that_do_not_fit(labelled: DataSet, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(labelled, **change)


@pytest.mark.parametrize("name", ["ring", "gaussian", "digits"])
def test_to_another_device_moves_every_part(name: str) -> None:
    data = load(name)
    moved = data.to("meta")
    assert {moved.train.device.type, moved.heldout.device.type} == {"meta"}
    assert (moved.labels is None) == (data.labels is None)
    assert moved.labels is None or moved.labels.device.type == "meta"
    assert moved.heldout_labels is None or moved.heldout_labels.device.type == "meta"
    assert moved.mixture is None or moved.mixture.means.device.type == "meta"
    assert moved.classes == data.classes
    assert data.train.device.type == "cpu"
