"""The signals, against values worked out by hand and against their promises: noise is no swing, falling is none."""

import math

import numpy as np
import pytest

from analysis.record.curves import Curves
from analysis.results.hops import hops
from analysis.results.nearness import Floor
from analysis.results.signals import derive, signals
from analysis.results.thresholds import Thresholds

FLOOR = Floor({"fid": 0.01, "high_quality": 0.99, "precision": 0.9}, {"fid": 0.002})


def curve(**values):
    """One replica of as many evaluations as the longest of the values, numbers or lists."""
    count = max((len(value) for value in values.values() if isinstance(value, list)), default=20)
    full = {name: np.broadcast_to(np.asarray(value, float), (1, count)) for name, value in values.items()}
    return Curves(np.arange(1, count + 1)[None], np.array([count]), full)


def seen(name, thresholds=None, floor=FLOOR, **values):
    return float(getattr(signals(curve(**values), floor, thresholds or Thresholds(noise=0.0)), name)[0])


# Swing


@pytest.mark.parametrize(
    ("fid", "swing"),
    [
        ([5.0, 4.0, 3.0, 2.0, 1.0], 1),  # only falls
        ([1.68, 0.9, 0.3, 0.016, 0.011], 1),  # by a hundredfold: none
        ([1.0, 2.0, 4.0, 8.0, 16.0], 1),  # only rises
        ([1.0, 2.0, 1.0, 2.0, 1.0], 2),
        ([1.0, 4.0, 2.0, 1.0, 1.0], 4),
        ([8.0, 4.0, 6.0, 2.0, 1.0], 1.5),  # falls by 8, rises by 1.5: the smaller of the two
        ([1.0, 1.0, 1.0, 1.0, 9.0], 1),  # one bad last evaluation
        ([0.0] * 5, 1),
        ([1.0] * 5, 1),
        ([8.0] * 4 + [1.0] * 4 + [4.0] * 2, 4),  # what was learnt before the tail is lost in it
        ([2.0] * 4 + [1.0] * 4 + [4.0] * 2, 2),  # but no more than had been learnt
        ([1.0] * 4 + [8.0] * 2 + [8.0, 6.0, 4.0, 2.0], 4),  # what was lost before comes back
        ([8.0, 1.0, 8.0] + [8.0] * 7, 1),  # all before the tail
    ],
)
def test_the_swing_is_the_factor_by_which_the_metric_rose_and_fell_one_of_them_in_the_tail(fid, swing):
    assert seen("swing", fid=fid, floor=Floor()) == pytest.approx(swing)


def test_a_swing_is_counted_between_the_ends_of_error_bars():
    fid, error = [1.0, 2.0, 1.0, 2.0, 1.0], 0.1
    assert seen("swing", Thresholds(noise=2.0), fid=fid, fid_error=error) == pytest.approx(1.8 / 1.2)
    assert seen("swing", Thresholds(noise=4.0), fid=fid, fid_error=error) == pytest.approx(1.6 / 1.4)
    assert seen("swing", Thresholds(noise=9.0), fid=fid, fid_error=error) == 1
    assert seen("swing", Thresholds(noise=2.0), fid=fid, floor=Floor({}, {"fid": 0.1})) == pytest.approx(1.8 / 1.2)


def test_a_metric_that_crosses_zero_swings_by_its_noise_alone():
    rng = np.random.default_rng(0)
    count = 2000
    kid = rng.normal(0, 0.001, (count, 20))
    values = {"kid": kid, "kid_low": kid - 2.262 * 0.001, "kid_high": kid + 2.262 * 0.001}
    settled = Curves(np.tile(np.arange(20), (count, 1)), np.full(count, 20), values)
    found = signals(settled, Floor(), Thresholds(metric="kid"))
    assert (found.swing > 2).mean() < 0.01
    assert (found.ahead > 1).mean() < 0.01
    alone = Curves(settled.steps, settled.lengths, {"kid": kid})  # without noise nobody knows what is far from 0
    found = signals(alone, Floor(), Thresholds(metric="kid"))
    assert all(np.isnan(values).all() for values in (found.swing, found.progress, found.ahead))
    assert (signals(alone, Floor(spread={"kid": 0.001}), Thresholds(metric="kid")).swing < 2).mean() > 0.9

    waves = 0.03 + 0.02 * np.sin(np.arange(20)) + kid  # of twenty such errors
    moving = Curves(
        settled.steps, settled.lengths, {"kid": waves, "kid_low": waves - 0.002262, "kid_high": waves + 0.002262}
    )
    assert (signals(moving, Floor(), Thresholds(metric="kid")).swing > 2).all()


