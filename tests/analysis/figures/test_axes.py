import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.axes import scale_axis, scale_clock, scale_metric, scale_signed
from analysis.figures.style import new


def test_an_axis_is_logarithmic_where_positive_values_span_much():
    def scale(values, log=None):
        axes = new(1, 2).subplots()
        return scale_axis(axes, "y", values, log), axes.get_yscale()

    assert scale([0.01, 1.0]) == (True, "log")
    assert scale([0.5, 1.0]) == (False, "linear")
    assert scale([-1.0, 100.0]) == (False, "linear")
    assert scale([np.nan, np.inf]) == (False, "linear")
    assert scale([0.01, 1.0], log=False) == (False, "linear")


def test_values_that_differ_by_rounding_are_shown_as_equal():
    axes = new(1, 2).subplots()
    scale_axis(axes, "y", [-2.0, -2.0 - 1e-12])
    assert axes.get_ylim() == pytest.approx((-2.1, -1.9))
    scale_axis(axes, "x", [1e-3, 1e-3 + 1e-15], log=True)
    assert axes.get_xlim() == pytest.approx((1e-4, 1e-2))
    axes = new(1, 2).subplots()
    scale_metric(axes, [0.5, 0.5 + 1e-15], "coverage")
    assert axes.get_xlim() == pytest.approx((0, 1))
    scale_metric(axes, [5.0, 5.0], "fid")
    low, high = axes.get_xlim()
    assert low < 4
    assert high > 6


def test_ticks_of_a_logarithmic_axis_are_plain_text():
    axes = new(1, 2).subplots()
    scale_axis(axes, "x", [1e-6, 1.0])
    assert [axes.xaxis.get_major_formatter()(x) for x in (1e-6, 0.01, 1.0)] == ["10⁻⁶", "0.01", "1"]


def axes_for(values):
    axes = Figure().subplots()
    scale_signed(axes, "x", values)
    return axes


def test_numbers_alike_in_size_lie_on_a_linear_axis_that_holds_0():
    axes = axes_for([1.0, 2.0, 3.0, np.nan, np.inf])
    assert axes.get_xscale() == "linear"
    assert axes.get_xlim() == pytest.approx((-0.18, 3.18))


def test_numbers_of_many_sizes_lie_on_an_axis_that_keeps_their_sign():
    axes = axes_for([-50.0, -0.01, 0.02, 0.03, 800.0])
    assert axes.get_xscale() == "asinh"
    left, right = axes.get_xlim()
    assert left < -50
    assert right > 800
    ticks = axes.get_xticks()
    assert 0 in ticks
    assert (np.sort(ticks) == ticks).all()


@pytest.mark.parametrize("values", [[], [0.0], [np.nan]])
def test_of_nothing_there_is_an_axis_too(values):
    assert axes_for(values).get_xlim() == (-1, 1)


@pytest.mark.parametrize(("clock", "words"), [("updates", ["0", "5\u202f000"]), ("budget", ["0 %", "50 %"])])
def test_times_are_steps_or_shares_of_the_budget(clock, words):
    axes = new(1, 2).subplots()
    scale_clock(axes, clock, ticks=4)
    middle = 5000 if clock == "updates" else 0.5
    assert [axes.xaxis.get_major_formatter()(x) for x in (0, middle)] == words
