"""A study's numbers as files for a paper or a program: the report's tables and the record, with what they mean.

As CSV: `tables/NAME.csv` with `tables.csv`, which has their captions, and `history.csv` and `trials.csv` with
`columns.csv`, which has units and meanings. As Parquet the same with captions, units and meanings in the files'
metadata. As LaTeX the tables alone.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.record import metadata
from analysis.record.schema import FILES
from analysis.record.units import unit_of
from analysis.report.table_files import Table, csv_text, inert, latex
from analysis.statistics.intervals import Interval

Format = Literal["csv", "parquet", "latex"]


def write_tables(tables: Sequence[Table], out: Path, kind: Format) -> list[Path]:
    """Write each table into `out/tables`, which is made, and return the paths."""
    writers: Mapping[Format, tuple[str, Callable[[Table, Path], None]]] = {
        "csv": ("csv", lambda table, path: _text(path, csv_text(table))),
        "latex": ("tex", lambda table, path: _text(path, latex(table))),
        "parquet": ("parquet", lambda table, path: pq.write_table(arrow(table), path)),
    }
    ending, write = writers[kind]
    (out / "tables").mkdir(parents=True, exist_ok=True)
    paths = [out / "tables" / f"{table.name}.{ending}" for table in tables]
    for table, path in zip(tables, paths, strict=True):
        write(table, path)
    if kind == "csv":
        rows = [(table.name, table.caption, table.rows_of) for table in tables]
        paths.append(_csv(out / "tables.csv", ("table", "caption", "rows"), rows))
    return paths


def write_record(folder: Path, out: Path, kind: Format) -> list[Path]:
    """Write the record that lies in `folder` into `out`, which is there, and return the paths; none for LaTeX."""
    if kind == "latex":
        return []
    if kind == "parquet":
        return [Path(shutil.copyfile(folder / name, out / name)) for name in FILES]
    paths, about = [], []
    for name in FILES:
        with pq.ParquetFile(folder / name) as file:
            study = metadata.read(file.metadata.metadata)
            paths.append(out / f"{Path(name).stem}.csv")
            with paths[-1].open("w", encoding="utf-8", newline="") as written:
                for place, batch in enumerate(_batches(file)):
                    batch.to_csv(written, index=False, header=place == 0, lineterminator="\n")
            for field in file.schema_arrow:
                said = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
                kind_of = "category" if pa.types.is_dictionary(field.type) else str(field.type)
                unit = unit_of(field.name, study, said.get("unit", ""))
                about.append((name, field.name, kind_of, unit, said.get("meaning", "")))
    heads = ("file", "column", "type", "unit", "meaning")
    return [*paths, _csv(out / "columns.csv", heads, about)]


def arrow(table: Table) -> pa.Table:
    """A table as Arrow: an interval is three columns, `best` and `indistinguishable` are added where rows are marked.

    Its metadata has `caption` and `rows`, where its numbers come from.
    """
    columns: dict[str, list[Any]] = {}
    for place, head in enumerate(table.heads):
        values = [row[place] for row in table.rows]
        if any(isinstance(value, Interval) for value in values):
            for end in ("estimate", "low", "high"):
                name = head.name if end == "estimate" else f"{head.name} {end}"
                columns[name] = [
                    getattr(one, end) if isinstance(one, Interval) else one if end == "estimate" else None
                    for one in values
                ]
        else:
            columns[head.name] = [None if one is None else str(one) if head.kind == "text" else one for one in values]
    if table.best is not None:
        columns["best"] = [place == table.best for place in range(len(table.rows))]
        columns["indistinguishable"] = [place in table.tied for place in range(len(table.rows))]
    arrays = [pa.array(values, from_pandas=True) for values in columns.values()]
    return pa.table(arrays, list(columns)).replace_schema_metadata({"caption": table.caption, "rows": table.rows_of})


def _batches(file: pq.ParquetFile) -> Iterable[pd.DataFrame]:
    """A file's rows in parts, at least one; lists as JSON, texts that no spreadsheet runs."""
    for group in range(max(1, file.num_row_groups)):
        part = file.read_row_group(group) if file.num_row_groups else file.read()
        columns: dict[str, Any] = {}
        for field, column in zip(part.schema, part.columns, strict=True):
            if pa.types.is_list(field.type):
                columns[field.name] = [None if one is None else json.dumps(one) for one in column.to_pylist()]
            elif pa.types.is_string(field.type) or pa.types.is_dictionary(field.type):
                columns[field.name] = [inert(one) for one in column.to_pylist()]
            else:
                columns[field.name] = column.to_pandas(integer_object_nulls=True)
        yield pd.DataFrame(columns)


def _csv(path: Path, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows([[inert(field) for field in row] for row in rows])
    return path


def _text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
