"""A replica's card: what is on it, where the tail begins, and that neither name nor verdict is."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from analysis import figures
from analysis.colours import VERMILION
from analysis.figures.style import PAGE, panels, rendered
from analysis.record.schema import OUTCOMES
from analysis.results.replica import Measured


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def test_it_says_its_number_and_not_whose_it_is(made):
    said = words(figures.replica_card(made.replica, made.plane[0], "17"))
    assert "17" in said
    hidden = (made.replica.trial_id, made.plane[0].trial_id, made.plane[0].arm, f"seed {made.replica.seed}", *OUTCOMES)
    assert not [name for name in hidden if any(name in one for one in said)]


def test_the_tail_is_shaded_from_halfway_before_its_first_evaluation(made):
    shade = panel(figures.replica_card(made.replica), "Fréchet distance (data²)").patches[0]
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (750, 1000)  # evaluated every 100, tail from 800


def test_bars_are_two_standard_errors_and_the_floor_is_dotted(made):
    axes = panel(figures.replica_card(made.replica), "Fréchet distance (data²)")
    [bars] = axes.collections
    ends = np.array(bars.get_segments())[:, :, 1]
    np.testing.assert_allclose(np.diff(ends)[:, 0], 4 * 0.01)
    floor = next(line for line in axes.get_lines() if line.get_label() == "real data (floor)")
    assert floor.get_ydata()[0] == 0.001
    assert axes.get_yscale() == "log"


def test_noise_does_not_fill_a_logarithmic_axis(made):
    near = replace(made.replica.quality[1], values=0.0015 + 1e-5 * np.arange(10), floor=0.0015)
    axes = panel(figures.replica_card(replace(made.replica, quality=(near,))), "Fréchet distance (data²)")
    low, high = axes.get_ylim()
    assert high / low == pytest.approx(20)


def test_a_signed_metric_has_an_axis_with_zero(made):
    signed = Measured("kid", np.linspace(-0.001, 0.001, 10), np.full(10, np.nan), 0.0)
    axes = panel(figures.replica_card(replace(made.replica, quality=(signed,))), "kernel distance (KID)")
    assert axes.get_ylim()[0] < 0 < axes.get_ylim()[1]


def test_a_share_has_a_linear_axis_to_one(made):
    covered = Measured("coverage", np.linspace(0.3, 0.8, 10), np.full(10, np.nan), 0.6)
    axes = panel(figures.replica_card(replace(made.replica, quality=(covered,))), "coverage")
    assert (axes.get_yscale(), *axes.get_ylim()) == ("linear", -0.03, 1.03)


def test_modes_are_counted_of_all(made):
    assert panel(figures.replica_card(made.replica), "modes captured, of 8").get_ylim() == pytest.approx((-0.24, 8.24))


def test_a_red_line_stands_where_a_replica_diverged(made):
    lines = panel(figures.replica_card(made.diverged), "precision").get_lines()
    assert [line.get_xdata()[0] for line in lines if line.get_color() == VERMILION] == [600]


def test_modes_and_samples_are_there_where_they_are_known(made):
    assert "modes" in words(figures.replica_card(made.replica))
    assert "modes" not in words(figures.replica_card(made.diverged))
    assert words(figures.replica_card(made.replica, made.lines[0])).count("step 500") == 1


def test_nothing_crosses_the_middle_of_a_card(made):
    """So that the page of labels can show its halves one under the other (`analysis.report.drawing.columns`)."""
    figure = figures.replica_card(made.replica, made.plane[0])
    rendered(figure)
    middle = 72 * PAGE / 2
    boxes = panels(figure)
    assert all(box.right <= middle or box.left >= middle for box in boxes)
    assert {box.right <= middle for box in boxes} == {True, False}


def test_ticks_of_modes_are_whole(made):
    axes = panel(figures.replica_card(made.replica), "modes captured, of 8")
    assert [tick for tick in axes.get_yticks() if 0 <= tick <= 8] == [0, 2, 4, 6, 8]
