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
    of_generator = _gradients(generator_loss.sum(), weights, keep=True)
    of_critic = _gradients(critic_loss.sum(), weights, keep=True)
    theta, psi = of_generator[0].detach(), of_critic[1].detach()  # ξ
    own_theta, cross_psi = _gradients(of_generator[0], weights, theta)
    cross_theta, own_psi = _gradients(of_critic[1], weights, psi)
    (across_theta,) = _gradients(of_generator[1], weights[:1], psi)
    (across_psi,) = _gradients(of_critic[0], weights[1:], theta)
    adjustment = (cross_theta - across_theta) / 2, (cross_psi - across_psi) / 2  # A^T ξ
    slope = own_theta + cross_theta, own_psi + cross_psi  # ∇h
    size = theta.shape[1] + psi.shape[1]
    aligned = _products((theta, psi), slope) * _products(adjustment, slope) / size
    sign = (aligned + ALIGNMENT).sign()[:, None]
    by_generator, by_critic = (xi + sign * part for xi, part in zip((theta, psi), adjustment, strict=True))
    return Adjusted(critic_loss.detach(), generator_loss.detach(), by_critic, by_generator)


def _gradients(
    values: Tensor, weights: Sequence[Tensor], upstream: Tensor | None = None, keep: bool = False
) -> tuple[Tensor, ...]:
    """Of values, or of their inner product with `upstream`, by weights (R, P); `keep` makes them differentiable."""
    return torch.autograd.grad(values, weights, upstream, create_graph=keep, retain_graph=True, materialize_grads=True)


def _products(ours: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """The inner product (R,) of each replica's vectors, in parts (R, P) by player."""
    return torch.stack([torch.linalg.vecdot(*pair) for pair in zip(ours, others, strict=True)]).sum(0)
