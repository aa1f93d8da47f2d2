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
from functools import cached_property
from typing import overload

import torch
from torch import Tensor

from trainables.native import DenseLayers


@dataclass(frozen=True)
class Weight:
    """A weight of one replica: its shape and its name, unique in its network and dotted as in a state dict."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


class FlatWeights(Sequence[Tensor]):
    """The weights of R replicas as one matrix `flat` (R, P), a row each, and as a sequence: each of them (R, *shape).

    Autograd knows both as functions of `flat`.
    """

    def __init__(self, weights: Sequence[Weight], flat: Tensor) -> None:
        self.flat, self._weights = flat, weights

    @cached_property
    def _parts(self) -> tuple[Tensor, ...]:
        rows = self.flat.split([weight.size for weight in self._weights], 1)
        return tuple(row.unflatten(1, weight.shape) for row, weight in zip(rows, self._weights, strict=True))

    def __len__(self) -> int:
        return len(self._weights)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(index, slice):
            taken = range(len(self))[index]
            if not taken or taken == range(len(self)):
                return self if taken else ()
        return self._parts[index]


def flattened(weights: Sequence[Tensor]) -> Tensor:
    """Weights (R, *shape) as one matrix (R, P)."""
    return weights.flat if isinstance(weights, FlatWeights) else torch.cat([w.flatten(1) for w in weights], 1)


class Network(ABC):
    """R networks of one architecture.

    `weights` are one replica's, in the order in which a flat row holds them. `classes` is how many labels it is told
    apart, 0 for an unconditional network. `normalises`: an output depends on the other samples of its batch.
    `dense` are its layers if all others only reshape.
    """

    weights: Sequence[Weight]
    classes: int
    normalises: bool
    dense: DenseLayers | None = None

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

    def input_gradient(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor | None:  # noqa: ARG002
        """The gradient of each output (R, B) of a critic with respect to its input, shaped as `x`, differentiable by
        the weights alone; None where only autograd can tell it."""
        return None