def test_the_judged_metric_is_each_replicas_own():
    nan = math.nan
    both = Curves(
        np.tile(np.arange(5), (2, 1)),
        np.array([5, 5]),
        {
            "mass_js": np.array([[0.1, 0.3] * 2 + [0.1], [nan] * 5]),
            "fid": np.array([[1.0] * 5, [2.0, 8.0] * 2 + [2.0]]),
        },
    )
    odds = (0.3 / (math.log(2) - 0.3)) / (0.1 / (math.log(2) - 0.1))  # mass_js is at most log 2
    assert signals(both, Floor(), Thresholds(noise=0.0)).swing == pytest.approx([odds, 4])
    assert signals(both, Floor(), Thresholds(metric="fid", noise=0.0)).swing == pytest.approx([1, 4])


def test_where_few_samples_are_good_fid_swings_by_its_third_root_unless_a_metric_is_named():
    values = {"mass_js": [0.6, 0.5, 0.6, 0.5, 0.6], "fid": [1.0, 64.0, 1.0, 64.0, 1.0]}
    odds = (0.6 / (math.log(2) - 0.6)) / (0.5 / (math.log(2) - 0.5))
    assert seen("swing", **values, high_quality=[0.0] * 4 + [0.1], floor=Floor()) == pytest.approx(odds)
    assert seen("swing", **values, high_quality=0.09, floor=Floor()) == pytest.approx(4)
    assert seen("swing", **values | {"fid": 2.0}, high_quality=0.0, floor=Floor()) == pytest.approx(odds)
    assert seen("swing", mass_js=values["mass_js"], high_quality=0.0, floor=Floor()) == pytest.approx(odds)  # no FID
    named = Thresholds(metric="mass_js", noise=0.0)
    assert seen("swing", named, **values, high_quality=0.0, floor=Floor()) == pytest.approx(odds)


def test_off_all_modes_progress_is_that_of_fid():
    values = {"mass_js": 0.6, "fid": list(np.exp(-0.1 * np.arange(5)))}
    assert seen("progress", **values, high_quality=[0.0] * 4 + [0.01], floor=Floor()) == pytest.approx(1)
    assert seen("progress", **values, high_quality=0.009, floor=Floor()) == pytest.approx(np.exp(0.4))
    assert seen("on_modes", high_quality=[0.1, 0.2, 0.9, 0.3, 0.2, 0.1, 0.1, 0.0]) == 0.3
    assert seen("on_modes", high_quality=0.2, precision=0.5) == 0.2
    assert seen("on_modes", precision=[0.9, 0.2, 0.9, 0.3, 0.2, 0.1, 0.1, 0.0]) == 0.3  # of pictures


# Hops


def test_a_replica_hops_as_much_as_it_does_in_the_tail_and_still_at_its_end():
    assert seen("hop_rate", hop=[0.9] * 12 + [0.6] * 4 + [0.1, 0.2, 0.1, 0.0]) == pytest.approx(0.2)
    assert seen("hop_rate", hop=[0.9] * 12 + [0.2] * 4 + [0.6] * 4) == pytest.approx((3.2 - 1.2) / 7)
    assert seen("hop_rate", hop=[0.0] * 12 + [0.0, 0.0, 0.9] * 2 + [0.0] * 2) == pytest.approx(0.9 / 4)
    assert seen("hop_rate", hop=0.7) == pytest.approx(0.7 * 6 / 7)
    assert math.isnan(seen("hop_rate", hop=math.nan))
    assert seen("hop_rate", hop=[math.nan] * 19 + [-0.01]) == -0.01  # a single hop, less its noise


