"""Two networks as one, whose weights are one row: what a player has who moves two networks at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from trainables.networks.network import Network

THERE, BACK = "there.", "back."  # how the names of their weights begin


class TwoNetworks(Network):
    """The weights of `there`, then those of `back`; neither is told labels. A call is one of `there` alone."""

    classes = 0

    def __init__(self, there: Network, back: Network) -> None:
        self.there, self.back = there, back
        both = ((THERE, there), (BACK, back))
        self.weights = tuple(replace(one, name=start + one.name) for start, each in both for one in each.weights)
        self.normalises = there.normalises or back.normalises

    @property
    def operations(self) -> float:
        """Of a forward pass of each."""
        return self.there.operations + self.back.operations

    def draw(self, generator: torch.Generator) -> Tensor:
        return torch.cat([self.there.draw(generator), self.back.draw(generator)])

    def __call__(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.there(self.apart(weights)[0], x, labels)

    def apart(self, weights: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The weights (R, *shape) of each."""
        first = len(self.there.weights)
        return weights[:first], weights[first:]
