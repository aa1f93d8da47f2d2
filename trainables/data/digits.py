"""Real handwritten digits with no download: scikit-learn's 1,797 pictures of 8 x 8, and triples of them.

They are the test part of the UCI "Optical Recognition of Handwritten Digits" data (Alpaydin & Kaynak 1998),
grey levels 0..16, here scaled to [-1, 1]. Every fifth picture of each digit, in the file's order, is held
out, which keeps the digits' proportions: 1,442 pictures to train on and 355 held out.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.data.dataset import DataSet
from trainables.data.drawn import Drawn
from trainables.data.imbalance import Labelled
from trainables.data.source import HELDOUT, TRAIN, integer, stream

# Every fifth picture of a digit is held out.
_FOLD = 5
_WHITE = 16
_CHANNELS = 3


@dataclass(frozen=True, kw_only=True)
class Digits(Labelled):
    """The digits, (1, 8, 8) in [-1, 1], with a fixed stratified held-out part."""

    name: ClassVar[str] = "digits"

    @property
    def origin(self) -> str:
        return "scikit-learn"

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 8, 8)

    @property
    def classes(self) -> int:
        return 10

    def load(self) -> DataSet:
        """Read them from the installed scikit-learn."""
        from sklearn.datasets import load_digits  # costs a second, and not every study needs it

        file = load_digits()
        images = torch.tensor(file.images, dtype=torch.float32).unsqueeze(1) / (_WHITE / 2) - 1
        labels = torch.tensor(file.target, dtype=torch.int64)
        held = _every_fifth(labels)
        digits = DataSet(
            name=self.name,
            train=images[~held],
            labels=labels[~held],
            heldout=images[held],
            heldout_labels=labels[held],
            classes=self.classes,
        )
        return self.weighted(digits)


@dataclass(frozen=True, kw_only=True)
class Stacks(Drawn):
    """Three digits as channels: 1000 modes (Metz et al. 2017), labelled 100·first + 10·second + third."""

    @abstractmethod
    def digits(self) -> DataSet:
        """The pictures of ten digits, (1, h, w), that are stacked."""

    @property
    def classes(self) -> int:
        return 1000

    def load(self) -> DataSet:
        digits = self.digits()
        if digits.labels is None or digits.heldout_labels is None:
            raise TypeError(f"{digits.name} came without labels")
        train, labels = stacks(digits.train, digits.labels, self.points, stream(self.seed, TRAIN))
        heldout, heldout_labels = stacks(
            digits.heldout, digits.heldout_labels, self.heldout, stream(self.seed, HELDOUT)
        )
        return DataSet(self.name, train, labels, heldout, heldout_labels, self.classes)


@dataclass(frozen=True, kw_only=True)
class StackedDigits(Stacks):
    """Three digits as channels, (3, 8, 8): 1000 modes, as in Stacked MNIST (Metz et al. 2017).

    Each of the 1000 labels, 100·first + 10·second + third, is equally likely, and each channel's picture is
    drawn uniformly from those of its digit, all independently. The training part is made of training digits
    only, the held-out part of held-out ones.

    Attributes:
        points (points): how many stacks there are to train on.
    """

    name: ClassVar[str] = "stacked_digits"
    points: int = integer(50_000, low=1)

    @property
    def shape(self) -> tuple[int, ...]:
        return (_CHANNELS, 8, 8)

    def digits(self) -> DataSet:
        return Digits().load()


def _every_fifth(labels: Tensor) -> Tensor:
    """(n,) bool: the fifth, tenth, ... of each class in the order given."""
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(int(labels.max()) + 1):
        held[torch.nonzero(labels == label).squeeze(-1)[_FOLD - 1 :: _FOLD]] = True
    return held


def stacks(images: Tensor, labels: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Stacks (count, 3, h, w) of images (n, 1, h, w) of ten digits (n,), and their labels (count,)."""
    digits = torch.randint(10, (count, _CHANNELS), generator=generator)
    sizes = labels.bincount(minlength=10)
    starts = sizes.cumsum(0) - sizes
    ranks = (torch.rand((count, _CHANNELS), generator=generator, dtype=torch.float64) * sizes[digits]).long()
    chosen = labels.argsort(stable=True)[starts[digits] + ranks]
    place = 10 ** torch.arange(_CHANNELS - 1, -1, -1)
    return images[chosen, 0], (digits * place).sum(-1)
