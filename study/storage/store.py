"""Where trials keep their files: checkpoints, samples of pictures, and the classifier of the data.

The place is the study folder itself; with `resources.storage`, which every node of a cluster must see, it is a folder
named after the study in there: a path that nodes share, or an object store such as s3://bucket/prefix or
gs://bucket/prefix, whose credentials come from each node's environment, where the vendor's own tools look for them.

A file's name is relative, with slashes. A file is complete or absent, also to a reader during a write. Every method
raises `OSError` where the place does not answer.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from study.atomic_write import SUFFIX, atomic_write, remove_partials

if TYPE_CHECKING:
    from study.config.schema import StudyConfig


class Store(Protocol):
    """Files by name. `place` is what `store_at` makes an equal store of, on any node."""

    place: str

    def write(self, name: str, payload: bytes, former: str | None = None) -> None:
        """Put a file in its place, the one that was there under the name `former`; where that fails it stays."""

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""

    def remove(self, name: str) -> None:
        """Delete a file, and what a writer that died left of it; nothing where there is none."""

    def names(self, folder: str) -> list[str]:
        """The files in a folder and below, sorted."""

    def sweep(self, folder: str) -> None:
        """Delete what writers that died left in a folder and below; while nobody writes there."""


def store_of(config: StudyConfig, folder: Path) -> Store:
    """Where the files of the trials of the study in `folder` are."""
    storage = config.resources.storage
    return store_at(str(folder.resolve()) if storage is None else _inside(storage, config.study))


@cache
def store_at(place: str) -> Store:
    """The store at an absolute path or an address; a process asks where a bucket is once."""
    return ObjectStore(place) if "://" in place else FolderStore(place)


def lies_in(store: Store, folder: Path) -> bool:
    """Whether a store is this very folder, so that its files need not be brought there."""
    return store.place == str(folder.resolve())


class FolderStore:
    """A folder; what was written is on its disk."""

    def __init__(self, place: str) -> None:
        """The folder appears with its first file."""
        self.place, self._root = place, Path(place)

    def write(self, name: str, payload: bytes, former: str | None = None) -> None:
        """See `Store`."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A cluster's nodes share the folder, and its readers are not all the same user.
        atomic_write(path, payload, None if former is None else self._root / former, for_all=True)

    def read(self, name: str) -> bytes | None:
        """See `Store`."""
        path = self._path(name)
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # to read a pipe or a device might not end
                raise OSError(f"{path}: expected a file, got a folder, a pipe or a device")
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def remove(self, name: str) -> None:
        """See `Store`."""
        path = self._path(name)
        path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            remove_partials(path)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        walked = os.walk(self._root / folder, onerror=_told)
        found = (Path(parent, name) for parent, _, names in walked for name in names)
        files = (path for path in found if path.is_file() and not path.name.endswith(SUFFIX))
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def _path(self, name: str) -> Path:
        """Where a file is. A name may come from a ledger that somebody else wrote: it leads nowhere outside."""
        if ".." in name.split("/") or name.startswith("/"):
            raise OSError(f"{name}: expected a name within {self.place}")
        return self._root / name

    def sweep(self, folder: str) -> None:
        """See `Store`."""
        for path in (self._root / folder).rglob(f".*{SUFFIX}"):
            path.unlink(missing_ok=True)


class ObjectStore:
    """An object store, through pyarrow; an object appears once it is complete."""

    def __init__(self, place: str) -> None:
        """Connects with the first request. Raises `ValueError` for an address that pyarrow cannot read."""
        from pyarrow import fs

        self.place = place
        self._files, self._root = fs.FileSystem.from_uri(place)
        self._selector: Any = fs.FileSelector

    def write(self, name: str, payload: bytes, former: str | None = None) -> None:
        """See `Store`."""
        if former is not None and self._files.get_file_info(self._path(name)).is_file:
            self._files.copy_file(self._path(name), self._path(former))
        with self._files.open_output_stream(self._path(name)) as stream:
            stream.write(payload)

    def read(self, name: str) -> bytes | None:
        """See `Store`."""
        try:
            with self._files.open_input_stream(self._path(name)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """See `Store`."""
        with suppress(FileNotFoundError):
            self._files.delete_file(self._path(name))

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        found = self._files.get_file_info(self._selector(self._path(folder), allow_not_found=True, recursive=True))
        return sorted(info.path[len(self._root) :].lstrip("/") for info in found if info.is_file)

    def sweep(self, folder: str) -> None:
        """Nothing to do: what was not written to its end never appears."""

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def _told(error: OSError) -> None:
    """Raise the error of a folder that could not be looked into, unless it is not there."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def _inside(storage: str, name: str) -> str:
    """A folder in a path, or in an address, whose settings (?region=…) stay at its end."""
    if "://" not in storage:
        return str(Path(storage) / name)
    parts = urlsplit(storage)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{name}").geturl()
