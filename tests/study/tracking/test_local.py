import shutil
import sqlite3
from pathlib import Path

import pytest

from study.tracking import local
from study.tracking.environment import prepare

prepare()

from mlflow import MlflowClient  # noqa: E402


@pytest.mark.parametrize("name", ["plain", "with space", "per%20cent #1", "q?a=b", "ünï☃", "a'b"])
def test_any_folder_name_works(tmp_path: Path, empty_database: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    client = MlflowClient(local.database_uri(folder))
    experiment = client.create_experiment("e", local.artifact_uri(folder))
    run = client.create_run(experiment).info.run_id
    (tmp_path / "note.txt").write_text("hello")
    client.log_artifact(run, str(tmp_path / "note.txt"))
    assert (folder / "artifacts" / run / "artifacts" / "note.txt").read_text() == "hello"
    with sqlite3.connect(folder / "mlflow.db") as database:
        assert database.execute("SELECT run_uuid FROM runs").fetchall() == [(run,)]
    local.remove_stray(folder)
    assert {path.name for path in tmp_path.iterdir()} == {name, "note.txt"}


def test_artifacts_move_with_the_folder(tmp_path: Path, empty_database: Path) -> None:
    folder, moved = tmp_path / "was", tmp_path / "is"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    client = MlflowClient(local.database_uri(folder))
    experiment = client.create_experiment("e", local.artifact_uri(folder))
    run = client.create_run(experiment).info.run_id
    client.log_text(run, "hello", "note.txt")
    folder.rename(moved)
    local.settle(moved)
    local.settle(moved)
    client = MlflowClient(local.database_uri(moved))
    assert client.get_experiment(experiment).artifact_location == local.artifact_uri(moved)
    assert client.get_run(run).info.artifact_uri == f"{local.artifact_uri(moved)}/{run}/artifacts"
    assert [file.path for file in client.list_artifacts(run)] == ["note.txt"]


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database at all, but some text of some length")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        local.settle(tmp_path)
