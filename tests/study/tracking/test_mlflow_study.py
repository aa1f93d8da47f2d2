import getpass
import json
import re
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.config.schema import StudyConfig
from study.ledger.entries import Session
from study.ledger.ledger import entries
from study.tracking import local
from study.tracking.cursor import Cursor
from study.tracking.environment import prepare
from study.tracking.mlflow_study import MlflowStudy

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Run, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

Write = Callable[..., None]
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
NAME = "ring-study"


def follow(folder: Path, cursor: Cursor | None = None, count: int | None = None) -> Cursor:
    """Log at most `count` entries behind the cursor and return the next one."""
    study = MlflowStudy(folder, NAME, None)
    cursor = study.connect(cursor or Cursor(""))
    batch = list(islice(entries(folder, cursor.position), count))
    return study.log(cursor, batch)


def client_of(folder: Path) -> MlflowClient:
    return MlflowClient(local.database_uri(folder))


def experiment_of(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    return str(experiment.experiment_id)


def runs_of(folder: Path, view: int = ViewType.ACTIVE_ONLY) -> dict[str, Run]:
    client = client_of(folder)
    return {run.info.run_name: run for run in client.search_runs([experiment_of(client)], "", view)}


def test_a_trials_run_is_under_its_arms_and_that_under_the_studys(folder: Path, write: Write) -> None:
    write()
    cursor = follow(folder)
    runs = runs_of(folder)
    assert set(runs) == {NAME, "hinge", "search-hinge-0000", "search-hinge-0001"}
    parent, arm, child, failed = (runs[name] for name in (NAME, "hinge", "search-hinge-0000", "search-hinge-0001"))
    assert cursor.parent == parent.info.run_id
    assert cursor.runs == {}
    assert cursor.refused == 0
    assert child.data.tags["mlflow.parentRunId"] == failed.data.tags["mlflow.parentRunId"] == arm.info.run_id
    assert arm.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert [run.data.tags["level"] for run in (parent, arm, child)] == ["study", "arm", "trial"]
    assert {
        name: child.data.tags[name] for name in ("arm", "phase", "repeat", "index", "status", "outcome", "seeds")
    } == {
        "arm": "hinge",
        "phase": "search",
        "repeat": "0",
        "index": "0",
        "status": "completed",
        "outcome": "converged 2, oscillating 1, diverged 1",
        "seeds": "[0,1,2,3]",
    }
    assert child.data.params == {"steps": "20", "generator_lr": "0.001", "objective": "hinge", "penalty": "none"}
    assert (child.info.status, child.info.start_time, child.info.end_time) == (
        "FINISHED",
        1_700_000_000_250,
        1_700_000_005_250,
    )
    assert failed.info.status == "FAILED"
    assert parent.info.status == "RUNNING"
    assert parent.info.start_time == 1_699_999_999_000
    assert parent.data.params["budget.steps"] == "20"
    assert parent.data.params["tracking.uri"] == "null"
    assert parent.data.tags["version.torch"] == "2.15.0"
    assert parent.data.metrics == {}
    assert {name: parent.data.tags[name] for name in ("floor.fid", "floor.modes", "classifier.accuracy")} == {
        "floor.fid": "0.001",
        "floor.modes": "8",
        "classifier.accuracy": "0.98",
    }
    assert parent.data.tags["mlflow.user"] == child.data.tags["mlflow.user"] == getpass.getuser()


def test_runs_are_found_by_what_they_measured_and_what_they_were(folder: Path, write: Write, trial: Trial) -> None:
    write(*trial(0), *trial(1))
    follow(folder)

    def found(condition: str) -> list[str]:
        experiment = client_of(folder).get_experiment_by_name(NAME)
        return [run.info.run_name for run in client_of(folder).search_runs([experiment.experiment_id], condition)]

    assert found("metrics.fid < 1.1") == ["search-hinge-0000"]  # the replica that diverged is the worst of its four
    assert found("metrics.fid_q75 < 1e9") == found("metrics.fid_q75 > -1e9") == []  # has a part in the upper quartile
    assert sorted(found("params.objective = 'hinge'")) == ["search-hinge-0000", "search-hinge-0001"]
    assert found("params.generator_lr = '0.002' and tags.arm = 'hinge'") == ["search-hinge-0001"]


@pytest.mark.parametrize("count", [2, 4, 7, 9])
def test_the_same_index_of_two_repeats_is_two_runs(
    folder: Path, write: Write, trial: Trial, expected: Story, tracked: Story, count: int
) -> None:
    write(*trial(0), *trial(0, repeat=1))
    follow(folder, follow(folder, count=count))
    runs = runs_of(folder)
    assert set(runs) == {NAME, "hinge", "search-hinge-0000", "search-hinge-r1-0000"}
    assert [runs[name].data.tags["repeat"] for name in ("search-hinge-0000", "search-hinge-r1-0000")] == ["0", "1"]
    assert tracked(folder) == expected(folder)


def test_rows_are_the_ledgers_and_logging_again_adds_none(
    folder: Path, write: Write, expected: Story, tracked: Story
) -> None:
    write()
    after = follow(folder)
    assert tracked(folder) == expected(folder)
    assert follow(folder).parent == after.parent  # a lost cursor: everything again
    assert follow(folder, Cursor("", parent=after.parent)).refused == 0
    assert tracked(folder) == expected(folder)
    assert len(runs_of(folder)) == 4
    history = client_of(folder).get_metric_history(runs_of(folder)["search-hinge-0000"].info.run_id, "fid")
    assert [(point.step, point.value, point.timestamp) for point in history] == [
        (10, 1.0, 1_700_000_001_312),
        (20, 1.0, 1_700_000_002_312),
    ]


@pytest.mark.parametrize("count", range(1, 10))
def test_logging_goes_on_from_any_entry(
    folder: Path, write: Write, expected: Story, tracked: Story, count: int
) -> None:
    write()
    cursor = follow(folder, count=count)
    assert len(cursor.runs) == {3: 1, 4: 1, 5: 1, 7: 1, 8: 1, 9: 1}.get(count, 0)
    follow(folder, cursor)
    assert tracked(folder) == expected(folder)
    assert len(runs_of(folder)) == 4


def test_a_new_session_reopens_the_study_and_tags_what_it_changes(folder: Path, write: Write, trial: Trial) -> None:
    write()
    study = MlflowStudy(folder, NAME, None)
    cursor = study.log(study.connect(Cursor("")), list(entries(folder)))
    study.end(Cursor("", time=cursor.time, owed="KILLED"))
    assert runs_of(folder)[NAME].info.status == "KILLED"
    extended = {
        "kind": "session",
        "config": {"study": NAME, "replicas": 99, "budget": {"steps": 20}},
        "time": 1_800_000_000.0,
    }
    write(extended, *trial(2), begin=False)
    cursor = follow(folder, cursor)
    parent = runs_of(folder)[NAME]
    assert cursor.refused == 0
    assert parent.info.status == "RUNNING"
    assert parent.data.params["replicas"] == "8"
    assert parent.data.tags["changed.replicas"] == "99"
    assert "changed.budget.steps" not in parent.data.tags


def test_the_data_set_is_an_input_of_every_run_once(
    folder: Path, write: Write, config: StudyConfig, trial: Trial
) -> None:
    data = {"name": "arrays", "digest": "0f" * 32, "origin": "/data/own.npz", "train": 90, "heldout": 10, "shape": [5]}
    session = {"kind": "session", "config": config.resolved(), "data": data}
    write({**session, "time": 1_800_000_000.0}, *trial(0))
    cursor = follow(folder, count=3)
    write({**session, "time": 1_800_000_001.0}, begin=False)
    assert follow(folder, cursor).refused == 0
    follow(folder)
    runs = runs_of(folder)
    assert set(runs) == {NAME, "hinge", "search-hinge-0000"}
    for name in (NAME, "search-hinge-0000"):
        [found] = runs[name].inputs.dataset_inputs
        assert (found.dataset.name, found.dataset.digest) == ("arrays", "0f" * 18)
        assert (found.dataset.source_type, json.loads(found.dataset.source)) == ("local", {"uri": "/data/own.npz"})
        assert json.loads(found.dataset.profile) == {"train": 90, "heldout": 10, "shape": [5]}
        assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]


