"""Which evaluations are near the data, against values worked out by hand."""

import math

import numpy as np
import pytest

from analysis.record.curves import Curves
from analysis.results.nearness import Floor, good_share, near, share_of_modes
from analysis.results.thresholds import Thresholds

FLOOR = Floor({"fid": 0.01, "high_quality": 0.99, "precision": 0.9})


def curve(**values):
    """One evaluation of one replica."""
    return Curves(
        np.ones((1, 1), int), np.ones(1, int), {name: np.full((1, 1), value) for name, value in values.items()}
    )


def nearness(floor=FLOOR, **values):
    return near(curve(**values), floor, Thresholds()).item()


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (1, {"high_quality": 0.9, "covered_fraction": 1.0}),
        (1, {"high_quality": 0.8 * 0.99, "covered_fraction": 0.92}),
        (0, {"high_quality": 0.79, "covered_fraction": 1.0}),
        (0, {"high_quality": 0.99, "covered_fraction": 0.875}),
        (1, {"fid": 0.04}),
        (0, {"fid": 0.041}),
        (1, {"fid": 0.02, "precision": 0.73}),
        (0, {"fid": 0.02, "precision": 0.71}),  # astray, or blurred
        (0, {"fid": 0.041, "precision": 0.9}),  # good, but always the same
        (1, {"fid": 0.02, "held_fraction": 0.9}),
        (0, {"fid": 0.02, "held_fraction": 0.8}),
        (0, {"fid": 0.01, "high_quality": 0.1, "covered_fraction": 1.0}),  # a mixture is not judged by FID
        (math.nan, {"kid": 0.1}),
    ],
)
def test_what_is_near_the_data(expected, values):
    assert nearness(**values) == pytest.approx(expected, nan_ok=True)


RAW = Floor({"fid": 0.01, "precision": 0.9, "coverage": 0.95}, raw=True)


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (1, {}),
        (1, {"fid": 9.0}),  # sees mean and covariance alone
        (1, {"precision": 0.73, "coverage": 0.58}),
        (0, {"precision": 0.71}),
        (0, {"coverage": 0.56}),  # half of the data
        (1, {"held_fraction": 0.9}),
        (0, {"held_fraction": 0.8}),
        (0, {"high_quality": 0.1, "covered_fraction": 1.0}),  # a mixture is not judged by neighbours
        (math.nan, {"coverage": math.nan}),
        (math.nan, {"precision": math.nan}),
    ],
)
def test_in_raw_features_neighbours_are_asked_instead_of_fid(expected, values):
    floor = Floor({**RAW.mean, "high_quality": 0.99}, raw=True)
    good = {"fid": 0.01, "precision": 0.9, "coverage": 0.9}
    assert nearness(floor=floor, **(good | values)) == pytest.approx(expected, nan_ok=True)


def test_features_differ_between_replicas_of_a_joined_record():
    both = Curves(
        np.ones((2, 1), int), np.ones(2, int),
        {"fid": np.full((2, 1), 9.0), **{name: np.ones((2, 1)) for name in ("precision", "coverage")}},
    )  # fmt: skip
    floor = Floor({name: np.full(2, value) for name, value in RAW.mean.items()}, raw=np.array([True, False]))
    assert near(both, floor, Thresholds()).tolist() == [[1], [0]]


def test_good_samples_are_those_of_high_quality_or_among_the_real_ones():
    assert good_share(curve(high_quality=0.495, precision=0.9), FLOOR).item() == pytest.approx(0.5)
    assert good_share(curve(precision=0.45), FLOOR).item() == pytest.approx(0.5)
    assert math.isnan(good_share(curve(precision=0.0), Floor({"precision": 0.0})).item())


def test_modes_are_covered_as_real_samples_cover_them():
    few = Floor({"high_quality": 0.99, "modes_covered": 20.0, "modes_held": 20.0})
    good = {"high_quality": 0.99, "covered_fraction": 0.72, "held_fraction": 0.72}  # of 25 modes, at few samples
    assert nearness(**good, floor=few) == 0
    assert nearness(**good, modes_covered=18.0, floor=few) == 1
    assert nearness(**good, modes_covered=17.0, floor=few) == 0
    assert share_of_modes(curve(**good, modes_held=18.0), few, "held").item() == pytest.approx(0.9)
    assert share_of_modes(curve(**good, modes_held=18.0), FLOOR, "held").item() == 0.72  # real samples were not counted
    rare = Floor({"modes_held": 2.7}, {"modes_held": 0.7})  # of eight: six are so rare that a draw has .7 of them
    assert share_of_modes(curve(**good, modes_held=2.0), rare, "held").item() == pytest.approx(1.0)
    assert share_of_modes(curve(**good, modes_held=1.0), rare, "held").item() == pytest.approx(0.5)
    both = Curves(np.zeros((2, 1), int), np.ones(2, int), {"modes_held": np.array([[5.0], [9.0]])})
    assert share_of_modes(both, Floor({"modes_held": np.array([10.0, 6.0])}), "held").tolist() == [[0.5], [1.5]]


def test_without_a_floor_nothing_is_near_or_far():
    assert math.isnan(nearness(floor=Floor(), fid=0.01))
    assert math.isnan(nearness(floor=Floor(), high_quality=0.9, covered_fraction=1.0))
