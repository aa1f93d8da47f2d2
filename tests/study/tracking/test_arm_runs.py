"""The runs of arms in a real store: one each, whatever is done again, with what the ledger says now."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.config.schema import StudyConfig
from study.ledger.ledger import Ledger, entries
from study.ledger.validation import from_json
from study.tracking import local, mlflow_study
from study.tracking.cursor import Cursor
from study.tracking.environment import prepare
from study.tracking.mlflow_study import MlflowStudy

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Run, ViewType  # noqa: E402

Write = Callable[..., None]
Trial = Callable[..., list[dict[str, Any]]]
NAME = "ring-study"


@pytest.fixture
def config(config: StudyConfig) -> StudyConfig:
    """The study's, with an arm for each of two objectives."""
    scientific, budget = {"objective": ["hinge", "wasserstein"]}, {"steps": 20, "evaluations": 2, "batch_size": 8}
    values = {"scientific": scientific, "budget": budget, "fixed": {"beta1": 0.5}}
    return loading.build(config.resolved() | values).config


def followed(folder: Path, ending: str = "FINISHED", cursor: Cursor | None = None) -> Cursor:
    """Log what there is, and end the study's run."""
    study = MlflowStudy(folder, NAME, None)
    cursor = study.connect(cursor or Cursor(""))
    if batch := list(entries(folder, cursor.position)):
        cursor = study.log(cursor, batch)
    study.end(replace(cursor, owed=ending))
    return cursor


