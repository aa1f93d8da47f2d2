from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record, RecordError, load
from analysis.record.schema import TRIALS_KEYS
from analysis.results.cohort import floor_of
from analysis.results.learning import learning, mode_shares
from analysis.results.selection import select


def record(rows, **columns):
    history = pd.DataFrame(rows, columns=["arm", "trial_id", "seed", "step", "fid", "diverged"])
    history = history.assign(study="s", phase="confirm", repeat=0, **columns)
    arms = [*dict.fromkeys(history["arm"])]
    return Record(history, pd.DataFrame({"study": "s", "phase": "confirm", "arm": arms, "floor.fid": 0.1}), {})


def test_median_and_quartiles_at_every_step():
    rows = [("a", "t", seed, step, float(seed * step), False) for seed in range(5) for step in (1, 2)]
    (curve,) = learning(select(record(rows), "confirm"), ["fid"])
    assert curve.band.x.tolist() == [1, 2]
    assert curve.band.estimate.tolist() == [2, 4]
    assert curve.band.low.tolist() == [1, 2]
    assert curve.band.high.tolist() == [3, 6]
    assert (curve.floor, curve.unit, curve.band.n, curve.going.tolist()) == (0.1, "data²", 5, [5, 5])


@pytest.mark.parametrize(("features", "unit"), [("raw", "data²"), ("classifier", "1"), ("inception", "1")])
def test_a_distance_of_features_is_not_of_the_datas_unit(features, unit):
    about = {"config": {"evaluation": {"features": features}}}
    rows = record([("a", "t", 0, 1, 1.0, False)])
    (curve,) = learning(select(replace(rows, about=about), "confirm"), ["fid"])
    assert curve.unit == unit


def test_a_diverged_replica_ranks_last_from_then_on():
    rows = [("a", "t", seed, step, 1.0, seed < 2 and step == 2) for seed in range(3) for step in (1, 2, 3)]
    (curve,) = learning(select(record(rows), "confirm"), ["fid"])
    assert curve.band.estimate.tolist() == [1, np.inf, np.inf]
    assert curve.band.low.tolist()[0] == 1


def test_where_more_is_better_the_worst_is_below():
    rows = [("a", "t", seed, 1, 1.0, seed < 2) for seed in range(3)]
    (curve,) = learning(select(record(rows, precision=0.5), "confirm"), ["precision"])
    assert curve.band.estimate.tolist() == [-np.inf]


@pytest.mark.parametrize(("better", "worst"), [("high", [-np.inf]), ("low", [np.inf]), (None, [0.5])])
def test_own_measurements_are_ranked_where_they_say_how(better, worst):
    rows = [("a", "t", seed, 1, 1.0, seed < 2) for seed in range(3)]
    found = replace(record(rows, **{"own.blur": 0.5}), about={"own": {"own.blur": {"better": better}}})
    (curve,) = learning(select(found, "confirm"), ["own.blur"])
    assert curve.band.estimate.tolist() == worst


def test_other_signals_describe_who_is_still_going():
    rows = [("a", "t", seed, 1, 1.0, seed < 2) for seed in range(3)]
    (curve,) = learning(select(record(rows, critic_accuracy=0.75), "confirm"), ["critic_accuracy"])
    assert curve.band.estimate.tolist() == [0.75]
    assert curve.going.tolist() == [1]


def test_replicas_that_stopped_early_are_left_out_from_there_on():
    rows = [("a", "t", 0, 1, 1.0, False), ("a", "t", 0, 2, 1.0, False), ("a", "u", 1, 1, 9.0, False)]
    (curve,) = learning(select(record(rows), "confirm"), ["fid"])
    assert curve.band.estimate.tolist() == [5, 1]
    assert curve.going.tolist() == [2, 1]


def test_arms_on_different_steps_keep_their_own():
    rows = [("a", "t", 0, 10, 1.0, False), ("b", "u", 0, 15, 2.0, False)]
    first, second = learning(select(record(rows), "confirm"), ["fid"])
    assert (first.band.x.tolist(), first.band.estimate.tolist(), first.clock) == ([10], [1.0], "updates")
    assert (second.band.x.tolist(), second.band.estimate.tolist()) == ([15], [2.0])


def test_where_samples_are_equal_curves_are_told_in_shares_of_the_budget():
    steps = {"t": 30, "u": 6, "lost": None}
    rows = [
        ("a", trial, 0, place, float(place * fall), False)
        for trial, total, fall in (("t", 30, 1), ("u", 6, 10), ("lost", 3, 1000))
        for place in (total // 3, 2 * total // 3, total)
    ]
    one = record(rows)
    trials = one.history[list(TRIALS_KEYS)].drop_duplicates().reset_index(drop=True)
    planned = pd.array([steps[name] for name in trials["trial_id"]], dtype="Int64")
    about = {"config": {"budget": {"equal": {"name": "samples"}}}}
    (curve,) = learning(
        select(Record(one.history, trials.assign(**{"config.steps": planned}), about), "confirm"), ["fid"]
    )
    assert curve.band.x.tolist() == [1 / 3, 2 / 3, 1]  # the trial whose plan is lost has no share
    assert curve.band.estimate.tolist() == [15, 30, 45]
    assert (curve.clock, curve.going.tolist()) == ("budget", [2, 2, 2])


def test_what_was_never_measured_has_no_curve_and_what_was_not_loaded_is_an_error():
    rows = [("a", "t", 0, 1, np.nan, False)]
    assert learning(select(record(rows), "confirm"), ["fid"]) == ()
    assert learning(select(record(rows), "search"), ["fid"]) == ()
    with pytest.raises(RecordError, match=r"history lacks the column\(s\) kid"):
        learning(select(record(rows), "confirm"), ["kid"])


def test_an_unknown_floor_is_nan():
    assert np.isnan(floor_of(record([]).trials, "hop"))


def test_mode_shares_add_up_and_end_with_their_replica(simulated):
    loaded = load(simulated)
    trial = loaded.trials.loc[loaded.trials["phase"] == "confirm", "trial_id"].iloc[0]
    (found,) = mode_shares(loaded, [str(trial)], most=3)
    assert found.relative.shape == (3, 10, 8)
    total = found.relative.sum(axis=2)
    np.testing.assert_allclose(total[~np.isnan(total)], 8)
    assert found.seeds.tolist() == [10_000, 10_001, 10_002]


def test_a_rare_mode_with_its_share_counts_as_much_as_a_frequent_one(simulated):
    loaded = load(simulated)
    trial = str(loaded.trials["trial_id"].iloc[0])
    (even,) = mode_shares(loaded, [trial])
    weights = [7.0, *[1.0] * 7]
    config = {**loaded.about.get("config", {}), "data": {"name": "ring", "class_weights": weights}}
    study = str(loaded.trials["study"].iloc[0])
    (found,) = mode_shares(replace(loaded, about={"study": study, "config": config}), [trial])
    np.testing.assert_allclose(found.relative, even.relative / 8 / (np.array(weights) / 14))
