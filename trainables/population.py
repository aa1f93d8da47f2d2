"""A population: the weights of R replicas of one network in one tensor, and the replicas' random generators.

All weights of a network form one matrix (R, P), one row per replica, so that an optimiser's step, an average or a test
for finiteness is a handful of elementwise operations. The networks see views of it, stacked (R, *shape).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.networks import Network


class StackedParameters:
    """The weights of R replicas of one network.

    `flat` (R, P) owns the memory. `views` (R, *shape) share it as autograd leaves that require gradients, `constants`
    share it without gradients.
    """

    def __init__(self, network: Network, flat: Tensor) -> None:
        self.network = network
        self.flat = flat
        self.views = views(network, flat)
        for view in self.views:
            view.requires_grad_()
        self.constants = views(network, flat)

    @classmethod
    def drawn(cls, network: Network, generators: Sequence[torch.Generator]) -> StackedParameters:
        """Fresh weights, replica i from generator i."""
        return cls(network, torch.stack([network.draw(g) for g in generators]))

    def gradient(self, losses: Tensor, keep: bool = False, retain: bool = False) -> Tensor:
        """The gradient (R, P) of each replica's own loss (R,).

        `keep` makes the gradient itself differentiable; `retain` only keeps the losses' graph for another call.
        """
        gradients = torch.autograd.grad(
            losses.sum(), self.views, create_graph=keep, retain_graph=keep or retain, allow_unused=True
        )
        rows = [
            torch.zeros_like(view).flatten(1) if gradient is None else gradient.flatten(1)
            for gradient, view in zip(gradients, self.views, strict=True)
        ]
        return torch.cat(rows, 1)


def views(network: Network, flat: Tensor) -> tuple[Tensor, ...]:
    """Each weight of a network as a view (R, *shape) of the rows of `flat` (R, P), detached from autograd."""
    pieces = flat.detach().split([weight.size for weight in network.weights], 1)
    return tuple(p.unflatten(1, w.shape) for p, w in zip(pieces, network.weights, strict=True))


def generators(seeds: Sequence[int], stream: int, device: torch.device | str, step: int = 0) -> list[torch.Generator]:
    """One random generator per replica for one purpose (`stream`), independent over seeds, streams and steps."""
    made = []
    for seed in seeds:
        state = np.random.SeedSequence([seed, stream, step]).generate_state(1, np.uint64)
        made.append(torch.Generator(device).manual_seed(int(state[0])))
    return made
