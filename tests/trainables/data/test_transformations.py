"""Transformations against matrices and numpy, undone exactly, and refused where they do not fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.transformations import TRANSFORMATIONS, check, transformation


def test_points_are_rotated_anticlockwise() -> None:
    turn = transformation("source", {"name": "rotated", "angle": 30}, (2,))
    points = torch.randn(3, 5, 2, dtype=torch.float64)
    rows = [[math.cos(math.pi / 6), -0.5], [0.5, math.cos(math.pi / 6)]]
    expected = points @ torch.tensor(rows, dtype=torch.float64).T
    torch.testing.assert_close(turn(points), expected, rtol=1e-12, atol=1e-12)
    quarter = transformation("source", {"name": "rotated"}, (2,))
    torch.testing.assert_close(quarter(torch.tensor([[1.0, 0.0]])), torch.tensor([[0.0, 1.0]]))


@pytest.mark.parametrize("turns", [-1, 0, 1, 2, 3, 5])
def test_images_are_rotated_by_quarters(turns: int) -> None:
    turn = transformation("source", {"name": "rotated", "angle": 90 * turns}, (3, 4, 4))
    images = torch.randn(2, 3, 3, 4, 4)
    assert np.array_equal(turn(images).numpy(), np.rot90(images.numpy(), turns, (3, 4)))


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_what_is_done_is_undone_and_distances_stay(name: str, shape: tuple[int, ...]) -> None:
    done = transformation("source", {"name": name}, shape)
    x, y = torch.randn(2, 7, *shape, dtype=torch.float64)
    torch.testing.assert_close(done.undone(done(x)), x, rtol=1e-12, atol=1e-12)
    assert float((done(x) - done(y)).norm()) == pytest.approx(float((x - y).norm()), rel=1e-12)
    assert not torch.equal(done(x), x)


def test_black_becomes_white() -> None:
    inverted = transformation("source", {"name": "inverted"}, (1, 2, 2))
    assert torch.equal(inverted(torch.full((1, 1, 2, 2), -1.0)), torch.ones(1, 1, 2, 2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "rotatd"}, "source.name: unknown name 'rotatd'; did you mean 'rotated'?"),
        ({"name": "inverted", "angle": 3}, "source.angle: unknown setting"),
        ({"name": "rotated", "angel": 3}, "source.angel: unknown setting; did you mean 'angle'?"),
        ({"name": "rotated", "angle": math.inf}, "source.angle: expected a finite number, got inf"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        check("source", settings)


@pytest.mark.parametrize(
    ("angle", "shape", "message"),
    [
        (45.0, (1, 8, 8), r"source.angle: expected a multiple of 90 for images, got 45"),
        (90.0, (3,), r"source.name: expected inverted, as points of the .* got rotated for samples of shape \(3,\)"),
        (90.0, (1, 8, 6), r"source.name: expected inverted, .* got rotated for samples of shape \(1, 8, 6\)"),
    ],
)
def test_shapes_that_cannot_be_rotated_are_refused(angle: float, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        transformation("source", {"name": "rotated", "angle": angle}, shape)
