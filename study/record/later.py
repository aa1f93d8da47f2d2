"""Measurements made later, of generators that a study kept: `trials/TRIAL_ID/measured.json`, which the record joins in.

A file maps columns to what was measured: `values`, one for each of `seeds` (null: it could not be measured), `time` in
unix seconds, `versions`, and what it was measured of (`weights`, `samples`). Measuring again replaces a column. A file
is written whole or not at all. What a later attempt at its trial has made obsolete is ignored, and so is a damaged one.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.text_files import read
from study.config.messages import shown
from study.ledger.lock import lock_file
from study.ledger.state import TrialState
from study.storage.store import Store, lies_in, store_at

LOGGER = logging.getLogger(__name__)
FILE = "measured.json"
MOST = 2**26  # bytes that are read of it
WAIT = 60.0  # seconds for another process that adds to the same study


@dataclass(frozen=True)
class Later:
    """A column of one trial, measured later; see the module."""

    seeds: list[int]
    values: list[float | None]
    time: float
    versions: Mapping[str, str]
    weights: str
    samples: int

    def of(self, trial: TrialState) -> list[float | None]:
        """The values in the order of the trial's seeds; null if the trial ended only afterwards."""
        found = dict(zip(self.seeds, self.values, strict=True))
        obsolete = trial.ended is None or self.time < trial.ended
        return [None if obsolete else found.get(seed) for seed in trial.seeds]


def name_of(trial_id: str) -> str:
    """Where a trial's file is, in the study's folder and in its store."""
    return f"trials/{trial_id}/{FILE}"


def add(folder: Path, store: Store, trial_id: str, measured: Mapping[str, Later]) -> None:
    """Add columns to a trial's, in the study's folder and its store. Raises `OSError`."""
    lock = lock_file(folder / "ledger" / "measured.lock", WAIT)
    try:
        content = {name: asdict(column) for name, column in {**_read(folder, trial_id), **measured}.items()}
        payload = json.dumps(content, indent=1).encode()
        store_at(str(folder.resolve())).write(name_of(trial_id), payload)
        if not lies_in(store, folder):
            store.write(name_of(trial_id), payload)
    finally:
        os.close(lock)


def read_all(folder: Path) -> dict[str, dict[str, Later]]:
    """The columns of every trial of the study in a folder that was measured later."""
    there = sorted(path.parent.name for path in (folder / "trials").glob(f"*/{FILE}"))
    found = {trial_id: _read(folder, trial_id) for trial_id in there}
    return {trial_id: columns for trial_id, columns in found.items() if columns}


def names(later: Iterable[Mapping[str, Later]]) -> list[str]:
    """The columns that any trial has."""
    return sorted({name for columns in later for name in columns})


def _read(folder: Path, trial_id: str) -> dict[str, Later]:
    path = folder / name_of(trial_id)
    if not path.exists():
        return {}
    try:
        content = json.loads(read(path, "a JSON file", MOST))
        return {str(name): _checked(Later(**column)) for name, column in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        LOGGER.warning("%s could not be used: %s", path, error)
        return {}


def _checked(column: Later) -> Later:
    """Raise `ValueError` or `TypeError` for what the record cannot hold."""
    if len(column.seeds) != len(column.values) or not all(type(seed) is int for seed in column.seeds):
        raise ValueError(f"seeds: expected a whole number for each value, got {shown(column.seeds)}")
    if not all(value is None or type(value) in (int, float) for value in column.values):
        raise ValueError(f"values: expected numbers or null, got {shown(column.values)}")
    if type(column.time) not in (int, float) or not math.isfinite(column.time):
        raise ValueError(f"time: expected seconds, got {shown(column.time)}")
    return column


def described(later: Mapping[str, Mapping[str, Later]]) -> dict[str, Any]:
    """Of each column how it was measured last, and of how many trials."""
    told: dict[str, Any] = {}
    for name in names(later.values()):
        every = [columns[name] for columns in later.values() if name in columns]
        newest = max(every, key=lambda column: column.time)
        how = {key: value for key, value in asdict(newest).items() if key not in ("seeds", "values")}
        told[name] = {**how, "trials": len(every)}
    return told
