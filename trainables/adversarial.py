"""One adversarial step of a population: the critic ascends F, the generator descends its loss.

    critic:     -[mean f(d(x)) + mean g(d(G(z)))] + weight * penalty
    generator:   mean l(d(G(z)))

All losses are vectors (R,); replica i's loss depends on replica i's weights and batch alone, so the gradient of their
sum is the stack of their gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.feed import Batch
from trainables.objectives import Game
from trainables.optimizers import Optimizer
from trainables.penalties import Penalty, gradient_penalty, spectral_divide
from trainables.population import Stack


@dataclass
class Players:
    """Two stacks of networks and the game they play.

    `weight` (R,) is the penalty's, `clip` (R, 1) the bound on weights or None, `spectral` the power iteration's
    vectors (empty without spectral normalisation), `separate` keeps real and generated samples in batches of their own
    because the critic normalises over the batch.
    """

    game: Game
    generator: Stack
    critic: Stack
    penalty: Penalty
    weight: Tensor
    clip: Tensor | None
    spectral: list[Tensor]
    separate: bool

    def generate(self, weights: Sequence[Tensor], latents: Tensor, labels: Tensor | None) -> Tensor:
        """Samples (R, B, *shape) from latents (R, B, L)."""
        return self.generator.network(weights, latents, labels)

    def critic_weights(self, weights: Sequence[Tensor], iterate: bool = False) -> list[Tensor]:
        """The critic's weights as its layers use them: divided by their norms under spectral normalisation."""
        ready = list(weights)
        for index, vector in zip(self.critic.network.matrices, self.spectral, strict=False):
            ready[index] = spectral_divide(ready[index], vector, iterate)
        return ready

    def score(self, weights: Sequence[Tensor], samples: Tensor, labels: Tensor | None) -> Tensor:
        """d (R, B) of samples (R, B, *shape)."""
        return self.game.link(self.critic.network(weights, samples, labels))

    def critic_loss(self, batch: Batch) -> Tensor:
        """What the critic descends (R,)."""
        with torch.no_grad():
            fake = self.generate(self.generator.constants, batch.latents, batch.wanted)
        weights = self.critic_weights(self.critic.views, iterate=True)
        if self.separate:
            real_scores = self.score(weights, batch.real, batch.labels)
            fake_scores = self.score(weights, fake, batch.wanted)
        else:
            scores = self.score(weights, torch.cat([batch.real, fake], 1), batch.both_labels)
            real_scores, fake_scores = scores.chunk(2, 1)
        loss = -(self.game.f(real_scores).mean(1) + self.game.g(fake_scores).mean(1))
        if self.penalty.points is None:
            return loss
        return loss + self.weight * gradient_penalty(
            self.penalty, lambda x: self.score(weights, x, batch.labels), batch.real, fake, batch.uniform
        )

    def generator_loss(self, batch: Batch) -> Tensor:
        """What the generator descends (R,)."""
        fake = self.generate(self.generator.views, batch.latents, batch.wanted)
        weights = self.critic_weights(self.critic.constants)
        return self.game.loss(self.score(weights, fake, batch.wanted)).mean(1)


@dataclass
class Report:
    """Losses and gradient norms (R,) of the last update of each player in a step."""

    critic_loss: Tensor
    generator_loss: Tensor
    critic_norm: Tensor
    generator_norm: Tensor


def step(
    players: Players,
    optimizers: tuple[Optimizer, Optimizer],
    batches: Sequence[Batch],
    alive: Tensor,
    simultaneous: bool,
    bound: float,
) -> Report:
    """Train the critic on all batches but the last and the generator on the last; `optimizers` are (generator, critic).

    `simultaneous` takes both gradients before either update. A replica whose loss, gradient or weights leave the
    bounds is struck out of `alive` (R,) in place, before the update that would have spoiled it.
    """
    generator, critic = players.generator, players.critic
    for batch in batches[:-1]:
        critic_loss = players.critic_loss(batch)
        critic_gradient = critic.gradient(critic_loss)
        alive &= healthy(critic_loss, critic_gradient, bound)
        if not simultaneous:
            _update(critic, optimizers[1], critic_gradient, alive, bound, players.clip)
    generator_loss = players.generator_loss(batches[-1])
    generator_gradient = generator.gradient(generator_loss)
    alive &= healthy(generator_loss, generator_gradient, bound)
    if simultaneous:
        _update(critic, optimizers[1], critic_gradient, alive, bound, players.clip)
    _update(generator, optimizers[0], generator_gradient, alive, bound)
    return Report(
        critic_loss.detach(), generator_loss.detach(), critic_gradient.norm(dim=1), generator_gradient.norm(dim=1)
    )


def healthy(loss: Tensor, gradient: Tensor, bound: float) -> Tensor:
    """Replicas (R,) whose loss keeps within the bound and whose gradient is finite."""
    return (loss.detach().abs() <= bound) & gradient.square().sum(1).isfinite()


def _update(
    stack: Stack, optimizer: Optimizer, gradient: Tensor, alive: Tensor, bound: float, clip: Tensor | None = None
) -> None:
    optimizer.update(stack.flat, gradient, alive)
    if clip is not None:
        stack.flat.clamp_(-clip, clip)
    alive &= stack.flat.abs().amax(1) <= bound
