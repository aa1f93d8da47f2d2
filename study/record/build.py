"""Builds the Parquet record of a study from its ledger, atomically.

`build_record(folder)` replays the ledger and writes `history.parquet` and `trials.parquet` exactly as
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.record import schema
from analysis.results.criteria import metric_and_mode, thresholds_of
from analysis.results.design import scales_of
from analysis.results.thresholds import Thresholds, is_earlier
from study.atomic_write import PartialFile, remove_partials, sync_folder
from study.config import loading
from study.config.dotted import leaves
from study.config.messages import ConfigError, shown
from study.ledger import ledger
from study.ledger.damage import Damage
from study.ledger.entries import Entry, Floor, Json, Key, Planned, Session, to_json
from study.ledger.ledger import Position
from study.ledger.lock import lock_file
from study.ledger.state import ORPHAN, StudyState, TrialState
from study.ledger.validation import InvalidEntry
from study.record.columns import TrialColumns, configuration

LOGGER = logging.getLogger(__name__)
ROW_GROUP = 1 << 16
SMALL = 256  # batches kept before they are merged; Arrow needs about a kilobyte for each of their arrays
BUILDING = 3600.0  # seconds that one build waits for another to end


class Written(NamedTuple):
    """What a build wrote: rows of each table, damage found in the ledger, measurements without a column."""

    history: int
    trials: int
    damage: Damage
    undeclared: tuple[str, ...]


def build_record(folder: str | Path) -> Written:
    """Write the record of the study in `folder` as its ledger now stands.

    Raises:
        FileNotFoundError: the folder holds no ledger.
        OSError: it could not be written, as when the disk is full; the former record stays as it was.
        ValueError: a trial's measurement or configuration is not of its column's dtype; the message names both.
    """
    folder = Path(folder)
    end = ledger.end(folder)
    lock = lock_file(folder / "ledger" / "record.lock", BUILDING)
    try:
        outline = _outline(folder, end)
        held: set[Key] = set()
        while True:
            with _tables(folder, outline) as tables:
                damage = Damage()
                reopened = _write_trials(_until(folder, end, damage=damage), outline, tables, held, damage)
                if not reopened:
                    return _publish(folder, end, outline, tables, damage)
            held |= reopened
    finally:
        os.close(lock)


@dataclass
class _Outline:
    """What the whole study shares.

    `config` maps each `config.*` name to its dtype, `searched` each arm to the hyperparameters drawn for its trials;
    `earlier_rule` says whether any session ran under the earlier rule of outcomes.
    """

    study: str
    state: StudyState
    thresholds: Thresholds
    config: dict[str, str]
    searched: dict[str, list[str]]
    earlier_rule: bool
    undeclared: set[str] = field(default_factory=set)


def _outline(folder: Path, end: Position) -> _Outline:
    state, kinds, searched = StudyState(), dict[str, set[type]](), dict[str, list[str]]()
    earlier = False
    for entry in _until(folder, end, (Session.kind, Floor.kind, Planned.kind)):
        if not isinstance(entry, Planned):
            state.apply(entry)
            earlier = earlier or (isinstance(entry, Session) and _is_earlier(entry.config))
            continue
        searched[entry.arm] = [name for name, _ in leaves(entry.config)]
        for name, value in configuration(entry.spec, entry.config).items():
            kinds.setdefault(name, set()).add(type(value))
    state.config = _settings(folder, state.config)
    config = {name: schema.config_dtype(found) for name, found in kinds.items()}
    name = state.config.get("study", folder.resolve().name)
    return _Outline(name, state, thresholds_of({"config": state.config}), config, searched, earlier)


def _is_earlier(settings: Json) -> bool:
    outcomes = settings.get("outcomes")
    return isinstance(outcomes, dict) and is_earlier(outcomes)


def _settings(folder: Path, recorded: Json) -> Json:
    """The ledger's configuration; study.yaml's where the ledger has none, or one that analysis cannot use."""
    try:
        if recorded:
            _check_usable(recorded)
            return recorded
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        LOGGER.warning("%s: the configuration in the ledger is of no use, study.yaml's is taken: %s", folder, error)
    try:
        return loading.load(folder / loading.STUDY_FILE).config.resolved()
    except (ConfigError, OSError):
        return {}


def _check_usable(settings: Json) -> None:
    """Raise what analysis would raise for a configuration that was edited or is another version's."""
    about = {"config": settings}
    scales_of(about)
    named = {"search.metric": metric_and_mode(about)[0], "outcomes.metric": thresholds_of(about).metric}
    for key, metric in named.items():
        if metric is not None and metric not in {column.name for column in schema.MEASUREMENTS}:
            raise ValueError(f"{key}: expected a measurement, got {shown(metric)}")
    if not isinstance(settings.get("resources", {}), dict):
        raise TypeError(f"resources: expected a mapping, got {shown(settings['resources'])}")


def _until(
    folder: Path, end: Position, kinds: Sequence[str] | None = None, damage: Damage | None = None
) -> Iterator[Entry]:
    found = takewhile(lambda place: place[0] <= end, ledger.entries(folder, kinds=kinds, damage=damage))
    return (entry for _, entry in found)


