"""The audit finds what it is there to find: a study without a fault passes, and one that was spoilt does not."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from audit import Reference, audit, undisturbed
from subject import acknowledged, settings

from study.config import loading
from study.ledger.entries import Entry
from study.ledger.ledger import encode, entries
from study.record.build import build_record
from study.tracking import sync

SMALL = settings(
    budget={"steps": 20, "evaluations": 4, "batch_size": 16},
    search={"trials_per_arm": 1},
    confirm=None,
    tracking={"pictures": 0},
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reference]:
    """A study with its record and its runs in MLflow."""
    folder = tmp_path_factory.mktemp("sound") / "study"
    plan = loading.build(SMALL)
    reference = undisturbed(plan, folder)
    build_record(folder)
    assert sync(folder, plan.config) == 0
    return folder, reference


def told(folder: Path) -> list[Entry]:
    return [entry for _, entry in entries(folder)]


def rewrite(folder: Path, change: Callable[[list[Entry]], Any]) -> None:
    """Change the ledger's entries, and write the record anew."""
    kept = told(folder)
    change(kept)
    [segment] = (folder / "ledger").glob("*.jsonl")
    segment.write_bytes(b"".join(map(encode, kept)))
    build_record(folder)


def query(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute(statement)


def last(kept: list[Entry], kind: str) -> int:
    return max(number for number, entry in enumerate(kept) if entry.kind == kind)


def spoil(kept: list[Entry]) -> None:
    columns = kept[last(kept, "result")].columns
    fid = [value * (1 + 1e-15) + 1e-300 for value in columns["fid"]]
    change(kept, "result", columns={**columns, "fid": fid})


def change(kept: list[Entry], kind: str, **fields: Any) -> None:
    """Change the last entry of a kind."""
    kept[last(kept, kind)] = replace(kept[last(kept, kind)], **fields)


def test_a_study_without_a_fault_passes(sound: tuple[Path, Reference]) -> None:
    folder, reference = sound
    finding = audit(folder, reference, acknowledged(told(folder)))
    assert (finding.trials, finding.rows, finding.faults, finding.about) == (2, 2 * 2 * 4, 0, [])


@pytest.mark.parametrize(
    ("count", "damage"),
    [
        ("lost", lambda folder: rewrite(folder, lambda kept: kept.pop(last(kept, "result")))),
        ("lost", lambda folder: rewrite(folder, spoil)),
        ("twice", lambda folder: rewrite(folder, lambda kept: kept.insert(-1, kept[last(kept, "result")]))),
        ("trials_lost", lambda folder: rewrite(folder, lambda kept: kept.pop(last(kept, "ended")))),
        ("trials_lost", lambda folder: rewrite(folder, lambda kept: kept.append(kept[last(kept, "ended")]))),
        ("trials_lost", lambda folder: rewrite(folder, lambda kept: change(kept, "ended", status="failed"))),
        ("differing", lambda folder: rewrite(folder, lambda kept: change(kept, "planned", seeds=[0, 5]))),
        ("untracked", lambda folder: query(folder, "UPDATE metrics SET value = value + 1 WHERE key = 'fid'")),
        ("untracked", lambda folder: query(folder, "DELETE FROM metrics WHERE key = 'wall_time' AND step = 20")),
        ("untracked", lambda folder: query(folder, "UPDATE runs SET status = 'RUNNING'")),
        (
            "twice",
            lambda folder: query(
                folder,
                "INSERT INTO metrics SELECT key, value, timestamp + 1, run_uuid, step, is_nan FROM metrics"
                " WHERE key = 'diverged' AND step = 5",
            ),
        ),
    ],
)
def test_what_is_wrong_is_found(
    sound: tuple[Path, Reference], tmp_path: Path, count: str, damage: Callable[[Path], None]
) -> None:
    folder, reference = sound
    seen = acknowledged(told(folder))
    shutil.copytree(folder, tmp_path / "study")
    damage(tmp_path / "study")
    finding = audit(tmp_path / "study", reference, seen)
    assert getattr(finding, count) > 0, finding
