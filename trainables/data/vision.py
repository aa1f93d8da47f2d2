"""MNIST, Fashion-MNIST, CIFAR-10 and SVHN, read, checked and downloaded by torchvision's own classes.

The training part is what torchvision calls train, the held-out part what it calls test; they are
kept as bytes. Files are taken as torchvision lays them out under `root`; archives found there with the
right MD5 are unpacked without a download. CIFAR-10's batches are pickles, which can run code when they are
read: torchvision reads only files with the published MD5, and all reading here goes through torchvision.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from abc import abstractmethod
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.checks import can_be_written
from trainables.data.dataset import DataSet
from trainables.data.imbalance import Labelled
from trainables.data.source import flag, path


@dataclass(frozen=True, kw_only=True)
class Pictures(Labelled):
    """A torchvision data set under `root`, downloaded there if it is missing and `download` says so.

    Attributes:
        root: the folder with its files.
        download: whether missing files are fetched.
    """

    of_files: ClassVar[bool] = True
    folder: ClassVar[str | None] = None  # which of `files` is a folder
    published: ClassVar[tuple[int, int]]  # pictures to train on and held out
    root: str = path("data")
    download: bool = flag(False)

    @property
    def classes(self) -> int:
        return 10

    @property
    def origin(self) -> str:
        return self.root

    @abstractmethod
    def reader(self) -> Any:
        """The torchvision class that reads it."""

    @abstractmethod
    def files(self) -> list[str]:
        """What the reader reads, relative to `root`."""

    @abstractmethod
    def archives(self) -> list[tuple[str, str]]:
        """What a download fetches, relative to `root`, and its MD5."""

    @abstractmethod
    def images(self, part: Any) -> Tensor:
        """(n, *shape) uint8 of one part as the reader gives it."""

    def part(self, train: bool) -> dict[str, Any]:
        """What tells the reader which part to read."""
        return {"train": train}

    def targets(self, part: Any) -> Tensor | None:
        """The labels (n,) of one part as the reader gives them; None if it has none."""
        return torch.as_tensor(part.targets)

    def missing(self) -> list[str]:
        """The files and folders, relative to `root`, that are not there."""
        return [file for file in self.files() if not Path(self.root, file).exists()]

    def absent(self) -> str | None:
        """A message that names the missing files, unless archives or a download can put them there."""
        missing = self.missing()
        if not missing:
            return None
        if self.download or self._packed():
            writable = can_be_written(Path(self.root))
            return None if writable else f"data.root: expected a folder to put {self.name} into, got {self.root}"
        return (
            f"data.root: {self.name} is not under {self.root}, which lacks {', '.join(missing)}{self._beside(missing)};"
            f" set `download: true` under `data` to download it there, or name the folder that holds it"
        )

    def _beside(self, missing: list[str]) -> str:
        """What lies there in the missing files' stead: archives to unpack or damaged, files in another folder."""
        from torchvision.datasets.utils import check_integrity

        root, said = Path(self.root), ""
        there = [(archive, md5) for archive, md5 in self.archives() if Path(root, archive).is_file()]
        for archive, md5 in there:
            known = check_integrity(Path(root, archive), md5)
            said += f"; {archive} is there, " + ("to be unpacked" if known else "without the published MD5")
        for file in missing:
            flat = Path(root, Path(file).name)
            if flat.exists() and flat != Path(root, file):
                said += f"; {flat.name} is there, but not in {Path(file).parent}"
        return said

    def check_files(self) -> None:
        """Refuse also a folder in a file's place, a file in a folder's, and an empty file."""
        super().check_files()
        for file in self.files():
            at = Path(self.root, file)
            if not at.exists():
                continue  # to be fetched
            kind = "folder" if at.is_dir() else "file"
            expected = "folder" if file == self.folder else "file"
            if kind != expected:
                raise self._refused(file, f"expected a {expected}, got a {kind}")
            if kind == "file" and not at.stat().st_size:
                raise self._refused(file, "expected content, got an empty file")

    def found(self) -> tuple[int, int] | None:
        """As published, as the readers take no other files."""
        self.check_files()
        return self.published if self.counts is None else None

    def suspects(self, train: bool) -> list[str]:  # noqa: ARG002 - of MNIST the part tells
        """The files, relative to `root`, in which the fault lies that reading a part of them met: those without the MD5
        that the reader asks for, or any."""
        from torchvision.datasets.utils import check_integrity

        wrong = [file for file, md5 in self.md5s() if not check_integrity(Path(self.root, file), md5)]
        return wrong or self.files()

    def md5s(self) -> list[tuple[str, str]]:
        """The files whose MD5 the reader asks for, relative to `root`, and it."""
        files = self.files()
        return [(file, md5) for file, md5 in self.archives() if file in files]

    def load(self) -> DataSet:
        """Read both parts, fetching first what is missing.

        Raises:
            FileNotFoundError: files are missing and `download` is false.
            ConnectionError: the download failed.
            ValueError: the files are not those of this data set, or are damaged.
        """
        self.check_files()
        if self.missing():
            self._fetch()
        train, labels = self._read(train=True)
        heldout, heldout_labels = self._read(train=False)
        return self.weighted(DataSet(self.name, train, labels, heldout, heldout_labels, self.classes))

    def opened(self, train: bool) -> Any:
        """The reader of one part, which has checked its files."""
        return self.reader()(self.root, **self.part(train))

    def _read(self, *, train: bool) -> tuple[Tensor, Tensor | None]:
        try:
            part = self.opened(train)
        except (RuntimeError, ValueError, TypeError, AssertionError, LookupError, EOFError) as error:
            files = ", ".join(self.suspects(train))
            raise self._refused(
                files, f"expected {self.name} as torchvision lays it out, got a damaged or another file"
            ) from error
        images, labels = self.images(part), self.targets(part)
        if message := self._wrong(images, labels):
            raise self._refused(", ".join(self.suspects(train)), message)
        return images.contiguous(), labels

    def _wrong(self, images: Tensor, labels: Tensor | None) -> str | None:
        """What was expected of a part, and what came."""
        if tuple(images.shape[1:]) != self.shape:
            return f"expected pictures of shape {self.shape}, got {tuple(images.shape[1:])}"
        if labels is None:
            return None
        if len(images) != len(labels) or not len(images):
            return f"expected a label for each picture, got {len(images):,} pictures and {len(labels):,} labels"
        outside = labels[(labels < 0) | (labels >= self.classes)]
        return f"expected labels in 0..{self.classes - 1}, got {int(outside[0])}" if len(outside) else None

    def _refused(self, file: str, message: str) -> ValueError:
        return ValueError(
            f"data.root: {file} under {self.root}: {message}; delete it and set `download: true` under `data`"
        )

    def _packed(self) -> bool:
        """Whether every archive is under `root`, with its MD5."""
        from torchvision.datasets.utils import check_integrity

        return all(check_integrity(Path(self.root, archive), md5) for archive, md5 in self.archives())

    def _fetch(self) -> None:
        """Download or unpack into a temporary folder, then move file by file, so that no reader sees a partial file."""
        root = Path(self.root)
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".fetching-") as temporary:
            stage = Path(temporary)
            for archive, _ in self.archives():
                if (root / archive).is_file():
                    (stage / archive).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(root / archive, stage / archive)
            try:
                for train in (True, False):
                    self.reader()(stage, **self.part(train), download=True)
            except (RuntimeError, OSError, HTTPException) as error:
                raise ConnectionError(
                    f"data.download: {self.name} could not be downloaded to {root}: {error}"
                ) from error
            for file in self.files():
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                os.replace(stage / file, root / file)


