"""One adversarial step of a population: the critic ascends F = E_p f(d) + E_q g(d), the generator descends its loss.

A step is four things, for R replicas at once: *sample* a batch of real samples and latents (`trainables.batches`),
*score* real and generated samples by the critic, *penalise* the critic (`Players.critic_loss` and
`Players.generator_loss` do both), and *update* the weights along the gradients of these losses. In what order:

- alternating: `critic_steps` updates of the critic, each on a batch of its own, then one of the generator, against the
  new critic;
- simultaneous: both gradients at the same weights, then both updates;
- extragradient: a simultaneous update to look ahead, then from the old weights along the gradients found there;
- sga: a simultaneous update along gradients adjusted against the game's rotation (`trainables.models.symplectic`), both
  players on the same batch.

Alternating and simultaneous updates may be the generator's against a critic some updates ahead
(`trainables.models.unrolled`).

Losses are vectors (R,) and gradients matrices (R, P), one row per replica. What belongs to both players comes as a
`PerPlayer`. `alive` (R,) says which replicas still train: one whose loss, gradient or weights exceed the bounds is
masked from then on. A loss or gradient is checked before its update, so that it never reaches the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from trainables import native
from trainables.batches import Batch
from trainables.models import symplectic, unrolled
from trainables.models.descent import of_critic, of_generator
from trainables.models.players import Players
from trainables.optimizers import Optimizer
from trainables.population import StackedParameters

T = TypeVar("T")


class PerPlayer(NamedTuple, Generic[T]):
    """One thing of each player: their losses (R,), gradients (R, P) or optimisers."""

    critic: T
    generator: T


def step(
    players: Players,
    optimizers: PerPlayer[Optimizer],
    batches: Sequence[Batch],
    alive: Tensor,
    updates: str,
    bound: float,
) -> dict[str, Tensor]:
    """Train both players once in the order of `updates`, a name of `ORDERS`; losses and gradient norms (R,).

    `batches` are as many as `batches_per_step` says: for alternating updates all but the last are the critic's; for
    simultaneous ones a pair of the critic's and the generator's, two pairs for extragradient; one of both for sga.
    `bound` is the largest absolute loss and weight of a healthy replica; `alive` (R,) is changed in place.
    """
    return ORDERS[updates](players, optimizers, batches, alive, bound)


def _alternating(
    players: Players, optimizers: PerPlayer[Optimizer], batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """The critic on all batches but the last, then the generator on the last."""
    generator, critic = players.generator, players.critic
    for batch in batches[:-1]:
        critic_loss, critic_gradient = of_critic(players, batch)
        critic_norm = checked(critic_gradient, critic_loss, bound, alive)
        _update(critic, optimizers.critic, critic_gradient, alive, bound, players.clip)
    generator_loss, generator_gradient = _of_generator(players, optimizers, batches[-1])
    generator_norm = checked(generator_gradient, generator_loss, bound, alive)
    _update(generator, optimizers.generator, generator_gradient, alive, bound)
    return _report(PerPlayer(critic_loss, generator_loss), PerPlayer(critic_norm, generator_norm))


def _simultaneous(
    players: Players, optimizers: PerPlayer[Optimizer], batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """Both gradients at the same weights, then both updates."""
    losses, gradients = _both(players, optimizers, batches[0], batches[1])
    return _report(losses, _advance(players, optimizers, losses, gradients, alive, bound))


def _extragradient(
    players: Players, optimizers: PerPlayer[Optimizer], batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """Look ahead by a simultaneous update, then update from the old weights with the gradients found there.

    The optimisers' moments take part in both (ExtraAdam, Gidel et al. 2019, algorithm 4).
    """
    stacks = (players.generator, players.critic)
    before = [stack.flat.clone() for stack in stacks]
    losses, gradients = _both(players, optimizers, batches[0], batches[1])
    _advance(players, optimizers, losses, gradients, alive, bound)
    losses, gradients = _both(players, optimizers, batches[2], batches[3])
    for stack, weights in zip(stacks, before, strict=True):
        stack.flat.copy_(weights)
    return _report(losses, _advance(players, optimizers, losses, gradients, alive, bound))


def _sga(
    players: Players, optimizers: PerPlayer[Optimizer], batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """Both adjusted gradients on the same batch at the same weights, then both updates."""
    found = symplectic.of_both(players, batches[0])
    losses = PerPlayer(found.critic_loss, found.generator_loss)
    gradients = PerPlayer(found.critic, found.generator)
    return _report(losses, _advance(players, optimizers, losses, gradients, alive, bound))


Order = Callable[[Players, PerPlayer[Optimizer], Sequence[Batch], Tensor, float], dict[str, Tensor]]

ORDERS: dict[str, Order] = {
    "alternating": _alternating,
    "simultaneous": _simultaneous,
    "extragradient": _extragradient,
    "sga": _sga,
}


def batches_per_step(updates: str, critic_steps: int) -> int:
    """How many batches a step takes, in the order that `step` expects."""
    return {"alternating": critic_steps + 1, "simultaneous": 2, "extragradient": 4, "sga": 1}[updates]


def _of_generator(players: Players, optimizers: PerPlayer[Optimizer], batch: Batch) -> tuple[Tensor, Tensor]:
    """The generator's loss (R,) and gradient (R, P), against the critic as it is or as it would become."""
    return unrolled.of_generator(players, optimizers.critic, batch) if players.unroll else of_generator(players, batch)


