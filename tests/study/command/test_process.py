"""What a command needs of its process, tried in processes of their own."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from study.command import process
from study.config.messages import ConfigError

ROOT = Path(__file__).parents[3]
TINY = str(ROOT / "tests" / "tiny.yaml")


def ganstudy(shell: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A shell's line in `folder`, in which $GANSTUDY is the command."""
    command = f"{sys.executable} -m ganstudy"
    return subprocess.run(
        ["bash", "-c", shell],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GANSTUDY": command, "TINY": TINY, **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )


def test_a_deleted_working_directory_is_said(tmp_path: Path) -> None:
    done = ganstudy('mkdir gone; cd gone; rmdir ../gone; $GANSTUDY check "$TINY"', tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "ganstudy: expected a working directory, got one that was deleted; change to another\n",
    )


def test_a_user_without_a_home_is_told_to_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(ConfigError, match=r"^HOME: expected a folder, got none, and user [0-9]+ has no entry with one"):
        process.prepare()


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_command_works_without_the_streams_that_were_closed(tmp_path: Path, closed: str) -> None:
    for line in ("objective hinge --json", "objective hinge", "docs outcomes", "init mine"):
        done = ganstudy(f"$GANSTUDY {line} {closed}", tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "mine.yaml").is_file()
    assert ganstudy(f"$GANSTUDY status nowhere {closed}", tmp_path).returncode == 2


def test_a_home_that_is_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=r"^HOME: expected a folder, where Ray keeps its token, got the file '.+e'"):
        process.prepare()


def test_python_without_docstrings_is_refused_and_no_window_is_asked_for(tmp_path: Path) -> None:
    environment = {**os.environ, "MPLBACKEND": "nonsense"}
    command = [sys.executable, "-m", "ganstudy", "report", str(tmp_path)]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert "backend" not in found.stderr
    found = subprocess.run(command, env=environment | {"PYTHONOPTIMIZE": "2"}, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (2, "")
    assert "PYTHONOPTIMIZE: expected 0 or 1" in found.stderr


def test_a_reader_that_leaves_ends_a_command_quietly(tmp_path: Path) -> None:
    done = ganstudy('$GANSTUDY objective hinge --json | head -1; echo "${PIPESTATUS[0]}"', tmp_path)
    assert done.stdout.splitlines()[0] == "{"
    assert done.stdout.splitlines()[1] in ("0", "141")  # 0 where all of it fitted into the pipe before
    assert done.stderr == ""
    for line in ("objective hinge --json", "objective hinge"):  # by print, and by rich
        done = ganstudy(f"{{ $GANSTUDY {line}; echo $? >&2; }} | true", tmp_path)
        assert done.stderr == "141\n"


def test_text_that_a_terminal_lacks_is_escaped(tmp_path: Path) -> None:
    done = ganstudy("$GANSTUDY status é", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stderr.startswith("ganstudy: \\xe9: expected a study folder")
    config = tmp_path / "é.yaml"
    config.write_text(Path(TINY).read_text().replace("study: tiny", "study: tiny\nunknown: é"))
    done = ganstudy("$GANSTUDY check é.yaml", tmp_path, PYTHONIOENCODING="ascii")
    assert "Traceback" not in done.stderr


def test_a_loop_of_links_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for line in ('run "$TINY" --out a/x', "status a/x", "check a", "report a"):
        done = ganstudy(f"$GANSTUDY {line}", tmp_path)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "error: " in done.stderr or done.stderr.startswith("ganstudy: a: expected")


def test_sigterm_ends_a_command_as_an_interruption(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from study.command import cli\n"
        "cli.resolve_name = lambda name: lambda options: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(cli.main(['status', '.']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 130, signal.Signals(-done.returncode)
    assert done.stderr == "ganstudy: interrupted\n"


def test_no_garbage_is_sought_while_a_module_is_imported_nor_in_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr(process.gc, "freeze", lambda: frozen.append(gc.isenabled()))
    with process.importing("not_imported_yet"):
        assert not gc.isenabled()
    assert frozen == [False]
    with process.importing("pytest"):
        assert not gc.isenabled()
    assert frozen == [False]
    assert gc.isenabled()


def test_warnings_of_our_own_are_notes_and_others_say_where_they_come_from() -> None:
    ours = str(ROOT / "study" / "execution" / "preparation.py")
    assert process._worded("few points", UserWarning, ours, 7) == "note: few points\n"
    theirs = process._worded("old", DeprecationWarning, "/x/library.py", 7)
    assert theirs.startswith("/x/library.py:7: DeprecationWarning: old")
