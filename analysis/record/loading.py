"""The record of a study: `load` reads its two files and checks them against `analysis.record.schema`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.record import metadata
from analysis.record.schema import (
    AMOUNT,
    ARROW,
    COUNTED,
    EARLIER_OUTCOMES,
    FILES,
    FLOORS,
    HISTOGRAM,
    HISTORY,
    HISTORY_KEYS,
    MEASURED_LATER,
    MEASUREMENTS,
    OUTCOMES,
    OWN,
    PHASES,
    RANGES,
    ROUNDING,
    SIGNALS,
    SPENT,
    STATUSES,
    TRIALS_KEYS,
    WHOLE,
    history_schema,
    trials_schema,
)
from analysis.text_files import OF_OTHERS

# A record that an earlier version wrote has no columns for what was first measured later: it was not measured.
MAY_LACK = frozenset(column.name for column in (*MEASUREMENTS, *FLOORS, *SIGNALS, *SPENT))
LATER = {"repeat": 0}  # what an earlier version's records lack, and what all their rows are: each arm had one search
RETIRED = frozenset({"oscillation"})  # a signal of an earlier rule of outcomes, not read any more
# How columns begin of own measurements, and of those made later.
MEASURED = (OWN, f"floor.{OWN}", f"floor_spread.{OWN}", MEASURED_LATER)
VARIED = ("config.", *MEASURED)  # and all those that differ from study to study
LARGEST = 1e100
NUMBERS = ("int64", "float64")  # dtypes of a configured number
CUT = ("failed", "truncated")  # statuses that are outcomes too
CATEGORIES = {"phase": PHASES, "status": STATUSES, "outcome": (*OUTCOMES, *EARLIER_OUTCOMES)}  # of trials.parquet


class RecordError(ValueError):
    """A record that violates the schema; the message names file, column or rows."""


@dataclass(frozen=True)
class Record:
    """Both tables, and the files' metadata `about`: config, sessions, floor, number of damaged ledger lines and more.

    In `history` and `trials` category columns are pandas categoricals, `mode_histogram` stays in Arrow, and integer
    columns that may be null are `Int64`.
    """

    history: pd.DataFrame
    trials: pd.DataFrame
    about: Mapping[str, Any]

    @property
    def running(self) -> bool:
        """Whether some trial had not ended when the record was written."""
        return bool((self.trials["status"] == "running").any())


def load(folder: str | Path, columns: Sequence[str] | None = None) -> Record:
    """Read and check the record in `folder`.

    Args:
        folder: where history.parquet and trials.parquet lie; a study folder, or a folder with copies of the two.
        columns: the columns of `HISTORY`, or own measurements, to read besides its keys; all when None. An own
            measurement that the file lacks is left out.

    Measurements and floors that the files have no column for, being of an earlier version, are null; a record without
    `repeat` holds one search of each arm, repeat 0.

    Raises:
        FileNotFoundError: a file is missing.
        RecordError: the metadata hold what they cannot; another column is missing, unknown or of another dtype; a key
            is null or stands twice; a value is outside of its column's range; an arm's or a trial's name is not
            printable, or a trial's leads elsewhere; a phase, status or outcome is none that there is, or what is said
            of a replica's divergence, outcome and status contradicts itself; two trials have one number; replicas of a
            trial differ in its status or configuration; the two files do not belong together, or differ in what was
            measured last; an evaluation that a replica must have is missing. The message says which.
    """
    declared = [c.name for c in HISTORY]
    unknown = [name for name in columns or () if name not in declared and not name.startswith(OWN)]
    if unknown:
        raise RecordError(f"analysis.record.schema declares no column(s) {', '.join(unknown)} of history.parquet")
    names = None if columns is None else list(dict.fromkeys([*HISTORY_KEYS, *columns]))
    past, past_about = _read(Path(folder) / FILES[0], history_schema(), names)
    now, about = _read(Path(folder) / FILES[1], trials_schema({}), None)
    if past_about.get("build") != about.get("build"):
        raise RecordError(f"{folder}: history.parquet and trials.parquet are of different builds; build them again")
    history = _frame(past)
    trials = _frame(now).copy()  # a block for each dtype, as pandas is slow at adding to a hundred single columns
    history, trials = _without_extremes(history), _without_extremes(trials)
    _check_keys(history, HISTORY_KEYS, "history.parquet")
    _check_keys(trials, TRIALS_KEYS, "trials.parquet")
    _check_ranges(history, "history.parquet")
    _check_ranges(trials, "trials.parquet")
    _check_whole(history, "history.parquet")
    _check_whole(trials, "trials.parquet")
    _check_names(trials)
    _check_categories(trials)
    _check_shared(trials)
    _check_numbers(trials)
    _check_rows(history, trials)
    _check_divergence(history, trials)
    _check_finals(history, trials)
    _check_histograms(history)
    return Record(history, trials, about)


def _read(path: Path, schema: Any, names: list[str] | None) -> tuple[Any, dict[str, Any]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no record there; `ganstudy run` writes it when a study ends")
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow, schema)
            there = [name for name in file.schema_arrow.names if name not in RETIRED]
            wanted = [name for name in names or there if name in there]
            _check_size(path, file.metadata.num_rows, len(wanted))
            table = file.read(columns=wanted)
            said = file.metadata.metadata
    except PermissionError:
        raise RecordError(f"{path}: {OF_OTHERS}") from None
    except (pa.ArrowException, OSError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise RecordError(f"{path}: cannot be read ({why}); build the record again from its ledger") from None
    try:
        about = metadata.read(said)
    except ValueError as error:
        raise RecordError(f"{path}: metadata: {error}; build the record again from its ledger") from None
    for field in schema:
        if field.name not in there and field.name in (names or schema.names):
            value = pa.scalar(LATER.get(field.name), field.type)
            table = table.append_column(field, pa.repeat(value, len(table)))
    order = names or dict.fromkeys([*schema.names, *table.column_names])
    return table.select([name for name in order if name in table.column_names]), about


def _check_size(path: Path, rows: int, columns: int) -> None:
    """Refuse what does not fit into half of the memory: a file of some megabytes may repeat a row a billion times."""
    if 8 * rows * columns > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2:
        raise RecordError(
            f"{path}: expected a table that fits into half of the memory, got {rows:,} rows of {columns} columns"
        )


def _check_columns(path: Path, found: Any, schema: Any) -> None:
    missing = [name for name in schema.names if name not in {*found.names, *MAY_LACK, *LATER}]
    if missing:
        raise RecordError(f"{path}: lacks the column(s) {', '.join(missing)}; build the record again from its ledger")
    known = {*schema.names, *RETIRED}
    unknown = [name for name in found.names if name not in known and not name.startswith(VARIED)]
    if unknown:
        raise RecordError(f"{path}: column(s) that analysis.record.schema does not declare: {', '.join(unknown)}")
    for name in found.names:
        if name.startswith(MEASURED) and (got := found.field(name).type) != pa.float64():
            raise RecordError(f"{path}: column {name}: expected double, got {got}")
        kinds = NUMBERS if name == "config.steps" else (*NUMBERS, "bool", "category")
        if name.startswith("config.") and (got := found.field(name).type) not in [ARROW[kind] for kind in kinds]:
            raise RecordError(f"{path}: column {name}: expected one of {', '.join(kinds)}, got {got}")
    for want in schema:
        if want.name in found.names and (got := found.field(want.name).type) != want.type:
            raise RecordError(f"{path}: column {want.name}: expected {want.type}, got {got}")


def _frame(table: Any) -> pd.DataFrame:
    """Convert to pandas; lists stay in Arrow, nullable integers become Int64."""
    nullable = [f.name for f in table.schema if f.type == pa.int64() and f.nullable]
    kept: pd.DataFrame = table.to_pandas(
        types_mapper=lambda kind: pd.ArrowDtype(kind) if pa.types.is_list(kind) else None,
        split_blocks=True,
        self_destruct=True,
    )
    return kept.astype(dict.fromkeys(nullable, "Int64"))


def _without_extremes(frame: pd.DataFrame) -> pd.DataFrame:
    """Measurements so large that their squares overflow, and axes with them, are infinite."""
    for name in map(str, frame.select_dtypes("float64")):
        extreme = (frame[name].abs() > LARGEST) & np.isfinite(frame[name])
        if extreme.any() and not name.startswith("config."):
            frame = frame.assign(**{name: frame[name].mask(extreme, np.sign(frame[name]) * np.inf)})
    return frame


def _named(rows: pd.DataFrame, limit: int = 3) -> str:
    """The first rows in words, `trial_id a, seed 1; trial_id b, seed 2 and 7 more`."""
    shown = [", ".join(f"{k} {v}" for k, v in row.items()) for row in rows.head(limit).to_dict("records")]
    return "; ".join(shown) + (f" and {len(rows) - limit} more" if len(rows) > limit else "")


def _check_numbers(trials: pd.DataFrame) -> None:
    """The trials of an arm, phase and repeat have numbers of their own, but for further seeds of a confirmation."""
    keys = [*TRIALS_KEYS[:4], "index", "seed"]
    alike = trials.duplicated(keys, keep=False)
    if alike.any():
        got = _named(trials.loc[alike, ["trial_id", "index", "seed"]])
        raise RecordError(f"trials.parquet: index: expected another for every trial of an arm, got {got}")


def _check_keys(frame: pd.DataFrame, keys: tuple[str, ...], file: str) -> None:
    for key in keys:
        if frame[key].isna().any():
            raise RecordError(f"{file}: the key {key} is null in {int(frame[key].isna().sum())} row(s)")
    twice = frame.duplicated(list(keys))
    if twice.any():
        raise RecordError(f"{file}: {int(twice.sum())} row(s) stand twice: {_named(frame.loc[twice, list(keys[4:])])}")


def _check_ranges(frame: pd.DataFrame, file: str) -> None:
    """No value is outside of its column's range; a spread is an amount."""
    for name in map(str, frame):
        measurement = name.removeprefix("floor.")
        low, high = AMOUNT if name.startswith("floor_spread.") else RANGES.get(measurement, (-np.inf, np.inf))
        if low == -np.inf:
            continue
        values = frame[name].to_numpy(np.float64, na_value=np.nan)
        outside = (values < low - ROUNDING) | (values > high + ROUNDING)
        if outside.any():
            expected = f"from {low:g} to {high:g}" if np.isfinite(high) else f">= {low:g}"
            keys = [key for key in (*HISTORY_KEYS[4:], name) if key in frame]
            got = _named(frame.loc[outside, list(dict.fromkeys(keys))])
            raise RecordError(f"{file}: {name}: expected a number {expected}, got {got}")


