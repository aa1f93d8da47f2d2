"""Tables for a paper, for a program and for a notebook: the same rows as LaTeX (booktabs), as CSV and as a frame.

A table has typed columns. In LaTeX the best row is bold and rows that cannot be told apart from it carry a dagger,
as the caption says; a CSV file has full precision, three columns per interval, and columns `best` and
`indistinguishable`.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from analysis.statistics.intervals import Interval
from analysis.wording import (
    Quantity,
    bounds_nothing,
    bracketed,
    ends,
    number,
    p_value,
    percent,
    points,
    setting,
    whole,
)

Kind = Literal["text", "count", "share", "points", "number", "ratio", "setting", "p"]
Value = str | int | float | Interval | None
SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "²": r"\textsuperscript{2}", "½": r"$\frac{1}{2}$", "∞": r"$\infty$",
    "−": r"$-$", "–": "--", "…": r"\ldots{}", "·": r"$\cdot$", "\u202f": r"\,", "\u00a0": "~", "τ": r"$\tau$",
    "≤": r"$\leq$", "≥": r"$\geq$", "*": r"\textasteriskcentered{}",
}  # fmt: skip
RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
POWER = re.compile("10([⁻⁰¹²³⁴-⁹]+)")
TOO_FEW, NO_BOUND = "too few searches", "no bound"  # in place of an interval that holds all that there can be
COMPARING: Mapping[Kind, Quantity] = {"points": "points", "ratio": "ratio", "number": "difference"}
DAGGER = r"\textsuperscript{\textdagger}"


@dataclass(frozen=True)
class Head:
    """A column: its name, and the format of its values."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Rows of values under typed heads.

    Attributes:
        name: of its files and its LaTeX label.
        caption: what it shows, and what its intervals capture.
        rows_of: where its numbers come from, file and filter.
        heads: the columns.
        rows: as many values each as there are heads.
        best: the index of the best row, None where none is ahead of every other or no two can be told apart.
        tied: indices of the rows that cannot be told apart from the best.
    """

    name: str
    caption: str
    rows_of: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Value, ...], ...]
    best: int | None = None
    tied: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Check that every row has one value per head; raises ValueError naming the row."""
        for place, row in enumerate(self.rows):
            if len(row) != len(self.heads):
                raise ValueError(f"table {self.name}, row {place}: expected {len(self.heads)} values, got {len(row)}")


def shown(value: Value, kind: Kind) -> str:
    """A value for readers, by the rules of `analysis.wording`: intervals as `0.012 [0.008, 0.020]`."""
    if isinstance(value, Interval):
        if math.isnan(value.estimate):
            return "–"
        if math.isnan(value.low) and math.isnan(value.high):
            return shown(value.estimate, kind)
        parts = (value.estimate, value.low, value.high)
        if kind in COMPARING and bounds_nothing(value, COMPARING[kind]):
            return f"{shown(value.estimate, kind)} ({TOO_FEW if 'repeats' in value.method else NO_BOUND})"
        return bracketed(*(ends(value) if kind in ("number", "ratio") else [shown(part, kind) for part in parts]))
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    match kind:
        case "share":
            return percent(float(value))
        case "points":
            return points(float(value))
        case "p":
            return p_value(float(value))
        case "count":
            return whole(int(value))
        case "setting":
            return setting(float(value))
        case _:
            return number(float(value))


