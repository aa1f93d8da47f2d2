import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.record.loading import load
from analysis.report.exports import arrow, write_record, write_tables
from analysis.report.table_files import Head, Table, csv_text, latex
from analysis.statistics.intervals import Interval

FID = Interval(0.5, 0.25, np.inf, 16, "by hand", "seeds")
HEADS = (Head("arm"), Head("n", "count"), Head("fid", "number"))
TABLE = Table("quality", "Quality.", "trials.parquet", HEADS, (("=a", 16, FID), ("b", 8, None)), 0, frozenset({0}))


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_are_those_beside_the_report_with_their_captions(tmp_path):
    paths = write_tables([TABLE], tmp_path, "csv") + write_tables([TABLE], tmp_path, "latex")
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "tables/quality.csv", "tables.csv", "tables/quality.tex",
    ]  # fmt: skip
    assert paths[0].read_text(encoding="utf-8") == csv_text(TABLE)
    assert read(paths[1]) == [{"table": "quality", "caption": "Quality.", "rows": "trials.parquet"}]
    assert paths[2].read_text(encoding="utf-8") == latex(TABLE)


def test_a_table_as_parquet_has_numbers_and_says_what_they_are(tmp_path):
    (path,) = write_tables([TABLE], tmp_path, "parquet")
    found = pq.read_table(path)
    assert found == arrow(TABLE)
    assert found.to_pydict() == {
        "arm": ["=a", "b"], "n": [16, 8], "fid": [0.5, None], "fid low": [0.25, None], "fid high": [np.inf, None],
        "best": [True, False], "indistinguishable": [True, False],
    }  # fmt: skip
    assert found.schema.metadata == {b"caption": b"Quality.", b"rows": b"trials.parquet"}


def test_the_record_as_csv_has_every_number_and_the_columns_their_meanings(simulated, tmp_path):
    history, trials, columns = write_record(simulated, tmp_path, "csv")
    record = load(simulated)
    for path, table in ((history, record.history), (trials, record.trials)):
        found = pd.read_csv(path)
        assert len(found) == len(table)
        np.testing.assert_array_equal(found["fid"], table["fid"])
        assert list(found["arm"]) == list(table["arm"])
        assert found["trial_id"].nunique() == table["trial_id"].nunique()
    counts = record.history["mode_histogram"].iloc[0]
    assert json.loads(read(history)[0]["mode_histogram"]) == list(counts)
    said = {(row["file"], row["column"]): row for row in read(columns)}
    assert said["history.parquet", "step"]["unit"] == "steps"
    assert said["trials.parquet", "arm"]["meaning"].startswith("the scientific choices")
    assert {column for file, column in said if file == "history.parquet"} == set(read(history)[0])


def test_the_record_as_parquet_is_the_record_and_as_latex_nothing(simulated, tmp_path):
    assert [path.name for path in write_record(simulated, tmp_path, "parquet")] == ["history.parquet", "trials.parquet"]
    for name in ("history.parquet", "trials.parquet"):
        assert (tmp_path / name).read_bytes() == (simulated / name).read_bytes()
    assert write_record(simulated, tmp_path, "latex") == []


@pytest.mark.parametrize("rows", [0, 2])
def test_text_of_a_record_is_no_formula_and_no_rows_leave_the_heads(rows, tmp_path):
    table = pa.table({"arm": pa.array(["=1+1", None][:rows], pa.string()), "n": pa.array([1, None][:rows], pa.int64())})
    for name in ("history.parquet", "trials.parquet"):
        pq.write_table(table, tmp_path / name)
    history = write_record(tmp_path, tmp_path, "csv")[0]
    assert history.read_text(encoding="utf-8") == "arm,n\n" + "'=1+1,1\n,\n" * (rows > 0)
