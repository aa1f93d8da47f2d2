import numpy as np
import pytest
from scipy.stats import norm

from analysis.pictures.panels import (
    CRITIC,
    DENSE,
    INSIDE,
    OUTSIDE,
    SIDE,
    Lines,
    View,
    grid,
    histogram,
    mixture_density,
    scatter,
    ticks,
    view_around,
    view_of,
    within,
)

MEANS = np.array([[1.0, 0.0], [-1.0, 0.0]])
STDS = np.array([0.1, 0.2])


def close_to(panel: np.ndarray, colour: tuple[int, int, int], tolerance: float = 60.0) -> int:
    """How many pixels have about a colour."""
    return int((np.abs(panel - np.array(colour)).sum(axis=2) < tolerance).sum())


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


def test_the_mixtures_density_is_scipys() -> None:
    x = np.linspace(-3, 3, 50)
    means, stds, weights = np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.array([0.3, 0.7])
    expected = 0.3 * norm.pdf(x, 0, 0.5) + 0.7 * norm.pdf(x, 1, 1)
    assert mixture_density(x, means, stds, weights) == pytest.approx(expected)
    assert mixture_density(x, means, stds).sum() * (x[1] - x[0]) == pytest.approx(1, abs=0.05)


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


def test_a_grid_shows_each_pixel_enlarged() -> None:
    images = np.zeros((4, 1, 2, 2))
    images[0] = [[[-1, 1], [0, 5]]]
    panel = grid(images, None)
    zoom = SIDE // (2 * 3)
    corners = [panel[1, 1], panel[1, zoom + 1], panel[zoom + 1, 1], panel[zoom + 1, zoom + 1]]
    assert [corner.tolist() for corner in corners] == [[0] * 3, [255] * 3, [127.5] * 3, [255] * 3]
    assert panel.shape == (2 * 2 * zoom + 3, 2 * 2 * zoom + 3, 3)


def test_a_labelled_grid_has_a_row_a_class() -> None:
    labels = np.array([2, 0, 2, 0, 2, 7])
    images = np.broadcast_to((labels / 7 * 2 - 1)[:, None, None, None], (6, 3, 4, 4)).copy()
    panel = grid(images, labels)
    zoom = (SIDE - 26) // (3 * 5)
    step = 4 * zoom + 3
    shades = [panel[row * step + 1, 26 + 1, 0] for row in range(3)]
    assert shades == pytest.approx([0, 2 / 7 * 255, 255], abs=1)
    assert panel[step + 1, 26 + 2 * step + 1, 0] == pytest.approx(2 / 7 * 255, abs=1)
    assert panel[1, 26 + 2 * step + 1, 0] == 255


def test_an_image_that_is_not_finite_is_an_orange_cell() -> None:
    images = np.zeros((4, 1, 2, 2))
    images[3, 0, 0, 0] = np.nan
    panel = grid(images, None)
    assert panel[-1, -1].tolist() == list(OUTSIDE)
    assert np.isfinite(panel).all()


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
