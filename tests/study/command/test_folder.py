"""Folders that somebody else made: no link in them is followed, and no place outside is written to or asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study import trust
from study.__main__ import main
from study.config import loading
from study.config.plan import StudyPlan
from study.ledger.entries import Session
from study.ledger.ledger import Ledger, identity
from study.ledger.lock import lock_file

Build = Callable[..., StudyPlan]


@pytest.fixture
def begun(tmp_path: Path, tiny: Build, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes the folder of a study that somebody began with these settings."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def begin(**settings: Any) -> Path:
        plan, folder = tiny(**settings), tmp_path / "theirs"
        with Ledger.open(folder) as ledger:
            ledger.append(Session(time=1.0, config=plan.config.resolved()))
        loading.write(plan.config, folder / loading.STUDY_FILE)
        return folder

    return begin


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "status", "report", "animate", "ui"])
@pytest.mark.parametrize("name", ["ledger/lock", "trials", "trials/search-hinge-0000", "report", "mlflow.db"])
def test_links_that_lead_out_are_named(
    name: str, command: str, begun: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, precious = begun(), tmp_path / "precious"
    precious.write_text("precious")
    link = folder / name
    link.unlink(missing_ok=True)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(precious)
    said = refusal(capsys, command, folder)
    assert f"{link}: expected a file or folder of the study's own, got a link to {precious}" in said
    assert precious.read_text() == "precious"


def test_a_ledger_without_its_configuration_is_not_taken_up_by_another_study(
    begun: Callable[..., Path], tiny: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, configuration = begun(), tmp_path / "other.yaml"
    (folder / loading.STUDY_FILE).unlink()
    loading.write(tiny(study="other").config, configuration)
    before = [path.read_bytes() for path in sorted(folder.glob("ledger/*.jsonl"))]
    said = refusal(capsys, "run", configuration, "--out", folder)
    assert (
        f"--out: expected a new folder or this study's, got {folder}, which holds the ledger of a study and no" in said
    )
    assert [path.read_bytes() for path in sorted(folder.glob("ledger/*.jsonl"))] == before
    assert not (folder / loading.STUDY_FILE).exists()


def test_links_within_the_folder_are_its_own(begun: Callable[..., Path]) -> None:
    folder = begun()
    (folder / "latest").symlink_to("ledger")
    assert main(["status", str(folder)]) == 0


def test_what_a_study_does_not_have_is_not_searched(begun: Callable[..., Path], tmp_path: Path) -> None:
    folder = begun()
    (folder / "notes" / "deep").mkdir(parents=True)
    (folder / "notes" / "deep" / "elsewhere").symlink_to(tmp_path)
    assert main(["status", str(folder)]) == 0


def test_a_lock_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "lock").symlink_to("precious")
    with pytest.raises(OSError, match="symbolic links"):
        lock_file(tmp_path / "lock", 0.0)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_lock_is_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "lock").hardlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="got one with other names too"):
        lock_file(tmp_path / "lock", 0.0)
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"tracking": {"uri": "http://stranger:5000"}}, "(http://stranger:5000)"),
        ({"resources": {"storage": "/home/mine"}}, "(/home/mine)"),
    ],
)
def test_places_of_somebody_else_are_used_when_told_to(
    settings: dict[str, Any],
    shown: str,
    begun: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, asked = begun(**settings), []
    monkeypatch.setattr("study.run.resume_study", lambda *_: asked.append("resume") or 0)
    said = refusal(capsys, "resume", folder)
    assert f"{folder}: expected a study that you began" in said
    assert f"places outside of the folder {shown}" in said
    assert not asked
    assert main(["resume", str(folder), "--trust"]) == 0
    trust.remember(identity(folder), Path("/"), [shown[1:-1]])
    assert main(["resume", str(folder)]) == 0
    assert asked == ["resume", "resume"]


def test_a_report_is_not_sent_to_a_strangers_server(
    begun: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked = begun(tracking={"uri": "http://stranger:5000"}), []
    monkeypatch.setattr("study.command.report.write", lambda *_: folder / "report" / "index.html")
    monkeypatch.setattr("study.command.report.sync", lambda *_: asked.append("report") or 0)
    (folder / "tracking.json").touch()
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().err == (
        "the report stays here: http://stranger:5000 is not a place that you began this study with\n"
    )
    assert not asked
    trust.remember(identity(folder), Path("/"), ["http://stranger:5000"])
    assert main(["report", str(folder)]) == 0
    assert asked == ["report"]


@pytest.mark.parametrize("command", ["resume {}", "run tests/tiny.yaml --set study=theirs --out {}"])
def test_a_study_that_may_only_be_read_is_not_run(
    command: str, begun: Callable[..., Path], only_read: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = only_read(begun())
    said = refusal(capsys, *command.format(folder).split())
    assert said == f"ganstudy: {folder}: expected a study that this user can write, got {folder}, which it cannot\n"


@pytest.mark.parametrize("command", ["status", "resume", "report", "animate", "optuna", "export --csv", "label", "ui"])
@pytest.mark.parametrize("place", [".", "ledger", "ledger/0001.jsonl", "study.yaml"])
def test_a_folder_that_cannot_be_read_is_bad_input(
    place: str,
    command: str,
    begun: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = begun()
    name, *options = command.split()
    monkeypatch.setattr("os.access", lambda path, mode, **how: Path(path) != folder / place)
    said = refusal(capsys, name, folder, *options)
    assert (
        said
        == f"ganstudy: {folder}: expected a folder that this user can read, got {folder / place}, which it cannot\n"
    )


@pytest.mark.parametrize("command", ["animate", "label"])
@pytest.mark.parametrize("place", ["", "search-hinge-0000", "search-hinge-0000/pictures/00000020.npz"])
def test_pictures_that_cannot_be_read_are_not_said_to_be_none(
    place: str,
    command: str,
    begun: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = begun()
    pictures = folder / "trials" / "search-hinge-0000" / "pictures"
    pictures.mkdir(parents=True)
    (pictures / "00000020.npz").touch()
    monkeypatch.setattr("analysis.record.snapshots.picture_files", lambda folder: [])
    monkeypatch.setattr("study.command.animate.picture_files", lambda folder: [])
    monkeypatch.setattr("os.access", lambda path, mode, **how: Path(path) != folder / "trials" / place)
    assert refusal(capsys, command, folder) == (
        f"ganstudy: {folder}: expected a folder that this user can read, got {folder / 'trials' / place}, which it"
        " cannot\n"
    )


@pytest.mark.parametrize("command", ["status", "resume", "report", "optuna", "animate", "sample --out a.npz"])
@pytest.mark.parametrize(
    ("line", "said"), [("telepathy: 1", "telepathy: unknown key"), ("replicas: many", "replicas: ")]
)
def test_settings_that_this_version_does_not_have_are_said_to_be_anothers(
    line: str, said: str, command: str, begun: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path, (name, *options) = begun() / "study.yaml", command.split()
    key = line.partition(":")[0]
    kept = [one for one in path.read_text().splitlines() if not one.startswith(f"{key}:")]
    path.write_text("\n".join([*kept, line, ""]))
    told = refusal(capsys, name, path.parent, *options)
    assert told.startswith(f"ganstudy: {path}: {said}")
    assert told.endswith("; another version of ganstudy wrote it, which can go on with it, or it was edited\n")


@pytest.mark.parametrize("command", ["status", "resume", "report", "report --out copies", "export --csv", "label"])
@pytest.mark.parametrize(
    "name",
    [
        "tracking.json",
        "ledger/lock",
        "trials/search-hinge-0000/measured.json",
        "classifier.pt",
        "data/pictures.safetensors",
        "mlflow.db-journal",  # which sqlite would look for
    ],
)
def test_a_pipe_is_named_and_not_read(
    name: str,
    command: str,
    begun: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, (first, *options) = begun(), command.split()
    monkeypatch.chdir(tmp_path)
    pipe = folder / name
    pipe.parent.mkdir(parents=True, exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    said = refusal(capsys, first, folder, *options)
    assert said.startswith(f"ganstudy: {pipe}: expected a file or folder of the study's own, got a pipe or a device")
    assert not (tmp_path / "copies").exists()
