"""A researcher's own arrays: points or pictures, and their labels, in a file of numpy's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NoReturn

import numpy as np
import torch
from torch import Tensor

from trainables.checks import LARGEST, refused
from trainables.data import array_files
from trainables.data.dataset import DataSet
from trainables.data.heldout import split
from trainables.data.imbalance import Labelled
from trainables.data.in_memory import CHANNELS, as_labels, as_points, require_images_in_range
from trainables.data.source import Source, integer, named, path, share_or_path, sizes, span


@dataclass(frozen=True, kw_only=True)
class Arrays(Labelled):
    """Your own arrays: `samples`, and `labels` if it is named, of an .npz file; or the only array of an .npy file.

    Points are floats (n, d). Pictures are (n, c, h, w) or (n, h, w, c) with 1 or 3 channels, first where both fit:
    bytes, or floats from `range[0]` to `range[1]`, which become -1 and 1. `range` null is [-1, 1], and not taken for
    granted where no value is negative. Labels are whole numbers 0..K-1, each of which occurs.

    Held out is a share of the points (of each class), drawn with `seed`, or all of another such file. `shape` (of a
    point, channels first) and `classes` are found in the file where they are not given, and kept with the other
    settings, so that they describe the data also where the file is not.

    Attributes:
        path: the file; nothing in it is unpickled.
        samples: the array of points or pictures in an .npz file.
        labels: the array of labels, whole numbers from 0 on; null: there are none.
        range: of pictures that are floats, the values that mean black and white; null: -1 and 1.
        heldout: a share of the points, or another such file, that is not trained on.
        seed: fixes which points are held out.
        shape: of a point; empty: as in the file.
        classes: how many there are; 0: as many as in the file.

    Raises:
        FileNotFoundError: there is no file in which to find them.
        ValueError: the file is of no such form.
    """

    name: ClassVar[str] = "arrays"
    of_files: ClassVar[bool] = True
    labelled_by: ClassVar[str | None] = "`data.labels`, the array of them"
    path: str = path()
    samples: str | None = named("an array", None)
    labels: str | None = named("an array", None)
    range: tuple[float, float] | None = span(None)
    heldout: float | str = share_or_path(0.1)
    seed: int = integer(0, low=0)
    shape: tuple[int, ...] = sizes(())
    classes: int = integer(0, low=0)

    def __post_init__(self) -> None:
        """Find shape and classes where they are not given."""
        Source.__post_init__(self)  # what is found in files comes before the weights of classes
        if self.labels is None and self.classes:
            raise refused("data.classes", "0 without `labels`", self.classes)
        if not self.shape or (self.labels is not None and not self.classes):
            if message := self.absent():
                raise FileNotFoundError(message)
            shape, classes = self._shape("data.path", self.path), self._labels("data.path", self.path, None)
            object.__setattr__(self, "shape", self.shape or shape)
            object.__setattr__(self, "classes", self.classes or (0 if classes is None else int(classes.max()) + 1))
        self.check_weights()

    @property
    def origin(self) -> str:
        return self.path

    def absent(self) -> str | None:
        """A message that names a file which is not there."""
        for key, file in self._files().items():
            if not Path(file).is_file():
                return f"data.{key}: expected an .npz or .npy file, found none at {file}"
        return None

    def check_files(self) -> None:
        """Refuse also arrays of another shape, and those that the memory has no room for."""
        super().check_files()
        for key, file in self._files().items():
            self._shape(f"data.{key}", file)
            try:
                array_files.require_room(*array_files.header(Path(file), self.samples))
            except ValueError as error:
                self._refuse(f"data.{key}", file, "samples", f"an array (data.samples), got {error}")

    def found(self) -> tuple[int, int]:
        counts = [array_files.header(Path(file), self.samples)[0][0] for file in self._files().values()]
        labels = self._labels("data.path", self.path, self.classes)
        if isinstance(self.heldout, str):
            return self.left((counts[0], counts[1]), labels, self._labels("data.heldout", self.heldout, self.classes))
        return self.left_by(split(counts[0], labels, self.heldout, self.seed), labels)

    def load(self) -> DataSet:
        """Read the arrays.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: an array is of the wrong shape or dtype, or a value is out of range or not a number.
        """
        if message := self.absent():
            raise FileNotFoundError(message)
        points, labels = self._points("data.path", self.path), self._labels("data.path", self.path, self.classes)
        if isinstance(self.heldout, str):
            heldout = self._points("data.heldout", self.heldout)
            held_labels = self._labels("data.heldout", self.heldout, self.classes)
            return self.weighted(DataSet(self.name, points, labels, heldout, held_labels, self.classes))
        held = split(len(points), labels, self.heldout, self.seed)
        own, other = (None if labels is None else labels[part] for part in (~held, held))
        return self.weighted(DataSet(self.name, points[~held], own, points[held], other, self.classes))

    def _files(self) -> dict[str, str]:
        """The files by their settings: `path`, and that of the held-out part if it has one."""
        return {"path": self.path, **({"heldout": self.heldout} if isinstance(self.heldout, str) else {})}

    def _shape(self, key: str, file: str) -> tuple[int, ...]:
        """The shape of a point in a file, channels first; raises `ValueError` where it is none of this kind."""
        try:
            found, dtype = array_files.header(Path(file), self.samples)
        except ValueError as error:
            self._refuse(key, file, "samples", f"an array (data.samples), got {error}")
        form = f"{dtype} of shape {found}"
        if len(found) not in (2, 4) or not all(found):
            self._refuse(key, file, "samples", f"points (n, d) or pictures (n, c, h, w) or (n, h, w, c), got {form}")
        if not (dtype.kind == "f" or (dtype == np.uint8 and len(found) == 4)):
            self._refuse(key, file, "samples", f"floats, or uint8 pictures, got {form}")
        if len(found) == 4 and found[1] not in CHANNELS and found[3] not in CHANNELS:
            self._refuse(key, file, "samples", f"pictures of 1 or 3 channels, got {form}")
        first = len(found) == 2 or found[1] in CHANNELS
        shape = found[1:] if first else (found[3], found[1], found[2])
        if self.shape and shape != self.shape:
            raise refused("data.shape", f"{list(shape)}, as {file} has it", list(self.shape))
        return shape

    def _points(self, key: str, file: str) -> Tensor:
        self._shape(key, file)
        what = f"{key}: samples in {file}"
        try:
            found = array_files.content(Path(file), self.samples)
        except ValueError as error:
            self._refuse(key, file, "samples", f"an array (data.samples), got {error}")
        points = as_points(what, found)
        if points.dtype == torch.uint8:
            return points
        least, most = points.min().item(), points.max().item()
        if points.ndim == 2:
            if max(-least, most) > LARGEST:
                raise ValueError(f"{what}: expected values up to {LARGEST:g}, got {least:g} to {most:g}: scale them")
            return points
        if self.range is None and least >= 0:
            raise refused(
                "data.range", f"the range of values, as none in {file} is negative: they reach {most:g}", None
            )
        low, high = self.range or (-1.0, 1.0)
        scaled = ((points - low) / (high - low)).mul_(2).sub_(1)
        require_images_in_range(f"{what}, scaled from data.range = [{low:g}, {high:g}]", scaled)
        return scaled

    def _labels(self, key: str, file: str, classes: int | None) -> Tensor | None:
        """The labels (n,) of a file, of so many classes; None: as many as there are, each of which occurs."""
        if self.labels is None:
            return None
        try:
            (count, *_), _ = array_files.header(Path(file), self.samples)
            found = array_files.content(Path(file), self.labels)
        except ValueError as error:
            self._refuse(key, file, "labels", f"an array (data.labels), got {error}")
        if found.dtype.kind not in "iu":
            self._refuse(key, file, "labels", f"whole numbers, got {found.dtype}")
        labels = as_labels(f"{key}: labels in {file}", found, count)
        present = labels.unique().tolist()
        if classes is None and present != list(range(len(present))):
            got = ", ".join(map(str, present[:5]))
            self._refuse(key, file, "labels", f"0 to K - 1, each of which occurs, got {len(present)} others: {got} …")
        if classes is not None and present[-1] >= classes:
            self._refuse(key, file, "labels", f"0 to {classes - 1} (data.classes), got {present[-1]}")
        return labels

    def _refuse(self, key: str, file: str, part: str, words: str) -> NoReturn:
        raise ValueError(f"{key}: {part} in {file}: expected {words}")
