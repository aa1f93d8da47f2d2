"""The judge of mutated ledgers sees what is wrong; a slice of its campaign is in `test_main`."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ledgers
import pytest
from ledger_mutations import MUTATIONS, sealed
from ledgers import Judged, mutated

LINES = [sealed(b'{"kind": "ended", "time": 1.0, "phase": "search", "arm": "a", "index": %d}' % n) for n in range(4)]


def test_the_judge_sees_a_record_that_loses_and_doubles_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load, judged = ledgers.load, Judged()

    def spoilt(folder: Path) -> Any:
        record = load(folder)
        rows = [1, *range(1, len(record.history))]
        return SimpleNamespace(history=record.history.iloc[rows], about=record.about)

    monkeypatch.setattr(ledgers, "load", spoilt)
    monkeypatch.setattr(ledgers, "MUTATIONS", {"none": lambda segments, chance: None})
    monkeypatch.setattr(ledgers, "UNFINISHED", 0.0)
    mutated(range(1, 2), 0, tmp_path, judged)
    assert (judged.lost, judged.doubled, judged.tracebacks) == (2, 2, 0)  # before `resume`, and after


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_changes_the_ledger(name: str) -> None:
    chance = random.Random(name)
    outcomes = []
    for _ in range(10):
        segments = {1: b"".join(LINES[:2]), 2: b"".join(LINES[2:])}
        MUTATIONS[name](segments, chance)
        outcomes.append(segments)
    assert any(found != {1: b"".join(LINES[:2]), 2: b"".join(LINES[2:])} for found in outcomes)
    if name.startswith("sealed"):
        for line in b"".join(b"".join(found.values()) for found in outcomes).splitlines():
            assert int(line[:8], 16) == zlib.crc32(line[9:])
