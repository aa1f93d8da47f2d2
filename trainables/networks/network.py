"""A network of a whole population: what generators and critics promise to everybody else.

A `Network` holds no weights. It declares those of one replica by name and shape, draws a replica's from its random
generator, and maps stacked weights (R, *shape) and stacked inputs (R, B, ...) to stacked outputs; replica i uses
weights i and inputs i only, so that a non-finite replica affects no other.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Weight:
    """A weight of one replica: its shape and its name, unique in its network and dotted as in a state dict."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


class Network(ABC):
    """R networks of one architecture.

    `weights` are one replica's, in the order in which a flat row holds them. `classes` is how many labels it is told
    apart, 0 for an unconditional network. `normalises`: an output depends on the other samples of its batch.
    """

    weights: Sequence[Weight]
    classes: int
    normalises: bool

    @property
    def matrices(self) -> tuple[int, ...]:
        """Indices of the weights with two or more axes, which spectral normalisation divides."""
        return tuple(i for i, weight in enumerate(self.weights) if len(weight.shape) > 1)

    @property
    def size(self) -> int:
        """Numbers in all weights of one replica."""
        return sum(weight.size for weight in self.weights)

    @property
    @abstractmethod
    def operations(self) -> float:
        """Floating-point operations of products and convolutions in one sample's forward pass."""

    @abstractmethod
    def draw(self, generator: torch.Generator) -> Tensor:
        """Fresh weights of one replica, flat (P,), on the generator's device."""

    @abstractmethod
    def __call__(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map inputs (R, B, ...) with labels (R, B) to outputs (R, B, ...); a critic's outputs are (R, B)."""
