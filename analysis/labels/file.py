"""Reading labels.csv: a line for each replica, with the columns study, trial_id, seed and label.

Columns of other names are passed over, so that a sheet's key with a column `label` added is such a file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from analysis import text_files
from analysis.results.agreement import CANNOT_TELL, CHOICES, REPLICA
from analysis.wording import NOT_JUDGED

COLUMNS = (*REPLICA, "label")
MOST = 1 << 24  # bytes, of a line for each replica of a large study


class LabelsError(ValueError):
    """A file of labels that cannot be used; the message names file and line, what was expected and what was got."""


def read(path: Path, judged: pd.DataFrame) -> pd.DataFrame:
    """The labels, a row per line in the file's order, checked against the replicas of `judged`, a judged record.

    Raises:
        LabelsError: it cannot be read, lacks a column or has one twice, is no CSV, or has a line with more cells than
            columns, with an unknown label, with a replica that the record does not have or that has no outcome, or
            with one of a line before.
    """
    known = judged[REPLICA].astype(str).apply(tuple, axis=1)
    ended = dict(zip(known, judged["outcome"].notna(), strict=True))
    seen: dict[tuple[str, ...], int] = {}
    rows = []
    for line, row in _lines(path):
        where, replica, label = f"{path}, line {line}", tuple(row[name] for name in REPLICA), row["label"]
        words = ", ".join(f"{name} {value}" for name, value in zip(REPLICA, replica, strict=True))
        if label not in (*CHOICES, CANNOT_TELL, ""):
            expected = ", ".join((*CHOICES, CANNOT_TELL))
            raise LabelsError(f"{where}: label: expected one of {expected}, or nothing, got {label!r}")
        if replica not in ended:
            raise LabelsError(f"{where}: expected a replica of the record, got {words}")
        if not ended[replica]:
            raise LabelsError(f"{where}: expected a replica with an outcome, got {words}, running or {NOT_JUDGED}")
        if replica in seen:
            raise LabelsError(f"{where}: expected each replica once, got {words} again, after line {seen[replica]}")
        seen[replica] = line
        rows.append((*replica[:2], int(replica[2]), label))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number, and its cells without blanks around them; one that is left out is empty."""
    try:
        text = text_files.read(path, "a CSV file", MOST)
    except ValueError as error:
        raise LabelsError(str(error)) from None
    lines = csv.DictReader(StringIO(text, newline=""), restval="", strict=True)
    try:
        _check_columns(path, lines.fieldnames or ())
        for row in lines:
            if surplus := row.get(None):
                where, more = f"{path}, line {lines.line_num}", ", ".join(surplus)
                raise LabelsError(f"{where}: expected a cell for each column, got also {more}")
            yield lines.line_num, {name: row[name].strip() for name in COLUMNS}
    except csv.Error as error:
        raise LabelsError(f"{path}: expected a CSV file, got one that cannot be read: {error}") from None


def _check_columns(path: Path, names: Sequence[str]) -> None:
    if any(names.count(name) != 1 for name in COLUMNS):
        got = ", ".join(names) or "none"
        raise LabelsError(f"{path}, line 1: expected the columns {', '.join(COLUMNS)}, each once, got {got}")