def test_the_end_brings_the_record_and_the_report(folder: Path, write: Write) -> None:
    write()
    (folder / "history.parquet").write_bytes(b"h")
    (folder / "study.yaml").write_text("tracking: {uri: 'https://me:s3cret@host'}")
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("<p>")
    study = MlflowStudy(folder, NAME, None)
    cursor = study.log(study.connect(Cursor("")), list(entries(folder)))
    for _ in range(2):
        study.end(Cursor("", time=cursor.time, owed="FINISHED"))
    parent = runs_of(folder)[NAME]
    assert (parent.info.status, parent.info.end_time) == ("FINISHED", 1_700_000_015_250)
    listed = [file.path for file in client_of(folder).list_artifacts(parent.info.run_id)]
    assert listed == ["history.parquet", "report", "study.yaml"]
    logged = folder / "artifacts" / parent.info.run_id / "artifacts" / "study.yaml"
    assert logged.read_text() == "tracking: {uri: 'https://***@host'}"


def test_pictures_are_stepped_images_as_mlflow_names_them(
    folder: Path, write: Write, trial: Trial, picture_file: str, tmp_path: Path
) -> None:
    story = [{**entry, "pictures": picture_file} if entry["kind"] == "result" else entry for entry in trial(0)]
    write(*story)
    follow(folder)
    follow(folder)
    client, run = client_of(folder), runs_of(folder)["search-hinge-0000"]
    ours = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    theirs_run = client.create_run(run.info.experiment_id).info.run_id
    client.log_image(theirs_run, Image.new("RGB", (300, 200)), key="samples", step=10, timestamp=1_700_000_001_312)
    theirs = [file.path for file in client.list_artifacts(theirs_run, "images")]
    uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    assert len(ours) == 4
    assert [uuid.sub("UUID", path) for path in ours[:2]] == [uuid.sub("UUID", path) for path in theirs]
    assert {len(uuid.findall(path)) for path in ours} == {1}
    tag = client.get_run(theirs_run).data.tags["mlflow.loggedImages"]
    assert run.data.tags["mlflow.loggedImages"] == tag == "True"
    image = client.download_artifacts(
        run.info.run_id, next(path for path in ours if path.endswith(".png")), str(tmp_path)
    )
    assert min(Image.open(image).size) > 400
    small = client.download_artifacts(
        run.info.run_id, next(path for path in ours if path.endswith(".webp")), str(tmp_path)
    )
    assert max(Image.open(small).size) == 256


