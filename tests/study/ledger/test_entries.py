"""Entries and their JSON: what an older version wrote reads equal, and what a newer one adds is passed over."""

from __future__ import annotations

import json
from dataclasses import replace

from study.ledger.entries import Ended, Entry, Floor, Session, to_json, trial_id_of
from study.ledger.validation import from_json


def test_an_entry_survives_its_json(entry: Entry) -> None:
    written = to_json(entry)
    assert list(written)[:2] == ["kind", "time"]
    assert from_json(json.loads(json.dumps(written))) == entry


def test_fields_and_kinds_of_a_newer_version_are_passed_over(entry: Entry) -> None:
    assert from_json({**to_json(entry), "weather": {"rain": True}}) == entry
    assert from_json({"kind": "weather", "rain": True}) is None


def test_the_json_of_a_trials_entries_names_the_trial_first(entry_of: dict[str, Entry]) -> None:
    keys = ["kind", "time", "phase", "arm", "repeat", "index", "round", "trial_id"]
    assert list(to_json(entry_of["planned"])) == [*keys, "config", "spec", "seeds", "told"]
    assert list(to_json(entry_of["result"])) == [*keys, "seeds", "step", "wall_time", "columns", "pictures"]
    assert list(to_json(entry_of["ended"])) == [*keys, "status", "message", "outcomes", "scores"]
    assert to_json(entry_of["planned"])["trial_id"] == "search-a-0003"


def test_a_trial_is_named_by_what_it_is(entry_of: dict[str, Entry]) -> None:
    assert trial_id_of("confirm", "hinge", 0, 12345) == "confirm-hinge-12345"
    ended = entry_of["ended"]
    assert isinstance(ended, Ended)
    assert (ended.trial_id, ended.key) == ("confirm-a-0003", ("confirm", "a", 0, 3, 0))
    assert replace(ended, repeat=2, round=1).trial_id == "confirm-a-r2-0003-round1"
    again = replace(ended, repeat=12)
    assert (again.trial_id, again.key) == ("confirm-a-r12-0003", ("confirm", "a", 12, 3, 0))


def test_what_older_entries_lack_has_a_default(entry_of: dict[str, Entry]) -> None:
    old = from_json({"kind": "session", "time": 1, "config": {}})
    assert old == Session(time=1, config={})
    floor = from_json({"kind": "floor", "time": 1, "values": {"fid": 0.1}, "classifier": None})
    assert floor == Floor(time=1, values={"fid": 0.1}, spread={})
    ended = {**to_json(entry_of["ended"]), "outcomes": None, "scores": None}
    del ended["message"]
    assert from_json(ended) == Ended(time=1.5, phase="confirm", arm="a", index=3, status="failed")
    del ended["repeat"]
    assert from_json(ended) == Ended(time=1.5, phase="confirm", arm="a", repeat=0, index=3, status="failed")
