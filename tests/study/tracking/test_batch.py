from collections.abc import Callable
from dataclasses import replace
from typing import Any

from study.ledger.entries import Ended, Look, OfTrial, Planned, Result, Stopped, to_json
from study.ledger.validation import from_json
from study.tracking.batch import Attempts, RunUpdate, gather
from study.tracking.cursor import OpenRun

Trial = Callable[..., list[dict[str, Any]]]


def updates_of(*story: dict[str, Any], runs: dict[str, OpenRun] | None = None) -> list[RunUpdate]:
    return gather([entry for told in story if (entry := from_json(told))], Attempts(), runs or {}, lambda metric: None)


def test_entries_are_gathered_run_by_run(trial: Trial) -> None:
    first, second = trial(0), trial(1, status="failed")
    interleaved = [entry for pair in zip(first, second, strict=True) for entry in pair]
    update = updates_of(*interleaved)
    assert [(found.trial_id, found.entries, found.step) for found in update] == [
        ("search-hinge-0000", 4, 20),
        ("search-hinge-0001", 4, 20),
    ]
    assert update[0].params == {"steps": "20", "generator_lr": "0.001", "objective": "hinge", "penalty": "none"}
    assert update[0].tags == {
        "seeds": "[0,1,2,3]",
        "status": "completed",
        "outcome": "converged 2, oscillating 1, diverged 1",
        "scores": "[0.5,0.5,0.5,0.5]",
    }
    assert update[1].ended == from_json(second[-1])


def test_an_outcome_that_cannot_be_told_has_a_name(trial: Trial) -> None:
    *before, ended = trial(0)
    (update,) = updates_of(*before, {**ended, "outcomes": ["converged", "", "", "converged"]})
    assert update.tags["outcome"] == "converged 2, not judged 2"


def test_a_look_is_a_tag_of_the_study(trial: Trial) -> None:
    look = Look(number=1, level=0.3, planned=3, extents={"a": (1, 8), "b": (1, 4)}, pairs=[], open=["a"])
    (update,) = updates_of(to_json(look))
    assert update.trial_id is None
    assert update.tags == {"look.1": '{"extents":{"a":[1,8],"b":[1,4]},"level":0.3,"open":["a"]}'}
    batch = {**trial(0)[0], "phase": "confirm", "round": 2, "trial_id": "confirm-hinge-0000-round2"}
    assert updates_of(batch)[0].trial_id == "confirm-hinge-0000-round2"


def test_why_a_study_stopped_is_a_tag_of_it() -> None:
    (update,) = updates_of(to_json(Stopped(time=1.0, reason="SIGTERM")))
    assert (update.trial_id, update.tags, update.entries) == (None, {"stopped": "SIGTERM"}, 1)


def test_metrics_carry_the_ledgers_times(trial: Trial) -> None:
    (update,) = updates_of(*trial(0))
    assert ("fid", 1.0, 1_700_000_001_312, 10) in update.metrics
    assert ("diverged", 1.0, 1_700_000_002_312, 20) in update.metrics
    assert ("wall_time", 10.0, 1_700_000_002_312, 20) in update.metrics
    assert {time for _, _, time, _ in update.metrics} == {1_700_000_001_312, 1_700_000_002_312}


def test_the_scores_of_the_replicas_are_a_tag_in_the_order_of_the_seeds(trial: Trial) -> None:
    *story, ended = trial(0)
    (update,) = updates_of(*story, {**ended, "scores": [0.5, None, 0.25, 1]})
    assert (update.tags["seeds"], update.tags["scores"]) == ("[0,1,2,3]", "[0.5,null,0.25,1]")


def test_params_say_what_was_fixed_and_what_the_data_were(trial: Trial) -> None:
    spec = {"objective": {"name": "hinge"}, "beta1": 0.5, "data": {"name": "ring", "modes": 8}, "measure": []}
    (update,) = updates_of({**trial(0)[0], "spec": spec, "config": {"generator_lr": 0.001}})
    assert update.params == {"objective": "hinge", "beta1": "0.5", "data": "ring", "generator_lr": "0.001"}


def test_of_a_step_written_twice_the_first_counts(trial: Trial) -> None:
    planned, first, second, ended = trial(0)
    again = {**first, "time": first["time"] + 99, "wall_time": 77.0}
    assert updates_of(planned, first, again, second, again, ended)[0].metrics == updates_of(*trial(0))[0].metrics
    run = {"search-hinge-0000": OpenRun("run", 1, 10)}
    assert {metric[3] for metric in updates_of(planned, again, second, runs=run)[0].metrics} == {20}


