"""Kept generators as MLflow's models: once each, with the trial's metrics, the winner registered, whatever fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.config.schema import StudyConfig
from study.ledger.ledger import entries
from study.storage import generators
from study.storage.store import FolderStore, store_at
from study.tracking import local
from study.tracking.cursor import Cursor
from study.tracking.environment import prepare
from study.tracking.mlflow_study import MlflowStudy

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import LoggedModel  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND  # noqa: E402

Write = Callable[..., None]
Trial = Callable[..., list[dict[str, Any]]]
NAME, FIRST, SECOND = "ring-study", "search-hinge-0000", "search-hinge-0001"


def ended(folder: Path, how: str = "FINISHED") -> MlflowClient:
    """Log what there is and end the study's run."""
    study = MlflowStudy(folder, NAME, None)
    cursor = study.connect(Cursor(""))
    cursor = study.log(cursor, list(entries(folder, cursor.position)))
    study.end(replace(cursor, owed=how))
    return MlflowClient(local.database_uri(folder))


def models(client: MlflowClient) -> dict[str, LoggedModel]:
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    return {model.name: model for model in client.search_logged_models([experiment.experiment_id])}


def run_of(client: MlflowClient, trial_id: str) -> Any:
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{trial_id}'")
    return run


@pytest.fixture
def kept(folder: Path, write: Write, trial: Trial, config: StudyConfig) -> Path:
    """A study with two trials of one arm, the second the better, both kept."""
    better = trial(1)
    better[-1]["scores"] = [0.25] * 4
    write(*trial(0), *better)
    plan = {"scientific": {"objective": ["hinge"]}, "budget": {"steps": 20, "evaluations": 2, "batch_size": 8}}
    loading.write(loading.build({"study": NAME, "data": {"name": "ring"}, **plan}).config, folder / "study.yaml")
    for trial_id in (FIRST, SECOND):
        generators.write(store_at(str(folder.resolve())), trial_id, trial_id.encode())
    return folder


def test_a_trials_file_is_a_model_of_its_run_with_its_last_metrics(kept: Path) -> None:
    client = ended(kept)
    found = models(client)
    assert found.keys() == {FIRST, SECOND}
    model, run = found[FIRST], run_of(client, FIRST)
    assert (str(model.status), model.source_run_id, model.model_type) == ("READY", run.info.run_id, "generator")
    assert model.params["objective"] == "hinge"
    known = {key: value for key, value in run.data.metrics.items() if key != "fid_q75"}  # infinite, as one diverged
    assert {metric.key: metric.value for metric in model.metrics} == known
    assert {metric.step for metric in model.metrics} == {20}
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    place = Path(model.artifact_location.removeprefix("file://").replace("%20", " "))
    assert (place / generators.FILE).read_bytes() == FIRST.encode()
    assert generators.FILE in {file.path for file in client.list_artifacts(run.info.run_id)}


def test_the_winner_of_an_arm_is_registered_when_the_study_is_done(kept: Path) -> None:
    client = ended(kept, "KILLED")
    assert client.search_registered_models() == []
    client = ended(kept)
    winner = client.get_model_version_by_alias("ring-study-hinge", "winner")
    model = models(client)[SECOND]
    assert (winner.source, winner.run_id, str(winner.version)) == (model.artifact_location, model.source_run_id, "1")
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "ring-study-hinge", "version": "1"}]
    assert winner.description == f"{SECOND}: 4 replicas"
    said = client.get_registered_model("ring-study-hinge").description
    assert said.startswith("Generators of the arm hinge of the study ring-study")
    assert "by mass_js" in said


def test_the_registry_leaves_no_folder_beside_a_path_with_a_percent_sign(kept: Path, tmp_path: Path) -> None:
    folder = tmp_path / "beside" / "50%"
    folder.parent.mkdir()
    shutil.copytree(kept, folder)
    study = MlflowStudy(folder, NAME, None)
    cursor = study.connect(Cursor(""))
    study.end(replace(study.log(cursor, list(entries(folder, cursor.position))), owed="FINISHED"))
    assert [path.name for path in folder.parent.iterdir()] == ["50%"]


