import numpy as np
import pytest

from analysis.pictures.view import View, ticks, view_around, view_of

MEANS = np.array([[1.0, 0.0], [-1.0, 0.0]])
STDS = np.array([0.1, 0.2])


def test_the_view_holds_every_mode_and_is_square() -> None:
    view = view_of(MEANS, STDS)
    assert (view.x, view.y) == pytest.approx(((1.3 - 1.6) / 2, 0.0))
    assert view.half == pytest.approx(1.25 * 2.9 / 2)


def test_pixels_put_the_centre_in_the_middle_and_up_is_up() -> None:
    view = View(1.0, 2.0, 2.0)
    assert view.pixels(np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.0]])).tolist() == [[200, 200], [400, 0], [0, 400]]


def test_the_view_without_modes_follows_the_bulk_of_the_points() -> None:
    points = np.concatenate([np.random.default_rng(0).normal(3, 1, (1000, 2)), [[np.nan, 0], [1e9, 1e9]]])
    view = view_around(points)
    assert (view.x, view.y) == pytest.approx((3, 3), abs=0.2)
    assert 1.5 < view.half < 5
    assert view_around(np.full((3, 2), np.nan)) == View(0.0, 0.0, 1.0)
    assert view_around(np.ones((5, 2))).half == 1.0


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (-1.3, 1.3, [-1, 0, 1]),
        (0.0, 1.0, [0.2, 0.4, 0.6, 0.8]),
        (-30, 130, [0, 50, 100]),
        (1e-4, 2.1e-4, [0.00015, 0.0002]),
    ],
)
def test_ticks_are_few_and_round(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(marks)
