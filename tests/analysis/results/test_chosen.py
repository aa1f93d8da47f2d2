import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.join import join
from analysis.record.loading import Record, load
from analysis.results.chosen import ELSEWHERE, SECTIONS, chosen
from analysis.results.compare import quality
from analysis.results.selection import select
from analysis.results.selection_bias import selection_bias
from analysis.statistics.bootstrap import Resampling, bootstrap

DRAWN = {"a": ["generator_lr", "penalty"], "b": ["generator_lr", "penalty.bound"]}
ABOUT = {"study": "rings", "searched": DRAWN}


def trial(arm, phase, index, scores, status="completed", minute=0, repeat=0, **config):
    """Rows of one trial, a replica for each score, NaN where it diverged."""
    return [
        {"study": "rings", "phase": phase, "arm": arm, "repeat": repeat, "index": index,
         "trial_id": f"{phase}-{arm}{f'-r{repeat}' if repeat else ''}-{index:04d}", "seed": seed,
         "status": status, "outcome": "diverged" if math.isnan(score) else "converged", "fid": score,
         "coverage": score, "started": pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=minute),
         **{f"config.{name.replace('__', '.')}": value for name, value in config.items()}}
        for seed, score in enumerate(scores)
    ]  # fmt: skip


def choose(*trials, metric="fid", about=ABOUT, **options):
    rows = pd.DataFrame([row for rows in trials for row in rows])
    record = Record(rows, rows, about)
    phases = select(record, "search"), select(record, "confirm")
    return chosen(*phases, metric, resampling=Resampling(np.random.default_rng(0)), **options)


def test_what_is_confirmed_is_chosen_and_else_the_best_of_the_search():
    found = choose(
        trial("b", "search", 0, [5.0, 6.0, 7.0], minute=0),
        trial("a", "search", 0, [3.0, 3.0, 3.0], minute=1),
        trial("b", "search", 1, [1.0, 2.0, 9.0], minute=2),
        trial("a", "search", 1, [1.0, 1.0, 1.0], minute=3),
        trial("a", "confirm", 0, [4.0, 5.0, 6.0, 7.0], minute=4),
    )
    assert [(one.arm, one.trial_id, one.phase, one.replicas) for one in found] == [
        ("b", "search-b-0001", "search", 3), ("a", "confirm-a-0000", "confirm", 4),
    ]  # fmt: skip
    assert [one.score.estimate for one in found] == [2.0, 5.5]
    assert {one.score.captures for one in found} == {"seeds"}
    same = bootstrap([1.0, 2.0, 9.0], resampling=Resampling(np.random.default_rng(0)), statistic="median")
    assert (found[0].score.low, found[0].score.high) == (same.low, same.high)


def test_a_bound_on_diverged_replicas_decides_as_the_study_does():
    nan = math.nan
    trials = [
        trial("a", "search", 0, [nan, nan, 0.1, 0.1]),
        trial("a", "search", 1, [nan, 5.0, 5.0, 5.0]),
        trial("b", "search", 0, [nan, nan, nan, 0.1]),
        trial("b", "search", 1, [nan, nan, 0.3, 0.3]),
        trial("b", "search", 2, [nan, nan, 0.2, 0.2]),
    ]
    found = choose(*trials, about={**ABOUT, "config": {"search": {"diverged_at_most": 0.25}}})
    assert [(one.trial_id, one.barred) for one in found] == [("search-a-0001", False), ("search-b-0001", True)]
    assert [one.barred for one in choose(*trials)] == [False, False]


def test_each_repeat_chooses_its_own():
    found = choose(
        trial("b", "search", 0, [9.0], minute=0),
        trial("a", "search", 0, [3.0], minute=1),
        trial("a", "search", 1, [1.0], minute=2),
        trial("a", "search", 1, [4.0], minute=3, repeat=1),  # the index of repeat 0's best
        trial("a", "search", 2, [2.0, 2.0], minute=4, repeat=1),
        trial("b", "search", 0, [7.0], minute=5, repeat=1),
        trial("a", "confirm", 1, [6.0] * 3, minute=6),
    )
    assert [(one.arm, one.repeat, one.trial_id, one.replicas, one.score.estimate) for one in found] == [
        ("b", 0, "search-b-0000", 1, 9.0),
        ("b", 1, "search-b-r1-0000", 1, 7.0),
        ("a", 0, "confirm-a-0001", 3, 6.0),
        ("a", 1, "search-a-r1-0002", 2, 2.0),
    ]


