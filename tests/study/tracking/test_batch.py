from collections.abc import Callable
from typing import Any

import pytest

from study.tracking.attempts import Attempts
from study.tracking.batch import Rows, gather
from study.tracking.cursor import OpenRun

Trial = Callable[..., list[dict[str, Any]]]


def rows_of(*story: dict[str, Any], runs: dict[str, OpenRun] | None = None) -> list[Rows]:
    rows, strange = gather(story, Attempts(), runs or {})
    assert strange == 0
    return rows


def test_entries_are_gathered_run_by_run(trial: Trial) -> None:
    first, second = trial(0), trial(1, status="failed")
    interleaved = [entry for pair in zip(first, second, strict=True) for entry in pair]
    rows = rows_of(*interleaved)
    assert [(found.trial_id, found.entries, found.step) for found in rows] == [
        ("search-hinge-0000", 4, 20),
        ("search-hinge-0001", 4, 20),
    ]
    assert rows[0].params == {"generator_lr": "0.001", "objective.name": "hinge", "penalty": "none"}
    assert rows[0].tags == {
        "seeds": "[0,1,2,3]",
        "status": "completed",
        "outcome": "converged 2, oscillating 1, diverged 1",
    }
    assert rows[1].ended is second[-1]


def test_metrics_carry_the_ledgers_times(trial: Trial) -> None:
    (rows,) = rows_of(*trial(0))
    assert ("fid/median", 1.0, 1_700_000_001_312, 10) in rows.metrics
    assert ("diverged", 1.0, 1_700_000_002_312, 20) in rows.metrics
    assert ("wall_time", 10.0, 1_700_000_002_312, 20) in rows.metrics
    assert {time for _, _, time, _ in rows.metrics} == {1_700_000_001_312, 1_700_000_002_312}


def test_of_a_step_written_twice_the_first_counts(trial: Trial) -> None:
    planned, first, second, ended = trial(0)
    again = {**first, "time": first["time"] + 99, "wall_time": 77.0}
    assert rows_of(planned, first, again, second, again, ended)[0].metrics == rows_of(*trial(0))[0].metrics
    run = {"search-hinge-0000": OpenRun("run", 1, 10)}
    assert {metric[3] for metric in rows_of(planned, again, second, runs=run)[0].metrics} == {20}


def test_a_trial_that_begins_anew_is_another_run(trial: Trial) -> None:
    runs = {"search-hinge-0000": OpenRun("run", 1, 20)}
    story = [trial(0)[0], *trial(0, steps=(10,), batch_size=7)]
    old, new = rows_of(*story, runs=runs)
    assert (old.life, old.step, old.ended) == (1, 20, None)
    assert (new.life, new.step, new.entries) == (2, 10, 3)


def test_pictures_are_kept_and_announced(trial: Trial) -> None:
    planned, first, second, _ = trial(0)
    (rows,) = rows_of(planned, {**first, "pictures": "p.npz"}, second)
    assert [entry["step"] for entry in rows.pictures] == [10]
    assert rows.tags["mlflow.loggedImages"] == "True"
    assert "status" not in rows.tags


def test_a_failure_says_why_without_secrets(trial: Trial) -> None:
    *story, ended = trial(0, status="failed")
    (rows,) = rows_of(*story, {**ended, "message": "no route to http://me:pw@host"})
    assert rows.tags["message"] == "no route to http://***@host"


def test_a_session_that_changes_the_study_leaves_its_params() -> None:
    first = {"kind": "session", "config": {"a": 1, "b": {"c": 2}}, "versions": {"torch": "2.15"}, "time": 1.0}
    (rows,) = rows_of(first, {**first, "config": {"a": 3, "b": {"c": 2}, "new": 4}})
    assert rows.params == {"a": "1", "b.c": "2", "new": "4"}
    assert rows.tags == {"version.torch": "2.15", "changed.a": "3"}
    assert rows.sessions == 2
    assert rows.trial_id is None


def test_floors_are_metrics_of_the_study() -> None:
    values = {"fid": 0.5, "modes": 8, "kid": None, "recall": float("nan"), "mode_histogram": [1, 2]}
    floor = {"kind": "floor", "values": values, "classifier": {"accuracy": 0.98, "seed": 3}, "time": 2.5}
    (rows,) = rows_of(floor)
    assert rows.metrics == [
        ("floor/fid", 0.5, 2500, 0),
        ("floor/modes", 8.0, 2500, 0),
        ("classifier/accuracy", 0.98, 2500, 0),
    ]
    assert rows.tags == {"classifier.seed": "3"}
    (rows,) = rows_of({**floor, "classifier": None})
    assert rows.tags == {}


@pytest.mark.parametrize(
    "entry",
    [{"kind": "planned"}, {"kind": "result", "trial_id": "t", "step": None, "columns": 3}, {"kind": "session"}, {}],
)
def test_what_is_not_a_studys_entry_is_counted(entry: dict[str, Any]) -> None:
    assert gather([entry], Attempts(), {}) == ([], 1)


def test_kinds_unknown_to_this_version_are_passed_over() -> None:
    assert gather([{"kind": "weather", "time": 1.0}], Attempts(), {}) == ([], 0)
