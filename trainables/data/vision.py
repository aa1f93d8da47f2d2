"""MNIST, Fashion-MNIST, CIFAR-10 and SVHN, read, checked and downloaded by torchvision's own classes.

The training part is what torchvision calls train, the held-out part what it calls test; they are
kept as bytes. Files are taken as torchvision lays them out under `root`; archives found there with the
right MD5 are unpacked without a download. CIFAR-10's batches are pickles, which can run code when they are
read: torchvision reads only files with the published MD5, and all reading here goes through torchvision.
"""

from __future__ import annotations

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
            f"data.root: {self.name} is not under {self.root}, which lacks {', '.join(missing)}; "
            f"set `download: true` under `data` to download it there, or name the folder that holds it"
        )

    def load(self) -> DataSet:
        """Read both parts, fetching first what is missing.

        Raises:
            FileNotFoundError: files are missing and `download` is false.
            ConnectionError: the download failed.
            ValueError: the files are not those of this data set, or are damaged.
        """
        if message := self.absent():
            raise FileNotFoundError(message)
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
            images, labels = self.images(part), self.targets(part)
            self._check(images, labels)
        except (RuntimeError, ValueError, TypeError, AssertionError, LookupError, EOFError) as error:
            raise ValueError(
                f"data.root: the files of {self.name} under {self.root} ({', '.join(self.files())}) "
                f"are damaged or something else ({type(error).__name__}: {error}); delete them and set "
                f"`download: true` under `data`"
            ) from error
        return images.contiguous(), labels

    def _check(self, images: Tensor, labels: Tensor | None) -> None:
        if tuple(images.shape[1:]) != self.shape:
            raise ValueError(f"expected pictures of shape {self.shape}, got {tuple(images.shape[1:])}")
        if labels is None:
            return
        if len(images) != len(labels) or not len(images):
            raise ValueError(f"expected a label for each picture, got {len(images)} and {len(labels)}")
        if labels.min() < 0 or labels.max() >= self.classes:
            raise ValueError(f"expected labels in 0..{self.classes - 1}, got {int(labels.max())}")

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

    def images(self, part: Any) -> Tensor:
        """The pictures, channels first."""
        return torch.from_numpy(part.data).permute(0, 3, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Svhn(Pictures):
    """99,289 photographs of house numbers, (3, 32, 32), one digit in the middle of each (Netzer et al. 2011).

    The further 531,131 easier ones that its authors give are not used.
    """

    name: ClassVar[str] = "svhn"

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
