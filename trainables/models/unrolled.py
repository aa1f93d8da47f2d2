"""The unrolled critic: the generator answers the critic that would have learnt from its samples for K updates more.

    ψ_0 = ψ,    ψ_{k+1} = ψ_k + the critic's own update along ∇_ψ l_c(θ, ψ_k),    l_K(θ, ψ) = l_g(θ, ψ_K),

all on the generator's batch. The gradient of l_K by θ goes through the K updates, which depend on θ, and through their
rule with its moments, as in the authors' code (Metz et al. 2017, equations 7 to 10). The critic itself stays where it
is, as do its optimiser, the vectors of spectral normalisation and LeCam's averages.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from trainables.batches import Batch
from trainables.models.players import Players
from trainables.networks import FlatWeights
from trainables.optimizers import Optimizer


def of_generator(players: Players, optimizer: Optimizer, batch: Batch) -> tuple[Tensor, Tensor]:
    """The generator's loss l_K (R,) and its gradient (R, P), where `optimizer` is the critic's."""
    generator, critic = players.generator, players.critic
    ahead, psi, later = optimizer, critic.leaf, players
    for _ in range(players.unroll):
        # Vectors and anchors are each update's own: moved in place, while the gradient goes through all updates.
        terms, spectral = [term.apart() for term in later.terms], [vector.clone() for vector in later.spectral]
        later = replace(later, terms=terms, spectral=spectral, updates=ahead.count)
        loss = later.critic_loss(batch, generator.views, FlatWeights(critic.network.weights, psi))
        (gradient,) = torch.autograd.grad(loss.sum(), psi, create_graph=True)
        psi, ahead = ahead.foresee(psi, gradient)
        if players.clip is not None:
            psi = psi.clamp(-players.clip, players.clip)
    loss = later.generator_loss(batch, generator.views, FlatWeights(critic.network.weights, psi))
    return loss.detach(), generator.gradient(loss)
