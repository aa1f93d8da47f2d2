"""What is no whole valid entry says which field, what was expected and what came."""

from __future__ import annotations

from typing import Any

import pytest

from study.ledger.entries import Entry, to_json
from study.ledger.validation import InvalidEntry, from_json


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("session", {"config": 3}, "config: expected a mapping, got 3"),
        ("session", {"config": {"study": 3}}, "config.study: expected a text, got 3"),
        ("session", {"time": None}, "time: expected a number from 0 to 9000000000, got null"),
        ("session", {"time": float("nan")}, "time: expected a number from 0"),
        ("session", {"time": True}, "time: expected a number from 0 to 9000000000, got true"),
        ("session", {"host": 3}, "host: expected a text, got 3"),
        (
            "session",
            {"own": {"own.blur": {"better": "more"}}},
            "own.own.blur: expected a mapping whose `better` is high,",
        ),
        ("session", {"changes": {"a": 1}}, "changes: expected a list, got {'a': 1}"),
        ("session", {"code": ["my_loss"]}, r"code: expected a mapping, got \['my_loss'\]"),
        ("session", {"data": "ring"}, "data: expected a mapping, got 'ring'"),
        ("session", {"data": {"name": "ring", "digest": 3}}, r"data\.digest: expected a text, got 3"),
        ("floor", {"values": [1]}, r"values: expected a mapping, got \[1\]"),
        ("floor", {"values": {"fid": "low"}}, "values.fid: expected a number, got 'low'"),
        ("floor", {"classifier": "good"}, "classifier: expected a mapping, got 'good'"),
        ("planned", {"phase": "final"}, "phase: expected search or confirm, got 'final'"),
        ("planned", {"arm": "../../x"}, r"arm: expected a name without slashes and spaces, got '\.\./\.\./x'"),
        ("planned", {"trial_id": "../../x"}, r"trial_id: expected 'search-a-0003', got '\.\./\.\./x'"),
        ("planned", {"trial_id": "search-a-r1-0003"}, "trial_id: expected 'search-a-0003', got 'search-a-r1-0003'"),
        ("planned", {"repeat": 1}, "trial_id: expected 'search-a-r1-0003', got 'search-a-0003'"),
        ("planned", {"repeat": -1}, "repeat: expected a whole number ≥ 0, got -1"),
        ("planned", {"repeat": None}, "repeat: expected a whole number ≥ 0, got null"),
        ("planned", {"index": -1}, "index: expected a whole number ≥ 0, got -1"),
        ("planned", {"index": True}, "index: expected a whole number ≥ 0, got true"),
        ("planned", {"seeds": []}, r"seeds: expected different whole numbers ≥ 0, got \[\]"),
        ("planned", {"seeds": [1, 1]}, "seeds: expected different whole numbers"),
        ("planned", {"seeds": [1, 2**63]}, "seeds: expected different whole numbers"),
        ("planned", {"seeds": [True, False]}, "seeds: expected different whole numbers"),
        ("planned", {"told": -1}, "told: expected a whole number ≥ 0, got -1"),
        ("planned", {"spec": None}, "spec: expected a mapping, got null"),
        ("planned", {"spec": {"model": 3}}, "model: expected a name, got 3"),
        ("planned", {"config": {"a": 10**4000}}, "config: expected whole numbers up to 9007199254740992, got 1000"),
        ("result", {"step": -5}, "step: expected a whole number ≥ 0, got -5"),
        ("result", {"step": 5.0}, r"step: expected a whole number ≥ 0, got 5\.0"),
        ("result", {"wall_time": float("inf")}, "wall_time: expected a finite number ≥ 0, got inf"),
        ("result", {"columns": [1]}, r"columns: expected a mapping, got \[1\]"),
        ("result", {"columns": {"fid": 3}}, r"columns.fid: expected a list of 2, one value per seed, got 3"),
        ("result", {"columns": {"fid": [1.0]}}, r"columns.fid: expected a list of 2, one value per seed, got \[1.0\]"),
        ("result", {"columns": {"fid": ["a", 1.0]}}, r"columns.fid: expected numbers, got \['a', 1.0\]"),
        ("result", {"columns": {"fid": [True, 1.0]}}, "columns.fid: expected numbers"),
        ("result", {"columns": {"fid": [10**30, 1.0]}}, "columns.fid: expected numbers"),
        ("result", {"columns": {"fid": [[1], 1.0]}}, "columns.fid: expected numbers"),
        ("result", {"columns": {"diverged": [1, 0]}}, "columns.diverged: expected true, false or null for each seed"),
        ("result", {"columns": {"diverged_step": [1.5, 0]}}, "columns.diverged_step: expected a whole number or null"),
        (
            "result",
            {"columns": {"diverged": [True, False], "diverged_step": [3, 3]}, "step": 5},
            r"columns.diverged_step: expected up to 5 where diverged, else null, got \[3, 3\]",
        ),
        (
            "result",
            {"columns": {"diverged": [True, False], "diverged_step": [7, None]}, "step": 5},
            r"columns.diverged_step: expected up to 5 where diverged, else null, got \[7, null\]",
        ),
        (
            "result",
            {"columns": {"mass_js": [0.5, 0.7]}},
            r"columns.mass_js: expected from 0 to 0.693147, got \[0.5, 0.7\]",
        ),
        (
            "result",
            {"columns": {"modes_held": [2.5, 1.0]}},
            r"columns.modes_held: expected whole numbers, got \[2.5, 1.0\]",
        ),
        ("result", {"columns": {"recall": [0.5, 1.1]}}, r"columns.recall: expected from 0 to 1, got \[0.5, 1.1\]"),
        ("result", {"columns": {"modes": [-1.0, None]}}, r"columns.modes: expected numbers ≥ 0, got \[-1.0, null\]"),
        (
            "result",
            {"columns": {"modes": [3.0, 2.0], "mode_histogram": [[5, 5], None]}},
            r"columns.modes: expected from 0 to 2, got \[3.0, 2.0\]",
        ),
        ("floor", {"values": {"high_quality": 9}}, r"values.high_quality: expected from 0 to 1, got \[9\]"),
        ("floor", {"spread": {"fid": -0.1}}, r"spread.fid: expected numbers ≥ 0, got \[-0.1\]"),
        ("result", {"columns": {"mode_histogram": [[1.5], [2]]}}, "columns.mode_histogram: expected counts"),
        ("result", {"columns": {"mode_histogram": [[-1], [2]]}}, "columns.mode_histogram: expected counts"),
        ("result", {"pictures": 3}, "pictures: expected a path, got 3"),
        ("ended", {"status": "done"}, "status: expected one of completed, diverged, truncated, failed, got 'done'"),
        ("ended", {"status": []}, "status: expected one of completed"),
        ("ended", {"outcomes": [3]}, r"outcomes: expected a list of texts, got \[3\]"),
        ("ended", {"scores": ["a"]}, "scores: expected a number or null per replica"),
        (
            "ended",
            {"scores": [[1.0], [1.0, 2.0]]},
            "scores: expected a number or null per replica, or equally many for each",
        ),
        ("ended", {"scores": [[], []]}, "scores: expected a number or null per replica, or equally many for each"),
        ("ended", {"message": 3}, "message: expected a text, got 3"),
        ("look", {"level": 0}, "level: expected a number above 0 and at most 1, got 0"),
        ("look", {"extents": {"a": [1]}}, "extents.a: expected numbers of repeats and seeds"),
        ("look", {"pairs": [["a", "b", 0.5]]}, "pairs: expected two arms and two p-values each"),
        ("look", {"pairs": [["a", "b", 0.5, 2]]}, "pairs: expected a number from 0 to 1, got 2"),
        ("look", {"open": "a"}, "open: expected a list, got 'a'"),
        ("look", {"open": ["c"]}, r"open: expected arms that have an extent, of one or more, got \['c'\]"),
        ("look", {"extents": {}, "open": []}, "open: expected arms that have an extent, of one or more"),
        ("planned", {"spec": {"steps": "100"}}, "spec.steps: expected a whole number ≥ 0, got '100'"),
        ("look", {"more_seeds": 1}, "more_seeds: expected true or false, got 1"),
    ],
)
def test_what_is_no_entry_says_why(entry_of: dict[str, Entry], kind: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEntry, match=message):
        from_json({**to_json(entry_of[kind]), **change})


def test_what_lacks_a_field_says_which(entry: Entry) -> None:
    optional = {
        "session",
        "repeat",
        "round",
        "versions",
        "hardware",
        "host",
        "pid",
        "code",
        "own",
        "data",
        "changes",
        "spread",
        "samples",
        "classifier",
        "pictures",
        "message",
        "outcomes",
        "scores",
        "told",
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
