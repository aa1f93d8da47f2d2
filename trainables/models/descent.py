"""What each player descends at the present weights, and along which gradient.

Where the kernels know the whole game, a call takes a batch to the gradient: dense networks without labels, noise or
normalisation, in float32 in this machine's memory. Any other game is autograd's, and so is any in less than float32.
Both have the same losses, of `trainables.models.players`, and agree to float tolerance.
"""

from __future__ import annotations

from torch import Tensor

from trainables import native, precision
from trainables.batches import Batch
from trainables.models.players import Players


def of_critic(players: Players, batch: Batch) -> tuple[Tensor, Tensor]:
    """The critic's loss (R,) and its gradient (R, P)."""
    generator, critic, data = players.generator, players.critic, batch.data.train
    if _known(players, batch) and players.dense is not None and native.usable(data):
        return players.dense.of_critic(generator.flat, critic.flat, data, batch.indices, batch.latents, players.charge)
    loss, on_gradients = players.critic_losses(batch, generator.constants, critic.views)
    if on_gradients is None:
        return loss.detach(), critic.gradient(loss)
    if not precision.lowered():
        return (loss + on_gradients).detach(), critic.gradient(loss + on_gradients)
    gradient = critic.gradient(loss, retain=True)
    with precision.exact():
        return (loss + on_gradients).detach(), gradient + critic.gradient(on_gradients)


def of_generator(players: Players, batch: Batch) -> tuple[Tensor, Tensor]:
    """The generator's loss (R,) and its gradient (R, P)."""
    generator, critic = players.generator, players.critic
    if _known(players, batch) and players.dense is not None:
        return players.dense.of_generator(generator.flat, critic.flat, batch.latents)
    loss = players.generator_loss(batch, generator.views, critic.constants)
    return loss.detach(), generator.gradient(loss)


def _known(players: Players, batch: Batch) -> bool:
    """Whether the kernels can work on these tensors, in the present precision."""
    return native.usable(players.generator.flat, players.critic.flat, batch.latents) and not precision.lowered()
