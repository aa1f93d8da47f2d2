import sqlite3
from pathlib import Path

import pytest

from study.tracking import experiments, local
from study.tracking.environment import prepare

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED  # noqa: E402


def test_an_experiment_is_made_once_and_given_only_the_tags_it_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = MlflowClient(local.database_uri(folder))
    made = experiments.found(client, "rings", folder)
    assert experiments.found(client, "rings", folder) == made
    assert local.experiment_in(folder, "mlflow.experimentKind") == (made, False)
    given: dict[str, str] = {}
    experiments.show(client, made, experiments.tags("fid"), given)
    assert client.get_experiment(made).tags == experiments.tags("fid") == given
    assert local.experiment_in(folder, "mlflow.experimentKind") == (made, True)
    monkeypatch.setattr(MlflowClient, "set_experiment_tag", lambda *_: 1 / 0)
    experiments.show(client, made, experiments.tags("fid"), given)


def test_an_experiment_of_somebody_elses_stays_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, code = MlflowClient(local.database_uri(folder)), PERMISSION_DENIED

    def refuse(*_: object) -> None:
        raise MlflowException("no", error_code=code)

    monkeypatch.setattr(MlflowClient, "set_experiment_tag", refuse)
    experiments.show(client, "1", experiments.tags("fid"), {})
    code = INTERNAL_ERROR
    with pytest.raises(MlflowException, match="no"):
        experiments.show(client, "1", experiments.tags("fid"), {})


def test_a_database_without_a_study_has_no_experiment(folder: Path) -> None:
    assert local.experiment_in(folder, "any") is None


@pytest.mark.parametrize(
    ("table", "column", "place"),
    [
        ("runs", "artifact_uri", "file:///elsewhere/artifacts"),
        ("runs", "artifact_uri", "{own}/../elsewhere"),
        ("runs", "artifact_uri", "{own}/%2e%2e/elsewhere"),
        ("runs", "artifact_uri", "/elsewhere/artifacts"),
        ("runs", "artifact_uri", "s3://bucket/artifacts"),
        ("runs", "artifact_uri", "mlflow-artifacts://host:5000/artifacts"),
        ("logged_models", "artifact_location", "file://host/elsewhere"),
    ],
)
def test_nothing_is_written_where_a_strangers_database_says(folder: Path, table: str, column: str, place: str) -> None:
    client = MlflowClient(local.database_uri(folder))
    made = experiments.found(client, "rings", folder)
    client.create_run(made)
    client.create_logged_model(made)
    assert experiments.found(client, "rings", folder) == made
    with sqlite3.connect(folder / local.DATABASE) as database:
        database.execute(f"UPDATE {table} SET {column} = ?", (place.format(own=local.artifact_uri(folder)),))
    with pytest.raises(RuntimeError, match=r"keeps artifacts at .*, outside of the folder.*`ganstudy resume` writes"):
        experiments.found(client, "rings", folder)


def test_what_others_keep_in_the_database_is_theirs(folder: Path) -> None:
    client = MlflowClient(local.database_uri(folder))
    made = experiments.found(client, "rings", folder)
    client.create_run(client.create_experiment("my own", "s3://bucket"))
    client.create_run("0")
    assert experiments.found(client, "rings", folder) == made
