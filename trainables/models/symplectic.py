"""Symplectic gradient adjustment: against the rotation of a game whose players have losses of their own.

With the game's gradient ξ = (∇_θ l_g, ∇_ψ l_c) by the generator's weights θ and the critic's ψ, and the Jacobian H of
ξ, which is not symmetric, the players descend

    ξ + λ A^T ξ,    A = (H - H^T)/2,    λ = sign(<ξ, ∇h> <A^T ξ, ∇h>/d + 1/10),

where h = |ξ|²/2, so that ∇h = H^T ξ, and d is the number of all weights. A is what makes the game rotate; λ turns the
adjustment towards stable points and away from unstable ones (Balduzzi et al. 2018, algorithm 1; Letcher et al. 2019).
Both losses are of one batch, as in the authors' notebook.

The diagonal blocks of H are Hessians and symmetric. Only products with the other two are needed, and these are
gradients of scalars, in which ξ is taken as constant:

    (A^T ξ)_θ = ∇_θ <∇_ψ (l_c - l_g), ξ_ψ>/2,    (A^T ξ)_ψ = ∇_ψ <∇_θ (l_g - l_c), ξ_θ>/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.batches import Batch
from trainables.models.players import Players
from trainables.objectives.dirac import ALIGNMENT


class Adjusted(NamedTuple):
    """Losses (R,) of both players and their adjusted gradients, (R, P)."""

    critic_loss: Tensor
    generator_loss: Tensor
    critic: Tensor
    generator: Tensor


def of_both(players: Players, batch: Batch) -> Adjusted:
    """What both players descend at the present weights, both their losses being on one batch."""
    generator, critic = players.generator, players.critic
    weights = generator.leaf, critic.leaf
    critic_loss = players.critic_loss(batch, generator.views, critic.views)
    generator_loss = players.generator_loss(batch, generator.views, critic.views)
    # Of either loss by either's weights.
    of_generator, of_critic = (
        _gradients(generator_loss, weights, keep=True),
        _gradients(critic_loss, weights, keep=True),
    )
    theta, psi = of_generator[0].detach(), of_critic[1].detach()  # ξ
    own_theta, cross_psi = _gradients((of_generator[0] * theta).sum(1), weights)
    cross_theta, own_psi = _gradients((of_critic[1] * psi).sum(1), weights)
    (across_theta,) = _gradients((of_generator[1] * psi).sum(1), weights[:1])
    (across_psi,) = _gradients((of_critic[0] * theta).sum(1), weights[1:])
    field = torch.cat([theta, psi], 1)
    adjustment = torch.cat([cross_theta - across_theta, cross_psi - across_psi], 1) / 2  # A^T ξ
    slope = torch.cat([own_theta + cross_theta, own_psi + cross_psi], 1)  # ∇h
    aligned = (field * slope).sum(1) * (adjustment * slope).sum(1) / field.shape[1]
    adjusted = field + (aligned + ALIGNMENT).sign()[:, None] * adjustment
    by_generator, by_critic = adjusted.split([theta.shape[1], psi.shape[1]], 1)
    return Adjusted(critic_loss.detach(), generator_loss.detach(), by_critic, by_generator)


def _gradients(values: Tensor, weights: Sequence[Tensor], keep: bool = False) -> tuple[Tensor, ...]:
    """Of each replica's own value (R,) by its weights (R, P); `keep` makes them differentiable."""
    return torch.autograd.grad(values.sum(), weights, create_graph=keep, retain_graph=True, materialize_grads=True)