@dataclass(frozen=True, kw_only=True)
class Mnist(Pictures):
    """70,000 handwritten digits, (1, 28, 28) (LeCun et al. 1998)."""

    name: ClassVar[str] = "mnist"
    published: ClassVar[tuple[int, int]] = (60_000, 10_000)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 28, 28)

    def reader(self) -> Any:
        from torchvision.datasets import MNIST

        return MNIST

    def files(self) -> list[str]:
        """The four unpacked idx files."""
        return [archive.removesuffix(".gz") for archive, _ in self.archives()]

    def archives(self) -> list[tuple[str, str]]:
        """The four idx files, gzipped."""
        reader = self.reader()
        return [(f"{reader.__name__}/raw/{file}", md5) for file, md5 in reader.resources]

    def images(self, part: Any) -> Tensor:
        images: Tensor = part.data
        return images.unsqueeze(1)

    def check_files(self) -> None:
        """Refuse also files whose first bytes tell of something else than their size or their neighbour does."""
        super().check_files()
        if not self.missing():
            self._counted()

    def found(self) -> tuple[int, int] | None:
        """As the files say, whose MD5s the reader does not ask for; as published where they are to be downloaded."""
        published = super().found()
        return published if published is None or self.missing() else self._counted()

    def suspects(self, train: bool) -> list[str]:
        """The labels, whose values the first bytes do not tell."""
        return [self.files()[1 if train else 3]]

    def _counted(self) -> tuple[int, int]:
        """How many pictures there are to train on and held out, as their files' first bytes say."""
        counts = []
        for images, labels in zip(self.files()[::2], self.files()[1::2], strict=True):
            (count, *side), (labelled,) = self._header(images, 3), self._header(labels, 1)
            if side != [28, 28]:
                raise self._refused(images, f"expected pictures of 28 × 28 pixels, got {side[0]} × {side[1]}")
            if not count:
                raise self._refused(images, "expected pictures, got none")
            if count != labelled:
                expected = f"expected as many pictures as {labels} has labels"
                raise self._refused(images, f"{expected}, got {count:,} pictures and {labelled:,} labels")
            counts.append(count)
        return counts[0], counts[1]

    def _header(self, file: str, axes: int) -> list[int]:
        """The lengths of an idx file's axes of bytes: after 0, 0, 8 and how many axes there are, four bytes each."""
        at = Path(self.root, file)
        with at.open("rb") as opened:
            head = opened.read(4 + 4 * axes)
        if len(head) < 4 + 4 * axes or head[:4] != bytes([0, 0, 8, axes]):
            raise self._refused(file, f"expected an unpacked idx{axes}-ubyte file, got another kind of file")
        lengths = [int.from_bytes(head[place : place + 4], "big") for place in range(4, len(head), 4)]
        size, expected = at.stat().st_size, len(head) + math.prod(lengths)
        if size != expected:
            raise self._refused(file, f"expected {expected:,} bytes, as its first ones tell, got {size:,}")
        return lengths