def _check_whole(frame: pd.DataFrame, file: str) -> None:
    """Nobody has part of a mode."""
    for name in WHOLE:
        if name in frame and (part := frame[name] % 1 > 0).any():
            got = _named(frame.loc[part, [*(key for key in HISTORY_KEYS[4:] if key in frame), name]])
            raise RecordError(f"{file}: {name}: expected a whole number, got {got}")


def _check_names(trials: pd.DataFrame) -> None:
    """Names of arms and trials are printable, so that none commands a terminal, and no trial's leads elsewhere."""
    for name in ("arm", "trial_id"):
        for got in map(str, trials[name].unique()):
            leads = name == "trial_id" and (got.startswith("/") or ".." in got.split("/"))
            if leads or not (got and got.isprintable()):
                raise RecordError(f"trials.parquet: {name}: expected a printable name that is no path, got {got!r}")


def _check_categories(trials: pd.DataFrame) -> None:
    """Every phase, status and outcome is one that there is, and none contradicts what else is said of the replica."""
    replica = list(TRIALS_KEYS[4:])
    for name, known in CATEGORIES.items():
        wrong = trials[~trials[name].isin(known) & ~(trials[name].isna() & (name == "outcome"))]
        if len(wrong):
            got = f"{wrong[name].astype(object).iloc[0]!r} of {_named(wrong[replica])}"
            raise RecordError(f"trials.parquet: {name}: expected one of {', '.join(known)}, got {got}")
    outcome, status = (trials[name].astype(object) for name in ("outcome", "status"))
    diverged, cut = trials["diverged_step"].notna(), status.isin(CUT)
    for expected, broken in (
        ("null while the trial is running", outcome.notna() & (status == "running")),
        ("diverged where there is a diverged_step", outcome.notna() & diverged & (outcome != "diverged")),
        ("another where there is no diverged_step", (outcome == "diverged") & ~diverged & (status != "diverged")),
        ("the status, or diverged, of a trial cut short", outcome.notna() & ~diverged & cut & (outcome != status)),
        ("another of a trial that was not cut short", outcome.isin(CUT) & ~cut),
        ("diverged or null where all did", outcome.notna() & (outcome != "diverged") & (status == "diverged")),
    ):
        if broken.any():
            got = _named(trials.loc[broken, [*replica, "outcome", "status", "diverged_step"]])
            raise RecordError(f"trials.parquet: outcome: expected {expected}, got {got}")
    outside = (diverged & ((trials["diverged_step"] < 0) | (trials["diverged_step"] > trials["steps"]))).fillna(False)
    if outside.any():
        got = _named(trials.loc[outside, [*replica, "diverged_step", "steps"]])
        raise RecordError(f"trials.parquet: diverged_step: expected 0 to the replica's steps, got {got}")


