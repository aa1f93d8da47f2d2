from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from analysis.figures import best_of_k, bound_curves, learning_curves, survival_curves


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}


def test_every_arm_has_its_own_line_band_and_style(made):
    panel = learning_curves(made.learning, made.looks).axes[0]
    found = lines(panel)
    for curve in made.learning[:3]:
        line, look = found[curve.arm], made.looks[curve.arm]
        np.testing.assert_array_equal(line.get_ydata(), curve.band.estimate)
        assert to_hex(line.get_color()) == look.colour.lower()
        assert line.get_marker() == look.marker
    assert len(panel.collections) == 3


def test_the_floor_is_drawn_in_where_it_is_known(made):
    quality, modes = learning_curves(made.learning, made.looks).axes[:2]
    assert lines(quality)["real data (floor)"].get_ydata()[0] == pytest.approx(0.001)
    assert "real data (floor)" not in lines(modes)


def test_a_line_ends_where_half_have_diverged(made):
    curve = made.learning[0]
    estimate = curve.band.estimate.copy()
    estimate[6:] = np.inf
    fallen = replace(curve, band=replace(curve.band, estimate=estimate, high=estimate))
    drawn = lines(learning_curves([fallen], made.looks).axes[0])[curve.arm].get_ydata()
    assert np.isfinite(drawn[:6]).all()
    assert np.isnan(drawn[6:]).all()


def test_distances_are_logarithmic_and_counts_are_not(made):
    quality, modes = learning_curves(made.learning, made.looks).axes[:2]
    assert quality.get_yscale() == "log"
    assert modes.get_yscale() == "linear"


def test_where_nothing_bounds_the_best_the_band_ends_at_its_line(made):
    curve = made.best[0]
    low = np.where(curve.median.x > 4, -np.inf, curve.median.low)
    axes = best_of_k([replace(curve, median=replace(curve.median, low=low))], made.looks).axes[0]
    corners = axes.collections[0].get_paths()[0].vertices
    at_ten = corners[corners[:, 0] == 10, 1]
    assert at_ten.min() == pytest.approx(curve.median.estimate[-1])


def test_the_axis_says_what_time_is_told_in(made):
    def labels(clock):
        curves = [replace(curve, clock=clock) for curve in made.learning]
        drawn = learning_curves(curves, made.looks), survival_curves(replace(made.survival, clock=clock), made.looks)
        bounds = bound_curves([replace(curve, clock=clock) for curve in made.bound_curves], made.looks)
        return {axes.get_xlabel() for figure in (*drawn, bounds) for axes in figure.axes} - {""}

    assert labels("updates") == {"generator updates"}
    assert labels("budget") == {"share of the budget spent"}


def test_the_best_of_a_search_is_drawn_over_what_it_spent(made):
    curve = made.best[0]
    spent = replace(curve, median=replace(curve.median, x=7.5 * curve.median.x), over="core_seconds")
    axes = best_of_k([spent], made.looks).axes[0]
    assert axes.get_xlabel() == "core-seconds of search"
    assert lines(axes)[curve.arm].get_xdata().tolist() == spent.median.x.tolist()
    assert best_of_k([curve], made.looks).axes[0].get_xlabel() == "configurations tried, k"
