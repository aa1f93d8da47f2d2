"""The population's side of games small enough to be written out by hand: players, optimisers and batches in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor

from trainables import networks, objectives, penalties
from trainables.batches import Batch, BatchSampler, BatchShape
from trainables.data import DataSet
from trainables.models.players import Players
from trainables.models.updates import PerPlayer, batches_per_step, step
from trainables.optimizers import Optimizer
from trainables.penalties import Term
from trainables.population import StackedParameters, generators
from trainables.schedules import Schedule, Schedules

REPLICAS, BATCH, LATENT, CLASSES = 3, 12, 2, 4
HIDDEN = [8, 6]
GENERATOR_LR, CRITIC_LR = (1e-2, 3e-2, 2e-3), (2e-2, 1e-3, 1e-2)
BETA1, BETA2 = (0.5, 0.0, 0.9), (0.9, 0.99, 0.999)
STRENGTH = (0.5, 1.0, 2.0)  # of a penalty, times the row's default
CLIP = (0.1, 0.3, 0.5)
NOISE, SMOOTHING = (0.3, 0.0, 1.5), (0.1, 0.4, 0.0)
SETTINGS = {"decay": (0.9, 0.5, 0.0), "noise": (0.1, 0.5, 0.01)}  # of penalties
SHAPE, WARMUP, UNTIL = ("linear", "cosine", "constant"), (0.25, 0.0, 0.5), (1.0, 0.75, 1.0)  # of schedules, to END
END = 0.3  # times what it begins with


@dataclass(frozen=True)
class Case:
    """A game small enough to be written out by hand."""

    objective: str = "non_saturating"
    penalty: str = "none"  # several with + between them
    every: int = 1
    compensated: bool = True
    critic_steps: int = 1
    updates: str = "alternating"
    conditioning: str | None = None
    critic_norm: bool = False
    loss: str = "default"
    optimizer: str = "adam"
    noise: bool = False
    smoothing: bool = False
    packing: int = 1
    pairing: str = "independent"
    scheduled: bool = False  # rates, beta2, noise and penalties' weights
    unroll: int = 0
    replicas: int = REPLICAS

    def __str__(self) -> str:
        extras = [name for name in ("noise", "smoothing", "critic_norm", "scheduled") if getattr(self, name)]
        extras += [f"every{self.every}{'' if self.compensated else 'uncompensated'}"] if self.every > 1 else []
        parts = [self.objective, self.loss, self.penalty, f"{self.updates}{self.critic_steps}", self.conditioning]
        parts += [
            None if self.pairing == "independent" else self.pairing,
            self.optimizer,
            *extras,
            f"packs{self.packing}" if self.packing > 1 else None,
            f"unroll{self.unroll}" if self.unroll else None,
        ]
        return "-".join(part for part in parts if part not in (None, "default", "none", "adam", "independent"))

    @property
    def penalties(self) -> list[str]:
        return self.penalty.split("+")

    @property
    def classes(self) -> int:
        return CLASSES if self.conditioning else 0


@dataclass
class Game:
    """The population's side: players, optimisers, batches, and who is alive."""

    case: Case
    data: DataSet
    bound: float = 1e6
    players: Players = field(init=False)
    optimizers: PerPlayer[Optimizer] = field(init=False)
    schedules: Schedules = field(init=False)
    sampler: BatchSampler = field(init=False)
    alive: Tensor = field(init=False)

    def __post_init__(self) -> None:
        case, seeds = self.case, range(self.case.replicas)
        generator = networks.generator(networks.settings("generator", {"hidden": HIDDEN}), LATENT, (2,), case.classes)
        critic = networks.critic(
            networks.settings("critic", {"hidden": HIDDEN, "batch_norm": case.critic_norm}),
            (2 * case.packing,), case.classes, case.conditioning or "join",
        )  # fmt: skip
        rows = [penalties.PENALTIES[name] for name in case.penalties]
        shapes = [critic.weights[i].shape for i in critic.matrices] if "spectral_norm" in case.penalties else []
        stacks = [StackedParameters.drawn(n, generators(seeds, i, "cpu")) for i, n in enumerate((generator, critic))]
        players = [StackedParameters(stack.network, stack.flat.double()) for stack in stacks]
        vector = [torch.tensor(v[: case.replicas], dtype=torch.float64) for v in (CLIP, BETA1, SMOOTHING)]
        begins = {"generator_lr": GENERATOR_LR, "critic_lr": CRITIC_LR, "beta2": BETA2, "noise": NOISE}
        begins |= {row.name: tuple(s * (row.settings.get("weight") or 0) for s in STRENGTH) for row in rows}
        ways = [{name: way(case, name, of[i], i) for name, of in begins.items()} for i in seeds]
        self.schedules = Schedules(ways, dtype=torch.float64)

        def present(name: str) -> Tensor:
            plain = torch.tensor(begins[name][: case.replicas], dtype=torch.float64)
            return self.schedules[name] if name in self.schedules.rows else plain

        ends = list(accumulate((row.draws((2 * case.packing,)) for row in rows), initial=0))
        self.players = Players(
            objectives.resolve({"name": case.objective}, case.loss), players[0], players[1],
            terms=[
                Term(
                    row, present(row.name), case.every, case.compensated, slice(*columns),
                    {k: torch.tensor(v[: case.replicas], dtype=torch.float64) for k, v in SETTINGS.items()},
                    torch.full((case.replicas, 2), math.nan, dtype=torch.float64) if row.anchored else None,
                )
                for row, columns in zip(rows, pairwise(ends), strict=True) if row.charged
            ],
            consensus=present("consensus") if case.penalty == "consensus" else None,
            clip=vector[0][:, None] if "clip" in case.penalties else None,
            spectral=[v.double() for v in penalties.spectral_start(shapes, generators(seeds, 2, "cpu"))],
            separate=case.critic_norm,
            noise=present("noise") if case.noise else None,
            smoothing=vector[2] if case.smoothing else None,
            packing=case.packing,
            pairing=case.pairing,
            unroll=case.unroll,
        )  # fmt: skip
        made = [
            Optimizer.zero(case.optimizer, s.flat, present(lr), vector[1], present("beta2"), moves=case.scheduled)
            for s, lr in zip(players, ("generator_lr", "critic_lr"), strict=True)
        ]
        self.optimizers = PerPlayer(critic=made[1], generator=made[0])
        self.players.updates = made[1].count
        count = batches_per_step(case.updates, case.critic_steps)
        batch_shape = BatchShape(count, BATCH, LATENT, "normal", ends[-1], noise=4 if case.noise else 0)
        self.sampler = BatchSampler(self.data, batch_shape, generators(seeds, 3, "cpu"), bool(case.classes))
        self.alive = torch.ones(case.replicas, dtype=torch.bool)

    def batches(self, steps: int) -> list[list[Batch]]:
        """Float64 batches, so that comparisons can be tight."""
        return [[doubled(batch) for batch in batches] for batches in self.sampler.draw(steps, of=steps)]

    def step(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        self.schedules.at(batches[0].progress)
        return step(self.players, self.optimizers, batches, self.alive, self.case.updates, self.bound)

    def losses(self, for_critic: Batch, for_generator: Batch) -> tuple[Tensor, Tensor]:
        """The critic's and the generator's (R,) at the present weights."""
        players, generator, critic = self.players, self.players.generator, self.players.critic
        on_critic = players.critic_loss(for_critic, generator.constants, critic.views)
        return on_critic, players.generator_loss(for_generator, generator.views, critic.constants)

    def everything(self) -> list[Tensor]:
        """Copies of all that a frozen replica must keep."""
        stacks = (self.players.generator.flat, self.players.critic.flat)
        return [state.clone() for state in stacks]


def doubled(batch: Batch) -> Batch:
    made = Batch(
        batch.data, batch.indices, batch.latents.double(), batch.requested,
        batch.uniform.double(), batch.normal.double(), batch.progress,
    )  # fmt: skip
    made.real = batch.real.double()
    return made


def way(case: Case, name: str, start: float, i: int) -> Schedule:
    if case.scheduled:
        return Schedule(start, END * start, SHAPE[i], WARMUP[i], UNTIL[i])
    return Schedule(start, 0.0 if name == "noise" else start)


TOGETHER = ("simultaneous", "extragradient", "sga")
ORDERS: list[dict[str, Any]] = [{}, {"critic_steps": 3}, *[{"updates": updates} for updates in TOGETHER]]


def pieces(stack: StackedParameters, flat: Tensor) -> list[Tensor]:
    parts = flat.split([w.size for w in stack.network.weights], 1)
    return [part.unflatten(1, w.shape) for part, w in zip(parts, stack.network.weights, strict=True)]