def _check_shared(trials: pd.DataFrame) -> None:
    """All replicas of a trial have its status and its configuration."""
    keys = list(TRIALS_KEYS[:-1])
    shared = ["status", *(name for name in map(str, trials) if name.startswith("config."))]
    different = trials[[*keys, *shared]].drop_duplicates()
    different = different[different.duplicated(keys, keep=False)]
    for name in shared if len(different) else ():
        mixed = different.groupby(keys, observed=True)[name].transform("nunique", dropna=False) > 1
        if mixed.any():
            got = _named(trials.merge(different.loc[mixed, keys].drop_duplicates())[[*TRIALS_KEYS[4:], name]])
            raise RecordError(f"trials.parquet: {name}: expected one for all replicas of a trial, got {got}")


def _check_divergence(history: pd.DataFrame, trials: pd.DataFrame) -> None:
    """A replica is said to have diverged at evaluations after its `diverged_step`, and at none before."""
    if "diverged" not in history:
        return
    keys = list(TRIALS_KEYS)
    said = history[[*keys, "step", "diverged"]].merge(trials[[*keys, "diverged_step"]], on=keys, how="left")
    fell = said["diverged_step"].to_numpy(np.float64, na_value=np.inf)
    wrong = np.where(said["diverged"], said["step"] < fell, said["step"] > fell)
    if wrong.any():
        got = _named(said.loc[wrong, [*keys[4:], "step", "diverged", "diverged_step"]])
        raise RecordError(f"history.parquet: diverged: expected it from the replica's diverged_step on, got {got}")