def _write_trials(
    entries: Iterable[Entry], outline: _Outline, tables: _Tables, held: set[Key], damage: Damage
) -> set[Key]:
    """Write every trial, those `held` last; return the keys of those with entries after they were written.

    Entries that do not fit their trial, and trials of which nothing but the end is known, are added to the damage.
    """
    under_way: dict[Key, TrialState] = {}
    written: set[Key] = set()
    reopened: set[Key] = set()
    for entry in entries:
        if isinstance(entry, (Session, Floor)):
            continue
        if entry.key in written:
            reopened.add(entry.key)
            continue
        trial = under_way.setdefault(entry.key, TrialState.of(entry))
        try:
            trial.apply(entry)
        except InvalidEntry as error:
            damage.add(str(error))
        if trial.status is not None and trial.seeds and entry.key not in held:
            tables.add(trial, outline)
            written.add(entry.key)
            del under_way[entry.key]
    for trial in under_way.values() if not reopened else ():
        if trial.seeds:
            tables.add(trial, outline)
        else:
            damage.lose(0, ORPHAN.format(trial_id=trial.trial_id))
    return reopened


class _Table:
    """One Parquet file under construction, a row group at a time."""

    def __init__(self, partial: PartialFile, schema: Any) -> None:
        self.partial, self.schema = partial, schema
        texts = [f.name for f in schema if not pa.types.is_floating(f.type) and not pa.types.is_list(f.type)]
        self.writer = pq.ParquetWriter(self.partial.path, schema, compression="zstd", use_dictionary=texts)
        self.rows = self.waiting = 0
        self.batches: list[Any] = []
        self.wholes: list[Any] = []

    def add(self, columns: Mapping[str, Any], rows: int) -> None:
        """Add rows; a column that is not given is null."""
        arrays = [columns[f.name] if f.name in columns else pa.nulls(rows, f.type) for f in self.schema]
        self.batches.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self.rows, self.waiting = self.rows + rows, self.waiting + rows
        if len(self.batches) >= SMALL or self.waiting >= ROW_GROUP:
            self.join()
        if self.waiting >= ROW_GROUP:
            self.flush()

    def join(self) -> None:
        """Merge the waiting batches into one table."""
        self.wholes.append(_joined([pa.Table.from_batches(self.batches, self.schema)]))
        self.batches = []

    def flush(self) -> None:
        """Write what waits as one row group."""
        self.join()
        if self.waiting:
            self.writer.write_table(_joined(self.wholes), row_group_size=self.waiting)
        self.wholes, self.waiting = [], 0

    def finish(self, about: str) -> None:
        """Write the rest and make the file durable under its temporary name."""
        self.flush()
        self.writer.add_key_value_metadata({schema.METADATA: about})
        self.writer.close()
        self.partial.sync()

    def discard(self) -> None:
        """Close the file."""
        with suppress(OSError):  # a full disk refuses the end of the file too
            self.writer.close()


def _joined(tables: Sequence[Any]) -> Any:
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


@dataclass
class _Tables:
    history: _Table
    trials: _Table

    def add(self, trial: TrialState, outline: _Outline) -> None:
        """Write both tables' rows of a trial."""
        columns = TrialColumns(trial, outline.study, outline.state.real_scores, outline.thresholds)
        outline.undeclared |= columns.undeclared()
        self.history.add(columns.history(), len(trial.seeds) * len(columns.steps))
        self.trials.add(columns.summary(outline.state, outline.config), len(trial.seeds))


@contextmanager
def _tables(folder: Path, outline: _Outline) -> Iterator[_Tables]:
    """Both tables under construction; what was not renamed is dropped at the end."""
    schemas = {"history": schema.history_schema(), "trials": schema.trials_schema(outline.config)}
    with ExitStack() as stack:
        tables = []
        for name, declared in schemas.items():
            path = folder / f"{name}.parquet"
            remove_partials(path)  # the lock keeps other builds out
            partial = PartialFile(path)
            stack.callback(partial.discard)
            tables.append(_Table(partial, declared))
            stack.callback(tables[-1].discard)
        yield _Tables(*tables)


def _publish(folder: Path, end: Position, outline: _Outline, tables: _Tables, damage: Damage) -> Written:
    undeclared, state = tuple(sorted(outline.undeclared)), outline.state
    if damage.count:
        LOGGER.warning("%s: %s", folder, damage.sentence())
    if undeclared:
        LOGGER.warning(
            "%s: measurements that analysis.record.schema does not declare are left out: %s", folder, undeclared
        )
    about = {
        "build": uuid.uuid4().hex,
        "built": time.time(),
        "through": end,
        "study": outline.study,
        "config": state.config,
        "earlier_rule": outline.earlier_rule,
        "sessions": [_about(session) for session in state.sessions],
        "searched": outline.searched,
        "floor": state.floor,
        "floor_spread": state.floor_spread,
        "classifier": state.classifier,
        "damaged": damage.count,
        "undeclared": undeclared,
    }
    for one in (tables.history, tables.trials):
        one.finish(json.dumps(about))
    for one in (tables.history, tables.trials):
        one.partial.publish()
    sync_folder(folder)
    return Written(tables.history.rows, tables.trials.rows, damage, undeclared)


def _about(session: Session) -> dict[str, Any]:
    """A session in the record's metadata: without the configuration and empty fields."""
    return {name: value for name, value in to_json(session).items() if name != "config" and value not in (None, "", {})}
