"""A new report reaches MLflow in the study's folder without MLflow, and looks to it as if MLflow had brought it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.config.plan import StudyPlan
from study.ledger.entries import Planned
from study.ledger.ledger import Ledger, identity
from study.tracking import local, sync
from study.tracking.cursor import Cursor
from study.tracking.renewal import renew

ENDING = "KILLED"


@pytest.fixture
def study(begun: Callable[..., Path], with_database: Callable[[str], Path]) -> Path:
    """A study that MLflow has, with the report of one arm."""
    folder = begun(with_database("study, 100% mine"))
    _report(folder, "hinge leads")
    assert sync(folder, _plan(folder).config, ending="KILLED") == 0
    return folder


def _plan(folder: Path) -> StudyPlan:
    return loading.load(folder / loading.STUDY_FILE)


def _report(folder: Path, said: str) -> None:
    (folder / "report" / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "report" / "index.html").write_text(f"<p>{said}</p>", encoding="utf-8")
    (folder / "report" / "figures" / "quality.svg").write_text("<svg/>", encoding="utf-8")
    (folder / "report" / "answer.json").write_text(json.dumps({"found": [said], "ended": 2}), encoding="utf-8")


def _in_mlflow(folder: Path) -> tuple[dict[str, str], dict[str, Any], str]:
    """By MLflow's client: all that it has of the study's run and its arms', as JSON, where a NaN is as another; the
    page comes last."""
    from mlflow import MlflowClient

    client, parent = MlflowClient(local.database_uri(folder)), str(Cursor.load(folder).parent)
    experiment = client.get_run(parent).info.experiment_id
    runs = {run.info.run_id: json.dumps(run.to_dictionary()) for run in client.search_runs([experiment])}
    artifacts = {one.path: one.is_dir for place in (None, "report") for one in client.list_artifacts(parent, place)}
    return runs, artifacts, Path(client.download_artifacts(parent, "report/index.html")).read_text("utf-8")


def test_it_is_to_mlflow_as_if_mlflow_had_brought_it(study: Path) -> None:
    _report(study, "wasserstein leads")
    assert renew(study, _plan(study), ENDING)
    renewed = _in_mlflow(study)
    assert "wasserstein leads" in renewed[2]
    assert "wasserstein leads" in renewed[0][str(Cursor.load(study).parent)]
    assert sync(study, _plan(study).config, ending="KILLED") == 0
    assert _in_mlflow(study) == renewed


def test_mlflow_is_not_imported(study: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from study.config import loading; from study.tracking.renewal import"
        " renew; folder = Path(sys.argv[1]); plan = loading.load(folder / 'study.yaml');"
        " print(renew(folder, plan, sys.argv[2]), 'mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(study), ENDING], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"], done.stderr


def _trial_waits(folder: Path) -> None:
    with Ledger.open(folder) as ledger:
        ledger.append(Planned(phase="search", arm="hinge", index=7, config={}, spec={}, seeds=[0]))


def _moved(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "artifact_uri", lambda _: "file:///elsewhere/artifacts")
        local.settle(folder)


def _of_another_version(folder: Path) -> None:
    arm = next(run for run, one in _runs(folder).items() if one.tags["level"] == "arm")
    local.tag(folder, arm, "result", "as a former version put it")


def _without_database(folder: Path) -> None:
    (folder / "mlflow.db").unlink()


def _without_cursor(folder: Path) -> None:
    (folder / "tracking.json").unlink()


def _an_empty_ledger(folder: Path) -> None:
    for segment in (folder / "ledger").glob("*.jsonl"):
        segment.write_bytes(b"")


def _a_file_in_the_way(folder: Path) -> None:
    place = folder / "artifacts" / str(Cursor.load(folder).parent) / "artifacts" / "report"
    shutil.rmtree(place)
    place.touch()


def _runs(folder: Path) -> dict[str, local.Run]:
    return local.runs(folder, identity(folder))


@pytest.mark.parametrize(
    "change",
    [
        _trial_waits,
        _moved,
        _of_another_version,
        _without_database,
        _without_cursor,
        _an_empty_ledger,
        _a_file_in_the_way,
    ],
)
def test_what_lacks_more_is_left_to_mlflow(study: Path, change: Callable[[Path], None]) -> None:
    change(study)
    _report(study, "wasserstein leads")
    there = sorted(path.relative_to(study) for path in study.rglob("*"))
    assert not renew(study, _plan(study), ENDING)
    assert sorted(path.relative_to(study) for path in study.rglob("*")) == there
    assert all("wasserstein leads" not in page.read_text("utf-8") for page in study.glob("artifacts/*/*/report/*.html"))


def test_so_is_another_ending_or_a_server(study: Path) -> None:
    plan = _plan(study)
    assert not renew(study, plan, "FINISHED")
    values = plan.config.resolved() | {"tracking": {"uri": "http://127.0.0.1:1"}}
    assert not renew(study, loading.build(values), ENDING)
    assert renew(study, plan, ENDING)