def _check_finals(history: pd.DataFrame, trials: pd.DataFrame) -> None:
    """A replica's measurements in trials.parquet are those of its last evaluation."""
    measured = (name for name in map(str, history) if name in MAY_LACK or name.startswith(OWN))
    names, keys = [name for name in measured if name in trials], list(TRIALS_KEYS)
    if not names or not len(history):
        return
    last = history.loc[history.groupby(keys, observed=True)["step"].idxmax(), [*keys, *names]]
    both = trials[[*keys, *names]].merge(last, on=keys, suffixes=("", " measured"))
    for name in names:
        said, there = both[name], both[f"{name} measured"]
        wrong = (said != there) & (said.notna() | there.notna())
        if wrong.any():
            got = _named(both.loc[wrong, [*keys[4:], name, f"{name} measured"]])
            raise RecordError(f"trials.parquet: {name}: expected what the last evaluation measured, got {got}")


def _check_histograms(history: pd.DataFrame) -> None:
    """Counts of modes are none below 0, and at all evaluations of a trial of as many modes; no replica has more."""
    if HISTOGRAM.name not in history:
        return
    counts, keys = history[HISTOGRAM.name], list(TRIALS_KEYS[:-1])
    length = counts.list.len().to_numpy(np.float64, na_value=np.nan)
    sizes = history[keys].assign(size=length).groupby(keys, observed=True)["size"]
    each = counts.list.flatten()
    for expected, wrong in (
        ("as many counts at all evaluations of a trial", sizes.transform("nunique") > 1),
        ("counts >= 0", history.index.isin(each.index[each < 0])),
    ):
        if wrong.any():
            got = _named(history.loc[wrong, [*HISTORY_KEYS[4:], HISTOGRAM.name]])
            raise RecordError(f"history.parquet: {HISTOGRAM.name}: expected {expected}, got {got}")
    most = sizes.transform("max")
    for name in COUNTED:
        if name in history and (more := history[name] > most).any():
            got = _named(history.loc[more, [*HISTORY_KEYS[4:], name]])
            raise RecordError(
                f"history.parquet: {name}: expected no more modes than the trial's counts are of, got {got}"
            )


def _check_rows(history: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Every replica has all evaluations of its trial's other replicas, up to the step given in trials.parquet."""
    keys = list(TRIALS_KEYS)
    seen = history.groupby(keys, observed=True)["step"].agg(["size", "max"]).reset_index()
    both = trials[[*keys, "steps"]].merge(seen, on=keys, how="outer", indicator=True)
    orphans = both[both["_merge"] == "right_only"]
    if len(orphans):
        raise RecordError(f"history.parquet: rows of replicas unknown to trials.parquet: {_named(orphans[keys[4:]])}")
    short = both["max"].fillna(0) != both["steps"]
    short |= both["size"].fillna(0) < both.groupby(keys[:-1], observed=True)["size"].transform("max").fillna(0)
    if short.any():
        raise RecordError(f"history.parquet: lacks evaluations of {_named(both.loc[short, [*keys[4:], 'steps']])}")
