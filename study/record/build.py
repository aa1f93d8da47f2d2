"""Builds the Parquet record of a study from its ledger, atomically.

`build_record(folder)` replays the ledger and writes `history.parquet` and `trials.parquet` there exactly as
`analysis.record.schema` declares them: to temporary files, synced, then renamed, so that a reader finds the former
record or the new one. Both files carry the same `build` id, by which `analysis.record.loading.load` detects files of
different builds. A running study is written too, its unfinished trials as `running`.

Each trial is written when it ends, so memory holds the trials that were open at the same time, and one row group. A
trial with entries after its end (planned again) is rare; the pass is then repeated with that trial held to the end.
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from study.atomic_write import sync_folder
from study.ledger import ledger
from study.ledger.damage import Damage, shortened
from study.ledger.entries import Entry, Key, Look, OfStudy, Session, to_json
from study.ledger.ledger import Position
from study.ledger.lock import lock_file
from study.ledger.state import ORPHAN, TrialState
from study.ledger.validation import InvalidEntry
from study.record.later import described
from study.record.outline import KINDS, Outline, outline_of
from study.record.tables import Tables, tables_in
from study.search.ranking import no_longer_chosen

LOGGER = logging.getLogger(__name__)
BUILDING = 3600.0  # seconds that one build waits for another to end


class Written(NamedTuple):
    """What a build wrote: rows of each table, damage found in the ledger, measurements without a column, and a sentence
    for each trial of which something is not in the ledger that must have been."""

    history: int
    trials: int
    damage: Damage
    undeclared: tuple[str, ...]
    lacking: tuple[str, ...]


def build_record(folder: str | Path, out: Path | None = None) -> Written:
    """Write the record of the study in `folder` as its ledger now stands, there or into `out`, a folder that nobody
    else writes to.

    Raises:
        FileNotFoundError: the folder holds no ledger.
        OSError: it could not be written, as when the disk is full; the former record stays as it was.
        ValueError: a trial's measurement or configuration is not of its column's dtype; the message names both.
    """
    folder = Path(folder)
    end = ledger.end(folder)
    lock = lock_file(folder / "ledger" / "record.lock", BUILDING) if out is None else None
    try:
        outline = outline_of(folder, _until(folder, end, KINDS))
        held: set[Key] = set()
        while True:
            with tables_in(out or folder, outline) as tables:
                damage = Damage()
                reopened = _write_trials(_until(folder, end, damage=damage), tables, held, damage)
                if not reopened:
                    return _publish(folder, out or folder, end, tables, damage)
            held |= reopened
    finally:
        if lock is not None:
            os.close(lock)


def _until(
    folder: Path, end: Position, kinds: Sequence[str] | None = None, damage: Damage | None = None
) -> Iterator[Entry]:
    found = takewhile(lambda place: place[0] <= end, ledger.entries(folder, kinds=kinds, damage=damage))
    return (entry for _, entry in found)


def _write_trials(entries: Iterable[Entry], tables: Tables, held: set[Key], damage: Damage) -> set[Key]:
    """Write every trial, those `held` last; return the keys of those with entries after they were written.

    Entries that do not fit their trial, and trials of which nothing but the end is known, are added to the damage.
    """
    under_way: dict[Key, TrialState] = {}
    written: set[Key] = set()
    reopened: set[Key] = set()
    changes: list[str] | None = None  # that the newest session knew
    for entry in entries:
        if isinstance(entry, OfStudy):
            changes = entry.changes if isinstance(entry, Session) else changes
            continue
        if entry.key in written:
            reopened.add(entry.key)
            continue
        trial = under_way.setdefault(entry.key, TrialState.of(entry))
        try:
            trial.apply(entry)
        except InvalidEntry as error:
            damage.add(str(error))
        if trial.changes is None:  # it is new, or begins anew
            trial.changes = changes
        if trial.status is not None and trial.seeds and entry.key not in held:
            tables.add(trial)
            written.add(entry.key)
            del under_way[entry.key]
    for trial in under_way.values() if not reopened else ():
        if trial.seeds:
            tables.add(trial)
        else:
            damage.lose(0, ORPHAN.format(trial_id=trial.trial_id))
    return reopened


def _publish(folder: Path, out: Path, end: Position, tables: Tables, damage: Damage) -> Written:
    undeclared = tuple(sorted(tables.undeclared))
    if damage.count:
        LOGGER.warning("%s: %s", folder, damage.sentence())
    if undeclared:
        LOGGER.warning(
            "%s: measurements that analysis.record.schema does not declare are left out: %s", folder, undeclared
        )
    lacking, goal = tuple(tables.lacking), tables.outline.goal
    about = _about(tables.outline) | {
        "no_longer_chosen": no_longer_chosen(tables.standings, goal, tables.outline.top) if goal is not None else [],
        "through": end,
        "trained_since": tables.trained_since,
        "damaged": damage.count,
        "lacking": shortened(lacking),
        "undeclared": undeclared,
    }
    tables.publish(json.dumps(about))
    sync_folder(out)
    return Written(tables.history.rows, tables.trials.rows, damage, undeclared, lacking)


def _about(outline: Outline) -> dict[str, Any]:
    """What the record's metadata say of the study."""
    state = outline.state
    return {
        "build": uuid.uuid4().hex,
        "built": time.time(),
        "study": outline.study,
        "config": state.config,
        "earlier_rule": state.earlier_rule,
        "sessions": [_session(session, keys) for session, keys in zip(state.sessions, outline.extended, strict=True)],
        "data": state.data,
        "searched": outline.searched,
        "arms": outline.arms,
        "later": described(outline.later),
        "floor": state.floor,
        "floor_spread": state.floor_spread,
        "floor_samples": state.floor_samples,
        "classifier": state.classifier,
        "own": state.own,
        "looks": [_look(look) for look in state.looks],
    }


def _look(look: Look) -> dict[str, Any]:
    """A look without its p-values, which analysis computes itself."""
    return {name: value for name, value in to_json(look).items() if name != "pairs"}


def _session(session: Session, extended: list[str]) -> dict[str, Any]:
    """A session without its configuration and empty fields, with the keys by which it `extended` the study."""
    told = to_json(session) | {"extended": extended}
    return {name: value for name, value in told.items() if name != "config" and value not in (None, "", {}, [])}