def test_walks_and_neighbours_are_plain_artifacts_of_one_name_each(
    folder: Path, write: Write, trial: Trial, picture_file: str
) -> None:
    with np.load(folder / picture_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(folder / picture_file, **arrays, walk=arrays["samples"].reshape(4, 4, 16, 2))
    write(*[{**entry, "pictures": picture_file} if entry["kind"] == "result" else entry for entry in trial(0)])
    follow(folder)
    follow(folder)
    run = runs_of(folder)["search-hinge-0000"]
    logged = [file.path for file in client_of(folder).list_artifacts(run.info.run_id, "gallery")]
    assert logged == ["gallery/walk_step_10.png", "gallery/walk_step_20.png"]


@pytest.mark.parametrize("name", ["absent.npz", "../outside.npz", "broken.npz", "/etc/passwd", "ledger"])
def test_a_picture_that_cannot_be_had_holds_nothing_up(
    folder: Path, write: Write, trial: Trial, expected: Story, tracked: Story, picture_file: str, name: str
) -> None:
    shutil.copy(folder / picture_file, folder.parent / "outside.npz")
    (folder / "broken.npz").write_bytes((folder / picture_file).read_bytes()[:200])
    write(*[{**entry, "pictures": name} if entry["kind"] == "result" else entry for entry in trial(0)])
    follow(folder)
    assert tracked(folder) == expected(folder)
    assert client_of(folder).list_artifacts(runs_of(folder)["search-hinge-0000"].info.run_id, "images") == []


def test_what_is_deleted_in_mlflow_is_refused_and_the_rest_goes_on(folder: Path, write: Write, tracked: Story) -> None:
    write()
    cursor = follow(folder, count=4)
    client_of(folder).delete_run(cursor.runs["search-hinge-0000"].run_id)
    cursor = follow(folder, cursor)
    assert cursor.refused == 2
    assert cursor.runs == {}
    assert set(tracked(folder)) == {"search-hinge-0001"}


def test_a_database_that_was_lost_is_filled_anew(
    folder: Path, write: Write, expected: Story, tracked: Story, empty_database: Path, tmp_path: Path
) -> None:
    write()
    cursor = follow(folder, count=6)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    shutil.copy(empty_database, other / "mlflow.db")
    study = MlflowStudy(other, NAME, None)
    fresh = study.connect(cursor)
    assert fresh.parent != cursor.parent
    assert fresh.position == (0, 0)
    study.log(fresh, list(entries(other)))
    assert tracked(other) == expected(folder)


def test_a_trial_that_begins_anew_replaces_its_former_run(
    folder: Path, write: Write, trial: Trial, tracked: Story, expected: Story
) -> None:
    write(*trial(0))
    cursor = follow(folder)
    again = [{**entry, "time": entry["time"] + 100} for entry in trial(0, steps=(30,), batch_size=7)]
    write(*again, begin=False)
    follow(folder, cursor)
    rows = tracked(folder)["search-hinge-0000"]
    assert {step for *_, step in rows} == {30}
    assert rows == [row for row in expected(folder)["search-hinge-0000"] if row[3] == 30]
    assert len(runs_of(folder)) == 3
    follow(folder)
    assert tracked(folder)["search-hinge-0000"] == rows


def test_studies_of_one_name_on_one_store_stay_apart(
    folder: Path, write: Write, config: StudyConfig, tmp_path: Path
) -> None:
    from study.ledger.ledger import Ledger

    write()
    other = tmp_path / "other"
    with Ledger.open(other) as ledger:
        ledger.append(Session(config=config.resolved(), time=5.0))
    uri = local.database_uri(folder)
    first, second = (
        MlflowStudy(folder, NAME, uri).connect(Cursor("")),
        MlflowStudy(other, NAME, uri).connect(Cursor("")),
    )
    assert first.parent != second.parent
    assert MlflowStudy(other, NAME, uri).connect(Cursor("")).parent == second.parent


def test_an_experiment_deleted_in_mlflow_says_so(folder: Path, write: Write) -> None:
    write()
    follow(folder)
    client = client_of(folder)
    client.delete_experiment(experiment_of(client))
    with pytest.raises(RuntimeError, match="experiment 'ring-study' was deleted in MLflow; restore it"):
        follow(folder)


def test_a_run_that_a_slow_server_created_twice_is_removed(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch, expected: Story, tracked: Story
) -> None:
    """The answer to `create_run` is lost, and the server carries it out only after it was asked again."""
    write()
    late: list[Callable[[], Any]] = []
    create = MlflowClient.create_run

    def slow(self: MlflowClient, experiment: str, time: int, tags: dict[str, str], name: str) -> Run:
        if name == "search-hinge-0001" and not late:
            late.append(lambda: create(self, experiment, time, tags, name))
            raise MlflowException("timeout")
        return create(self, experiment, time, tags, name)

    monkeypatch.setattr(MlflowClient, "create_run", slow)
    with pytest.raises(MlflowException, match="timeout"):
        follow(folder)
    study = MlflowStudy(folder, NAME, None)
    cursor = study.log(study.connect(Cursor("")), list(entries(folder)))
    late[0]()
    assert len(client_of(folder).search_runs(["1"])) == 5
    study.end(Cursor("", parent=cursor.parent, time=cursor.time, owed="FINISHED"))
    assert len(client_of(folder).search_runs(["1"])) == 4
    assert tracked(folder) == expected(folder)
