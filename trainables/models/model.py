"""The interface of all models of a population, so that `Training` need not know which one it trains.

A model owns stacks of networks and their optimisers. It declares how many batches a step takes and how many random
numbers a sample needs, takes the step, generates samples, and adds measurements of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.batches import Batch, latents
from trainables.data import DataSet
from trainables.networks import Network
from trainables.optimizers import DECAYING, Optimizer
from trainables.population import StackedParameters, generators
from trainables.schedules import Schedule, Schedules
from trainables.spec import AVERAGES, Spec

# Purposes of random numbers. Append only: a purpose's index enters the seed of its generator.
STREAMS = ("generator", "critic", "batches", "evaluation", "pictures", "spectral", "jacobian", "optimal_critic", "kept")


@dataclass(frozen=True)
class ModelContext:
    """What a population's model is made from: one spec per replica (equal except for `PER_REPLICA` and the penalty's
    numbers), the seeds, the data, how many classes the networks are conditioned on (0: none), and the device."""

    specs: Sequence[Spec]
    seeds: Sequence[int]
    data: DataSet
    classes: int
    device: torch.device

    @property
    def spec(self) -> Spec:
        """The first replica's spec, for what all replicas share."""
        return self.specs[0]

    def vector(self, read: Callable[[Spec], float]) -> Tensor:
        """A number of each replica's spec as float32, (R,)."""
        return torch.tensor([read(spec) for spec in self.specs], device=self.device, dtype=torch.float32)

    @cached_property
    def schedules(self) -> Schedules:
        """Of the settings that change in some replica."""
        return Schedules(self._given, self.device, decays=AVERAGES)

    @cached_property
    def _given(self) -> list[dict[str, Schedule]]:
        return [spec.schedules for spec in self.specs]

    def present(self, name: str) -> Tensor:
        """A setting of `Spec.schedules`, (R,): where it changes, the tensor that always has its present value."""
        if name in self.schedules.rows:
            return self.schedules[name]
        return torch.tensor([given[name].start for given in self._given], device=self.device, dtype=torch.float32)

    def streams(self, purpose: str, step: int = 0) -> list[torch.Generator]:
        """A fresh random generator per replica, independent over the purposes named in `STREAMS`."""
        return generators(self.seeds, STREAMS.index(purpose), self.device, step)

    def optimizer(self, stack: StackedParameters, lr: Tensor) -> Optimizer:
        """The spec's optimiser of a stack, with a learning rate (R,)."""
        beta1, beta2 = self.vector(lambda s: s.beta1), self.present("beta2")
        decay = self.vector(lambda s: s.weight_decay) if self.spec.optimizer in DECAYING else None
        moves = "beta2" in self.schedules.rows
        return Optimizer.zero(self.spec.optimizer, stack.flat, lr, beta1, beta2, decay, moves)


# Applies a function of samples and labels in pieces of the second axis that fit in memory and suit batch statistics.
Pieces = Callable[[Callable[[Tensor, Tensor | None], Tensor], Tensor, Tensor | None], Tensor]


class Model:
    """The stacks of a population (the generator first), an optimiser for each, and further tensors (`buffers`) that a
    checkpoint must carry.

    `reports` names what a step returns, `measured` what `measure` always adds. `batches` is how many a step takes,
    `draws` and `noise` how many uniform and normal numbers come with each real sample, `latent_dim` how many a latent
    has that comes with it. A model that is not `sampled`
    generates no samples: its only measurements are those of its own `measure`, and `picture` gives its arrays. One that
    works `elsewhere` takes its step not on its device.
    """

    sampled = True
    elsewhere = False
    reports: tuple[str, ...] = ("loss_generator", "gradient_norm_generator")
    measured: tuple[str, ...] = ()

    def __init__(
        self,
        context: ModelContext,
        stacks: Sequence[StackedParameters],
        rates: Sequence[Tensor] = (),
        *,
        buffers: Sequence[Tensor] = (),
        batches: int = 1,
        draws: int = 0,
        noise: int = 0,
    ) -> None:
        """`rates` are the stacks' learning rates (R,)."""
        self.spec, self.stacks, self.buffers = context.spec, list(stacks), list(buffers)
        self.optimizers = [context.optimizer(s, lr) for s, lr in zip(stacks, rates, strict=False)]
        self.batches, self.draws, self.noise, self.latent_dim = batches, draws, noise, self.spec.latent_dim

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:
        """Train once; clears `alive` (R,) of replicas that exceed the bounds and returns measurements (R,)."""
        raise NotImplementedError

    def latents(self, count: int, streams: Sequence[torch.Generator]) -> Tensor:
        """Latents (R, count, L), one stream per replica."""
        shape = (count, self.spec.latent_dim)
        return torch.stack([latents(shape, self.spec.latent, stream) for stream in streams])

    def inputs(
        self, count: int, streams: Sequence[torch.Generator], labels: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Latents as of `latents`, and the labels (R, count) of the samples made from them: those given, unless the
        latents decide them."""
        return self.latents(count, streams), labels

    def generate(self, weights: Sequence[Tensor], latents: Tensor, labels: Tensor | None) -> Tensor:
        """Samples (R, B, *shape) from latents (R, B, L), by the first stack's network with the given weights."""
        return self.stacks[0].network(weights, latents, labels)

    def measure(
        self, weights: Sequence[Tensor], samples: Tensor, labels: Tensor | None, data: DataSet, pieces: Pieces
    ) -> dict[str, Tensor]:
        """Measurements (R,) beyond those of samples alone, on fresh samples (R, n, *shape) of a generator with given
        weights: mean and standard deviation of an affine generator in one dimension, and whatever a model adds."""
        if "divergences" not in self.spec.measure or self.spec.generator.get("kind") != "affine" or data.shape != (1,):
            return {}
        mean, scale = (part.double().squeeze(1) for part in weights)
        deviation = scale.abs() * (1.0 if self.spec.latent == "normal" else 3**-0.5)
        return {"generator_mean": mean, "generator_std": deviation}

    def reverse(
        self, weights: Sequence[Tensor], count: int, streams: Sequence[torch.Generator], pieces: Pieces
    ) -> tuple[Tensor, Tensor | None] | None:
        """Samples (R, count, *shape) of a second generator of such data, and their labels (R, count), if they have
        any; None for a model without one."""
        return None

    def spectra(self, batch: Batch, alive: Tensor) -> dict[str, Tensor]:
        """Measurements (R,) of the game's Jacobian on a batch, of the replicas `alive` (R,)."""
        return {}

    def critic(self) -> tuple[Network, Sequence[Tensor]] | None:
        """The critic's network and its weights (R, *shape) as its layers use them; None for a model without one."""
        return None

    def picture(self, replicas: int) -> dict[str, NDArray[Any]]:
        """Arrays for a picture of the first `replicas` replicas; empty where their samples are the picture."""
        return {}

    @property
    def state(self) -> list[Tensor]:
        """All tensors that a step changes, in place."""
        of_optimizers = [x for optimizer in self.optimizers for x in optimizer.state]
        return [*(stack.flat for stack in self.stacks), *of_optimizers, *self.buffers]

    def state_dict(self) -> dict[str, Any]:
        """The tensors and plain data that resuming needs."""
        return {
            "stacks": [stack.flat for stack in self.stacks],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "buffers": self.buffers,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state of the same configuration."""
        ours = [*(stack.flat for stack in self.stacks), *self.buffers]
        for mine, saved in zip(ours, [*state["stacks"], *state["buffers"]], strict=True):
            mine.copy_(saved)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
