import math

import numpy as np
import pytest

from analysis.results.profiles import profiles
from analysis.statistics.intervals import wilson


@pytest.mark.golden
def test_profiles_by_hand(scored, of_phase):
    rows = scored(("a", "confirm", 0, [1.0, 2.0, 3.0, math.nan]), ("b", "confirm", 0, [2.0, 2.0, 5.0, 5.0]))
    a, b = profiles(of_phase(rows, "confirm"), "fid")
    np.testing.assert_array_equal(a.band.x, [1, 2, 3, 5])
    np.testing.assert_array_equal(a.band.estimate, [0.25, 0.5, 0.75, 0.75])
    np.testing.assert_array_equal(b.band.estimate, [0, 0.5, 0.5, 1])
    known = wilson(2, 4)
    assert (a.band.low[1], a.band.high[1]) == pytest.approx((known.low, known.high))
    assert (a.band.captures, a.floor, a.phase) == ("seeds", 0.1, "confirm")


def test_profiles_where_more_is_better_and_at_given_taus(scored, of_phase):
    rows = scored(("a", "confirm", 0, [1.0, 2.0, 3.0, math.nan]))
    (found,) = profiles(of_phase(rows, "confirm"), "fid", mode="max")
    np.testing.assert_array_equal(found.band.x, [1, 2, 3])
    np.testing.assert_array_equal(found.band.estimate, [0.75, 0.5, 0.25])
    (found,) = profiles(of_phase(rows, "confirm"), "fid", taus=[2.5, 0.5])
    np.testing.assert_array_equal(found.band.x, [0.5, 2.5])
    np.testing.assert_array_equal(found.band.estimate, [0, 0.5])
    assert profiles(of_phase(rows, "search"), "fid") == ()


def test_where_no_score_is_finite_there_is_no_profile(scored, of_phase):
    rows = scored(("a", "confirm", 0, [math.nan] * 3))
    assert profiles(of_phase(rows, "confirm"), "fid") == ()


def test_profiles_of_a_search_capture_configurations_too_and_stay_within_bounds(scored, of_phase):
    rows = scored(*[("a", "search", k, [float(k)] * 8) for k in range(30)], *[("b", "search", 0, [0.5] * 8)])
    found = profiles(of_phase(rows, "search"), "fid")[0].band
    assert found.captures == "both"
    middle = np.searchsorted(found.x, 14)
    alone = wilson(120, 240)
    assert found.high[middle] - found.low[middle] > 2 * (alone.high - alone.low)


def test_many_scores_give_a_few_taus(scored, of_phase):
    scores = np.random.default_rng(0).random(1000).tolist()
    assert len(profiles(of_phase(scored(("a", "confirm", 0, scores)), "confirm"), "fid")[0].band.x) == 200
