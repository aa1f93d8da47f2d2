"""One process runs a study: the lock on its folder.

`FOLDER/ledger/lock` is held by flock(2), which the kernel frees whenever the holder dies, however it dies, so no stale
lock ever needs removing; its text names the holder for the message of a refusal. Children that a holder started do not
inherit the lock, as Python's descriptors are closed on exec.

On shared storage flock must be honoured between hosts: NFSv4, or NFSv3 with lockd (a server may keep a dead host's lock
for a lease, about 90 s). A mount with `nolock` or `local_lock=flock`, like most object-store mounts, sees one host
only: there the lock cannot keep two hosts out of one folder. A file system that refuses to lock is refused.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

from analysis.text_files import OF_OTHERS, read
from study.config.messages import ConfigError

PATIENCE = 0.2  # seconds; longer than `holder` keeps its shared lock


class LockOwner(NamedTuple):
    """Who writes a ledger: its host, process id, and since when (unix seconds)."""

    host: str
    pid: int
    since: float


class StudyBusy(RuntimeError):  # noqa: N818 (a state of the folder, which may pass)
    """Another process runs the study in this folder; `holder` is None if unknown."""

    def __init__(self, folder: Path | str, holder: LockOwner | None) -> None:
        self.folder, self.holder = folder, holder
        who = "another process"
        if holder:
            who = f"process {holder.pid} on {holder.host}, since {time.ctime(holder.since)}"
        super().__init__(f"{folder}: a study is being run in this folder by {who}; wait for it or give another --out")


def hold(folder: Path) -> int:
    """Take the study in `folder`, whose `ledger` folder exists; the lock's descriptor, for `release`.

    Raises:
        StudyBusy: another process, or this one, holds it.
        OSError: the file system cannot lock, or has no room for the holder's name.
    """
    path = folder / "ledger" / "lock"
    try:
        lock = lock_file(path, PATIENCE)
    except BlockingIOError:
        raise StudyBusy(folder, _read_holder(path)) from None
    name = json.dumps(LockOwner(socket.gethostname(), os.getpid(), time.time())._asdict())
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, name.encode(), 0)
    except OSError:
        os.close(lock)
        raise
    return lock


def release(lock: int) -> None:
    """Release the lock."""
    os.ftruncate(lock, 0)
    os.close(lock)


def holder(folder: str | Path) -> LockOwner | None:
    """Who runs the study in `folder` now; None when nobody does. Raises `ConfigError` where this user may not ask."""
    path = Path(folder) / "ledger" / "lock"
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise ConfigError(f"{path}: {OF_OTHERS}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(path) or LockOwner("unknown", 0, 0.0)
    finally:
        os.close(file)
    return None


def lock_file(path: Path, patience: float) -> int:
    """An exclusive flock on a file, as its open descriptor; BlockingIOError after `patience` seconds held elsewhere.

    OSError where there is a link, which is not followed, or a file that has other names too, as it would be emptied
    under all of them.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    if os.fstat(file).st_nlink > 1:
        os.close(file)
        raise OSError(errno.EMLINK, "expected a file of the study's own, got one with other names too", str(path))
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(file)
                raise
            time.sleep(0.02)
        except OSError as error:
            os.close(file)
            code = errno.errorcode.get(error.errno or 0)
            reason = f"its file system cannot lock files ({code}); use a local disk or NFSv4"
            raise OSError(error.errno, reason, str(path)) from error
        else:
            return file


def _read_holder(path: Path) -> LockOwner | None:
    try:
        return LockOwner(**json.loads(read(path, "a JSON file")))
    except (OSError, ValueError, TypeError):
        return None
