import numpy as np
import pytest
from scipy.stats import norm

from analysis.pictures.canvas import CRITIC, DENSE, INSIDE, OUTSIDE, SIDE
from analysis.pictures.histogram import Lines, histogram
from analysis.pictures.view import View, view_of


def close_to(panel: np.ndarray, colour: tuple[int, int, int], tolerance: float = 60.0) -> int:
    """How many pixels have about a colour."""
    return int((np.abs(panel - np.array(colour)).sum(axis=2) < tolerance).sum())


def test_bars_of_a_perfect_sampler_end_at_the_curve() -> None:
    means, stds = np.array([[0.0]]), np.array([1.0])
    view = view_of(means, stds)
    values = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    panel = histogram(values, means, stds, None, view)
    base = SIDE - 24
    blue = np.abs(panel - INSIDE).sum(axis=2) < 1
    heights = base - np.where(blue.any(axis=0), blue.argmax(axis=0), base)
    x = view.x - view.half + (np.arange(SIDE) + 0.5) * 2 * view.half / SIDE
    truth = norm.pdf(x) / (1.5 * norm.pdf(0)) * base
    filled = heights > 0
    assert filled.mean() > 0.5
    assert np.abs(heights - truth)[filled].max() < 14  # a bar is 6 pixels wide, the curve 2 thick


def test_bars_beyond_the_top_have_an_orange_cap() -> None:
    means, stds = np.array([[0.0]]), np.array([1.0])
    view = view_of(means, stds)
    spread = histogram(np.linspace(-3, 3, 500), means, stds, None, view)
    collapsed = histogram(np.zeros(500), means, stds, None, view)
    assert close_to(spread, OUTSIDE, 1) == 0
    assert close_to(collapsed, OUTSIDE, 1) > 10


def test_a_histogram_without_truth_or_without_values_can_be_drawn() -> None:
    assert histogram(np.array([0.1, 0.2, np.nan]), None, None, None, View(0, 0, 1)).shape == (SIDE, SIDE, 3)
    assert histogram(np.array([np.nan]), None, None, None, View(0, 0, 1)).shape == (SIDE, SIDE, 3)


def test_curves_lie_over_the_bars_on_axes_of_their_own() -> None:
    """The generator's density on the truth's scale, the critic's share from 0 at the base to 1 at the top."""
    means, stds = np.array([[0.0]]), np.array([1.0])
    view = view_of(means, stds)
    x = np.linspace(-4, 4, 200)
    lines = Lines(x, np.full(200, norm.pdf(0)), np.full(200, 0.75))
    panel = histogram(np.zeros(0), means, stds, None, view, lines)
    base = SIDE - 24
    critic = np.flatnonzero(np.abs(panel[:, 40] - CRITIC).sum(axis=1) < 60)
    assert critic.mean() == pytest.approx(base * 0.25, abs=1.5)
    density = np.flatnonzero(np.abs(panel[:, 40] - DENSE).sum(axis=1) < 60)
    assert density.mean() == pytest.approx(base * (1 - 1 / 1.5), abs=1.5)


def test_a_curve_ends_where_it_is_not_known() -> None:
    view = View(0.0, 0.0, 4.0)
    x = np.linspace(-1, 1, 50)
    panel = histogram(np.zeros(3), None, None, None, view, Lines(x, np.full(50, np.nan), np.full(50, 0.75)))
    assert close_to(panel[:150, 140:260], CRITIC) > 50
    assert close_to(panel[:150, :140], CRITIC) == 0
    assert np.isfinite(panel).all()
