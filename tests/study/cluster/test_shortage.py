"""What a machine is short of: seen where it is, and asked for where nothing is seen."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray._common.utils import get_default_ray_temp_dir

from study.cluster import shortage
from study.cluster.shortage import place, shortages

LATE = "The current node timed out during startup."


@pytest.fixture(autouse=True)
def plenty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet machine that has enough of all; Ray's folders are in `tmp_path`."""
    for name, value in {"RAY_TMPDIR": tmp_path, "HOME": tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 0.5, 0.5))
    monkeypatch.setattr(shortage, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))


def test_where_nothing_is_short_it_is_asked(tmp_path: Path) -> None:
    assert shortages(LATE) == f"is the machine out of memory, of room in {tmp_path}, or of processes?"


def test_what_is_short_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (21.6, 5.0, 1.0))
    (tmp_path / "meminfo").write_text(
        "MemTotal:       16000000 kB\nMemFree:         9 kB\nMemAvailable:     200000 kB\n"
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert shortages(LATE).split("; ") == [
        f"{tmp_path} has 0.0 MB free: make room there, or set RAY_TMPDIR to a folder on another disk",
        "the machine has 0.2 GB of memory free: end what takes it",
        "the machine is busy (a load of 22 on 2 processors): try again when it is less so",
    ]


def test_a_busy_machine_is_no_reason_where_nothing_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (1e3, 1e3, 1e3))
    assert "a load of 1000" in shortages("Timed out waiting for file gcs_server_port")
    assert "a load of" not in shortages("[Errno 30] Read-only file system")


def test_folders_that_cannot_be_written_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_TMPDIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name / "made" / "by" / "Ray"))
    assert shortages(LATE).startswith("is the machine out of memory")
    monkeypatch.setattr(os, "access", lambda *_: False)
    room = f"{tmp_path} cannot be written: set RAY_TMPDIR to a folder on another disk"
    home = f"{Path.home()}/.ray cannot be written, where Ray keeps its token: set HOME to a folder that can be"
    assert shortages(LATE) == f"{room}; {home}"
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert shortages(LATE) == room


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user whom the system does not know
    assert shortages(LATE) == "there is no home, where Ray keeps its token: set HOME to a folder that can be written"


def test_the_folder_is_the_one_that_ray_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for variables in ({"RAY_TMPDIR": "/a", "TMPDIR": "/b"}, {"TMPDIR": "/b"}, {}):
        for name in ("RAY_TMPDIR", "TMPDIR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert str(place()) == get_default_ray_temp_dir()
