"""A researcher's own pictures: PNG, JPEG and WebP files in a folder, or in a folder for each class."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.checks import refused
from trainables.data.dataset import DataSet
from trainables.data.heldout import split
from trainables.data.image_files import class_folders, hash_all, look_at_all, pictures_in, read_all
from trainables.data.imbalance import Labelled
from trainables.data.source import Source, integer, one_of, path, share_or_path

FOLDERS, NONE = "folders", "none"


class _Found(NamedTuple):
    """The pictures of one part: the setting that names the folder, its files, their classes (n,) if they have any."""

    key: str
    folder: Path
    files: list[Path]
    labels: Tensor | None


@dataclass(frozen=True, kw_only=True)
class Images(Labelled):
    """Your own pictures: each cropped to its central square and resized to (channels, size, size), as bytes.

    With `labels: folders` the folders in `root` are the classes, in the order of their names (torchvision's ImageFolder
    layout), and every picture lies in one of them. Held out is a share of the pictures (of each class), drawn with
    `seed`, or all of another folder of the same layout. `classes` 0 is counted, and kept with the other settings, so
    that they describe the data also where the files are not.

    Attributes:
        root: the folder of PNG, JPEG and WebP files, or with a folder for each class.
        size (pixels): the side of a picture.
        channels: 3 for colour, 1 for grey.
        labels: whether folders are classes.
        heldout: a share of the pictures, or another such folder, that is not trained on.
        seed: fixes which pictures are held out.
        classes: how many there are; 0: counted.

    Raises:
        FileNotFoundError: there is no folder in which to count the classes.
    """

    name: ClassVar[str] = "images"
    of_files: ClassVar[bool] = True
    labelled_by: ClassVar[str | None] = "`data.labels: folders`"
    root: str = path()
    size: int = integer(32, low=4)
    channels: int = one_of(3, 1)
    labels: str = one_of(NONE, FOLDERS)
    heldout: float | str = share_or_path(0.1)
    seed: int = integer(0, low=0)
    classes: int = integer(0, low=0)

    def __post_init__(self) -> None:
        """Count the classes where they are not given."""
        Source.__post_init__(self)  # what is found in files comes before the weights of classes
        if self.labels == NONE and self.classes:
            raise refused("data.classes", "0 with `labels: none`", self.classes)
        if self.labels == FOLDERS and not self.classes:
            if message := self.absent():
                raise FileNotFoundError(message)
            object.__setattr__(self, "classes", len(class_folders(Path(self.root))))
        self.check_weights()

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.size, self.size)

    @property
    def origin(self) -> str:
        return self.root

    def absent(self) -> str | None:
        """A message that names a folder which is not there."""
        for key, folder in self._folders().items():
            if not folder.is_dir():
                return f"data.{key}: expected a folder of pictures, found none at {folder}"
        return None

    def check_files(self) -> None:
        """Refuse also a layout that does not fit, and pictures whose heads say that they cannot be used."""
        super().check_files()
        for found in self._parts():
            look_at_all(found.key, found.files, found.folder, self.size)

    def found(self) -> tuple[int, int]:
        first, *other = self._parts()
        if other:
            return self.left((len(first.files), len(other[0].files)), first.labels, other[0].labels)
        assert isinstance(self.heldout, float)
        return self.left_by(split(len(first.files), first.labels, self.heldout, self.seed), first.labels)

    def fingerprint(self) -> str:
        """SHA-256 over the bytes and names of all files, and the settings that shape what is read from them."""
        shaping = {name: value for name, value in self.settings().items() if name not in ("root", "heldout")}
        share = None if isinstance(self.heldout, str) else self.heldout
        parts = [hash_all(found.files, found.folder) for found in self._parts()]
        return hashlib.sha256(json.dumps([shaping, share, parts], sort_keys=True).encode()).hexdigest()

    def load(self) -> DataSet:
        """Read all pictures.

        Raises:
            FileNotFoundError: a folder is missing.
            ValueError: the layout does not fit, or pictures cannot be used; all of these are counted by kind.
        """
        if message := self.absent():
            raise FileNotFoundError(message)
        first, *other = self._parts()
        pictures = read_all(first.key, first.files, first.folder, self.size, self.channels)
        if other:
            heldout = read_all(other[0].key, other[0].files, other[0].folder, self.size, self.channels)
            return self.weighted(DataSet(self.name, pictures, first.labels, heldout, other[0].labels, self.classes))
        assert isinstance(self.heldout, float)
        held = split(len(pictures), first.labels, self.heldout, self.seed)
        labels, held_labels = (None if first.labels is None else first.labels[part] for part in (~held, held))
        return self.weighted(DataSet(self.name, pictures[~held], labels, pictures[held], held_labels, self.classes))

    def _folders(self) -> dict[str, Path]:
        """The folders by their settings: `root`, and that of the held-out part if it has one."""
        other = {"heldout": Path(self.heldout)} if isinstance(self.heldout, str) else {}
        return {"root": Path(self.root), **other}

    def _parts(self) -> list[_Found]:
        """The pictures of `root`, and those held out in a folder of their own; raises `ValueError`."""
        folders = self._folders()
        if "heldout" in folders and folders["heldout"].resolve().is_relative_to(folders["root"].resolve()):
            raise refused("data.heldout", f"a folder outside of data.root = {self.root}", self.heldout)
        classes = class_folders(folders["root"]) if self.labels == FOLDERS else []
        if len(classes) != self.classes:
            raise refused("data.classes", f"{len(classes)}, the folders in {self.root}", self.classes)
        parts = [self._found(f"data.{key}", folder, classes) for key, folder in folders.items()]
        places = [{place.resolve() for place in {file.parent for file in part.files}} for part in parts]
        if shared := set.intersection(*places) if len(places) > 1 else set():
            expected = f"pictures that are not in data.root = {self.root} too"
            raise refused("data.heldout", expected, f"{self.heldout}, of which {min(shared)} is in both")
        return parts

    def _found(self, key: str, folder: Path, classes: list[str]) -> _Found:
        files = pictures_in(folder)
        if not files:
            raise ValueError(f"{key}: expected PNG, JPEG or WebP files in {folder}, found none")
        if self.labels == NONE:
            return _Found(key, folder, files, None)
        firsts = [file.relative_to(folder).parts[0] for file in files]
        lost = [first for first in firsts if first not in classes]
        if lost:
            known = ", ".join(classes[:4]) or "of which there is none"
            expected = f"every picture in a folder of its class ({known})"
            raise ValueError(f"{key}: expected {expected}, got {len(lost)} elsewhere in {folder}, such as {lost[0]}")
        if key == "data.root" and (empty := [name for name in classes if name not in set(firsts)]):
            raise ValueError(f"{key}: expected pictures of every class in {folder}, got none in {', '.join(empty[:4])}")
        numbers = {name: number for number, name in enumerate(classes)}
        return _Found(key, folder, files, torch.tensor([numbers[first] for first in firsts], dtype=torch.int64))