def test_ending_again_adds_nothing_and_no_row_stands_twice(kept: Path) -> None:
    client = ended(kept)
    before, history = models(client), client.get_metric_history(run_of(client, FIRST).info.run_id, "fid")
    client = ended(kept)
    after = models(client)
    assert {name: model.model_id for name, model in after.items()} == {n: m.model_id for n, m in before.items()}
    assert client.get_metric_history(run_of(client, FIRST).info.run_id, "fid") == history
    assert len(client.search_model_versions("name = 'ring-study-hinge'")) == 1


@pytest.mark.parametrize("columns", [1, 40])
def test_a_failure_in_between_is_made_up_for(
    kept: Path, write: Write, trial: Trial, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    story = [{**entry, "time": entry["time"] + 100} for entry in trial(0, batch_size=7)]
    for entry in story:
        if entry["kind"] == "result":  # each makes four metrics, of which MLflow takes a hundred apart
            entry["columns"] |= {f"own.x{number}": [1.0, 2.0, 3.0, 4.0] for number in range(columns)}
    write(*story, begin=False)

    def gone(*_: Any) -> None:
        raise ConnectionError("the server is down")

    with monkeypatch.context() as down:
        down.setattr(MlflowClient, "log_outputs", gone)
        with pytest.raises(ConnectionError, match="the server is down"):
            ended(kept)
    client = ended(kept)
    assert {str(model.status) for model in models(client).values()} == {"READY"}
    assert len(models(client)) == 2


def test_a_later_attempt_at_a_trial_takes_the_place_of_the_former(kept: Path, write: Write, trial: Trial) -> None:
    former = models(ended(kept))
    again = [{**entry, "time": entry["time"] + 100} for entry in trial(0, batch_size=7)]
    write(*again, begin=False)
    found = models(ended(kept))
    assert len(found) == 2
    assert found[FIRST].model_id != former[FIRST].model_id
    assert found[SECOND].model_id == former[SECOND].model_id


def test_what_mlflow_has_is_not_read_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(kept)
    monkeypatch.setattr(FolderStore, "read", lambda *_: pytest.fail("it is there already"))
    ended(kept)


def test_a_store_without_models_or_registry_goes_without(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: Any, **__: Any) -> None:
        raise MlflowException("no such endpoint", error_code=ENDPOINT_NOT_FOUND)

    with monkeypatch.context() as older:
        older.setattr(MlflowClient, "create_registered_model", lacking)
        client = ended(kept)
        assert len(models(client)) == 2
    with monkeypatch.context() as older:
        older.setattr(MlflowClient, "search_logged_models", lacking)
        assert run_of(ended(kept), NAME).info.status == "FINISHED"


def test_models_move_with_the_folder(kept: Path, tmp_path: Path) -> None:
    ended(kept)
    moved = shutil.move(kept, tmp_path / "moved")
    local.settle(moved)
    client = MlflowClient(local.database_uri(moved))
    assert models(client)[SECOND].artifact_location.startswith(local.artifact_uri(moved))
    assert client.get_model_version_download_uri("ring-study-hinge", "1").startswith(local.artifact_uri(moved))


def test_a_study_that_kept_nothing_has_no_models(kept: Path) -> None:
    generators.remove(store_at(str(kept.resolve())), [FIRST, SECOND])
    assert models(ended(kept)) == {}


def test_a_study_whose_store_cannot_be_reached_ends_without_models(kept: Path) -> None:
    def out_of_reach() -> Any:
        raise OSError("no such bucket")

    study = MlflowStudy(kept, NAME, None, out_of_reach)
    cursor = study.connect(Cursor(""))
    cursor = study.log(cursor, list(entries(kept, cursor.position)))
    study.end(replace(cursor, owed="FINISHED"))
    client = MlflowClient(local.database_uri(kept))
    assert (models(client), run_of(client, NAME).info.status) == ({}, "FINISHED")