def test_a_hop_at_the_last_evaluation_alone_is_none_however_few_there_are():
    assert seen("hop_rate", hop=[math.nan, 0.0, 0.0, 0.0, 0.9]) == 0
    assert seen("hop_rate", hop=[math.nan] + [0.04] * 8 + [0.95]) == pytest.approx(0.04)  # the tail has five
    assert seen("hop_rate", hop=[math.nan] + [0.8] * 9) == pytest.approx(0.8 * 3 / 4)


@pytest.mark.parametrize("place", range(-8, 0))
def test_one_visit_to_other_modes_is_no_hopping(place):
    hop = np.full(20, 0.01)
    hop[place : min(place + 2, 0) or None] = 0.9  # there and back
    assert seen("hop_rate", hop=list(hop)) <= 0.9 / 8 + 0.01


# Progress


def test_progress_is_the_factor_by_which_the_metric_falls_over_the_tail():
    fid = [9.0] * 12 + list(np.exp(-0.1 * np.arange(8)))  # the tail of 20: eight evaluations
    assert seen("progress", fid=fid) == pytest.approx(np.exp(0.7))
    assert seen("progress", fid=fid[::-1], thresholds=Thresholds(tail=1.0)) < 1
    assert seen("progress", fid=2.0) == pytest.approx(1)
    assert math.isnan(seen("progress", fid=[2.0, 1.0]))
    bounded = list(math.log(2) * np.linspace(0.9, 0.8, 8))  # by a tenth of its range
    assert seen("progress", Thresholds(tail=1.0), mass_js=bounded) == pytest.approx(np.exp(0.4))


@pytest.mark.golden
def test_progress_is_that_of_a_least_squares_line():
    y = -0.05 * np.arange(7) + 0.02 * np.random.default_rng(3).standard_normal(7)
    slope = np.polyfit(np.arange(7), y, 1)[0]
    found = seen("progress", Thresholds(tail=1.0, noise=2.0), fid=list(np.exp(y)), floor=Floor())
    assert found == pytest.approx(np.exp(-6 * slope))


def test_ahead_is_how_far_the_end_is_below_all_that_came_before_the_tail():
    before, tail = [9.0] * 11 + [4.0], [8.0] * 4
    assert seen("ahead", fid=[*before, *tail, 1.0, 2.0, 1.0, 2.0]) == pytest.approx(4 / np.sqrt(2))
    assert seen("ahead", fid=[*before, *tail, 8.0, 8.0, 8.0, 1e-9]) == pytest.approx(0.5)  # one decides nothing
    assert seen("ahead", fid=[*before, *tail, 8.0, 8.0, 8.0, 8.0]) == pytest.approx(0.5)
    assert seen("ahead", fid=[8.0, 4.0, 2.0, 2.0, 2.0]) == pytest.approx(4)  # all is tail: the first is before it
    half = math.log(2) / 2
    assert seen("ahead", mass_js=[half] * 12 + [half / 2] * 8) == pytest.approx(math.exp(4 * 0.25))
    assert math.isnan(seen("ahead", fid=math.nan))


def test_noise_is_neither_ahead_of_all_before_nor_progress_at_once():
    """Of stationary FIDs with 30 % of noise a tenth progressed by the former rule."""
    fid = 5 * np.exp(0.3 * np.random.default_rng(0).standard_normal((2000, 20)))
    noisy = Curves(np.tile(np.arange(20), (2000, 1)), np.full(2000, 20), {"fid": fid})
    found = signals(noisy, FLOOR)
    assert ((found.progress >= Thresholds().progress) & (found.ahead > 1)).mean() < 0.01


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_what_is_not_finite_neither_swings_nor_progresses(noise):
    """A Fréchet distance or its error can overflow long before a replica counts as diverged."""
    judged = Thresholds(noise=noise, tail=1.0)
    fid = [math.inf, 1.0, math.inf, 1.0, 1.0, math.nan, 1.0]
    assert seen("swing", judged, fid=fid, floor=Floor()) == 1
    assert seen("progress", judged, fid=fid, floor=Floor()) == pytest.approx(1)
    assert math.isnan(seen("swing", judged, fid=[math.inf] * 7))
    assert math.isnan(seen("progress", judged, fid=[math.inf] * 7))
    assert seen("near", judged, fid=[0.01] + [math.inf] * 4) == pytest.approx(0.2)
    assert seen("near", judged, fid=[1e308] * 5) == 0
    assert np.isfinite(seen("ahead", judged, fid=[1e300, 1e-300, 1e-300, 1e-300, 1e-300], floor=Floor()))
    if noise:
        waves = [1.0, 4.0, 1.0, 4.0, 1.0, 4.0, 1.0]
        assert seen("swing", judged, fid=waves, fid_error=math.inf) == 1
        assert seen("progress", judged, fid=waves, fid_error=math.inf) == 1
    assert np.isfinite(seen("progress", judged, fid=[1e300, 1e-300, 1e-300, 1e-300, 1e-300], floor=Floor()))


