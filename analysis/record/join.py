"""Several studies joined to one record if their columns agree; arms and trials are then named "study/…".

Studies of different data sets have different settings, and different measurements of the user's own: a column
`config.*` or `own.*` that a study lacks is null in its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals

from analysis.record.loading import VARIED, Record, RecordError

TOLD_APART = ("arm", "trial_id")  # columns whose values may occur in several studies


def join(records: Sequence[Record]) -> Record:
    """One record of several studies' rows.

    Args:
        records: with the same columns of the same dtypes, but for `config.*` and `own.*`, and studies of different
            names.

    Returns:
        Arms and trials are named "study/arm" and "study/trial". A setting `config.*` is null where a study lacks it,
        and of objects where it is a number in one and text in another. `about` is {"joined": the `about` of each};
        the keys of a single study's `about` are not at its top level. A single record is returned unchanged.

    Raises:
        RecordError: nothing to join, a study occurs twice, or columns differ; the message says which.
    """
    if not records:
        raise RecordError("join: expected at least one record, got none")
    names = [str(study) for record in records for study in record.trials["study"].unique()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RecordError(f"join: studies that stand twice: {', '.join(twice)}; give each a name of its own")
    if len(records) == 1:
        return records[0]
    for table in ("history", "trials"):
        differences = _differences([getattr(record, table) for record in records], [_named(r) for r in records])
        if differences:
            raise RecordError(f"join: {table}.parquet differs between studies: {'; '.join(differences)}")
    parts = [record if "joined" in record.about else _told_apart(record) for record in records]
    history = _stacked(_with_the_same_settings([part.history for part in parts]))
    trials = _stacked(_with_the_same_settings([part.trials for part in parts]))
    abouts = [about for record in records for about in studies_of(record.about)]
    return Record(history, trials, {"joined": abouts})


def studies_of(about: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The `about` of each study, from `Record.about` of one study or of several joined."""
    return list(about.get("joined", [about]))


def _named(record: Record) -> str:
    return ", ".join(map(str, record.trials["study"].unique())) or str(record.about.get("study", "an empty study"))


def _told_apart(record: Record) -> Record:
    history, trials = (
        table.assign(**{name: _prefixed(table, name) for name in TOLD_APART})
        for table in (record.history, record.trials)
    )
    return Record(history, trials, record.about)


def _prefixed(table: pd.DataFrame, name: str) -> pd.Series:
    return (table["study"].astype(str) + "/" + table[name].astype(str)).astype("category")


def _differences(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> list[str]:
    found = []
    every = dict.fromkeys(str(name) for frame in frames for name in frame)
    for column in (name for name in every if not name.startswith(VARIED)):
        lacking = [name for frame, name in zip(frames, names, strict=True) if column not in frame]
        if lacking:
            found.append(f"column {column} is missing in {', '.join(lacking)}")
            continue
        kinds = [str(frame[column].dtype.name) for frame in frames]
        if len(set(kinds)) > 1:
            seen = ", ".join(f"{kind} in {name}" for kind, name in zip(kinds, names, strict=True))
            found.append(f"column {column} is {seen}")
    return found


def _with_the_same_settings(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The frames with every column of `VARIED` that one of them has, of one dtype in all."""
    names = sorted({str(name) for frame in frames for name in frame if str(name).startswith(VARIED)})
    parts: list[dict[str, pd.Series]] = [{} for _ in frames]
    for name in names:
        columns = [frame.get(name, pd.Series(None, frame.index, object)) for frame in frames]
        if len({str(column.dtype.name) for column in columns}) > 1:
            kinds: Any = _common([column for column in columns if column.notna().any()])
            for kind in kinds:
                columns = [column.astype(kind) for column in columns]
        for part, column in zip(parts, columns, strict=True):
            part[name] = column
    return [
        pd.concat([frame.drop(columns=names, errors="ignore"), pd.DataFrame(part, frame.index)], axis=1)
        for frame, part in zip(frames, parts, strict=True)
    ]


def _common(columns: Sequence[pd.Series]) -> tuple[str, ...]:
    """The dtypes to convert all these columns to, one after the other, so that they have one that holds nulls too."""
    for known, kinds in (
        (pd.api.types.is_bool_dtype, ("boolean",)),
        (pd.api.types.is_integer_dtype, ("Int64",)),
        (lambda one: pd.api.types.is_numeric_dtype(one) and not pd.api.types.is_bool_dtype(one), ("float64",)),
        (lambda one: isinstance(one.dtype, pd.CategoricalDtype), ("str", "category")),  # categories of one dtype too
    ):
        if columns and all(map(known, columns)):
            return kinds
    return ("object",)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    first = frames[0]
    columns = {
        name: union_categoricals([_of_text(frame[name]) for frame in frames])
        if isinstance(first[name].dtype, pd.CategoricalDtype)
        else pd.concat([frame[name] for frame in frames], ignore_index=True)
        for name in first
    }
    return pd.DataFrame(columns)


def _of_text(column: pd.Series) -> pd.Series:
    """A categorical whose categories are text: those of a column that is null throughout are read as of objects."""
    return column.astype(pd.CategoricalDtype(column.cat.categories.astype("str")))
