"""How far MLflow follows the ledger: `tracking.json`, replaced atomically after every batch that MLflow took.

The file is only a cache. Without it, or with one written for another server, tracking starts over at the
ledger's start; runs are then found by their tags, and rows that MLflow has already are ignored by it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from analysis.text_files import read
from study.atomic_write import atomic_write
from study.ledger.ledger import START, Position, entries

NAME = "tracking.json"
MOST = 2**26  # bytes that are read of it


@dataclass(frozen=True)
class OpenRun:
    """The MLflow run of an unfinished trial, which attempt it is of, and the step of its newest rows (-1: none)."""

    run_id: str
    attempt: int = 1
    step: int = -1


@dataclass(frozen=True)
class Cursor:
    """What tracking keeps between batches; immutable, so that a failed batch leaves it unchanged.

    Attributes:
        server: where the runs are, secrets masked; a cursor for another server is not used.
        position: behind the last ledger entry that MLflow has.
        time: of that entry, unix seconds.
        parent: the id of the study's run; None before it is known.
        runs: trial_id -> run of each unfinished trial.
        searching: whether MLflow may know runs that this cursor does not, which must be looked for before creating one.
        owed: the ending that the parent run still lacks (FINISHED, FAILED or KILLED); None if none is due.
        refused: entries that MLflow will never take, such as those of a run deleted there.
        trouble: the last error, None once tracking works again.
    """

    server: str
    position: Position = START
    time: float = 0.0
    parent: str | None = None
    runs: dict[str, OpenRun] = field(default_factory=dict)
    searching: bool = True
    owed: str | None = None
    refused: int = 0
    trouble: str | None = None

    def save(self, folder: Path) -> None:
        """Replace the file; after a kill at any instant there is the old or the new one. OSError if neither can be."""
        atomic_write(folder / NAME, json.dumps(asdict(self)).encode())

    @classmethod
    def load(cls, folder: Path, server: str | None = None) -> Cursor:
        """The cursor kept in a study's folder; a new one if there is none, a damaged one, or one for another server."""
        try:
            kept = cls._read(json.loads(read(folder / NAME, "a JSON file", MOST)))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls(server or "")
        return kept if server in (None, kept.server) else cls(server or "")

    @classmethod
    def _read(cls, content: dict[str, Any]) -> Cursor:
        # By position, as the fields have had other names.
        runs = {trial_id: OpenRun(*run.values()) for trial_id, run in content.pop("runs").items()}
        segment, offset = map(int, content.pop("position"))
        if not (0 <= segment < 2**31 and 0 <= offset < 2**62):
            raise ValueError(f"position: expected a place in the ledger, got {segment}, {offset}")
        return cls(position=Position(segment, offset), runs=runs, **content)


def waiting(folder: str | Path) -> int:
    """How many entries of a study's ledger MLflow does not have yet; the study's own ending counts as one.

    A line that holds no entry is none of them. FileNotFoundError if the folder holds no ledger.
    """
    cursor = Cursor.load(Path(folder))
    return sum(1 for _ in entries(folder, cursor.position)) + (cursor.owed is not None)


def trouble(folder: str | Path) -> str | None:
    """Why rows wait, as far as is known: the tracker's last error, or how many entries MLflow refused; else None."""
    cursor = Cursor.load(Path(folder))
    refused = f"MLflow refused {cursor.refused} ledger entries" if cursor.refused else None
    return cursor.trouble or refused