def found(folder: Path, condition: str, view: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    client = MlflowClient(local.database_uri(folder))
    return list(client.search_runs(["1"], condition, view))


def arm_of(folder: Path) -> Run:
    [run] = found(folder, "tags.level = 'arm'")
    return run


def test_an_arm_has_figures_params_and_tags(folder: Path, write: Write, trial: Trial) -> None:
    write(*trial(0), *trial(1))
    followed(folder)
    arm = arm_of(folder)
    assert arm.info.run_name == arm.data.tags["arm"] == arm.data.params["objective"] == "hinge"
    assert (arm.data.params["beta1"], arm.data.params["data"]) == ("0.5", "ring")
    assert "generator_lr" not in arm.data.params
    assert arm.data.metrics["trials"] == 2
    assert (arm.data.metrics["share_converged"], arm.data.metrics["share_diverged"]) == (0.5, 0.25)
    assert (arm.data.tags["best"], arm.data.tags["best.generator_lr"]) == ("search-hinge-0000", "0.001")
    assert arm.data.tags["mlflow.runColor"] == "#0072B2"
    assert arm.info.status == "FINISHED"
    [study] = found(folder, "tags.level = 'study'")
    assert (study.data.tags["ahead"], study.data.metrics["trials"]) == ("hinge", 2)
    metric = arm.data.tags["metric"]
    assert study.data.metrics[metric] == arm.data.metrics[metric] == 0.5
    assert "`ganstudy report" in study.data.tags["mlflow.note.content"]
    assert "[Its trials](" in arm.data.tags["mlflow.note.content"]


def test_mlflow_compares_runs_by_the_searched_metric_first(
    folder: Path, config: StudyConfig, write: Write, trial: Trial
) -> None:
    """Its page opens on the first metric of the runs, in the order in which their database heard of them."""
    values = config.resolved() | {"search": {"metric": "fid"}, "confirm": {"top": 1, "replicas": 4}}
    about = {"kind": "session", "config": loading.build(values).config.resolved(), "versions": {}, "host": "h"}
    with Ledger.open(folder) as ledger:
        ledger.append(from_json({**about, "pid": 1, "time": 1_699_999_999.0}))
    write(*trial(0), begin=False)
    cursor = followed(folder)
    assert math.isnan(arm_of(folder).data.metrics["fid"])  # nothing is confirmed
    confirmed = [{**entry, "phase": "confirm", "trial_id": "confirm-hinge-0000"} for entry in trial(0)]
    write(*confirmed, begin=False)
    followed(folder, cursor=cursor)
    assert arm_of(folder).data.metrics["fid"] == 0.5
    assert [next(iter(run.data.metrics)) for run in found(folder, "")] == ["fid"] * 4


def test_logging_again_adds_neither_runs_nor_rows(folder: Path, write: Write, trial: Trial) -> None:
    write(*trial(0), *trial(1))
    cursor = followed(folder)
    before = arm_of(folder)
    for again in (cursor, None):
        followed(folder, cursor=again)
    after = arm_of(folder)
    assert after.data.metrics == pytest.approx(before.data.metrics, rel=0, abs=0, nan_ok=True)
    assert after.data.tags == before.data.tags
    client = MlflowClient(local.database_uri(folder))
    assert len(client.get_metric_history(after.info.run_id, "trials")) == 1
    assert len(found(folder, "", ViewType.ALL)) == 4


def test_nothing_is_sent_of_an_arm_that_mlflow_has(
    folder: Path, write: Write, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(*trial(0))
    cursor = followed(folder)
    arm = arm_of(folder).info.run_id
    asked: list[str] = []
    for name in ("log_batch", "set_terminated", "update_run", "log_inputs"):
        call = getattr(MlflowClient, name)
        monkeypatch.setattr(
            MlflowClient, name, lambda self, run, *rest, call=call: (asked.append(run), call(self, run, *rest))[1]
        )
    followed(folder, cursor=cursor)
    assert arm not in asked
    assert asked


def test_an_interrupted_study_and_one_that_goes_on(
    folder: Path, write: Write, trial: Trial, config: StudyConfig
) -> None:
    write(*trial(0)[:-1])
    cursor = followed(folder, "KILLED")
    arm = arm_of(folder)
    assert (arm.info.status, arm.data.metrics["trials"], arm.data.tags["result"]) == (
        "KILLED", 0, "no replica has a score yet",
    )  # fmt: skip
    write({"kind": "session", "config": config.resolved(), "time": 1_800_000_000.0}, *trial(0)[-1:], begin=False)
    study = MlflowStudy(folder, NAME, None)
    study.log(study.connect(cursor), list(entries(folder, cursor.position)))
    assert arm_of(folder).info.status == "RUNNING"
    followed(folder, cursor=cursor)
    assert (arm_of(folder).info.status, arm_of(folder).data.metrics["trials"]) == ("FINISHED", 1)


def test_a_trial_tried_again_takes_back_what_was_said_of_it(folder: Path, write: Write, trial: Trial) -> None:
    write(*trial(0), *trial(1, status="failed"))
    cursor = followed(folder)
    assert arm_of(folder).data.metrics["trials_failed"] == 1
    again = [{**entry, "time": entry["time"] + 100, "scores": [0.1] * 4} for entry in trial(1)]
    write(*({name: value for name, value in entry.items() if name != "scores" or entry["kind"] == "ended"}
            for entry in again), begin=False)  # fmt: skip
    followed(folder, cursor=cursor)
    arm = arm_of(folder)
    assert (arm.data.metrics["trials"], arm.data.metrics["trials_failed"]) == (2, 0)
    assert (arm.data.tags["best"], arm.data.tags["best.generator_lr"]) == ("search-hinge-0001", "0.002")


def test_an_arm_removed_in_mlflow_holds_nothing_up_and_comes_back_later(
    folder: Path, write: Write, trial: Trial
) -> None:
    write(*trial(0))
    study = MlflowStudy(folder, NAME, None)
    cursor = study.log(study.connect(Cursor("")), list(entries(folder)))
    MlflowClient(local.database_uri(folder)).delete_run(arm_of(folder).info.run_id)
    study.end(replace(cursor, owed="FINISHED"))
    assert found(folder, "tags.level = 'arm'") == []
    followed(folder, cursor=cursor)
    assert arm_of(folder).data.metrics["trials"] == 1


def test_runs_of_a_former_version_come_under_their_arms(folder: Path, write: Write, trial: Trial) -> None:
    """They were right under the study's run, without a level."""
    write(*trial(0))
    cursor = followed(folder)
    client = MlflowClient(local.database_uri(folder))
    [old] = found(folder, "tags.level = 'trial'")
    client.set_tag(old.info.run_id, "mlflow.parentRunId", str(cursor.parent))
    client.delete_tag(old.info.run_id, "level")
    client.delete_run(arm_of(folder).info.run_id)
    followed(folder, cursor=cursor)  # resumed: the arm is there again
    arm = arm_of(folder)
    assert (arm.data.metrics["trials"], arm.data.params["objective"]) == (1, "hinge")
    followed(folder)  # without tracking.json: everything again
    [now] = found(folder, "tags.level = 'trial'")
    assert (now.info.run_id, now.data.tags["mlflow.parentRunId"]) == (old.info.run_id, arm.info.run_id)
    assert len(found(folder, "")) == 3


def test_an_arm_of_a_plan_that_cannot_be_read_ends_too(folder: Path, write: Write, trial: Trial) -> None:
    write({"kind": "session", "config": {"study": NAME}, "time": 1.0}, *trial(0), begin=False)
    followed(folder)
    arm = arm_of(folder)
    assert (arm.info.status, arm.data.params, arm.data.metrics) == ("FINISHED", {}, {})


def test_a_study_that_runs_is_summed_up_now_and_then(
    folder: Path, write: Write, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(*trial(0))
    for every, expected in ((3600.0, 0), (0.0, 1)):
        monkeypatch.setattr(mlflow_study, "SUMMED_EVERY", every)
        study = MlflowStudy(folder, NAME, None)
        study.summarize(study.log(study.connect(Cursor("")), list(entries(folder))))
        assert len(arm_of(folder).data.metrics) == expected or arm_of(folder).data.metrics["trials"] == expected