def latex(table: Table) -> str:
    """The table for a paper, its caption's first sentence above and the rest below; needs booktabs and textcomp."""
    caption, _, notes = table.caption.partition(". ")
    notes = f"{escaped(notes)}{_legend(table)}".strip()
    align = "".join("l" if head.kind == "text" else "r" for head in table.heads)
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{textcomp} in the preamble.",
        rf"% {_one_line(table.rows_of)}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escaped(caption.removesuffix('.'))}.}}",
        rf"  \label{{tab:{re.sub('[^A-Za-z0-9-]', '-', table.name)}}}",
        rf"  \begin{{tabular}}{{{align}}}",
        r"    \toprule",
        f"    {_row([escaped(head.name) for head in table.heads])}",
        r"    \midrule",
        *(f"    {_latex_row(table, place)}" for place in range(len(table.rows))),
        r"    \bottomrule",
        r"  \end{tabular}",
        *([r"  \par\smallskip\footnotesize\raggedright", f"  {notes}"] if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text with all special characters of LaTeX escaped."""
    raised = POWER.sub(lambda m: f"10\0{m.group(1).translate(str.maketrans(RAISED, '-0123456789'))}\1", _one_line(text))
    plain = "".join(SPECIAL.get(character, character) for character in raised)
    return plain.replace("\0", r"\textsuperscript{").replace("\1", "}")


def csv_text(table: Table) -> str:
    """The table for a program: full precision, NaN and None as empty fields, infinities as `inf`.

    Text that a spreadsheet would take for a formula, as a name in somebody's record may be, comes after an apostrophe.
    """
    spread = [_is_interval(table, place) for place in range(len(table.heads))]
    heads = [
        name
        for head, wide in zip(table.heads, spread, strict=True)
        for name in ([head.name, f"{head.name} low", f"{head.name} high"] if wide else [head.name])
    ]
    marks = table.best is not None
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*map(inert, heads), *(("best", "indistinguishable") if marks else ())])
    for place, row in enumerate(table.rows):
        fields = [one for value, wide in zip(row, spread, strict=True) for one in _fields(value, wide)]
        writer.writerow([*fields, *((place == table.best, place in table.tied) if marks else ())])
    return buffer.getvalue()


def frame(table: Table) -> pd.DataFrame:
    """The table as readers see it, for a notebook."""
    heads = [head.name for head in table.heads]
    rows = [[shown(value, head.kind) for value, head in zip(row, table.heads, strict=True)] for row in table.rows]
    return pd.DataFrame(rows, columns=heads)


def save(table: Table, folder: str | Path) -> list[Path]:
    """Write `folder/name.csv` and `folder/name.tex`; the folder is made. Returns the paths."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for kind, content in (("csv", csv_text(table)), ("tex", latex(table))):
        paths.append(Path(folder) / f"{table.name}.{kind}")
        paths[-1].write_text(content, encoding="utf-8")
    return paths


def inert(field: object) -> object:
    """A field that no spreadsheet runs (OWASP's rules of CSV injection); line ends of text are newlines."""
    if not isinstance(field, str):
        return field
    text = field.replace("\r", "\n")  # a bare one would not be quoted
    return f"'{text}" if text.startswith((*"=+-@＝＋－＠", "\t", "\n")) else text


def _latex_row(table: Table, place: int) -> str:
    cells = [escaped(shown(value, head.kind)) for value, head in zip(table.rows[place], table.heads, strict=True)]
    if place == table.best:
        cells = [rf"\textbf{{{cell}}}" for cell in cells]
    elif place in table.tied:
        cells[0] += DAGGER
    return _row(cells)


def _row(cells: Sequence[str]) -> str:
    first = "{}" * cells[0].startswith("[")  # it would be an argument of the line break before
    return first + " & ".join(cells) + r" \\"


def _legend(table: Table) -> str:
    if table.best is None:
        return ""
    tied = rf" {DAGGER}: cannot be told apart from it." if table.tied - {table.best} else ""
    return rf" Bold: ahead in these data.{tied}"


def _is_interval(table: Table, place: int) -> bool:
    return any(isinstance(row[place], Interval) for row in table.rows)


def _fields(value: Value, wide: bool) -> list[Any]:
    if isinstance(value, Interval):
        return [_field(value.estimate), _field(value.low), _field(value.high)]
    return [_field(value), "", ""] if wide else [_field(value)]


def _field(value: Any) -> Any:
    if isinstance(value, float):
        return "" if value != value else repr(float(value))
    return "" if value is None else inert(value)


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n\f\v]+", " ", text).strip()