@dataclass(frozen=True, kw_only=True)
class FashionMnist(Mnist):
    """70,000 pictures of clothes, (1, 28, 28), in MNIST's layout (Xiao, Rasul & Vollgraf 2017)."""

    name: ClassVar[str] = "fashion_mnist"

    def reader(self) -> Any:
        from torchvision.datasets import FashionMNIST

        return FashionMNIST


@dataclass(frozen=True, kw_only=True)
class Cifar10(Pictures):
    """60,000 photographs of ten kinds of things, (3, 32, 32) (Krizhevsky 2009)."""

    name: ClassVar[str] = "cifar10"
    published: ClassVar[tuple[int, int]] = (50_000, 10_000)

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 32, 32)

    def reader(self) -> Any:
        from torchvision.datasets import CIFAR10

        return CIFAR10

    def files(self) -> list[str]:
        """The batches and the table of class names."""
        reader = self.reader()
        batches = [file for file, _ in reader.train_list + reader.test_list]
        return [f"{reader.base_folder}/{file}" for file in [*batches, reader.meta["filename"]]]

    def archives(self) -> list[tuple[str, str]]:
        reader = self.reader()
        return [(reader.filename, reader.tgz_md5)]

    def md5s(self) -> list[tuple[str, str]]:
        reader = self.reader()
        batches = [*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])]
        return [(f"{reader.base_folder}/{file}", md5) for file, md5 in batches]

    def images(self, part: Any) -> Tensor:
        """The pictures, channels first."""
        return torch.from_numpy(part.data).permute(0, 3, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Svhn(Pictures):
    """99,289 photographs of house numbers, (3, 32, 32), one digit in the middle of each (Netzer et al. 2011).

    The further 531,131 easier ones that its authors give are not used.
    """

    name: ClassVar[str] = "svhn"
    published: ClassVar[tuple[int, int]] = (73_257, 26_032)

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 32, 32)

    def reader(self) -> Any:
        from torchvision.datasets import SVHN

        return SVHN

    def part(self, train: bool) -> dict[str, Any]:
        return {"split": "train" if train else "test"}

    def files(self) -> list[str]:
        """Two files of MATLAB's."""
        return [file for file, _ in self.archives()]

    def archives(self) -> list[tuple[str, str]]:
        splits = self.reader().split_list
        return [tuple(splits[split][1:]) for split in ("train", "test")]

    def images(self, part: Any) -> Tensor:
        return torch.from_numpy(part.data)

    def targets(self, part: Any) -> Tensor:
        return torch.from_numpy(part.labels)
