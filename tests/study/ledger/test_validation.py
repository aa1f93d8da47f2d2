"""What is no whole valid entry says which field, what was expected and what came."""

from __future__ import annotations

from typing import Any

import pytest

from study.ledger.entries import Ended, Floor, Planned, Result, Session, to_json
from study.ledger.validation import InvalidEntry, from_json

SESSION = Session(time=1.5, session="a", config={"study": "x"}, versions={"torch": "2"}, hardware={"cpus": 2}, pid=7)
FLOOR = Floor(time=1.5, values={"fid": 0.25}, classifier={"accuracy": 0.98, "seed": 0})
PLANNED = Planned(time=1.5, phase="search", arm="a", index=3, config={"lr": 0.5}, spec={"model": "gan"}, seeds=[4, 5])
RESULT = Result(
    time=1.5, phase="search", arm="a", index=3, seeds=[4, 5], step=10, wall_time=2.0,
    columns={"diverged": [False, True], "diverged_step": [None, 7],
             "fid": [1.0, None], "mode_histogram": [[1, 2], None]},
    pictures="trials/search-a-0003/pictures/00000010.npz",
)  # fmt: skip
ENDED = Ended(time=1.5, phase="confirm", arm="a", index=3, status="failed", message="no", outcomes=["failed"] * 2)
EVERY = [SESSION, FLOOR, PLANNED, RESULT, ENDED]


@pytest.mark.parametrize(
    ("entry", "change", "message"),
    [
        (SESSION, {"config": 3}, "config: expected a mapping, got 3"),
        (SESSION, {"config": {"study": 3}}, "config.study: expected a text, got 3"),
        (SESSION, {"time": None}, "time: expected a number from 0 to 9000000000, got null"),
        (SESSION, {"time": float("nan")}, "time: expected a number from 0"),
        (SESSION, {"time": True}, "time: expected a number from 0 to 9000000000, got true"),
        (SESSION, {"host": 3}, "host: expected a text, got 3"),
        (FLOOR, {"values": [1]}, r"values: expected a mapping, got \[1\]"),
        (FLOOR, {"values": {"fid": "low"}}, "values.fid: expected a number, got 'low'"),
        (FLOOR, {"classifier": "good"}, "classifier: expected a mapping, got 'good'"),
        (PLANNED, {"phase": "final"}, "phase: expected search or confirm, got 'final'"),
        (PLANNED, {"arm": "../../x"}, r"arm: expected a name without slashes and spaces, got '\.\./\.\./x'"),
        (PLANNED, {"trial_id": "../../x"}, r"trial_id: expected 'search-a-0003', got '\.\./\.\./x'"),
        (PLANNED, {"trial_id": "search-a-r1-0003"}, "trial_id: expected 'search-a-0003', got 'search-a-r1-0003'"),
        (PLANNED, {"repeat": 1}, "trial_id: expected 'search-a-r1-0003', got 'search-a-0003'"),
        (PLANNED, {"repeat": -1}, "repeat: expected a whole number ≥ 0, got -1"),
        (PLANNED, {"repeat": None}, "repeat: expected a whole number ≥ 0, got null"),
        (PLANNED, {"index": -1}, "index: expected a whole number ≥ 0, got -1"),
        (PLANNED, {"index": True}, "index: expected a whole number ≥ 0, got true"),
        (PLANNED, {"seeds": []}, r"seeds: expected different whole numbers ≥ 0, got \[\]"),
        (PLANNED, {"seeds": [1, 1]}, "seeds: expected different whole numbers"),
        (PLANNED, {"seeds": [1, 2**63]}, "seeds: expected different whole numbers"),
        (PLANNED, {"seeds": [True, False]}, "seeds: expected different whole numbers"),
        (PLANNED, {"spec": None}, "spec: expected a mapping, got null"),
        (PLANNED, {"spec": {"model": 3}}, "model: expected a name, got 3"),
        (PLANNED, {"config": {"a": 10**4000}}, "config: expected whole numbers up to 9007199254740992, got 1000"),
        (RESULT, {"step": -5}, "step: expected a whole number ≥ 0, got -5"),
        (RESULT, {"step": 5.0}, r"step: expected a whole number ≥ 0, got 5\.0"),
        (RESULT, {"wall_time": float("inf")}, "wall_time: expected a finite number ≥ 0, got inf"),
        (RESULT, {"columns": [1]}, r"columns: expected a mapping, got \[1\]"),
        (RESULT, {"columns": {"fid": 3}}, r"columns.fid: expected a list of 2, one value per seed, got 3"),
        (RESULT, {"columns": {"fid": [1.0]}}, r"columns.fid: expected a list of 2, one value per seed, got \[1.0\]"),
        (RESULT, {"columns": {"fid": ["a", 1.0]}}, r"columns.fid: expected numbers, got \['a', 1.0\]"),
        (RESULT, {"columns": {"fid": [True, 1.0]}}, "columns.fid: expected numbers"),
        (RESULT, {"columns": {"fid": [10**30, 1.0]}}, "columns.fid: expected numbers"),
        (RESULT, {"columns": {"fid": [[1], 1.0]}}, "columns.fid: expected numbers"),
        (RESULT, {"columns": {"diverged": [1, 0]}}, "columns.diverged: expected true, false or null for each seed"),
        (RESULT, {"columns": {"diverged_step": [1.5, 0]}}, "columns.diverged_step: expected a whole number or null"),
        (RESULT, {"columns": {"mode_histogram": [[1.5], [2]]}}, "columns.mode_histogram: expected counts"),
        (RESULT, {"columns": {"mode_histogram": [[-1], [2]]}}, "columns.mode_histogram: expected counts"),
        (RESULT, {"pictures": 3}, "pictures: expected a path, got 3"),
        (ENDED, {"status": "done"}, "status: expected one of completed, diverged, truncated, failed, got 'done'"),
        (ENDED, {"status": []}, "status: expected one of completed"),
        (ENDED, {"outcomes": [3]}, r"outcomes: expected a list of texts, got \[3\]"),
        (ENDED, {"scores": ["a"]}, "scores: expected a number or null per replica"),
        (
            ENDED,
            {"scores": [[1.0], [1.0, 2.0]]},
            "scores: expected a number or null per replica, or equally many for each",
        ),
        (ENDED, {"scores": [[], []]}, "scores: expected a number or null per replica, or equally many for each"),
        (ENDED, {"message": 3}, "message: expected a text, got 3"),
    ],
)
def test_what_is_no_entry_says_why(entry: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEntry, match=message):
        from_json({**to_json(entry), **change})


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.kind)
def test_what_lacks_a_field_says_which(entry: Any) -> None:
    optional = {
        "session",
        "repeat",
        "versions",
        "hardware",
        "host",
        "pid",
        "spread",
        "classifier",
        "pictures",
        "message",
        "outcomes",
        "scores",
    }
    for name in to_json(entry).keys() - optional:
        whole = to_json(entry)
        del whole[name]
        with pytest.raises(InvalidEntry, match=f"{name}: expected"):
            from_json(whole)


@pytest.mark.parametrize("found", [3, None, "text", [], [{"kind": "floor"}], {}, {"kind": 3}, {"kind": None}])
def test_another_shape_is_no_entry(found: Any) -> None:
    with pytest.raises(InvalidEntry, match="expected"):
        from_json(found)
