"""Which commands import the user's own code, of which folders, and from where."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from study import trust
from study.__main__ import main
from study.command.report import _objectives
from study.config import loading
from study.ledger.ledger import identity
from trainables import own_code

LOSS = """
from pathlib import Path
from trainables.objectives.table import Objective
Path(__file__).with_suffix(".imported").touch()
row = Objective("cubic", lambda d: d - d**3 / 3, lambda d: -d, "saturating", "", "a test")
"""
Begin = Callable[..., Path]


@pytest.fixture(autouse=True)
def nothing_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process of its own as far as own code goes: nothing is allowed yet, no module known, an empty state folder."""
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(own_code, "_named", set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("their_loss", None)


@pytest.fixture
def imported(tmp_path: Path) -> Callable[[], bool]:
    """Writes `their_loss` into the working directory; tells whether it was imported, and begins as a new process."""
    (tmp_path / "their_loss.py").write_text(LOSS)

    def was() -> bool:
        mark = tmp_path / "their_loss.imported"
        found = mark.exists()
        mark.unlink(missing_ok=True)
        sys.modules.pop("their_loss", None)
        own_code._now = None
        return found

    return was


def settings(tmp_path: Path, **changes: Any) -> Path:
    values = {
        "study": "own",
        "data": "ring",
        "budget": {"steps": 4, "evaluations": 2, "batch_size": 8},
        "scientific": {"objective": ["their_loss:row"]},
        **changes,
    }
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture
def theirs(begun: Begin, tmp_path: Path) -> Path:
    """A study folder that another user made and that names a module."""
    return begun(tmp_path / "theirs", scientific={"objective": ["their_loss:row", "hinge"]})


def test_reading_a_folder_imports_nothing(
    begun: Begin, tmp_path: Path, imported: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = {role: {"module": f"their_loss:{role}"} for role in ("generator", "critic")}
    theirs = begun(tmp_path / "theirs", scientific={"objective": ["their_loss:row", "hinge"]}, fixed=networks)
    monkeypatch.setattr("study.tracking.serve", lambda *_, **__: None)
    for command in ("status", "report", "label", "ui"):
        main([command, str(theirs)])
        assert not imported()
    assert "their_loss" not in sys.modules
    assert [one["name"] for one in _objectives([loading.load(theirs / "study.yaml")])] == ["hinge"]


def test_a_pairing_is_explained_as_what_it_is(begun: Begin, tmp_path: Path) -> None:
    folder = begun(tmp_path, scientific={"objective": ["hinge"], "pairing": ["independent", "relativistic"]})
    alone, paired = _objectives([loading.load(folder / "study.yaml")])
    assert "pairing" not in alone
    assert (paired["name"], paired["pairing"]) == ("hinge", "relativistic")


def test_a_pair_that_is_searched_or_that_no_arm_has_is_not_explained(begun: Begin, tmp_path: Path) -> None:
    searched = {"name": "alpha", "alpha": {"uniform": [0.2, 0.6]}}
    scientific = [{"objective": ["hinge", searched]}, {"model": ["matching"]}]
    plan = loading.load(begun(tmp_path, scientific=scientific) / "study.yaml")
    assert [one["name"] for one in _objectives([plan])] == ["hinge"]


@pytest.mark.parametrize("command", ["check", "run", "resume"])
def test_anothers_folder_wants_trust(
    command: str, theirs: Path, imported: Callable[[], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    given = str(theirs if command == "resume" else theirs / "study.yaml")
    assert main([command, given]) == 2
    assert "expected a study that you began, as its configuration names code to import (their_loss:row)" in (
        capsys.readouterr().err
    )
    assert not imported()


def test_check_imports_from_the_working_directory_once_all_else_is_right(
    tmp_path: Path, imported: Callable[[], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(settings(tmp_path, replicas=0))]) == 2
    assert main(["check", str(settings(tmp_path, resources={"cpu": 4096}))]) == 2
    assert not imported()
    assert main(["check", str(settings(tmp_path))]) == 0
    assert imported()
    capsys.readouterr()
    assert main(["check", str(settings(tmp_path, scientific={"objective": ["their_loss:rwo"]}))]) == 2
    message = f"scientific.objective: nothing at 'their_loss:rwo', in {tmp_path}/their_loss.py; did you mean 'row'?"
    assert message in capsys.readouterr().err


def test_a_study_that_the_user_began_is_trusted_with_the_same_code_alone(
    theirs: Path, tmp_path: Path, imported: Callable[[], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert trust.remember(identity(theirs), tmp_path, ["their_loss:row"])
    assert main(["check", str(theirs / "study.yaml")]) == 0
    assert imported()
    text = (theirs / "study.yaml").read_text()
    (theirs / "study.yaml").write_text(text.replace("their_loss:row", "their_loss:wor"))
    assert main(["check", str(theirs / "study.yaml")]) == 2
    assert "names code to import (their_loss:wor)" in capsys.readouterr().err
    assert not imported()


def test_own_code_comes_from_where_it_was_when_the_study_began(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "their_loss.py").write_text(LOSS)
    monkeypatch.chdir(theirs)
    assert trust.remember(identity(theirs), home, ["their_loss:row"])
    assert main(["check", str(theirs / "study.yaml")]) == 0
    assert own_code.directory() == home
    assert trust.remember(identity(theirs), tmp_path / "gone", [])
    sys.modules.pop("their_loss")
    assert main(["check", str(theirs / "study.yaml")]) == 0
    assert f"imported from the working directory, as {tmp_path / 'gone'} is gone" in capsys.readouterr().err


def test_trust_can_be_given(theirs: Path, imported: Callable[[], bool]) -> None:
    assert main(["check", str(theirs / "study.yaml"), "--trust"]) == 0
    assert imported()


def test_only_what_the_configuration_names_is_imported(
    theirs: Path, tmp_path: Path, imported: Callable[[], bool]
) -> None:
    """Their folder is looked at while the user's own code is allowed, as `run --out` does to compare the two."""
    assert main(["check", str(settings(tmp_path, scientific={"objective": ["my_loss:row"]}))]) == 2
    assert loading.load(theirs / "study.yaml").config.scientific["objective"] == ("their_loss:row", "hinge")
    assert not imported()
