"""One adversarial step of a population: the critic ascends F, the generator descends its loss.

    critic:     -[mean f(d(x)) + mean g(d(G(z)))] + weight * penalty
    generator:   mean l(d(G(z)))

All losses are vectors (R,); replica i's loss depends on replica i's weights and batch alone, so the gradient of their
sum is the stack of their gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.batches import Batch
from trainables.objectives import Game
from trainables.optimizers import Optimizer
from trainables.penalties import Penalty, gradient_penalty, spectral_divide
from trainables.population import StackedParameters

Weights = Sequence[Tensor]
PerPlayer = tuple[Tensor, Tensor]  # the critic's and the generator's
Optimizers = tuple[Optimizer, Optimizer]  # the generator's and the critic's


@dataclass
class Players:
    """Two stacks of networks and the game they play.

    `weight` (R,) is the penalty's, `clip` (R, 1) the bound on weights or None, `spectral` the power iteration's
    vectors (empty without spectral normalisation), `separate` keeps real and generated samples in batches of their own
    because the critic normalises over the batch. `noise` (R,) is the standard deviation that instance noise starts
    from on its way to 0 (Sonderby 2017), `smoothing` (R,) how much of a real sample counts as fake (one-sided label
    smoothing, Salimans 2016); None: off. The critic judges `packing` samples at once (PacGAN, Lin 2018).
    """

    game: Game
    generator: StackedParameters
    critic: StackedParameters
    penalty: Penalty
    weight: Tensor
    clip: Tensor | None
    spectral: list[Tensor]
    separate: bool
    noise: Tensor | None = None
    smoothing: Tensor | None = None
    packing: int = 1

    def generate(self, weights: Weights, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Samples (R, B, *shape) from latents (R, B, L)."""
        return self.generator.network(weights, latents, labels)

    def critic_weights(self, weights: Weights, iterate: bool = False) -> list[Tensor]:
        """The critic's weights as its layers use them: divided by their norms under spectral normalisation."""
        ready = list(weights)
        for index, vector in zip(self.critic.network.matrices, self.spectral, strict=False):
            ready[index] = spectral_divide(ready[index], vector, iterate)
        return ready

    def packed(self, samples: Tensor) -> Tensor:
        """Samples (R, B, c, ...) as the critic sees them: (R, B/m, m c, ...)."""
        if self.packing == 1:
            return samples
        packs: Tensor = samples.unflatten(1, (-1, self.packing))
        return packs.flatten(2, 3)

    def score(self, weights: Weights, packs: Tensor, labels: Tensor | None) -> Tensor:
        """d (R, B/m) of packed samples."""
        return self.game.link(self.critic.network(weights, packs, labels))

    def critic_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        """What the critic descends (R,), for given weights of both players."""
        fake = self._noisy_packs(self.generate(generator, batch.latents, batch.wanted), batch, last=True)
        real = self._noisy_packs(batch.real, batch)
        weights = self.critic_weights(critic, iterate=True)
        if self.separate:
            on_real = self.score(weights, real, batch.labels)
            on_fake = self.score(weights, fake, batch.wanted)
        else:
            on_real, on_fake = self.score(weights, torch.cat([real, fake], 1), batch.both_labels).chunk(2, 1)
        loss = -(self._gain(on_real) + self.game.g(on_fake).mean(1))
        if self.penalty.points is None:
            return loss
        labels = batch.wanted if self.penalty.generated else batch.labels
        return loss + self.weight * gradient_penalty(
            self.penalty, lambda x: self.score(weights, x, labels), real, fake, batch.uniform[:, : real.shape[1]]
        )

    def generator_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        """What the generator descends (R,), for given weights of both players."""
        fake = self._noisy_packs(self.generate(generator, batch.latents, batch.wanted), batch)
        weights = self.critic_weights(critic)
        return self.game.loss(self.score(weights, fake, batch.wanted)).mean(1)

    def _gain(self, on_real: Tensor) -> Tensor:
        gain = self.game.f(on_real).mean(1)
        if self.smoothing is None:
            return gain
        return torch.lerp(gain, self.game.g(on_real).mean(1), self.smoothing)

    def _noisy_packs(self, samples: Tensor, batch: Batch, last: bool = False) -> Tensor:
        """Samples as the critic sees them: with the noise of the moment, and packed."""
        if self.noise is not None:
            size = samples[0, 0].numel()
            normal = batch.normal[..., -size:] if last else batch.normal[..., :size]
            level = (self.noise * (1 - batch.progress)).view(-1, *([1] * (samples.dim() - 1)))
            samples = samples + level * normal.reshape(samples.shape)
        return self.packed(samples)


def step(
    players: Players, optimizers: Optimizers, batches: Sequence[Batch], alive: Tensor, updates: str, bound: float
) -> dict[str, Tensor]:
    """Train both players once in the order of `updates`, a name of `ORDERS`; losses and gradient norms (R,).

    A replica whose loss, gradient or weights leave the bounds is struck out of `alive` (R,) in place, before the update
    that would have spoiled it.
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
