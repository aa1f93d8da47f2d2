"""Three digits of MNIST as channels: 1000 modes (Metz et al. 2017), as Srivastava et al. (2017), VEEGAN, use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainables.checks import refused
from trainables.data.dataset import DataSet
from trainables.data.digits import Stacks
from trainables.data.source import integer
from trainables.data.vision import Mnist


@dataclass(frozen=True, kw_only=True)
class StackedMnist(Stacks, Mnist):
    """Stacks (3, 28, 28) of MNIST's digits: by default 128,000 to train on and 26,000 held out, as many as Srivastava
    et al. (2017) train on and judge (`evaluation.samples: 26000`).

    Labels, 100·first + 10·second + third, are equally likely, and each channel's picture is drawn from those of its
    digit, all independently; training stacks are made of MNIST's training pictures, held-out ones of its test pictures.
    Classes of samples are told channel by channel, by a classifier of digits.

    Attributes:
        points (points): how many stacks there are to train on.
    """

    name: ClassVar[str] = "stacked_mnist"
    points: int = integer(128_000, low=1)
    heldout: int = integer(26_000, low=1)

    def check_weights(self) -> None:
        """Refuse any weights: stacks are equally likely."""
        if self.class_weights is not None:
            raise refused("data.class_weights", "null, as all stacks are equally likely", list(self.class_weights))

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 28, 28)

    def digits(self) -> DataSet:
        return Mnist(root=self.root, download=self.download).load()
