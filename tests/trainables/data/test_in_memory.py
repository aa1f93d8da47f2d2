"""Arrays become data sets: either kind of array, either order of axes; what cannot be is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import floats, from_arrays
from trainables.data.in_memory import as_points

POINTS = np.random.default_rng(0).normal(size=(40, 3))
IMAGES = np.random.default_rng(0).integers(0, 256, (30, 3, 8, 6), dtype=np.uint8)


def test_points_are_split_by_a_seed() -> None:
    data = from_arrays(POINTS)
    assert (data.name, data.shape, data.classes) == ("arrays", (3,), 0)
    assert (len(data.train), len(data.heldout)) == (36, 4)
    together = torch.cat([data.train, data.heldout]).sort(0).values
    assert torch.equal(together, torch.tensor(POINTS, dtype=torch.float32).sort(0).values)
    assert torch.equal(data.heldout, from_arrays(torch.tensor(POINTS)).heldout)
    assert not torch.equal(data.heldout, from_arrays(POINTS, seed=1).heldout)
    assert len(from_arrays(POINTS, heldout=0.5).heldout) == 20


def test_labels_stay_with_their_points() -> None:
    data = from_arrays(np.arange(50.0)[:, None], np.arange(50) % 7)
    assert data.classes == 7
    for points, labels in ((data.train, data.labels), (data.heldout, data.heldout_labels)):
        assert labels is not None
        assert torch.equal(points[:, 0].long() % 7, labels)


def test_images_of_either_order_and_bytes_are_the_same() -> None:
    expected = torch.tensor(IMAGES / 127.5 - 1, dtype=torch.float32)
    for images in (IMAGES, IMAGES.transpose(0, 2, 3, 1), torch.tensor(IMAGES), IMAGES / 127.5 - 1):
        torch.testing.assert_close(floats(as_points("x", images)), expected)
    grey = as_points("x", IMAGES[:, :1].transpose(0, 2, 3, 1))
    torch.testing.assert_close(floats(grey), expected[:, :1])
    assert from_arrays(IMAGES).train.dtype == torch.uint8


def test_numbers_of_any_byte_order_and_width_are_the_same() -> None:
    labels = np.arange(40) % 4
    plain = from_arrays(POINTS, labels)
    for points, kind in ((POINTS.astype(">f8"), ">i4"), (POINTS.astype(np.longdouble), "u8")):
        other = from_arrays(points, labels.astype(kind))
        assert torch.equal(other.train, plain.train)
        assert other.labels is not None
        assert plain.labels is not None
        assert torch.equal(other.labels, plain.labels)


def test_the_array_itself_is_left_as_it_was() -> None:
    points = torch.ones(40, 2, requires_grad=True)
    from_arrays(points).train.mul_(2)
    assert bool((points == 1).all())


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (POINTS[0], r"points: expected points \(n, d\) or images .*, got shape \(3,\)"),
        (POINTS[:0], r"points: expected points .*, got shape \(0, 3\)"),
        (POINTS.astype(str), r"points: expected numbers, got <U\d+ of shape \(40, 3\)"),
        (POINTS.astype(int), "points: expected floating-point numbers, or bytes of images, got torch.int64"),
        (np.array([[0.0, 1.0], [2.0, np.nan]]), "points: expected finite numbers, got 1 of 2 rows with others"),
        (IMAGES / 255.0 * 3, "points: expected images with numbers in .-1, 1., or bytes, got some from 0 to 3"),
    ],
)
def test_points_that_cannot_be_are_refused(points: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_arrays(points)


@pytest.mark.parametrize(
    ("labels", "got"),
    [(np.zeros(39, int), r"torch.int64 of shape \(39,\)"), (np.zeros(40), "torch.float64"), (np.arange(-1, 39), "-1")],
)
def test_labels_that_cannot_be_are_refused(labels: Any, got: str) -> None:
    with pytest.raises(ValueError, match=f"labels: expected 40 whole numbers from 0 on, one for each point, got {got}"):
        from_arrays(POINTS, labels)


def test_what_cannot_be_held_out_is_refused() -> None:
    with pytest.raises(ValueError, match=r"heldout: expected a number in \(0, 1\), got 1.0"):
        from_arrays(POINTS, heldout=1.0)
    with pytest.raises(ValueError, match=r"data.heldout: expected enough points for one to be held out, got 1 in all"):
        from_arrays(POINTS[:1])
