"""A population: the weights of R replicas of one network in one tensor, and the replicas' random generators.

All weights of a network form one matrix (R, P), one row per replica, so that an optimiser's step, an average or a test
for finiteness is a handful of elementwise operations. The networks see views of it, stacked (R, *shape).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.networks import FlatWeights, Network


class StackedParameters:
    """The weights of R replicas of one network.

    `flat` (R, P) owns the memory; `leaf` shares it as the one tensor that autograd knows.
    """

    def __init__(self, network: Network, flat: Tensor) -> None:
        self.network = network
        self.flat = flat
        self.leaf = flat.detach().requires_grad_()

    @classmethod
    def drawn(cls, network: Network, generators: Sequence[torch.Generator]) -> StackedParameters:
        """Fresh weights, replica i from generator i."""
        return cls(network, torch.stack([network.draw(g) for g in generators]))

    @property
    def views(self) -> FlatWeights:
        """The weights as the network takes them, with gradients."""
        return FlatWeights(self.network.weights, self.leaf)

    @property
    def constants(self) -> FlatWeights:
        """The weights as the network takes them, without gradients."""
        return views(self.network, self.flat)

    def gradient(self, losses: Tensor, keep: bool = False, retain: bool = False) -> Tensor:
        """The gradient (R, P) of each replica's own loss (R,).

        `keep` makes the gradient itself differentiable; `retain` only keeps the losses' graph for another call.
        """
        (gradient,) = torch.autograd.grad(
            losses.sum(), self.leaf, create_graph=keep, retain_graph=keep or retain, materialize_grads=True
        )
        return gradient


def views(network: Network, flat: Tensor) -> FlatWeights:
    """The rows of `flat` (R, P) as the network takes them, detached from autograd."""
    return FlatWeights(network.weights, flat.detach())


def generators(seeds: Sequence[int], stream: int, device: torch.device | str, step: int = 0) -> list[torch.Generator]:
    """One random generator per replica for one purpose (`stream`), independent over seeds, streams and steps."""
    made = []
    for seed in seeds:
        state = np.random.SeedSequence([seed, stream, step]).generate_state(1, np.uint64)
        made.append(torch.Generator(device).manual_seed(int(state[0])))
    return made
