"""Estimates beside truths, on records small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.critic_bound import ESTIMATE, GAP, RATIO, TRUTH, bound_curves, critic_bounds
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling

N = np.nan


def trials(**columns):
    """Five replicas of one configuration of arm a, of which the last has diverged."""
    rows = {
        "study": "s", "phase": "confirm", "arm": "a", "repeat": 0, "trial_id": "confirm-a-0000", "seed": range(5),
        "status": "completed", "outcome": ["converged"] * 4 + ["diverged"],
        ESTIMATE: [0.5, 0.6, 0.7, 0.9, 99.0], TRUTH: [0.6, 0.8, 0.7, 1.4, 99.0],
        GAP: [0.1, 0.2, 0.0, 0.5, 0.0], RATIO: [0.01, 0.02, N, 0.06, 0.5],
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def history(rows):
    keys = {"study": "s", "phase": "confirm", "repeat": 0, "trial_id": "t", "diverged": False}
    return pd.DataFrame(rows, columns=["arm", "seed", "step", ESTIMATE, TRUTH]).assign(**keys)


def of_phase(rows, phase):
    return select(Record(rows, rows, {}), phase)


def found(rows, phase="confirm", seed=0):
    return critic_bounds(of_phase(rows, phase), resampling=Resampling(np.random.default_rng(seed)))


@pytest.mark.golden
def test_medians_are_over_replicas_that_did_not_diverge_and_were_measured():
    (arm,) = found(trials())
    assert arm.n == 4
    medians = {name: one.estimate for name, one in arm.medians.items()}
    assert medians == pytest.approx({ESTIMATE: 0.65, TRUTH: 0.75, GAP: 0.15, RATIO: 0.02})
    assert arm.medians[RATIO].n == 3
    assert arm.medians[GAP].captures == "seeds"
    assert np.isnan(arm.medians[GAP].low)  # of four
    np.testing.assert_array_equal(arm.values[RATIO], [0.01, 0.02, N, 0.06])


def test_an_infinite_divergence_is_farther_off_than_any_finite_one():
    (arm,) = found(trials(**{GAP: [np.inf, np.inf, np.inf, 0.1, N]}))
    assert arm.medians[GAP].estimate == np.inf


def test_a_pair_whose_ratio_cannot_be_read_has_none():
    (arm,) = found(trials(**{RATIO: N}))
    assert RATIO not in arm.medians
    assert GAP in arm.medians


def test_without_a_truth_there_is_nothing_to_compare():
    assert found(trials(**{TRUTH: N, GAP: N, RATIO: N})) == ()
    assert found(trials(status="truncated")) == ()
    assert found(trials(), "search") == ()


def test_in_a_search_intervals_capture_configurations_where_there_are_several():
    alone = found(trials(phase="search"), "search")[0]
    several = found(trials(phase="search", trial_id=list("ttuuu")), "search")[0]
    assert (alone.medians[GAP].captures, several.medians[GAP].captures) == ("seeds", "both")
    many = pd.concat([trials(phase="search"), trials(phase="search", seed=range(5, 10))])
    assert np.isfinite(found(many, "search")[0].medians[GAP].low)


def test_the_seed_fixes_the_intervals():
    values = trials(**{GAP: np.random.default_rng(0).normal(size=5)})
    first, again = found(values)[0].medians[GAP], found(values)[0].medians[GAP]
    assert first == again


@pytest.mark.golden
def test_curves_stand_beside_the_truth_of_the_moment():
    rows = [("a", seed, step, 0.1 * step + seed, 1.0 - 0.1 * step + seed) for seed in (0, 1, 2) for step in (1, 2)]
    (curve,) = bound_curves(of_phase(history(rows), "confirm"))
    np.testing.assert_allclose(curve.estimate.x, [1, 2])
    np.testing.assert_allclose(curve.estimate.estimate, [1.1, 1.2])
    np.testing.assert_allclose(curve.truth.estimate, [1.9, 1.8])
    np.testing.assert_allclose(curve.truth.low, [1.4, 1.3])
    np.testing.assert_allclose(curve.truth.high, [2.4, 2.3])


def test_an_arm_without_a_truth_has_no_curve():
    rows = [("w", 0, 1, 0.3, N), ("a", 0, 1, 0.3, 0.4)]
    assert [one.arm for one in bound_curves(of_phase(history(rows), "confirm"))] == ["a"]
