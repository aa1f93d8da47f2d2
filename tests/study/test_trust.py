from __future__ import annotations

from pathlib import Path

import pytest

from study.trust import recall, remember


def test_code_is_remembered_by_the_studys_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert recall("a") is None
    assert remember("a", Path("/work"), ["m:x"])
    assert remember("a", Path("/other"), ["m:y"])
    found = recall("a")
    assert found is not None
    assert (found.directory, found.locations) == (Path("/other"), {"m:x", "m:y"})
    assert recall("b") is None


def test_a_relative_state_folder_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert remember("a", Path("/work"), [])
    assert (tmp_path / ".local" / "state" / "ganstudy" / "studies" / "a.json").is_file()


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"directory": 1, "locations": []}'])
def test_a_note_that_cannot_be_read_is_none(note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    remember("a", Path("/work"), [])
    (tmp_path / "ganstudy" / "studies" / "a.json").write_text(note)
    assert recall("a") is None


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ganstudy").write_text("a file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert not remember("a", Path("/work"), [])
