"""Studies of plain users on a server with accounts: what arrives, what stays apart, and what a wrong password does."""

import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.ledger.ledger import identity
from study.tracking import Tracker, sync, trouble, waiting
from study.tracking.cursor import Cursor

pytestmark = pytest.mark.xdist_group("mlflow-team")
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
Write = Callable[..., None]


def secrets_in(folder: Path, password: str) -> list[Path]:
    """The files under `folder` that hold a password, plain or as a request carries it."""
    user = os.environ["MLFLOW_TRACKING_USERNAME"]
    words = (password.encode(), b64encode(f"{user}:{password}".encode()))
    return [path for path in folder.rglob("*") if path.is_file() and any(word in path.read_bytes() for word in words)]


def test_a_plain_users_study_arrives_whole(
    team: Any,
    folder: Path,
    config: StudyConfig,
    write: Write,
    trial: Trial,
    expected: Story,
    picture_file: str,
) -> None:
    write(*[{**entry, "pictures": picture_file} if entry.get("step") == 20 else entry for entry in trial(0)], *trial(1))
    record = {name: os.urandom(5000) for name in ("history.parquet", "trials.parquet")}
    for name, content in record.items():
        (folder / name).write_bytes(content)
    assert sync(folder, config) == 0
    assert trouble(folder) is None
    assert team.tracked(config.study) == expected(folder)
    assert team.runs(config.study) == [
        ("hinge", "FINISHED"),
        (config.study, "FINISHED"),
        ("search-hinge-0000", "FINISHED"),
        ("search-hinge-0001", "FINISHED"),
    ]
    params = team.database.query(f"""
        SELECT runs.name, params.key, params.value FROM params JOIN runs USING (run_uuid)
        JOIN experiments USING (experiment_id)
        WHERE experiments.name = '{config.study}' AND runs.name != '{config.study}'
    """)
    assert sorted(params) == sorted(
        (f"search-hinge-000{index}", *param)
        for index, rate in ((0, "0.001"), (1, "0.002"))
        for param in (("steps", "20"), ("generator_lr", rate), ("objective", "hinge"), ("penalty", "none"))
    )
    parent = Cursor.load(folder).parent
    (logged,) = team.artifacts.glob(f"*/{parent}/artifacts")
    assert {path.name: path.read_bytes() for path in logged.iterdir()} == record
    assert len(list(logged.parent.parent.glob("*/artifacts/images/samples+step+20+*"))) == 2


def test_two_studies_at_once_stay_apart(
    team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story, another: Any
) -> None:
    """Even of one name, and so in one experiment."""
    other = another(*trial(7))
    write(*trial(0))
    followers = [Tracker(place, config, pace=0.01) for place in (folder, other)]
    for follower in followers:
        follower.start()
    write(*trial(1), begin=False)
    followers[0].notify()
    assert [follower.drain(60, "FINISHED") for follower in followers] == [0, 0]
    for follower in followers:
        follower.close()
    assert team.tracked(config.study) == expected(folder) | expected(other)
    trials = team.database.query(f"""
        SELECT tags.value, count(*) FROM tags JOIN tags AS level USING (run_uuid) JOIN runs USING (run_uuid)
        JOIN experiments USING (experiment_id)
        WHERE tags.key = 'ganstudy.study' AND level.key = 'level' AND level.value = 'trial'
        AND experiments.name = '{config.study}' GROUP BY tags.value
    """)
    assert dict(trials) == {identity(folder): 2, identity(other): 1}


def test_a_wrong_password_costs_the_study_nothing_and_is_told_to_nobody(
    team: Any,
    folder: Path,
    config: StudyConfig,
    write: Write,
    expected: Story,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    right, wrong = os.environ["MLFLOW_TRACKING_PASSWORD"], "wrong-" + os.urandom(8).hex()
    caplog.set_level("DEBUG", logger="study")
    write()
    (folder / "study.yaml").write_text("study: ring-study")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", wrong)
    assert sync(folder, config, timeout=1.0) == waiting(folder) == 11
    assert "401" in str(trouble(folder))
    assert secrets_in(folder, wrong) == []
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", right)
    assert sync(folder, config) == waiting(folder) == 0
    assert trouble(folder) is None
    assert team.tracked(config.study) == expected(folder)
    assert len(team.runs(config.study)) == 4
    for place in (folder, team.artifacts):
        assert secrets_in(place, right) == secrets_in(place, wrong) == []
    assert wrong not in caplog.text
    assert right not in caplog.text
    for table in ("params", "tags"):
        values = "".join(value for (value,) in team.database.query(f"SELECT value FROM {table}"))
        assert wrong not in values
        assert right not in values


def test_another_users_experiment_is_read_only_until_they_share_it(
    team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story, another: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write()
    assert sync(folder, config) == 0
    other = another(*trial(7))
    guest = f"guest-{config.study}"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", guest)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", team.account(guest))
    assert sync(other, config, timeout=1.0) == 6
    assert "403" in str(trouble(other))
    assert "Permission denied" in str(trouble(other))
    assert team.tracked(config.study) == expected(folder)
    ((experiment,),) = team.database.query(f"SELECT experiment_id FROM experiments WHERE name = '{config.study}'")
    grant = {"resource_type": "experiment", "resource_id": str(experiment), "permission": "EDIT"}
    team.ask("users/permissions/grant", version="3.0", username=guest, **grant)
    assert sync(other, config) == 0
    assert team.tracked(config.study) == expected(folder) | expected(other)
