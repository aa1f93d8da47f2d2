import numpy as np
import pytest

from analysis.pictures.canvas import SIDE
from analysis.pictures.scatter import scatter, within
from analysis.pictures.view import View, view_of

MEANS = np.array([[1.0, 0.0], [-1.0, 0.0]])
STDS = np.array([0.1, 0.2])


def test_within_is_three_deviations_of_the_nearest_or_the_asked_mode() -> None:
    points = np.array([[1.29, 0], [1.31, 0], [-1.59, 0], [-1.61, 0], [1.0, 0]])
    assert within(points, None, MEANS, STDS).tolist() == [True, False, True, False, True]
    assert within(points, np.array([0, 0, 1, 1, 1]), MEANS, STDS).tolist() == [True, False, True, False, False]


def test_good_samples_are_blue_and_stray_ones_orange() -> None:
    view = view_of(MEANS, STDS)
    empty = scatter(np.zeros((0, 2)), None, MEANS, STDS, view)
    good = scatter(np.array([[-1.0, 0.1]]), None, MEANS, STDS, view)
    stray = scatter(np.array([[0.0, 1.0]]), None, MEANS, STDS, view)
    blueness = [float((panel[..., 2] - panel[..., 0]).max()) for panel in (good, stray, empty)]
    orangeness = [float((panel[..., 0] - panel[..., 2]).max()) for panel in (good, stray, empty)]
    assert blueness == pytest.approx([110, 0, 0], abs=15)
    assert orangeness == pytest.approx([0, 170, 0], abs=15)


def test_real_points_lie_beneath_in_grey() -> None:
    view = View(0.0, 0.0, 1.0)
    panel = scatter(np.zeros((0, 2)), None, None, None, view, np.array([[0.5, 0.5], [9.0, 0.0], [np.nan, 0.0]]))
    changed = np.argwhere(panel != scatter(np.zeros((0, 2)), None, None, None, view))
    assert len(changed)
    assert np.abs(changed[:, :2] + 0.5 - (SIDE / 4, 3 * SIDE / 4)).max() < 4
    assert float(np.ptp(panel[SIDE // 4, 3 * SIDE // 4])) < 5


def test_antialiasing_moves_a_dot_by_less_than_a_pixel() -> None:
    """The centre of mass of what a dot darkens is the dot's place."""
    view = View(0.0, 0.0, 200.0)
    for place in ([0.3, 40.2], [-70.75, -33.5]):
        panel = scatter(np.array([place]), None, None, None, view)
        dark = scatter(np.zeros((0, 2)), None, None, None, view).sum(axis=2) - panel.sum(axis=2)
        rows, columns = np.indices(dark.shape) + 0.5
        centre = np.array([(dark * columns).sum(), (dark * rows).sum()]) / dark.sum()
        assert centre == pytest.approx(view.pixels(np.array([place]))[0], abs=0.15)


def test_what_is_not_finite_or_out_of_view_is_counted_and_not_drawn() -> None:
    view = view_of(MEANS, STDS)
    clean = scatter(np.array([[1.0, 0.0]]), None, MEANS, STDS, view)
    panel = scatter(np.array([[1.0, 0.0], [np.nan, 0.0], [np.inf, 0.0], [50.0, 0.0]]), None, MEANS, STDS, view)
    changed = np.abs(panel - clean).sum(axis=2) > 0
    assert changed[:40, SIDE // 2 :].any()
    assert not changed[40:].any()