def test_several_confirmed_configurations_stand_in_the_order_of_their_confirmation():
    searched = [trial("a", "search", index, [1.0]) for index in range(4)]
    confirmed = [trial("a", "confirm", 3, [9.0], minute=5), trial("a", "confirm", 1, [2.0], minute=6)]
    assert [one.trial_id for one in choose(*searched, *confirmed)] == ["confirm-a-0003", "confirm-a-0001"]


def test_a_confirmation_under_way_is_chosen_and_has_no_score():
    (found,) = choose(trial("a", "search", 0, [1.0]), trial("a", "confirm", 0, [3.0, 4.0], status="running"))
    assert (found.trial_id, found.replicas) == ("confirm-a-0000", 2)
    assert math.isnan(found.score.estimate)


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([[1.0, math.nan, math.nan], [5.0, 5.0, math.nan]], 1),  # the median of a diverged half is infinite
        ([[1.0, math.nan, math.nan], [9.0, 9.0, math.nan, math.nan, math.nan]], 0),  # fewer diverged
        ([[2.0, 2.0], [1.0, 3.0]], 0),
    ],
)
def test_among_equals_the_one_with_fewest_diverged_replicas_then_the_first(scores, best):
    (found,) = choose(*(trial("a", "search", index, values) for index, values in enumerate(scores)))
    assert found.trial_id == f"search-a-{best:04d}"


def test_stopped_trials_and_those_under_way_are_not_the_best():
    stopped = trial("a", "search", 0, [0.1], status="truncated"), trial("a", "search", 1, [0.1], status="running")
    assert choose(*stopped) == ()
    assert choose(*stopped, trial("a", "search", 2, [5.0]))[0].trial_id == "search-a-0002"


def test_more_may_be_better():
    (found,) = choose(
        trial("a", "search", 0, [0.2, 0.3, 0.4]),
        trial("a", "search", 1, [0.5, 0.6, 0.6, 0.6, 0.6, 0.7]),
        metric="coverage",
    )
    assert (found.trial_id, found.score.estimate, found.metric) == ("search-a-0001", 0.6, "coverage")
    assert found.score.low <= 0.6 <= found.score.high


def test_one_score_has_one_interval_whatever_else_is_drawn(simulated):
    record = load(simulated)
    phases = select(record, "search"), select(record, "confirm")
    resampling = Resampling(np.random.default_rng(0))
    medians = {one.arm: one.median for one in quality(phases[1], "fid", resampling=resampling)}
    assert {one.arm: one.confirmed for one in selection_bias(*phases, "fid", resampling=resampling)} == medians
    assert {one.arm: one.score for one in chosen(*phases, "fid", resampling=resampling)} == medians
    *others, last = medians
    (alone,) = quality(phases[1].without(others), "fid", resampling=resampling)
    assert alone.median == medians[last]
    (whole,) = (one for one in quality(phases[0], "fid", resampling=resampling) if one.arm == last)
    (alone,) = quality(phases[0].without(others), "fid", resampling=resampling)
    assert (alone.median, alone.iqm) == (whole.median, whole.iqm)


def test_what_was_searched_in_an_arm_is_what_its_search_drew():
    common = {"generator_lr": 1e-3, "penalty__name": "clip", "penalty__bound": 0.25}
    found = choose(trial("b", "search", 0, [1.0], **common), trial("a", "search", 0, [1.0], **common, penalty="clip_1"))
    assert [dict(one.searched) for one in found] == [
        {"generator_lr": 1e-3, "penalty.bound": 0.25}, {"generator_lr": 1e-3, "penalty": "clip_1"},
    ]  # fmt: skip
    (unsaid,) = choose(trial("a", "search", 0, [1.0], **common), about={})
    assert unsaid.searched == {}


