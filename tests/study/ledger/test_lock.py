import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from study.config.messages import ConfigError
from study.ledger.entries import Floor
from study.ledger.ledger import Ledger
from study.ledger.lock import LockOwner, StudyBusy, holder, lock_file

ROOT = Path(__file__).parents[3]


def test_nobody_holds_what_is_not_there(tmp_path):
    assert holder(tmp_path) is None


def test_a_lock_that_this_user_cannot_read_is_named(tmp_path, monkeypatch):
    Ledger.open(tmp_path).close()

    def refused(path, flags):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(
        ConfigError, match=r"ledger/lock: expected a file that this user can read, got one that it cann"
    ):
        holder(tmp_path)


def test_a_study_being_run_names_who_runs_it(tmp_path):
    with Ledger.open(tmp_path) as book:
        held = holder(tmp_path)
        assert held is not None
        assert held.pid == os.getpid()
        with pytest.raises(StudyBusy, match=rf"{tmp_path}: .* by process {os.getpid()} on {held.host}, since") as busy:
            Ledger.open(tmp_path)
        assert busy.value.holder == held
        assert book.append(Floor(values={})).segment == 1
    assert holder(tmp_path) is None
    Ledger.open(tmp_path).close()


def test_a_holder_that_left_no_name_is_still_a_holder(tmp_path):
    Ledger.open(tmp_path).close()
    lock = lock_file(tmp_path / "ledger/lock", 0)
    with pytest.raises(StudyBusy, match="by another process"):
        Ledger.open(tmp_path)
    assert holder(tmp_path) == LockOwner("unknown", 0, 0.0)
    os.truncate(tmp_path / "ledger/lock", 2**40)
    assert holder(tmp_path) == LockOwner("unknown", 0, 0.0)
    os.close(lock)


def test_a_file_system_that_cannot_lock_is_refused(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=r"file system cannot lock files \(ENOLCK\).*ledger/lock"):
        Ledger.open(tmp_path)


HOLD = """
import subprocess, sys
from study.ledger.ledger import Ledger
book = Ledger.open(sys.argv[1])
lingering = subprocess.Popen(["sleep", "5"], close_fds=False)
print(lingering.pid, flush=True)
lingering.wait()
"""


def test_a_killed_holder_frees_the_study_though_its_children_linger(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lingering = int(process.stdout.readline())
    with pytest.raises(StudyBusy, match=f"process {process.pid} on"):
        Ledger.open(tmp_path)
    process.kill()
    process.wait()
    with Ledger.open(tmp_path) as book:
        book.append(Floor(values={}))
    os.kill(lingering, signal.SIGKILL)
