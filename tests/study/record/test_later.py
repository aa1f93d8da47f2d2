"""Columns measured later: merged, joined in by seed, and ignored where they are obsolete or damaged."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.record.join import join
from analysis.record.loading import load
from study.record.build import build_record
from study.record.later import Later, add, described, read_all
from study.storage.store import store_at

Begun = Callable[..., Path]
TRIAL = "search-hinge-0000"


def column(*values: float | None, time: float = 4e9, seeds: tuple[int, ...] = (0, 1)) -> Later:
    return Later(list(seeds), list(values), time, {"torch": "2"}, "average", 60)


def kid(folder: Path) -> list[float]:
    build_record(folder)
    found: list[float] = load(folder).trials.query(f"trial_id == '{TRIAL}'")["later.kid"].tolist()
    return found


def test_columns_add_up_and_go_by_seed(begun: Begun, tmp_path: Path) -> None:
    folder, store = begun(tmp_path / "study"), store_at(str(tmp_path / "store"))
    add(folder, store, TRIAL, {"kid": column(1.0, 2.0), "mmd": column(3.0, None)})
    add(folder, store, TRIAL, {"kid": column(5.0, 6.0, seeds=(1, 0))})
    assert kid(folder) == [6.0, 5.0]
    trials = load(folder).trials.query(f"trial_id == '{TRIAL}'")
    assert trials["later.mmd"].tolist()[0] == 3.0
    assert math.isnan(trials["later.mmd"].tolist()[1])
    assert store.read(f"trials/{TRIAL}/measured.json") == (folder / f"trials/{TRIAL}/measured.json").read_bytes()


def test_what_a_new_attempt_made_obsolete_is_null(begun: Begun, tmp_path: Path) -> None:
    folder = begun(tmp_path / "study")
    add(folder, store_at(str(folder.resolve())), TRIAL, {"kid": column(1.0, 2.0, time=1.0)})
    assert all(math.isnan(value) for value in kid(folder))


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"kid": 1}', '{"kid": {"seeds": [0]}}', None],
)
def test_a_damaged_file_costs_its_columns_and_not_the_record(
    begun: Begun, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    folder = begun(tmp_path / "study")
    wrong = json.dumps({"kid": {**vars_of(column(1.0, 2.0)), "values": ["a", "b"]}})
    path = folder / "trials" / TRIAL / "measured.json"
    path.parent.mkdir(parents=True)
    path.write_text(wrong if content is None else content)
    if content == "":
        os.truncate(path, 2**40)  # zeros, of which the disk holds none; no memory does
    assert read_all(folder) == {}
    assert "measured.json could not be used" in caplog.text
    build_record(folder)
    assert "later.kid" not in load(folder).trials


def vars_of(later: Later) -> dict[str, Any]:
    return {name: getattr(later, name) for name in ("seeds", "values", "time", "versions", "weights", "samples")}


def test_how_a_column_was_measured_is_told_by_the_newest() -> None:
    older, newer = column(1.0, time=5.0, seeds=(0,)), column(2.0, time=7.0, seeds=(0,))
    told = described({"a": {"kid": newer}, "b": {"kid": older, "mmd": older}})
    assert (told["kid"]["time"], told["kid"]["trials"], told["mmd"]["trials"]) == (7.0, 2, 1)
    assert "values" not in told["kid"]


def test_records_join_though_one_was_not_measured_later(begun: Begun, tmp_path: Path) -> None:
    one, other = begun(tmp_path / "one", study="one"), begun(tmp_path / "other", study="other")
    add(one, store_at(str(one.resolve())), TRIAL, {"kid": column(1.0, 2.0)})
    for folder in (one, other):
        build_record(folder)
    joined = join([load(one), load(other)]).trials
    assert joined.groupby("study", observed=True)["later.kid"].count().to_dict() == {"one": 2, "other": 0}
