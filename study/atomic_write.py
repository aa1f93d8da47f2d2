"""Atomic, durable writing of files: after a crash a file is complete or absent.

Content goes to a partial file beside its target, is synced, and takes the target's place by a rename, which POSIX
makes atomic. A partial file has a random name and is created exclusively, so that no two writers share it and no
symbolic link can be planted in its place. A killed writer leaves its partial file behind; `remove_partials` deletes it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

SUFFIX = ".partial"


class PartialFile:
    """A new, empty file at `path`, in the folder of `target`, that is to become `target`."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.{secrets.token_hex(6)}{SUFFIX}")
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))

    def sync(self) -> None:
        """Make the content durable, which must come before `publish`: a rename may reach the disk earlier."""
        _sync(self.path)

    def publish(self) -> None:
        """Take the target's place; durable once the folder is synced."""
        self.path.replace(self.target)

    def discard(self) -> None:
        """Delete the file unless it was published."""
        self.path.unlink(missing_ok=True)


def atomic_write(target: Path, payload: bytes, former: Path | None = None, for_all: bool = False) -> None:
    """Write a file durably; the one that was there stays under the name `former`, if that is given.

    `for_all` lets every user read it, whatever the process's umask.

    Raises `OSError`, with the former file in its place and nothing beside it.
    """
    partial = PartialFile(target)
    try:
        partial.path.write_bytes(payload)
        if for_all:
            partial.path.chmod(0o644)
        partial.sync()
        if former is not None:
            with suppress(FileNotFoundError):
                target.replace(former)
        partial.publish()
    except BaseException:
        partial.discard()
        raise
    sync_folder(target.parent)


def remove_partials(target: Path) -> None:
    """Delete what killed writers left beside a target; to be called where nobody else can be writing it."""
    for path in target.parent.iterdir():
        if path.name.startswith(f".{target.name}.") and path.name.endswith(SUFFIX):
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
