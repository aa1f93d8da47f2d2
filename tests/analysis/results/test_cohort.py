import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.record.schema import HIGHER, MEASUREMENTS
from analysis.results.cohort import allowed_share, cohorts, direction, unmeasured
from analysis.results.selection import select


def test_a_diverged_replica_costs_more_than_any_score_whatever_was_measured_of_it(trial, frame, of_phase):
    (found,) = cohorts(of_phase(frame(trial(fid=(1.0, 0.1, math.nan, 7.0), diverged=(1, 2))), "search"), "fid")
    np.testing.assert_array_equal(found.cost, [1.0, math.inf, math.inf, 7.0])
    assert (found.sign, found.floor, found.replicas, found.diverged) == (1, 0.5, 4, 2)


@pytest.mark.parametrize(("mode", "good", "bad"), [("min", -math.inf, math.inf), ("max", math.inf, -math.inf)])
def test_what_was_not_measured_is_no_divergence(mode, good, bad, trial, frame, of_phase):
    rows = frame(trial(fid=(1.0, math.nan, good, bad, math.nan), diverged=(4,)))
    (found,) = cohorts(of_phase(rows, "search"), "fid", mode)
    np.testing.assert_array_equal(found.cost, [1.0 if mode == "min" else -1.0, math.inf, math.inf])
    np.testing.assert_array_equal(found.seed, [0, 3, 4])
    assert (found.diverged, found.overflowed, found.unmeasured, found.replicas) == (1, 1, 2, 5)


def test_a_configuration_of_which_nothing_was_measured_has_no_median(trial, frame, of_phase):
    rows = frame(trial(index=0, fid=(math.nan, math.nan)), trial(index=1))
    index, _ = cohorts(of_phase(rows, "search"), "fid")[0].medians()
    np.testing.assert_array_equal(index, [1])


BOUND = {"study": "rings", "config": {"search": {"diverged_at_most": 0.25}}}


def test_a_configuration_beyond_the_studys_bound_loses_to_all_others(trial, frame, of_phase):
    """One of four diverged is allowed, two of four are not; the confirmation bars nothing."""
    rows = frame(
        trial(index=0, fid=(9.0, 9.0, 9.0, 9.0), diverged=(1,)), trial(index=1, fid=(1.0,) * 4, diverged=(0, 1))
    )
    found = {}
    for about in (BOUND, {"study": "rings"}):
        (cohort,) = cohorts(select(Record(rows, rows, about), "search"), "fid")
        found[len(about)] = cohort
    assert [one.barred.tolist() for one in found.values()] == [[1], []]
    np.testing.assert_array_equal(found[2].medians()[1], [9.0, math.inf])
    np.testing.assert_array_equal(found[2].cost, found[1].cost)
    again = rows.assign(phase="confirm")
    (confirmed,) = cohorts(select(Record(again, again, BOUND), "confirm"), "fid")
    assert confirmed.barred.tolist() == []


def test_each_of_joined_studies_has_its_own_bound(trial, frame):
    rows = frame(trial(fid=(1.0,) * 4, diverged=(0, 1)))
    other = rows.assign(study="others")
    joined = pd.concat(
        [one.assign(arm=one["study"].astype(str) + "/" + one["arm"].astype(str)) for one in (rows, other)]
    )
    record = Record(joined, joined, {"joined": [BOUND, {"study": "others"}]})
    assert {one.arm: len(one.barred) for one in cohorts(select(record, "search"), "fid")} == {
        "rings/hinge": 1, "others/hinge": 0,
    }  # fmt: skip


def test_the_same_index_in_two_repeats_is_two_configurations(trial, frame, of_phase):
    rows = frame(trial(index=1, fid=(1.0, 3.0)), trial(index=1, fid=(5.0, 7.0), repeat=1))
    _, median = cohorts(of_phase(rows, "search"), "fid")[0].medians()
    np.testing.assert_array_equal(median, [2.0, 6.0])


def test_trials_are_named_alike_whether_studies_are_joined_or_not(trial, frame, of_phase):
    rows = frame(trial())
    assert list(cohorts(of_phase(rows, "search"), "fid")[0].trial) == ["rings/search-hinge-0000"] * 2
    joined = rows.assign(trial_id="rings/" + rows["trial_id"])
    assert list(cohorts(of_phase(joined, "search"), "fid")[0].trial) == ["rings/search-hinge-0000"] * 2


