"""MLflow holds copies: from a study's folder a new server, an emptied one and one restored from a backup are filled."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.tracking import sync, trouble
from study.tracking.cursor import NAME, Cursor

pytestmark = [pytest.mark.xdist_group("mlflow-team"), pytest.mark.slow]
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
Write = Callable[..., None]


@pytest.fixture
def story(trial: Trial, picture_file: str) -> list[dict[str, Any]]:
    """Three trials, the second failed, each with a picture."""
    stories = [*trial(0), *trial(1, status="failed"), *trial(2)]
    return [{**entry, "pictures": picture_file} if entry.get("step") == 20 else entry for entry in stories]


def forget(team: Any, study: str) -> None:
    """Remove an experiment from the server for good, as if its database had been lost."""
    ((experiment,),) = team.database.query(f"SELECT experiment_id FROM experiments WHERE name = '{study}'")
    runs = f"SELECT run_uuid FROM runs WHERE experiment_id = {experiment}"
    for table in ("metrics", "latest_metrics", "params", "tags"):
        team.database.query(f"DELETE FROM {table} WHERE run_uuid IN ({runs})")
    for table in ("runs", "experiment_tags", "experiments"):
        team.database.query(f"DELETE FROM {table} WHERE experiment_id = {experiment}")
    shutil.rmtree(team.artifacts / str(experiment))


def check(team: Any, folder: Path, config: StudyConfig, expected: Story) -> None:
    assert trouble(folder) is None
    assert team.tracked(config.study) == expected(folder)
    assert team.runs(config.study) == [
        ("hinge", "FINISHED"),
        (config.study, "FINISHED"),
        ("search-hinge-0000", "FINISHED"),
        ("search-hinge-0001", "FAILED"),
        ("search-hinge-0002", "FINISHED"),
    ]
    (logged,) = team.artifacts.glob(f"*/{Cursor.load(folder).parent}/artifacts/history.parquet")
    assert logged.read_bytes() == (folder / "history.parquet").read_bytes()
    assert len(list(logged.parents[2].glob("*/artifacts/images/samples+step+20+*"))) == 6


def test_a_server_that_lost_the_study_gets_it_again(
    team: Any, folder: Path, config: StudyConfig, write: Write, story: list[dict[str, Any]], expected: Story
) -> None:
    write(*story)
    (folder / "history.parquet").write_bytes(b"the record")
    assert sync(folder, config) == 0
    before = Cursor.load(folder).parent
    forget(team, config.study)
    assert team.tracked(config.study) == {}
    assert (sync(folder, config), trouble(folder)) == (0, None)
    assert Cursor.load(folder).parent != before
    check(team, folder, config, expected)


def test_a_run_that_vanishes_under_a_study_holds_the_others_up_no_longer_than_it_takes_to_see_it(
    team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story
) -> None:
    """A server with accounts denies a run that is not there; what it cannot take is counted, the rest arrives."""
    write(*trial(0)[:2])
    assert sync(folder, config) == 0
    vanished = Cursor.load(folder).runs["search-hinge-0000"].run_id
    for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
        team.database.query(f"DELETE FROM {table} WHERE run_uuid = '{vanished}'")
    write(*trial(0)[2:], *trial(1), begin=False)
    assert sync(folder, config) == 0
    assert trouble(folder) == "MLflow refused 2 ledger entries"
    rows = expected(folder)
    assert team.tracked(config.study) == {"search-hinge-0001": rows["search-hinge-0001"]}
    (folder / NAME).unlink()
    assert sync(folder, config) == 0
    assert trouble(folder) is None
    assert team.tracked(config.study) == rows


def test_a_server_restored_from_an_old_backup_gets_what_it_lacks(
    team: Any, folder: Path, config: StudyConfig, write: Write, story: list[dict[str, Any]], expected: Story
) -> None:
    """It has the study and the first trial, less its last rows. Without `tracking.json` everything is compared."""
    write(*story)
    (folder / "history.parquet").write_bytes(b"the record")
    assert sync(folder, config) == 0
    lost = [
        run
        for (run,) in team.database.query(f"""
        SELECT run_uuid FROM runs JOIN experiments USING (experiment_id)
        WHERE experiments.name = '{config.study}' AND runs.name IN ('search-hinge-0001', 'search-hinge-0002')
    """)
    ]
    for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
        team.database.query(f"DELETE FROM {table} WHERE run_uuid IN ('{lost[0]}', '{lost[1]}')")
    for run in lost:
        (artifacts,) = team.artifacts.glob(f"*/{run}")
        shutil.rmtree(artifacts)
    team.database.query(f"""
        DELETE FROM metrics WHERE step = 20 AND run_uuid IN
        (SELECT run_uuid FROM runs JOIN experiments USING (experiment_id) WHERE experiments.name = '{config.study}')
    """)
    (folder / NAME).unlink()
    assert sync(folder, config) == 0
    check(team, folder, config, expected)


def test_a_study_moves_from_its_folder_to_the_teams_server(
    team: Any, folder: Path, config: StudyConfig, write: Write, story: list[dict[str, Any]], expected: Story,
    tracked: Story,
) -> None:  # fmt: skip
    write(*story)
    (folder / "history.parquet").write_bytes(b"the record")
    alone = config.model_copy(update={"tracking": config.tracking.model_copy(update={"uri": None})})
    assert sync(folder, alone) == 0
    assert sync(folder, config) == 0
    check(team, folder, config, expected)
    assert tracked(folder) == expected(folder)
