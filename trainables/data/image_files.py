"""Picture files: found in folders, looked at, and read as square bytes.

A picture is cropped to its central square and resized by Pillow's bicubic filter, which averages where it shrinks
(antialiasing; Parmar, Zhang & Zhu 2022 show what other resizing does to FID). A photograph is turned upright first, as
its Exif tag says. What would lose something on the way is not read but refused, all such files of a folder at once.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image  # imported where files are read: training on other data does without

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
MODES = {1: "L", 3: "RGB"}
READABLE = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # modes of eight bits a channel or fewer
NAMED = 3  # files of each kind that a message names
Looked = TypeVar("Looked")


class UnusableError(ValueError):
    """A picture file that cannot be used; the message is its kind."""


def pictures_in(folder: Path) -> list[Path]:
    """The picture files in a folder and below, sorted by their paths; hidden ones are left out.

    Links to folders elsewhere are followed, each folder once; of those to folders that lie in this one the pictures
    are there already.
    """
    found, root, elsewhere = [], folder.resolve(), set[Path]()
    for place, folders, files in os.walk(folder, followlinks=True):
        own, kept = Path(place).resolve().is_relative_to(root), []
        for name in sorted(name for name in folders if not name.startswith(".")):
            path = Path(place, name)
            real = path.resolve()
            if not (own and not path.is_symlink()):
                if real.is_relative_to(root) or real in elsewhere:
                    continue
                elsewhere.add(real)
            kept.append(name)
        folders[:] = kept
        found += [Path(place, name) for name in files if not name.startswith(".") and _suffix(name) in FORMATS]
    return sorted(found)


def class_folders(folder: Path) -> list[str]:
    """The names of a folder's subfolders, sorted: the classes in torchvision's ImageFolder layout."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def look(path: Path, size: int) -> None:
    """Read a picture's head; raises `UnusableError` for what no whole picture of `size` pixels can come from."""
    with _opened(path) as image:
        _refuse(image, size)


def read(path: Path, size: int, channels: int, crop: int | None = None) -> Tensor:
    """A picture as uint8 (channels, size, size), of the central `crop` pixels of each side or its central square.

    Raises `UnusableError`.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        _refuse(image, crop or size)
        try:
            upright = ImageOps.exif_transpose(image)
            upright = upright.convert("RGBA") if upright.has_transparency_data else upright
            upright.load()
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for truncated and broken files
            raise UnusableError("damaged") from error
    if upright.mode == "RGBA" and upright.getchannel("A").getextrema() != (255, 255):
        raise UnusableError("transparent")
    if crop is not None:
        left, top = (upright.width - crop) // 2, (upright.height - crop) // 2
        upright = upright.crop((left, top, left + crop, top + crop))
    square = ImageOps.fit(upright.convert(MODES[channels]), (size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).view(size, size, channels).permute(2, 0, 1)


def look_at_all(key: str, paths: Sequence[Path], folder: Path, size: int) -> None:
    """`look` at every file.

    Raises:
        ValueError: some cannot be used; they are counted by kind and named, below the `folder` of the setting `key`.
    """
    _judged(key, paths, folder, "looking at pictures", lambda path: look(path, size))


def read_all(
    key: str, paths: Sequence[Path], folder: Path, size: int, channels: int, crop: int | None = None
) -> Tensor:
    """All pictures as uint8 (n, channels, size, size); raises `ValueError` as `look_at_all` does."""
    pictures = torch.empty(len(paths), channels, size, size, dtype=torch.uint8)
    places = {path: place for place, path in enumerate(paths)}

    def keep(path: Path) -> None:
        pictures[places[path]] = read(path, size, channels, crop)

    _judged(key, paths, folder, "reading pictures", keep)
    return pictures


def hash_all(paths: Sequence[Path], folder: Path) -> str:
    """SHA-256 over the names below `folder` and the bytes of all files, in their order."""
    whole = hashlib.sha256()
    for path, digest in zip(paths, _side_by_side(paths, "comparing pictures", _hash), strict=True):
        whole.update(f"{path.relative_to(folder).as_posix()}\0{digest}\n".encode())
    return whole.hexdigest()


def _judged(key: str, paths: Sequence[Path], folder: Path, doing: str, use: Callable[[Path], None]) -> None:
    def kind(path: Path) -> str | None:
        try:
            use(path)
        except UnusableError as error:
            return str(error)
        return None

    unusable = defaultdict(list)
    for path, found in zip(paths, _side_by_side(paths, doing, kind), strict=True):
        if found is not None:
            unusable[found].append(path.relative_to(folder).as_posix())
    if unusable:
        kinds = "; ".join(f"{len(names)} {kind}: {_few(names)}" for kind, names in unusable.items())
        count = sum(map(len, unusable.values()))
        raise ValueError(f"{key}: {count:,} of {len(paths):,} pictures in {folder} cannot be used ({kinds})")


def _side_by_side(paths: Sequence[Path], doing: str, use: Callable[[Path], Looked]) -> Iterator[Looked]:
    """What `use` returns for each file, in order, by threads; on a terminal with a progress bar.

    Pillow and hashlib compute without holding Python's lock.
    """
    from tqdm import tqdm

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        yield from tqdm(threads.map(use, paths), doing, len(paths), leave=False, unit="", disable=None)


def _opened(path: Path) -> Image.Image:
    from PIL import Image

    if path.exists() and not path.is_file():  # to read it might not end
        raise UnusableError("pipe or device")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(path, formats=sorted(set(FORMATS.values())))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise UnusableError("too large") from error
        except (OSError, SyntaxError, ValueError) as error:
            raise UnusableError("damaged") from error


def _refuse(image: Image.Image, size: int) -> None:
    if image.mode == "CMYK":
        raise UnusableError("CMYK")
    # Pillow reads colours of 16 bits as eight without a word; how a file stores them is told by its tile alone.
    if image.mode not in READABLE or any(";16" in str(tile.args) for tile in getattr(image, "tile", ())):
        raise UnusableError("of more than 8 bits a channel")
    if getattr(image, "is_animated", False):
        raise UnusableError("animated")
    if min(image.size) < size:
        raise UnusableError(f"smaller than {size} x {size}")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _on_a_line(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _few(names: Sequence[str]) -> str:
    return ", ".join(_on_a_line(name) for name in names[:NAMED]) + (
        f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    )
