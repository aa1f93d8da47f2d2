"""Whole or absent: kills and errors at every step of a write, links planted beside it, and what kills leave."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from study.atomic_write import PartialFile, atomic_write, remove_partials

ROOT = Path(__file__).parents[2]


def test_the_former_file_is_replaced_or_kept_under_another_name(tmp_path: Path) -> None:
    target, former = tmp_path / "a", tmp_path / "b"
    atomic_write(target, b"one", former)
    assert (target.read_bytes(), former.exists()) == (b"one", False)
    atomic_write(target, b"two", former)
    assert (target.read_bytes(), former.read_bytes()) == (b"two", b"one")
    atomic_write(target, b"three")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_content_is_synced_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(file: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        fsync(file)

    def renamed(self: Path, target: Path) -> Path:
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic_write(tmp_path / "a", b"one")
    assert events == ["file", "rename", "folder"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_former_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    atomic_write(tmp_path / "a", b"one")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        atomic_write(tmp_path / "a", b"two", tmp_path / "b")
    assert ((tmp_path / "a").read_bytes(), os.listdir(tmp_path)) == (b"one", ["a"])


def test_no_link_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one in the file's place, nor one at the partial file's name, could that be guessed."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("study.yaml", "study.yaml.partial", ".study.yaml.partial", ".study.yaml.known.partial"):
        (folder / name).symlink_to(precious)
    atomic_write(folder / "study.yaml", b"theirs")
    assert not (folder / "study.yaml").is_symlink()
    monkeypatch.setattr("secrets.token_hex", lambda _: "known")
    with pytest.raises(FileExistsError):
        atomic_write(folder / "study.yaml", b"again")
    assert precious.read_bytes() == b"mine"
    assert (folder / "study.yaml").read_bytes() == b"theirs"


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    atomic_write(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_writers_do_not_meet_in_one_partial_file(tmp_path: Path) -> None:
    first, second = PartialFile(tmp_path / "a"), PartialFile(tmp_path / "a")
    assert first.path != second.path
    first.discard()
    second.publish()
    second.discard()
    assert os.listdir(tmp_path) == ["a"]


KILLED = """
import os, signal, sys
from pathlib import Path
from study.atomic_write import atomic_write
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
atomic_write(Path(sys.argv[1]), b"two")
"""


def test_what_a_killed_writer_left_can_be_swept(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", b"one")
    atomic_write(tmp_path / "a.b", b"another's")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a")], cwd=ROOT, check=False)
    assert len(os.listdir(tmp_path)) == 3
    assert (tmp_path / "a").read_bytes() == b"one"
    remove_partials(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == ["a", "a.b"]
