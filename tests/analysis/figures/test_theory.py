"""Estimates beside truths, spectra and Dirac maps: what stands where."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from analysis import figures
from analysis.colours import INK
from analysis.results.critic_bound import GAP, RATIO
from analysis.results.dirac import ENDS


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def marks(axes):
    return [points for points in axes.collections if len(points.get_offsets())]


def test_every_arm_has_a_panel_with_the_truth_in_black_and_the_estimate_in_its_colour(made):
    figure = figures.bound_curves(made.bound_curves, made.looks)
    for axes, curve in zip(figure.axes, made.bound_curves, strict=True):
        found = lines(axes)
        truth, said = found["true divergence"], found["the critic's estimate"]
        np.testing.assert_array_equal(truth.get_ydata(), curve.truth.estimate)
        np.testing.assert_array_equal(said.get_ydata(), curve.estimate.estimate)
        assert (to_hex(truth.get_color()), to_hex(said.get_color())) == (INK, made.looks[curve.arm].colour.lower())
        assert len(axes.collections) == 2


def test_gaps_and_ratio_errors_are_a_mark_a_replica_beside_0(made):
    gap, ratio = figures.bound_errors(made.critic_bounds, made.looks).axes
    assert [len(points.get_offsets()) for points in marks(gap)] == [16, 16, 16]
    assert [len(points.get_offsets()) for points in marks(ratio)] == [16, 16]  # one arm has none
    np.testing.assert_allclose(marks(gap)[0].get_offsets()[:, 0], made.critic_bounds[0].values[GAP])
    assert any(list(line.get_xdata()) == [0, 0] for line in gap.get_lines())
    assert [text.get_text() for text in gap.get_yticklabels()] == [one.arm for one in made.critic_bounds]


def test_without_any_ratio_there_is_one_panel(made):
    blind = [
        replace(one, medians={k: v for k, v in one.medians.items() if k != RATIO}) for one in made.critic_bounds
    ]  # fmt: skip
    assert len(figures.bound_errors(blind, made.looks).axes) == 1


def test_eigenvalues_stand_in_the_plane_with_their_conjugates_and_the_boundary(made):
    plane, real_median, imaginary_share_median = figures.spectra(made.spectra, made.looks).axes
    one = made.spectra[0]
    points = marks(plane)[0].get_offsets()
    np.testing.assert_allclose(points[:16], np.c_[one.real, one.imaginary])
    np.testing.assert_allclose(points[16:], np.c_[one.real, -one.imaginary])
    for axes in (plane, real_median):
        assert any(list(line.get_xdata()) == [0, 0] for line in axes.get_lines())
        stable = axes.patches[0]
        assert stable.get_x() + stable.get_width() == 0  # left of the boundary
    np.testing.assert_allclose(marks(imaginary_share_median)[0].get_offsets()[:, 0], one.imaginary_share)
    assert {"stable", "unstable"} <= set(words(plane.figure))


def test_a_study_whose_eigenvalues_are_all_positive_shows_the_boundary_too(made):
    right = [replace(one, real=np.abs(one.real) + 1, imaginary=np.zeros(16)) for one in made.spectra]
    plane, real_median, _ = figures.spectra(right, made.looks).axes
    assert plane.get_xlim()[0] < 0 < plane.get_xlim()[1]
    assert real_median.get_xlim()[0] < 0 < real_median.get_xlim()[1]


def test_a_map_shows_what_happened_beside_what_was_predicted_and_marks_where_they_differ(made):
    one = made.dirac[0]
    happened, predicted = figures.dirac_maps([one]).axes[:2]
    np.testing.assert_array_equal(happened.images[0].get_array(), one.ends.T)
    np.testing.assert_array_equal(predicted.images[0].get_array(), one.predicted.T)
    expected = np.log10(np.c_[one.steps[[0, 1]], one.gammas[[3, 3]]])
    np.testing.assert_allclose(happened.collections[0].get_offsets(), expected)
    left, right = happened.images[0].get_extent()[:2]
    half = (np.log10(one.steps[1]) - np.log10(one.steps[0])) / 2
    assert (left, right) == pytest.approx((-2 - half, half))  # cells are centred on their steps


def test_the_ends_of_a_map_are_told_apart_in_grey(made):
    image = figures.dirac_maps(made.dirac).axes[0].images[0]
    red, green, blue, _ = image.cmap(np.arange(len(ENDS))).T
    grey = np.sort(0.299 * red + 0.587 * green + 0.114 * blue)
    assert np.diff(grey).min() > 0.1


def test_maps_that_fill_more_than_a_page_are_refused(made):
    assert figures.dirac_maps(made.dirac * 5).get_figheight() < 9
    with pytest.raises(ValueError, match="expected between 1 and 15 maps, got 18"):
        figures.dirac_maps(made.dirac * 6)


def test_names_of_arms_are_no_mathematics(made):
    odd = "<$x_1$>&r1"
    looks = made.looks
    for figure in (
        figures.bound_curves(made.bound_curves, looks),
        figures.bound_errors(made.critic_bounds, looks),
        figures.spectra(made.spectra, looks),
        figures.dirac_maps(made.dirac),
    ):
        assert odd in words(figure)
