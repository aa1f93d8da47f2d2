"""Arrays in numpy's files, .npy and .npz: their shapes without reading them, and their content, never unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from trainables import checks

BROKEN = (EOFError, KeyError, MemoryError, OSError, ValueError, zipfile.BadZipFile, zlib.error)


def header(path: Path, name: str | None) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an array: of an .npz file that under `name`, of an .npy file its only one, `name` None.

    Raises:
        ValueError: there is no such array, the file is damaged, or it holds Python objects.
    """
    with _opened(path, name) as file:
        return _head(file)


def require_room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise `ValueError` for an array larger than half of the memory, as a compressed file of a few megabytes may hold
    one: to convert it or to take a part of it needs as much again."""
    size, room = math.prod(shape) * dtype.itemsize, checks.memory()
    if 2 * size > room:
        raise ValueError(f"one of {size / 1e9:,.1f} GB, more than half of this machine's memory of {room / 1e9:.1f} GB")


def content(path: Path, name: str | None) -> NDArray[Any]:
    """The array itself; raises as `header` and `require_room` do."""
    with _opened(path, name) as file:
        require_room(*_head(file))
        file.seek(0)
        found: NDArray[Any] = npy.read_array(file, allow_pickle=False)
        return found


def _head(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("an array of Python objects, which is never read, as unpickling runs code")
    return shape, dtype


@contextmanager
def _opened(path: Path, name: str | None) -> Iterator[IO[bytes]]:
    try:
        if not zipfile.is_zipfile(path):
            if name is not None:
                raise ValueError(f"an .npy file, whose only array has no name, and not '{name}' in an .npz file")
            with path.open("rb") as file:
                yield file
            return
        with zipfile.ZipFile(path) as archive:
            names = sorted(one.removesuffix(".npy") for one in archive.namelist() if one.endswith(".npy"))
            if name not in names:
                raise ValueError(f"an .npz file with the arrays {', '.join(names) or 'of nothing'}")
            with archive.open(f"{name}.npy") as file:
                yield file
    except BROKEN as error:
        raise ValueError(str(error) or "a damaged file") from error
