"""How far a critic is from its optimum: a copy is trained further against the frozen generator.

The bound E_p f(d) + E_q g(d) rises to the divergence that the pair induces (Nowozin et al. 2016), or to what the
critic's network and its penalty let it reach: the limit of many critic steps per generator step, and how a divergence
is estimated where no density is known. Penalties stay as in training, lazy
ones at their average weight; instance noise and label smoothing are off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.batches import BatchSampler
from trainables.checks import whole
from trainables.data import floats
from trainables.models.gan import GAN
from trainables.models.players import Players
from trainables.models.updates import descend
from trainables.optimizers import Optimizer
from trainables.population import StackedParameters, views
from trainables.training import Training

SAMPLES = 10_000  # real and generated samples of a bound, at most; fewer if fewer are held out


@dataclass(frozen=True)
class Ascent:
    """The bound (R, N) after so many steps (N,) of the critic, on held-out real and fresh generated samples; its error
    is that of a mean over them. NaN from where a replica's critic left the bounds, or if its generator had."""

    steps: NDArray[np.int64]
    bound: NDArray[np.float64]

    @property
    def last(self) -> NDArray[np.float64]:
        """Where the bound ended, (R,)."""
        return self.bound[:, -1]


def optimal_critic(
    training: Training, steps: int = 2000, every: int = 100, lr: float | None = None, fresh: bool = False
) -> Ascent:
    """Train a copy of each replica's critic by Adam against its frozen generator; the training itself is not changed.

    The bound is taken before the first step and after every `every` steps. `lr` is by default the critic's own; `fresh`
    starts from new weights. Raises `ValueError` for a model without a critic or with two, and steps that `every` does
    not divide.
    """
    whole("steps", steps, low=1)
    whole("every", every, low=1)
    if not isinstance(training.model, GAN) or training.spec.model == "cyclegan":
        raise ValueError(f"model: expected one with one critic, gan or cgan, got {training.spec.model}")
    if steps % every:
        raise ValueError(f"every: expected a divisor of steps = {steps}, got {every}")
    players = _copied(training, training.model.players, fresh)
    generator = views(players.generator.network, training.average)
    optimizer = _optimizer(training, players, lr)
    alive = training.alive.clone()
    sampler = BatchSampler(
        training.data,
        replace(training.sampler.batch_shape, updates=1, noise=0),
        training.context.streams("optimal_critic"),
        bool(training.classes),
    )
    held = _held(training, players)
    found = [held.bound(players, alive)]
    for _ in range(0, steps, every):
        for (batch,) in sampler.draw(every):
            loss = players.critic_loss(batch, generator, players.critic.views)
            descend([players.critic], [optimizer], loss, alive, training.spec.bound)
            if players.clip is not None:
                players.critic.flat.copy_(players.critic.flat.clamp(-players.clip, players.clip))
        found.append(held.bound(players, alive))
    return Ascent(np.arange(0, steps + 1, every), torch.stack(found, 1).cpu().numpy())


@dataclass(frozen=True)
class _Held:
    """The fixed samples on which bounds are taken, packed, and their labels."""

    training: Training
    real: Tensor
    fake: Tensor
    labels: tuple[Tensor | None, Tensor | None]

    @torch.no_grad()
    def bound(self, players: Players, alive: Tensor) -> Tensor:
        """The bound (R,), float64, NaN where a replica is not alive."""
        weights = players.critic_weights(players.critic.constants)
        d = [
            self.training.pieces(lambda x, y: players.score(weights, x, y), samples, labels).double()
            for samples, labels in zip((self.real, self.fake), self.labels, strict=True)
        ]
        return players.value(d[0], d[1]).where(alive, torch.nan)


def _held(training: Training, players: Players) -> _Held:
    data, replicas = training.data, len(training.seeds)
    count = min(SAMPLES, len(data.heldout))
    count -= count % players.packing
    streams = training.context.streams("optimal_critic", 1)
    real, requested, truth = floats(data.heldout[:count]).expand(replicas, count, *data.shape), None, None
    if training.classes and data.heldout_labels is not None:
        truth = data.heldout_labels[:count].expand(replicas, count)
        requested = training.labels(count, streams)
    fake = training.generate(training.model.latents(count, streams), requested)
    return _Held(training, players.packed(real), players.packed(fake), (truth, requested))


def _copied(training: Training, players: Players, fresh: bool) -> Players:
    """The players with a copy of the critic, which may be trained."""
    critic = StackedParameters(players.critic.network, players.critic.flat.clone())
    if fresh:
        critic = StackedParameters.drawn(players.critic.network, training.context.streams("optimal_critic", 2))
    spectral = [vector.clone() for vector in players.spectral]
    terms = [term.averaged() for term in players.terms]
    return replace(players, critic=critic, terms=terms, spectral=spectral, noise=None, smoothing=None, augmentations=())


def _optimizer(training: Training, players: Players, lr: float | None) -> Optimizer:
    given = training.context
    rate = given.vector(lambda s: s.schedules["critic_lr"].highest if lr is None else lr)
    betas = given.vector(lambda _: 0.9), given.vector(lambda _: 0.999)
    return Optimizer.zero("adam", players.critic.flat, rate, *betas)
