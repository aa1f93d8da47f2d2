"""The record's two Parquet files under construction: rows of trials are added, then both are finished and published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.record import schema
from study.atomic_write import PartialFile, remove_partials
from study.ledger.meaning import trained_since
from study.ledger.state import TrialState
from study.record.columns import TrialColumns
from study.record.later import names
from study.record.outline import Outline
from study.search.ranking import Standing

ROW_GROUP = 1 << 16
SMALL = 256  # batches kept before they are merged; Arrow needs about a kilobyte for each of their arrays


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
class Tables:
    """Both tables of a study, the measurements among the trials added that have no column, what these lack, how those
    that ended stand in their searches, and by change of meaning that touches some whether they were trained since."""

    outline: Outline
    history: _Table
    trials: _Table
    undeclared: set[str] = field(default_factory=set)
    lacking: list[str] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    trained_since: dict[str, bool] = field(default_factory=dict)

    def add(self, trial: TrialState) -> None:
        """Add both tables' rows of a trial; ValueError as of `study.record.columns.TrialColumns`."""
        outline = self.outline
        floor = outline.state.real_scores
        columns = TrialColumns(trial, outline.study, floor, outline.thresholds, outline.measured)
        self.undeclared |= columns.undeclared()
        self.lacking += [trial.lacking] if trial.lacking else []
        self.standings += [Standing.of(trial)] if trial.status is not None else []
        for change, since in trained_since(trial).items():
            self.trained_since[change] = self.trained_since.get(change, True) and since
        self.history.add(columns.history(), len(trial.seeds) * len(columns.steps))
        self.trials.add(
            columns.summary(outline.state, outline.config, outline.later.get(trial.trial_id, {})), len(trial.seeds)
        )

    def publish(self, about: str) -> None:
        """Finish both files with their metadata, a JSON text, and rename them to their own names."""
        for one in (self.history, self.trials):
            one.finish(about)
        for one in (self.history, self.trials):
            one.partial.publish()


@contextmanager
def tables_in(folder: Path, outline: Outline) -> Iterator[Tables]:
    """Empty tables, under temporary names in `folder`; what was not published is dropped at the end."""
    with ExitStack() as stack:

        def table(name: str, declared: Any) -> _Table:
            path = folder / f"{name}.parquet"
            remove_partials(path)  # nobody else builds here
            partial = PartialFile(path)
            stack.callback(partial.discard)
            made = _Table(partial, declared)
            stack.callback(made.discard)
            return made

        history = table("history", schema.history_schema(outline.measured))
        later = names(outline.later.values())
        yield Tables(outline, history, table("trials", schema.trials_schema(outline.config, outline.measured, later)))
