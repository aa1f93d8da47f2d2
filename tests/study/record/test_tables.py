from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.record import schema
from analysis.record.loading import load
from study.ledger.entries import Ended, Planned, Result, Session
from study.ledger.state import TrialState
from study.record import tables
from study.record.outline import Outline, outline_of


def trial(index: int) -> TrialState:
    """Two replicas with two evaluations each."""
    key = {"phase": "search", "arm": "hinge", "index": index}
    columns = {"fid": [1.0, 2.0], "beauty": [1.0, 2.0]}
    entries = [
        Planned(**key, config={"lr": 0.1}, spec={}, seeds=[1, 2]),
        *(Result(**key, seeds=[1, 2], step=step, wall_time=1.0, columns=columns) for step in (100, 200)),
        Ended(**key, status="completed", message=""),
    ]
    state = TrialState.of(entries[0])
    for entry in entries:
        state.apply(entry)
    return state


@pytest.fixture
def outline(tmp_path: Path) -> Outline:
    plan = Planned(phase="search", arm="hinge", index=0, config={"lr": 0.1}, spec={}, seeds=[1])
    return outline_of(tmp_path, [Session(config={"study": "rings"}), plan])


def test_row_groups_are_bounded_and_words_survive_between_them(
    tmp_path: Path, outline: Outline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROW_GROUP", 10)
    monkeypatch.setattr(tables, "SMALL", 2)
    with tables.tables_in(tmp_path, outline) as built:
        for index in range(12):
            built.add(trial(index))
        built.publish('{"build": "x"}')
    assert (built.history.rows, built.trials.rows, built.undeclared) == (48, 24, {"beauty"})
    with pq.ParquetFile(tmp_path / "history.parquet") as file:
        groups = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
        assert file.metadata.metadata[schema.METADATA] == b'{"build": "x"}'
    assert groups == [12] * 4
    found = load(tmp_path)
    assert found.history["trial_id"].tolist() == [f"search-hinge-{index:04d}" for index in range(12) for _ in range(4)]
    assert found.trials["index"].tolist() == [index for index in range(12) for _ in range(2)]


def test_tables_that_are_not_published_leave_the_former_ones(tmp_path: Path, outline: Outline) -> None:
    (tmp_path / "history.parquet").write_bytes(b"former")
    with tables.tables_in(tmp_path, outline) as built:
        built.add(trial(0))
    assert [path.name for path in tmp_path.iterdir()] == ["history.parquet"]
    assert (tmp_path / "history.parquet").read_bytes() == b"former"
