"""One adversarial step of a population: the critic ascends F = E_p f(d) + E_q g(d), the generator descends its loss.

A step is four things, for R replicas at once: *sample* a batch of real samples and latents (`trainables.batches`),
*score* real and generated samples by the critic, *penalise* the critic (`Players.critic_loss` and
`Players.generator_loss` do both), and *update* the weights along the gradients of these losses. In what order:

- alternating: the critic some times, each on a batch of its own, then the generator once, against the new critic;
- simultaneous: both gradients at the same weights, then both updates;
- extragradient: a simultaneous update to look ahead, then from the old weights along the gradients found there.

Losses are vectors (R,) and gradients matrices (R, P), a row a replica. `alive` (R,) says which replicas still train:
one whose loss, gradient or weights leave the bounds is struck out before the update that would have spoiled it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from trainables.batches import Batch
from trainables.models.players import Players
from trainables.optimizers import Optimizer
from trainables.population import StackedParameters

PerPlayer = tuple[Tensor, Tensor]  # the critic's and the generator's
Optimizers = tuple[Optimizer, Optimizer]  # the generator's and the critic's


def step(
    players: Players, optimizers: Optimizers, batches: Sequence[Batch], alive: Tensor, updates: str, bound: float
) -> dict[str, Tensor]:
    """Train both players once in the order of `updates`, a name of `ORDERS`; losses and gradient norms (R,).

    `bound` is the largest absolute loss and weight of a healthy replica; `alive` (R,) is changed in place.
    """
    return ORDERS[updates](players, optimizers, batches, alive, bound)


def _alternating(
    players: Players, optimizers: Optimizers, batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """The critic on all batches but the last, then the generator on the last."""
    generator, critic = players.generator, players.critic
    for batch in batches[:-1]:
        critic_loss = players.critic_loss(batch, generator.constants, critic.views)
        critic_gradient = critic.gradient(critic_loss)
        alive &= healthy(critic_loss, critic_gradient, bound)
        _update(critic, optimizers[1], critic_gradient, alive, bound, players.clip)
    generator_loss = players.generator_loss(batches[-1], generator.views, critic.constants)
    generator_gradient = generator.gradient(generator_loss)
    alive &= healthy(generator_loss, generator_gradient, bound)
    _update(generator, optimizers[0], generator_gradient, alive, bound)
    return _report(critic_loss, generator_loss, critic_gradient, generator_gradient)


def _simultaneous(
    players: Players, optimizers: Optimizers, batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """Both gradients at the same weights, then both updates."""
    losses, gradients = _both(players, batches[0], batches[1])
    _advance(players, optimizers, losses, gradients, alive, bound)
    return _report(*losses, *gradients)


def _extragradient(
    players: Players, optimizers: Optimizers, batches: Sequence[Batch], alive: Tensor, bound: float
) -> dict[str, Tensor]:
    """Look ahead by a simultaneous update, then update from the old weights with the gradients found there.

    The optimisers' moments take part in both (ExtraAdam, Gidel et al. 2019, algorithm 4).
    """
    stacks = (players.generator, players.critic)
    before = [stack.flat.clone() for stack in stacks]
    losses, gradients = _both(players, batches[0], batches[1])
    _advance(players, optimizers, losses, gradients, alive, bound)
    losses, gradients = _both(players, batches[2], batches[3])
    for stack, weights in zip(stacks, before, strict=True):
        stack.flat.copy_(weights)
    _advance(players, optimizers, losses, gradients, alive, bound)
    return _report(*losses, *gradients)


Order = Callable[[Players, Optimizers, Sequence[Batch], Tensor, float], dict[str, Tensor]]

ORDERS: dict[str, Order] = {
    "alternating": _alternating,
    "simultaneous": _simultaneous,
    "extragradient": _extragradient,
}


def batches_per_step(updates: str, critic_steps: int) -> int:
    """How many batches a step takes."""
    return {"alternating": critic_steps + 1, "simultaneous": 2, "extragradient": 4}[updates]


def _both(players: Players, for_critic: Batch, for_generator: Batch) -> tuple[PerPlayer, PerPlayer]:
    """Losses (R,) and gradients (R, P) of the critic and of the generator at the present weights."""
    generator, critic = players.generator, players.critic
    if players.penalty.name != "consensus":
        critic_loss = players.critic_loss(for_critic, generator.constants, critic.views)
        generator_loss = players.generator_loss(for_generator, generator.views, critic.constants)
        return (critic_loss, generator_loss), (critic.gradient(critic_loss), generator.gradient(generator_loss))
    critic_loss = players.critic_loss(for_critic, generator.views, critic.views)
    generator_loss = players.generator_loss(for_generator, generator.views, critic.views)
    ascent = critic.gradient(critic_loss, keep=True), generator.gradient(generator_loss, keep=True)
    energy = players.weight / 2 * (ascent[0].square().sum(1) + ascent[1].square().sum(1))
    gradients = (
        ascent[0].detach() + critic.gradient(energy, retain=True),
        ascent[1].detach() + generator.gradient(energy),
    )
    return (critic_loss, generator_loss), gradients


def _advance(
    players: Players,
    optimizers: Optimizers,
    losses: PerPlayer,
    gradients: PerPlayer,
    alive: Tensor,
    bound: float,
) -> None:
    for loss, gradient in zip(losses, gradients, strict=True):
        alive &= healthy(loss, gradient, bound)
    _update(players.critic, optimizers[1], gradients[0], alive, bound, players.clip)
    _update(players.generator, optimizers[0], gradients[1], alive, bound)


def _report(
    critic_loss: Tensor, generator_loss: Tensor, critic_gradient: Tensor, generator_gradient: Tensor
) -> dict[str, Tensor]:
    return {
        "loss_critic": critic_loss.detach(),
        "loss_generator": generator_loss.detach(),
        "gradient_norm_critic": critic_gradient.norm(dim=1),
        "gradient_norm_generator": generator_gradient.norm(dim=1),
    }


def descend(
    stacks: Sequence[StackedParameters], optimizers: Sequence[Optimizer], loss: Tensor, alive: Tensor, bound: float
) -> list[Tensor]:
    """All stacks descend one loss (R,); the norms (R,) of their gradients. Strikes fallen replicas out of `alive`."""
    gradients = [stack.gradient(loss, retain=True) for stack in stacks]
    for gradient in gradients:
        alive &= healthy(loss, gradient, bound)
    for stack, optimizer, gradient in zip(stacks, optimizers, gradients, strict=True):
        _update(stack, optimizer, gradient, alive, bound)
    return [gradient.norm(dim=1) for gradient in gradients]


def healthy(loss: Tensor, gradient: Tensor, bound: float) -> Tensor:
    """Replicas (R,) whose loss keeps within the bound and whose gradient is finite."""
    return (loss.detach().abs() <= bound) & gradient.square().sum(1).isfinite()


def _update(
    stack: StackedParameters,
    optimizer: Optimizer,
    gradient: Tensor,
    alive: Tensor,
    bound: float,
    clip: Tensor | None = None,
) -> None:
    optimizer.update(stack.flat, gradient, alive)
    if clip is not None:
        stack.flat.copy_(stack.flat.clamp(-clip, clip).where(alive[:, None], stack.flat))
    alive &= stack.flat.abs().amax(1) <= bound
