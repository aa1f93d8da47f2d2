"""What each player descends at the present weights, and along which gradient.

Where the kernels know the whole game, a call takes a batch to the gradient: dense networks without labels, noise or
normalisation, on float32 in this machine's memory. Any other game is autograd's. Both have the same losses, of
`trainables.models.players`, and agree to float tolerance.
"""

from __future__ import annotations

from torch import Tensor

from trainables import native
from trainables.batches import Batch
from trainables.models.players import Players


def of_critic(players: Players, batch: Batch) -> tuple[Tensor, Tensor]:
    """The critic's loss (R,) and its gradient (R, P)."""
    generator, critic, data = players.generator, players.critic, batch.data.train
    if native.usable(generator.flat, critic.flat, batch.latents, data) and players.dense is not None:
        return players.dense.of_critic(generator.flat, critic.flat, data, batch.indices, batch.latents, players.charge)
    loss = players.critic_loss(batch, generator.constants, critic.views)
    return loss.detach(), critic.gradient(loss)


def of_generator(players: Players, batch: Batch) -> tuple[Tensor, Tensor]:
    """The generator's loss (R,) and its gradient (R, P)."""
    generator, critic = players.generator, players.critic
    if native.usable(generator.flat, critic.flat, batch.latents) and players.dense is not None:
        return players.dense.of_generator(generator.flat, critic.flat, batch.latents)
    loss = players.generator_loss(batch, generator.views, critic.constants)
    return loss.detach(), generator.gradient(loss)
