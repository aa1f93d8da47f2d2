"""Entries and their JSON: what an older version wrote reads equal, and what a newer one adds is passed over."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from study.ledger.entries import Ended, Floor, Planned, Result, Session, to_json, trial_id_of
from study.ledger.validation import from_json

SESSION = Session(time=1.5, session="a", config={"study": "x"}, versions={"torch": "2"}, hardware={"cpus": 2}, pid=7)
FLOOR = Floor(time=1.5, values={"fid": 0.25}, spread={"fid": 0.01}, classifier={"accuracy": 0.98, "seed": 0})
PLANNED = Planned(time=1.5, phase="search", arm="a", index=3, config={"lr": 0.5}, spec={"model": "gan"}, seeds=[4, 5])
RESULT = Result(
    time=1.5, phase="search", arm="a", index=3, seeds=[4, 5], step=10, wall_time=2.0,
    columns={"diverged": [False, True], "diverged_step": [None, 7],
             "fid": [1.0, None], "mode_histogram": [[1, 2], None]},
    pictures="trials/search-a-0003/pictures/00000010.npz",
)  # fmt: skip
ENDED = Ended(time=1.5, phase="confirm", arm="a", index=3, status="failed", message="no", outcomes=["failed"] * 2)
EVERY = [SESSION, FLOOR, PLANNED, RESULT, ENDED]


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.kind)
def test_an_entry_survives_its_json(entry: Any) -> None:
    written = to_json(entry)
    assert list(written)[:2] == ["kind", "time"]
    assert from_json(json.loads(json.dumps(written))) == entry


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.kind)
def test_fields_and_kinds_of_a_newer_version_are_passed_over(entry: Any) -> None:
    assert from_json({**to_json(entry), "weather": {"rain": True}}) == entry
    assert from_json({"kind": "weather", "rain": True}) is None


def test_the_json_of_a_trials_entries_names_the_trial_first() -> None:
    keys = ["kind", "time", "phase", "arm", "repeat", "index", "trial_id"]
    assert list(to_json(PLANNED)) == [*keys, "config", "spec", "seeds"]
    assert list(to_json(RESULT)) == [*keys, "seeds", "step", "wall_time", "columns", "pictures"]
    assert list(to_json(ENDED)) == [*keys, "status", "message", "outcomes", "scores"]
    assert to_json(PLANNED)["trial_id"] == "search-a-0003"


def test_a_trial_is_named_by_what_it_is() -> None:
    assert trial_id_of("confirm", "hinge", 0, 12345) == "confirm-hinge-12345"
    assert (ENDED.trial_id, ENDED.key) == ("confirm-a-0003", ("confirm", "a", 0, 3))
    again = replace(ENDED, repeat=12)
    assert (again.trial_id, again.key) == ("confirm-a-r12-0003", ("confirm", "a", 12, 3))


def test_what_older_entries_lack_has_a_default() -> None:
    old = from_json({"kind": "session", "time": 1, "config": {}})
    assert old == Session(time=1, config={})
    floor = from_json({"kind": "floor", "time": 1, "values": {"fid": 0.1}, "classifier": None})
    assert floor == Floor(time=1, values={"fid": 0.1}, spread={})
    ended = {**to_json(ENDED), "outcomes": None, "scores": None}
    del ended["message"]
    assert from_json(ended) == Ended(time=1.5, phase="confirm", arm="a", index=3, status="failed")
    del ended["repeat"]
    assert from_json(ended) == Ended(time=1.5, phase="confirm", arm="a", repeat=0, index=3, status="failed")
