"""A data set refuses parts that do not fit, and moves whole."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
import torch

from trainables.data import DataSet, floats, load


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
        ({"train": torch.zeros(6, 2, dtype=torch.uint8)}, r"or uint8 pictures .* got torch.uint8 of shape \(6, 2\)"),
        (
            {"heldout": torch.zeros(3, 1, 4, 4, dtype=torch.uint8)},
            "must have one dtype, got torch.float32 and torch.uint8",
        ),
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


def test_bytes_become_numbers_from_minus_one_to_one() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    assert floats(levels).tolist() == [pytest.approx(level / 127.5 - 1, abs=1e-6) for level in range(256)]
    assert floats(levels)[[0, 255]].tolist() == [-1, 1]
    assert levels.tolist() == list(range(256))
    numbers = torch.randn(3)
    assert floats(numbers) is numbers


def test_the_digest_is_of_the_content_alone(labelled: DataSet) -> None:
    same = replace(labelled, name="another", train=labelled.train.clone())
    assert same.digest == labelled.digest == labelled.to("cpu").digest
    assert len(labelled.digest) == 64
    changed = labelled.train.clone()
    changed[5, 0, 3, 3] = 1e-6
    parts: list[dict[str, Any]] = [
        {"train": changed},
        {"train": labelled.train.view(6, 1, 2, 8), "heldout": labelled.heldout.view(3, 1, 2, 8)},
        {"train": labelled.train.byte(), "heldout": labelled.heldout.byte()},
        {"labels": torch.zeros(6, dtype=torch.int64)},
        {"labels": None, "heldout_labels": None, "classes": 0},
        {
            "train": torch.zeros(3, 1, 4, 4),
            "labels": torch.arange(3),
            "heldout": labelled.train,
            "heldout_labels": labelled.labels,
        },
    ]
    assert len({labelled.digest, *(replace(labelled, **part).digest for part in parts)}) == 1 + len(parts)


@pytest.mark.golden
def test_the_digest_of_two_points() -> None:
    """Computed by sha256sum from the bytes as the docstring says them."""
    data = DataSet("made", torch.tensor([[0.0], [1.0]]), None, torch.tensor([[2.0]]), None, 0)
    text = b"train torch.float32 (2, 1)\n" + bytes.fromhex("000000000000803f")
    text += b"heldout torch.float32 (1, 1)\n" + bytes.fromhex("00000040")
    assert data.digest == hashlib.sha256(text).hexdigest()
