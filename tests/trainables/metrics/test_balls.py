import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from trainables.metrics import balls, neighbours
from trainables.metrics.balls import Balls
from trainables.metrics.neighbours import neighbourhood, prdc


def normal(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("spread", [1e-3, 0.3, 1.0])
def test_the_same_as_by_all_distances(dimensions: int, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.from_numpy(normal(200, dimensions))
    samples = torch.from_numpy(spread * normal(2, 150, dimensions, seed=1) + 0.2)
    monkeypatch.setattr(balls, "LISTED", 200)
    found = np.array([neighbourhood(real, 4).balls.overlap((one - real.mean(0)).numpy()) for one in samples])
    monkeypatch.setattr(neighbours, "DIMENSIONS", 0)
    by_all = prdc(samples, neighbourhood(real, 4))
    assert found.T.tolist() == [values.tolist() for values in by_all.values()]


def test_a_ball_reaches_the_kth_other_point_and_is_closed() -> None:
    line = np.array([[0.0], [1.0], [3.0], [7.0]])
    assert Balls(line, 1).reach.tolist() == pytest.approx([1, 1, 2, 4], rel=1e-14)
    assert Balls(line, 2).reach.tolist() == pytest.approx([3, 2, 3, 6], rel=1e-14)
    # Each point is the only one in the ball of its like, and the second lies on the rim of the first one's ball.
    assert Balls(line, 1).overlap(line) == (1.0, 1.0, pytest.approx((2 + 2 + 2 + 2) / 4), 1.0)
    assert Balls(np.repeat(normal(20, 2), 6, 0), 5).overlap(np.repeat(normal(20, 2), 6, 0)) == (1.0, 1.0, 6 / 5, 1.0)


def test_balls_that_hold_too_many_points_are_left() -> None:
    real, samples = normal(300, 2), normal(300, 2, seed=1)
    assert Balls(real, 5).overlap(samples) is not None
    assert Balls(real, 100).overlap(samples) is None
    measured = prdc(torch.from_numpy(samples)[None], neighbourhood(torch.from_numpy(real), 100))
    assert measured["recall"].item() == 1
