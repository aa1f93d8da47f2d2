"""Outcome bars, survival, pairs, quality, samples and explanations: what stands where."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from analysis import figures
from analysis.colours import on_dark
from analysis.figures.parts import MANY
from analysis.figures.samples import tiles, view
from analysis.figures.style import MARKERS
from analysis.pictures.view import view_around
from analysis.results.explained import numbers


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_outcome_bars_fill_each_arm_to_one(made):
    axes = figures.outcome_bars(made.outcomes).axes[0]
    ends = {}
    for bar in axes.patches:
        ends.setdefault(round(bar.get_y(), 3), []).append(bar.get_x() + bar.get_width())
    assert [max(row) for row in ends.values()] == pytest.approx([1, 1, 1])


def test_outcomes_are_told_apart_without_colour(made):
    axes = figures.outcome_bars(made.outcomes).axes[0]
    first_row = [bar for bar in axes.patches if round(bar.get_y(), 3) == round(axes.patches[0].get_y(), 3)]
    looks = {(bar.get_hatch(), round(sum(bar.get_facecolor()[:3]), 1)) for bar in first_row}
    assert len(looks) == len(first_row) == 9


def test_survival_starts_at_one_and_counts_who_is_at_risk(made):
    figure = figures.survival_curves(made.survival, made.looks)
    axes = figure.axes[0]
    step = next(line for line in axes.get_lines() if line.get_label() == made.survival.curves[0].arm)
    assert step.get_ydata()[0] == 1
    assert step.get_drawstyle() == "steps-post"
    assert words(figure).count("16") == len(made.survival.curves)


def test_pairs_told_apart_are_starred(made):
    figure = figures.pairwise_matrix(made.comparison)
    assert words(figure).count("70*") == 3
    unsure = [replace(pair, p_holm=0.5) for pair in made.comparison.pairs]
    assert "70*" not in words(figures.pairwise_matrix(replace(made.comparison, pairs=tuple(unsure))))


def test_a_single_arm_has_no_pairs(made):
    with pytest.raises(ValueError, match="expected at least two arms, got 1"):
        figures.pairwise_matrix(replace(made.comparison, arms=made.comparison.arms[:1], pairs=()))


def test_every_replica_is_a_mark_and_diverged_ones_are_counted(made):
    figure = figures.quality_strips(made.quality, made.looks)
    assert [len(marks.get_offsets()) for marks in figure.axes[0].collections] == [16, 15, 14]
    assert {"1 diverged", "2 diverged, 1 not measured", "real data"} <= set(words(figure))


@pytest.mark.parametrize(("count", "colour"), [(MANY, "#000000"), (MANY + 1, on_dark("#000000"))])
def test_a_crowd_that_becomes_pixels_is_seen_on_dark_paper_too(made, count, colour):
    many = replace(made.quality[0], values=np.linspace(1.0, 2.0, count), whose=("r",) * count)
    looks = {**made.looks, many.arm: replace(made.looks[many.arm], colour="#000000")}
    (marks,) = figures.quality_strips([many], looks).axes[0].collections
    assert (marks.get_rasterized(), to_hex(marks.get_facecolor()[0])) == (count > MANY, colour)


def test_biased_winners_are_named(made):
    assert words(figures.selection_bias(made.selection_bias, made.looks)).count("biased") == 1


def test_winners_of_several_searches_are_told_apart(made):
    again = [*made.selection_bias, replace(made.selection_bias[0], repeat=1, index=4)]
    ticks = [label.get_text() for label in figures.selection_bias(again, made.looks, 2).axes[0].get_yticklabels()]
    assert (ticks[0], ticks[-1]) == (f"{again[0].arm}, search 0 #0", f"{again[0].arm}, search 1 #4")
    once = figures.selection_bias(made.selection_bias, made.looks, 2).axes[0].get_yticklabels()
    assert once[0].get_text() == f"{again[0].arm} #0"


def test_responses_are_not_mixed(made):
    mixed = [made.sensitivity[0], replace(made.sensitivity[1], response="quality")]
    with pytest.raises(ValueError, match="expected results of one response, got quality, stability"):
        figures.importances(mixed, made.looks)


def test_samples_must_be_drawable(made):
    wrong = replace(made.plane[0], samples=np.zeros((3, 5, 4)))
    with pytest.raises(ValueError, match=r"expected points of the plane or images, got \(4,\)"):
        figures.samples_over_time([wrong])


def test_the_view_of_a_mixture_stands_still(made):
    square = view(made.plane[0])
    np.testing.assert_allclose((square.x, square.y), 0, atol=1e-12)
    assert square.half == pytest.approx(0.625 * 2 * (1 + 3 * 0.05))


def test_points_out_of_view_are_counted(made):
    far = made.plane[0].samples.copy()
    far[-1, :7] = 60.0
    far[-1, 7] = np.nan
    figure = figures.samples_over_time([replace(made.plane[0], samples=far, means=made.plane[0].means * 40)])
    assert "8 outside" in words(figure)


def test_real_points_are_drawn_beneath_and_set_the_view(made):
    real = np.array([[-2.0, -2.0], [2.0, 2.0]])
    row = replace(made.plane[0], means=None, stds=None, real=real)
    figure = figures.samples_over_time([row])
    beneath = [one for one in figure.axes[0].collections if one.get_zorder() == 0]
    assert [one.get_offsets().tolist() for one in beneath] == [real.tolist()]
    assert view(row) == view_around(real)


def test_tiles_are_a_square_of_images_row_by_row():
    images = np.stack([np.full((1, 2, 2), value) for value in (-1.0, 0.0, 1.0, 0.0)])
    grid = tiles(images)
    assert grid.shape == (5, 5)
    assert (grid[0, 0], grid[0, 3], grid[3, 0], grid[3, 3]) == (0, 0.5, 1, 0.5)
    assert (grid[2] == 1).all()  # the gap between rows


def test_colour_images_keep_their_channels():
    assert tiles(np.zeros((4, 3, 2, 2))).shape == (5, 5, 3)


def test_numbers_come_back_from_text():
    np.testing.assert_array_equal(numbers(["inf", "-inf", "nan", None, 1]), [np.inf, -np.inf, np.nan, np.nan, 1])


def test_a_critic_that_is_infinite_everywhere_is_drawn_at_the_rim(made):
    figure = figures.explanation(made.kinked)
    assert {"∞", "−∞", "zero, or all in a kink", "none: not smooth"} <= set(words(figure))


def test_an_unbounded_pair_says_so(made):
    endless = {**made.explained, "divergence": ["inf"] * len(made.explained["ratios"])}
    assert "unbounded" in words(figures.explanation(endless))


def test_rounding_is_not_drawn_as_a_shape(made):
    """φ = -2 log 2 (1 + r) / 2 of a pair that tells nothing is linear; a curvature is the same everywhere."""
    ratios = np.logspace(-4, 4, 41)
    noise = 1 + 1e-13 * np.random.default_rng(0).normal(size=41)
    linear, alike = (-np.log(2) * (1 + ratios) * noise).tolist(), (2 * noise).tolist()
    told = {**made.explained, "ratios": ratios.tolist(), "divergence": linear, "generator_curvature": alike}
    figure = figures.explanation({**told, "critic_curvature": alike})
    assert "zero: φ is linear" in words(figure)
    assert figure.axes[2].get_ylim() == pytest.approx((0.2, 20))


def test_there_are_as_many_markers_as_a_reader_can_tell_apart():
    assert len(set(MARKERS)) == len(MARKERS)


def test_an_open_interval_runs_to_the_rim(made):
    open_ended = replace(made.quality[0], median=replace(made.quality[0].median, high=np.inf))
    axes = figures.quality_strips([open_ended, *made.quality[1:]], made.looks).axes[0]
    marks = [line for line in axes.get_lines() if line.get_marker() == ">"]
    assert [line.get_xdata()[0] for line in marks] == [axes.get_xlim()[1]]
    ends = [line.get_xdata()[-1] for line in axes.get_lines() if len(line.get_xdata()) == 2]
    assert axes.get_xlim()[1] in ends


def test_an_infinite_median_has_no_mark(made):
    lost = replace(made.quality[0].median, estimate=np.inf, low=np.nan, high=np.nan)
    before, after = (
        len(figures.quality_strips([replace(made.quality[0], median=median)], made.looks).axes[0].get_lines())
        for median in (made.quality[0].median, lost)
    )
    assert before - after == 2


def test_an_interval_that_is_infinite_at_both_ends_points_one_way(made):
    lost = replace(made.quality[0].median, estimate=np.inf, low=np.inf, high=np.inf)
    lines = figures.quality_strips([replace(made.quality[0], median=lost)], made.looks).axes[0].get_lines()
    assert [line.get_marker() for line in lines].count(">") == 1
    assert [line.get_marker() for line in lines].count("<") == 0
