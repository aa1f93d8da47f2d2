"""CelebA, 202,599 photographs of faces (Liu et al. 2015), found, checked and downloaded by torchvision's class."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.checks import refused
from trainables.data.image_files import hash_all, read_all
from trainables.data.source import integer, named
from trainables.data.vision import Pictures

FOLDER = "celeba/img_align_celeba"
WIDTH = 178  # pixels; they are 218 high


@dataclass(frozen=True, kw_only=True)
class CelebA(Pictures):
    """The aligned faces as (3, size, size): the central `crop` pixels of each side, resized. The training part is what
    the authors call train, the held-out part what they call test.

    With an `attribute`, one of forty such as Smiling, its absence and presence are the classes 0 and 1; else there are
    none. A download needs the package gdown.

    Attributes:
        size (pixels): the side of a picture.
        crop (pixels): the side of the central square that is taken, from `size` to 178.
        attribute: one of the forty, such as Smiling; null: faces without classes.
    """

    name: ClassVar[str] = "celeba"
    folder: ClassVar[str | None] = FOLDER
    published: ClassVar[tuple[int, int]] = (162_770, 19_962)
    size: int = integer(64, low=4)
    crop: int = integer(WIDTH, low=8)
    attribute: str | None = named("an attribute", None)

    def __post_init__(self) -> None:
        """Refuse also a square that the pictures do not have, or that would have to be enlarged."""
        super().__post_init__()
        if not self.size <= self.crop <= WIDTH:
            raise refused("data.crop", f"{self.size} (data.size) to {WIDTH}, the pictures' width", self.crop)

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.size, self.size)

    @property
    def classes(self) -> int:
        return 0 if self.attribute is None else 2

    def reader(self) -> Any:
        from torchvision.datasets import CelebA as Reader

        return Reader

    def part(self, train: bool) -> dict[str, Any]:
        return {"split": "train" if train else "test"}

    def files(self) -> list[str]:
        """The lists of parts and attributes, and the folder of pictures."""
        lists = [file for file, _ in self.archives() if file.endswith(".txt")]
        return [*lists, FOLDER]

    def archives(self) -> list[tuple[str, str]]:
        return [(f"celeba/{name}", md5) for _, md5, name in self.reader().file_list]

    def images(self, part: Any) -> Tensor:
        """The pictures, read file by file."""
        return read_all("data.root", self._paths(part), self._folder, self.size, 3, self.crop)

    def targets(self, part: Any) -> Tensor | None:
        """Whether each picture has the attribute; raises `ValueError` for one that there is not."""
        if self.attribute is None:
            return None
        names = [name for name in part.attr_names if name]
        if self.attribute not in names:
            raise refused("data.attribute", f"one of {', '.join(names)}", self.attribute)
        attributes: Tensor = part.attr[:, names.index(self.attribute)]
        return attributes.to(torch.int64)

    def fingerprint(self) -> str | None:
        """SHA-256 over the files, and the settings that shape what is read; None where files are missing or damaged."""
        if self.missing():
            return None
        try:
            parts = [hash_all(self._paths(self.opened(train)), self._folder) for train in (True, False)]
        except (RuntimeError, OSError):
            return None  # `load` says what is wrong
        lists = [hash_all([Path(self.root, file) for file in self.files()[:-1]], Path(self.root))]
        shaping = [self.size, self.crop, self.attribute, self.class_weights]
        return hashlib.sha256(json.dumps([shaping, lists, parts]).encode()).hexdigest()

    @property
    def _folder(self) -> Path:
        return Path(self.root, FOLDER)

    def _paths(self, part: Any) -> list[Path]:
        return [self._folder / name for name in part.filename]
