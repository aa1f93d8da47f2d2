"""A replica's curves are the record's, and its tail the one that is judged."""

import numpy as np
import pytest

from analysis.record.loading import load
from analysis.results.replica import replica_curves


@pytest.fixture(scope="module")
def record(simulated):
    return load(simulated)


def of(record, trial, seed):
    trials = record.trials
    return replica_curves(record, trials[(trials["trial_id"] == trial) & (trials["seed"] == seed)].iloc[0])


def test_measurements_stand_in_the_order_of_their_steps(record):
    found = of(record, "search-hinge-0003", 2)
    history = record.history
    rows = history[(history["trial_id"] == "search-hinge-0003") & (history["seed"] == 2)]
    assert (found.study, found.trial_id, found.seed) == ("simulated", "search-hinge-0003", 2)
    np.testing.assert_array_equal(found.steps, rows["step"])
    assert [one.metric for one in found.quality] == ["fid"]
    assert [one.metric for one in found.others] == ["high_quality", "modes", "gradient_norm_generator"]
    np.testing.assert_array_equal(found.quality[0].values, rows["fid"])
    assert found.quality[0].floor == 0.001
    assert np.isnan(found.quality[0].error).all()
    assert np.isnan(found.others[2].floor)


def test_the_tail_is_the_last_third_and_five_evaluations_at_least(record):
    assert of(record, "search-hinge-0003", 2).tail.tolist() == [False] * 5 + [True] * 5
    about = {"config": {"outcomes": {"tail": 0.8}}}
    assert of(type(record)(record.history, record.trials, about), "search-hinge-0003", 2).tail.sum() == 8


def test_shares_of_eight_modes_over_an_eighth_add_up_to_eight(record):
    relative = of(record, "search-hinge-0003", 2).relative
    assert relative.shape == (10, 8)
    np.testing.assert_allclose(relative.sum(1), 8)


def test_a_diverged_replica_says_when(record):
    trials = record.trials
    fallen = trials[trials["diverged_step"].notna()].iloc[0]
    found = of(record, fallen["trial_id"], fallen["seed"])
    assert found.diverged == fallen["diverged_step"]
    assert np.isnan(found.quality[0].values[-1])
    assert of(record, "search-hinge-0003", 2).diverged is None


def test_each_metric_is_there_once_and_with_its_evaluations_own_error(record):
    about = {"config": {"search": {"metric": "modes"}, "outcomes": {"metric": "kid"}}}
    history = record.history.assign(fid_error=0.5, kid=1.0)
    found = of(type(record)(history, record.trials, about), "search-hinge-0003", 2)
    assert [one.metric for one in found.quality] == ["kid", "modes", "fid"]
    assert found.quality[2].error.tolist() == [0.5] * 10


def test_a_replica_without_evaluations_is_refused(record):
    replica = record.trials.iloc[0].copy()
    replica["seed"] = 99
    with pytest.raises(
        ValueError, match=r"expected one with evaluations, got trial search-.*, seed 99, which has none"
    ):
        replica_curves(record, replica)
