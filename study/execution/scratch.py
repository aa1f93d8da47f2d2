"""A temporary folder for what Tune wants to write and nobody reads."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX, LOCK = "ganstudy-", "lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder, gone afterwards; those that killed processes left behind go, too.

    Whoever uses one holds a lock in it, which the system lets go of when the process ends, however it ends.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _remove_left(folder)
            yield folder


def _remove_left(mine: Path) -> None:
    for folder in mine.parent.glob(f"{PREFIX}*"):
        try:
            if folder == mine or folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use, or without a lock: not one of these
            continue
