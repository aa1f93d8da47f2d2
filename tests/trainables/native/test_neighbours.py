"""Balls in C against all distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from trainables import native
from trainables.metrics.neighbours import neighbourhood, prdc
from trainables.native import balls, few_dimensions, held

pytestmark = pytest.mark.skipif(not native.available(), reason="needs a C compiler")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("spread", [1e-3, 0.3, 1.0])
def test_the_same_as_by_all_distances(dimensions: int, spread: float) -> None:
    points, others = normal(2, 200, dimensions), spread * normal(1, 150, dimensions, seed=1) + 0.2
    ours, theirs = balls(points, 4), balls(others, 4)
    found = torch.stack([*held(ours, theirs), *held(theirs, ours)])
    for replica, one in enumerate(points):
        radii = [np.sort(cdist(some, some))[:, 4] for some in (one, others[0])]
        apart = cdist(one, others[0])
        inside = [apart <= radii[0][:, None], radii[1][:, None] >= apart.T]
        expected = [
            number for held_in in inside for number in (held_in.any(1).sum(), held_in.sum(), held_in.any(0).sum())
        ]
        assert found[:, replica].tolist() == expected
    measured = prdc(points, neighbourhood(others[0], 4))
    with native.disabled():
        by_all = prdc(points, neighbourhood(others[0], 4))
    assert {name: values.tolist() for name, values in measured.items()} == {
        name: values.tolist() for name, values in by_all.items()
    }


def test_a_ball_reaches_the_kth_other_point_and_is_closed() -> None:
    line = torch.tensor([[[7.0], [0.0], [1.0], [3.0]]], dtype=torch.float64)
    assert balls(line, 1).radii.sqrt().tolist() == [pytest.approx([1, 1, 2, 4], rel=1e-14)]
    assert balls(line, 2).radii.sqrt().tolist() == [pytest.approx([3, 2, 3, 6], rel=1e-14)]
    # Each point is the only one in the ball of its like, and the second lies on the rim of the first one's ball.
    assert [counts.item() for counts in held(balls(line, 1), balls(line, 1))] == [4, 8, 4]
    twins = normal(1, 20, 2).repeat(1, 6, 1)
    assert [counts.item() for counts in held(balls(twins, 5), balls(twins, 5))] == [120, 6 * 120, 120]


def test_of_no_replica_there_are_no_counts() -> None:
    none, one = balls(normal(0, 20, 2), 3), balls(normal(1, 30, 2), 3)
    assert [len(counts) for counts in (*held(none, one), *held(one, none))] == [0] * 6


def test_points_of_many_dimensions_are_left_to_torch() -> None:
    assert few_dimensions(normal(1, 20, 3))
    assert not few_dimensions(normal(1, 20, 4))
    assert not few_dimensions(normal(1, 20, 2).float())
    with native.disabled():
        assert not few_dimensions(normal(1, 20, 3))