def test_settings_stand_by_the_section_that_sets_them_and_include_defaults():
    config = {
        "scientific": {"penalty": ["none", "clip"], "objective": ["hinge"]}, "nuisance": {"generator_lr": {}},
        "fixed": {"critic": {"hidden": [64]}}, "budget": {"steps": 100, "batch_size": 8},
    }  # fmt: skip
    columns = {
        "penalty": "clip_0.25", "penalty__bound": 0.25, "penalty__name": "clip", "objective__name": "hinge",
        "generator_lr": 1e-3, "critic__hidden": "[64]", "critic__kind": "mlp", "critic__weight_std": None,
        "model": "gan", "generator_loss": "-d", "batch_size": 8, "steps": 100, "data__name": "ring", "bound": 1e6,
    }  # fmt: skip
    (found,) = choose(trial("a", "search", 0, [1.0], **columns), about={**ABOUT, "config": config})
    assert dict(found.settings) == {
        "scientific": {"penalty": {"name": "clip", "bound": 0.25}, "objective": {"name": "hinge"}},
        "nuisance": {"generator_lr": 1e-3},
        "fixed": {"critic": {"kind": "mlp", "hidden": [64]}},
        "defaults": {"model": "gan", "generator_loss": "-d"},
    }
    assert list(found.settings["scientific"]["penalty"]) == ["name", "bound"]


def test_several_penalties_are_a_list_again():
    columns = {"penalty__r1__name": "r1", "penalty__r1__weight": 2.0, "penalty__r2__name": "r2", "model": "gan"}
    config = {"scientific": {"penalty": [["r1", "r2"]]}}
    (found,) = choose(trial("a", "search", 0, [1.0], **columns), about={**ABOUT, "config": config})
    assert found.settings["scientific"] == {"penalty": [{"name": "r1", "weight": 2.0}, {"name": "r2"}]}


def test_a_batch_size_that_was_searched_is_a_setting():
    config = {"nuisance": {"batch_size": {"choice": [8, 16]}}}
    (found,) = choose(trial("a", "search", 0, [1.0], model="gan", batch_size=16), about={**ABOUT, "config": config})
    assert found.settings["nuisance"] == {"batch_size": 16}
    assert set(found.settings) == {*SECTIONS, "defaults"}
    assert "batch_size" in ELSEWHERE


def test_a_trial_without_its_specification_has_no_settings():
    (found,) = choose(trial("a", "search", 0, [1.0], generator_lr=1e-3))
    assert found.settings == {}


def test_joined_studies_each_say_what_they_searched(simulate, tmp_path):
    for name, drawn in (("rings", ["critic_lr"]), ("grids", ["generator_lr"])):
        (tmp_path / name).mkdir()
        about = {"searched": {"hinge": drawn}}
        simulate(tmp_path / name, study=name, arms=("hinge",), trials=3, replicas=2, about=about)
    record = join([load(tmp_path / name) for name in ("rings", "grids")])
    found = chosen(
        select(record, "search"), select(record, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert [(one.arm, list(one.searched)) for one in found] == [
        ("rings/hinge", ["critic_lr"]), ("grids/hinge", ["generator_lr"]),
    ]  # fmt: skip
    for one in found:
        (row,) = record.trials[record.trials["trial_id"] == one.trial_id].drop_duplicates("trial_id").to_dict("records")
        assert one.searched == {name: row[f"config.{name}"] for name in one.searched}


def test_an_arm_of_a_list_of_entries_has_chosen_what_its_own_entry_chooses():
    config = {"scientific": [{"name": "a", "pairing": "relativistic"}, {"name": "b"}], "fixed": {"beta1": 0.5}}
    settings = {"model": "gan", "pairing": "relativistic", "beta1": 0.5}
    found = choose(
        trial("a", "search", 0, [3.0], **settings),
        trial("b", "search", 0, [3.0], minute=1, **{**settings, "pairing": "independent"}),
        about={"study": "rings", "config": config, "arms": {"a": {"chosen": ["pairing"]}, "b": {"chosen": []}}},
    )
    a, b = (dict(one.settings) for one in found)
    assert (a["scientific"], a["fixed"]) == ({"pairing": "relativistic"}, {"beta1": 0.5})
    assert (b["scientific"], b["defaults"]) == ({}, {"model": "gan", "pairing": "independent"})