# The end, and what good samples gain


def test_the_end_is_the_last_half_of_the_tail():
    late = [0.5] * 15 + [0.9, 0.5, 0.9, 0.9, 0.9]
    assert seen("near", high_quality=late, covered_fraction=1.0) == pytest.approx(4 / 8)
    assert seen("near_end", high_quality=late, covered_fraction=1.0) == pytest.approx(3 / 4)
    assert seen("gradient_norm", gradient_norm_generator=[1.0] * 16 + [0.1, 0.2, 0.3, 0.4]) == pytest.approx(0.25)


def test_good_samples_gain_what_a_line_through_their_share_rises_by():
    rising = [0.1] * 12 + list(np.linspace(0.45, 0.54, 8))
    assert seen("gain", precision=rising) == pytest.approx(0.1)  # of 0.9
    assert seen("gain", precision=0.2, high_quality=rising) == pytest.approx(0.09 / 0.99)
    assert math.isnan(seen("gain", fid=0.1))


# Derived measurements


def test_derived_measurements_come_from_the_histogram():
    counts = np.array([[[50, 50, 0, 0], [50, 46, 3, 1]]], float)
    modes = {"modes": np.array([[2.0, 4.0]]), "mode_histogram": counts}
    raw = Curves(np.array([[1, 2]]), np.array([2]), modes)
    found = derive(raw).values
    np.testing.assert_array_equal(found["mode_fraction"], [[0.5, 1.0]])
    np.testing.assert_array_equal(found["hop"], hops(counts))
    np.testing.assert_array_equal(found["held_fraction"], [[0.5, 0.75]])  # a tenth of a quarter is 2.5 of 100 samples
    np.testing.assert_array_equal(found["covered_fraction"], [[0.5, 1.0]])
    newer = derive(Curves(raw.steps, raw.lengths, {**modes, "modes_held": np.array([[1.0, 2.0]]),
                                                   "modes_covered": np.array([[0.0, 1.0]])})).values  # fmt: skip
    np.testing.assert_array_equal(newer["held_fraction"], [[0.25, 0.5]])
    np.testing.assert_array_equal(newer["covered_fraction"], [[0.0, 0.25]])
    plain = Curves(raw.steps, raw.lengths, {"fid": np.ones((1, 2))})
    assert derive(plain) is plain


def test_histograms_that_are_null_for_every_replica_derive_nothing() -> None:
    steps, lengths = np.array([[5, 10], [5, 10]]), np.array([2, 2])
    nothing = Curves(steps, lengths, {"mode_histogram": np.full((2, 2), np.nan), "modes": np.full((2, 2), np.nan)})
    assert derive(nothing) is nothing


# Tails


def test_five_evaluations_at_least_make_the_tail_and_rounding_adds_none():
    measured = Curves(np.array([[1, 2, 3, 4, 5, 6], [1, 2, -1, -1, -1, -1]]), np.array([6, 2]), {})
    assert measured.tail(0.25, 5).tolist() == [[False] + [True] * 5, [True, True] + [False] * 4]
    hundred = Curves(np.arange(100)[None], np.array([100]), {})
    assert hundred.tail(0.07, 5).sum() == 7  # 0.07 * 100 is 7.000000000000001
    assert hundred.tail(0.28, 5).sum() == 28
