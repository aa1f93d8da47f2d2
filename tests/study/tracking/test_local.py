import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from study.tracking import local
from study.tracking.environment import prepare

prepare()

import mlflow  # noqa: E402
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


@pytest.mark.parametrize("name", ["study", "50%"])
def test_a_database_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / name
    left = folder / ".mlflow.db.killed.partial"
    left.mkdir(parents=True)
    (left / "mlflow.db").touch()

    def cut_short(uri: str) -> None:
        MlflowClient(uri).search_experiments()
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(mlflow, "MlflowClient", cut_short)
        with pytest.raises(RuntimeError):
            local.create(folder)
    assert list(folder.iterdir()) == []
    local.create(folder)
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    experiment = MlflowClient(local.database_uri(folder)).create_experiment("new")
    local.create(folder)
    assert MlflowClient(local.database_uri(folder)).get_experiment(experiment).name == "new"


STRANGE = {  # what a database that somebody else gave may hold, and what is said of it
    "CREATE TRIGGER t AFTER INSERT ON runs BEGIN UPDATE runs SET artifact_uri = 'file:///elsewhere'; END":
        "a trigger is in it, named 't'",
    "CREATE TRIGGER t AFTER UPDATE ON tags BEGIN DELETE FROM runs; END": "a trigger is in it, named 't'",
    "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c":
        "a view is in it, named 'v'",
    "CREATE TABLE _alembic_tmp_tags (key VARCHAR)": "a table is in it, named '_alembic_tmp_tags'",  # half made
}  # fmt: skip


@pytest.mark.parametrize("made", STRANGE)
def test_what_mlflow_does_not_make_is_refused(tmp_path: Path, empty_database: Path, made: str) -> None:
    """MLflow's own database, with its trigger, is used; one in which others would write or answer is not."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    MlflowClient(local.database_uri(tmp_path)).create_run("0")
    local.refuse_strange(tmp_path)
    local.settle(tmp_path)
    assert local.damage(tmp_path) is None
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        assert database.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone() == (1,)
        database.execute(made)
    for refuse in (local.refuse_strange, local.settle):
        with pytest.raises(sqlite3.DatabaseError, match=STRANGE[made]):
            refuse(tmp_path)
    assert STRANGE[made] in (local.damage(tmp_path) or "")


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_database_that_another_process_writes_to_is_said_to_be_locked(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    monkeypatch.setattr(local, "BRIEF", 0.1)
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as other:
        other.execute(f"BEGIN {lock}")
        said = local.damage(tmp_path)
    does = "end that, and `ganstudy resume` brings what it lacks"
    assert said == f"{tmp_path / 'mlflow.db'} is locked by another process; {does}"
    assert local.damage(tmp_path) is None
