"""Several studies as one record, where their columns agree; arms are then told apart as "study/arm"."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api.types import union_categoricals

from analysis.table import Record, RecordError


def join(records: Sequence[Record]) -> Record:
    """One record of several studies' rows.

    Args:
        records: with the same columns of the same dtypes, `config.*` included, and studies of different names.

    Returns:
        `about` is {"joined": the `about` of each}; what it says of a single study holds for none of several.

    Raises:
        RecordError: nothing to join, a study stands twice, or columns differ; the message says which.
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
    history, trials = (_stacked([getattr(record, table) for record in records]) for table in ("history", "trials"))
    abouts = [about for record in records for about in record.about.get("joined", [record.about])]
    return Record(history, trials, {"joined": abouts})


def _named(record: Record) -> str:
    return ", ".join(map(str, record.trials["study"].unique())) or str(record.about.get("study", "an empty study"))


def _differences(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> list[str]:
    found = []
    every = list(dict.fromkeys(name for frame in frames for name in frame))
    for column in every:
        lacking = [name for frame, name in zip(frames, names, strict=True) if column not in frame]
        if lacking:
            found.append(f"column {column} is missing in {', '.join(lacking)}")
            continue
        kinds = [str(frame[column].dtype.name) for frame in frames]
        if len(set(kinds)) > 1:
            seen = ", ".join(f"{kind} in {name}" for kind, name in zip(kinds, names, strict=True))
            found.append(f"column {column} is {seen}")
    return found


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    first = frames[0]
    columns = {
        name: union_categoricals([frame[name] for frame in frames])
        if isinstance(first[name].dtype, pd.CategoricalDtype)
        else pd.concat([frame[name] for frame in frames], ignore_index=True)
        for name in first
    }
    return pd.DataFrame(columns)