def test_a_trial_that_begins_anew_is_another_run(trial: Trial) -> None:
    runs = {"search-hinge-0000": OpenRun("run", 1, 20)}
    story = [trial(0)[0], *trial(0, steps=(10,), batch_size=7)]
    old, new = updates_of(*story, runs=runs)
    assert (old.attempt, old.step, old.ended) == (1, 20, None)
    assert (new.attempt, new.step, new.entries) == (2, 10, 3)


def test_pictures_are_kept_and_announced(trial: Trial) -> None:
    planned, first, second, _ = trial(0)
    (update,) = updates_of(planned, {**first, "pictures": "p.npz"}, second)
    assert [(entry.step, name) for entry, name in update.pictures] == [(10, "p.npz")]
    assert update.tags["mlflow.loggedImages"] == "True"
    assert "status" not in update.tags


def test_a_failure_says_why_without_secrets(trial: Trial) -> None:
    *story, ended = trial(0, status="failed")
    (update,) = updates_of(*story, {**ended, "message": "no route to http://me:pw@host"})
    assert update.tags["message"] == "no route to http://***@host"


def test_a_session_that_changes_the_study_leaves_its_params() -> None:
    first = {"kind": "session", "config": {"a": 1, "b": {"c": 2}}, "versions": {"torch": "2.15"}, "time": 1.0}
    (update,) = updates_of(first, {**first, "config": {"a": 3, "b": {"c": 2}, "new": 4}})
    assert update.params == {"a": "1", "b.c": "2", "new": "4"}
    assert update.tags == {"version.torch": "2.15", "changed.a": "3"}
    assert update.sessions == 2
    assert update.trial_id is None


def test_floors_are_tags_of_the_study() -> None:
    values = {"fid": 0.5, "modes": 8, "kid": None, "recall": float("nan"), "mode_histogram": [1, 2]}
    floor = {"kind": "floor", "values": values, "classifier": {"accuracy": 0.98, "seed": 3}, "time": 2.5}
    (update,) = updates_of(floor)
    assert update.metrics == []
    measured = {"floor.fid": "0.5", "floor.modes": "8"}
    assert update.tags == {**measured, "classifier.accuracy": "0.98", "classifier.seed": "3"}
    (update,) = updates_of({**floor, "classifier": None})
    assert update.tags == measured


def planned(**spec: Any) -> Planned:
    return Planned(phase="search", arm="hinge", index=0, config={}, spec=spec, seeds=[0, 1])


RESULT = Result(phase="search", arm="hinge", index=0, seeds=[0, 1], step=1, wall_time=1.0, columns={})
ENDED = Ended(phase="search", arm="hinge", index=0, status="completed")


def attempts(*story: OfTrial) -> list[int]:
    counter = Attempts()
    return [counter.apply(entry) for entry in story]


def test_a_trial_planned_again_while_unfinished_goes_on() -> None:
    assert attempts(planned(steps=1), RESULT, planned(steps=1), RESULT, ENDED) == [1, 1, 1, 1, 1]


def test_another_spec_or_other_seeds_begin_anew() -> None:
    assert attempts(planned(steps=1), planned(steps=2), RESULT) == [1, 2, 2]
    assert attempts(planned(steps=1), replace(planned(steps=1), seeds=[2, 3]), ENDED) == [1, 2, 2]


def test_a_trial_planned_again_after_its_end_begins_anew() -> None:
    again = replace(planned(), time=99.0)
    assert attempts(planned(), RESULT, ENDED, again, RESULT, ENDED) == [1, 1, 1, 2, 2, 2]


def test_lines_that_are_doubled_are_of_the_one_attempt() -> None:
    assert attempts(planned(), RESULT, ENDED, planned(), RESULT, ENDED) == [1] * 6


def test_a_trial_whose_plan_is_damaged_has_one_attempt() -> None:
    assert attempts(RESULT, ENDED) == [1, 1]


def test_trials_are_counted_apart() -> None:
    again = replace(planned(), time=99.0)
    assert attempts(planned(), ENDED, replace(planned(), index=1), again) == [1, 1, 1, 2]