def test_more_is_better_turns_the_sign(trial, frame, of_phase):
    (found,) = cohorts(of_phase(frame(trial(diverged=(1,))), "search"), "fid", mode="max")
    np.testing.assert_array_equal(found.cost, [-1.0, math.inf])
    assert (direction("coverage"), direction("fid"), direction("fid", "max")) == ("max", "min", "max")
    assert {column.name for column in MEASUREMENTS} >= HIGHER
    with pytest.raises(ValueError, match="mode: expected 'min' or 'max', got 'least'"):
        direction("fid", "least")


def test_own_measurements_say_themselves_which_way_is_better(trial, frame):
    about = {"own": {"own.blur": {"better": "low"}, "own.sharp": {"better": "high"}, "own.mute": {"better": None}}}
    assert (direction("own.blur", None, about), direction("own.sharp", None, about)) == ("min", "max")
    assert direction("own.mute", "max", about) == "max"
    with pytest.raises(ValueError, match=r"mode: expected 'min' or 'max' for own\.mute, which does not say which way"):
        direction("own.mute", None, about)
    with pytest.raises(ValueError, match=r"mode: expected 'min' or 'max' for own\.sharp, which does not say"):
        direction("own.sharp", None, {"joined": [about, {"own": {"own.sharp": {"better": "low"}}}]})
    rows = frame(trial(diverged=(1,))).rename(columns={"fid": "own.sharp"})
    (found,) = cohorts(select(Record(rows, rows, about), "search"), "own.sharp")
    np.testing.assert_array_equal(found.cost, [-1.0, math.inf])


def test_trials_without_a_final_score_are_left_out_whole_and_counted(trial, frame, of_phase):
    rows = frame(
        trial(index=0),
        trial(index=1, status="truncated", diverged=(0,)),
        trial(index=2, status="failed"),
        trial(index=3, status="running"),
        trial(index=4, status="diverged", diverged=(0, 1), fid=(math.nan, math.nan)),
    )
    (found,) = cohorts(of_phase(rows, "search"), "fid")
    np.testing.assert_array_equal(found.configuration, [0, 0, 4, 4])
    assert (found.replicas, found.truncated, found.stopped, found.failed, found.running) == (10, 2, 1, 2, 2)


def test_medians_over_replicas(trial, frame, of_phase):
    rows = frame(trial(index=5, fid=(1.0, 3.0, 9.0)), trial(index=2, fid=(1.0, 2.0), diverged=(1,)))
    index, cost = cohorts(of_phase(rows, "search"), "fid")[0].medians()
    np.testing.assert_array_equal(index, [2, 5])
    np.testing.assert_array_equal(cost, [math.inf, 3.0])


def test_an_arm_that_was_not_measured_is_no_arm_that_diverged(trial, frame, of_phase):
    rows = frame(trial("hinge"), trial("wasserstein", fid=(math.nan, math.nan)))
    with pytest.raises(ValueError, match="metric: fid was not measured in wasserstein; leave these arms out"):
        cohorts(of_phase(rows, "search"), "fid")
    assert unmeasured(of_phase(rows, "search"), "fid") == ("wasserstein",)
    with pytest.raises(ValueError, match="metric: the record has no column 'kid'"):
        cohorts(of_phase(rows, "search"), "kid")


def test_arms_have_one_floor_or_none(trial, frame, of_phase):
    rows = frame(trial(), trial("minimax", study="grids")).assign(**{"floor.fid": [0.5, 0.5, 0.4, 0.4]})
    assert np.isnan([one.floor for one in cohorts(of_phase(rows, "search"), "fid")]).all()
    rows["floor.fid"] = [0.5, 0.5, math.nan, math.nan]
    assert np.isnan([one.floor for one in cohorts(of_phase(rows, "search"), "fid")]).all()
    rows["floor.fid"] = 0.5
    assert [one.floor for one in cohorts(of_phase(rows, "search"), "fid")] == [0.5, 0.5]


def test_an_unknown_floor_is_nan(trial, frame, of_phase):
    assert math.isnan(cohorts(of_phase(frame(trial()).drop(columns="floor.fid"), "search"), "fid")[0].floor)
    assert math.isnan(cohorts(of_phase(frame(trial()).assign(**{"floor.fid": math.nan}), "search"), "fid")[0].floor)


@pytest.mark.parametrize("share", [0.25, None])
def test_how_many_may_diverge_is_said_by_the_study(share: float | None) -> None:
    about = {"study": "rings", "config": {"search": {"diverged_at_most": share}}}
    assert allowed_share(about, "rings") == share
    assert allowed_share(about, "grids") is None