def _both(
    players: Players, optimizers: PerPlayer[Optimizer], for_critic: Batch, for_generator: Batch
) -> tuple[PerPlayer[Tensor], PerPlayer[Tensor]]:
    """Losses (R,) and gradients (R, P) of the critic and of the generator at the present weights."""
    if players.consensus is None:
        critic_loss, critic_gradient = of_critic(players, for_critic)
        generator_loss, generator_gradient = _of_generator(players, optimizers, for_generator)
        return PerPlayer(critic_loss, generator_loss), PerPlayer(critic_gradient, generator_gradient)
    generator, critic = players.generator, players.critic
    # Consensus: to both losses is added weight/2 |v|^2, v being both players' gradients together. It depends on the
    # weights of both, so that each player's gradient is differentiated once more, with respect to either's weights.
    critic_loss = players.critic_loss(for_critic, generator.views, critic.views)
    generator_loss = players.generator_loss(for_generator, generator.views, critic.views)
    plain = PerPlayer(critic.gradient(critic_loss, keep=True), generator.gradient(generator_loss, keep=True))
    energy = players.consensus / 2 * (plain.critic.square().sum(1) + plain.generator.square().sum(1))
    gradients = PerPlayer(
        plain.critic.detach() + critic.gradient(energy, retain=True),
        plain.generator.detach() + generator.gradient(energy),
    )
    return PerPlayer(critic_loss, generator_loss), gradients


def _advance(
    players: Players,
    optimizers: PerPlayer[Optimizer],
    losses: PerPlayer[Tensor],
    gradients: PerPlayer[Tensor],
    alive: Tensor,
    bound: float,
) -> PerPlayer[Tensor]:
    """Update both players along their gradients; the gradients' norms (R,)."""
    # Both checks come before both updates: a replica whose generator fails must not move its critic either.
    norms = PerPlayer(*(checked(*both, bound, alive) for both in zip(gradients, losses, strict=True)))
    _update(players.critic, optimizers.critic, gradients.critic, alive, bound, players.clip)
    _update(players.generator, optimizers.generator, gradients.generator, alive, bound)
    return norms


def _report(losses: PerPlayer[Tensor], norms: PerPlayer[Tensor]) -> dict[str, Tensor]:
    return {
        "loss_critic": losses.critic.detach(),
        "loss_generator": losses.generator.detach(),
        "gradient_norm_critic": norms.critic,
        "gradient_norm_generator": norms.generator,
    }


def descend(
    stacks: Sequence[StackedParameters], optimizers: Sequence[Optimizer], loss: Tensor, alive: Tensor, bound: float
) -> list[Tensor]:
    """All stacks descend one loss (R,); the norms (R,) of their gradients. Clears `alive` (R,) of diverged replicas."""
    gradients = [stack.gradient(loss, retain=True) for stack in stacks]
    norms = [checked(gradient, loss, bound, alive) for gradient in gradients]
    for stack, optimizer, gradient in zip(stacks, optimizers, gradients, strict=True):
        _update(stack, optimizer, gradient, alive, bound)
    return norms


def checked(gradient: Tensor, loss: Tensor, bound: float, alive: Tensor) -> Tensor:
    """The length (R,) of each replica's gradient (R, P); clears `alive` (R,) where it is not finite or where the loss
    exceeds the bound."""
    loss = loss.detach()
    if native.usable(gradient, loss):
        return native.check_gradients(gradient, loss, bound, alive)
    length: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    alive &= (loss.abs() <= bound) & length.isfinite()
    return length


def _update(
    stack: StackedParameters,
    optimizer: Optimizer,
    gradient: Tensor,
    alive: Tensor,
    bound: float,
    clip: Tensor | None = None,
) -> None:
    optimizer.update(stack.flat, gradient, alive, math.inf if clip is not None else bound)
    if clip is not None:
        stack.flat.copy_(stack.flat.clamp(-clip, clip).where(alive[:, None], stack.flat))
        alive &= stack.flat.abs().amax(1) <= bound
