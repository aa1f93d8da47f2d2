"""One step of the population against plain PyTorch, replica by replica; and what happens to a replica that falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables import native, networks, objectives, penalties
from trainables.batches import Batch, BatchSampler, BatchShape
from trainables.data import DataSet, load
from trainables.models import updates as adversarial
from trainables.models.gan import GAN
from trainables.models.jacobian import alone
from trainables.models.model import ModelContext
from trainables.models.players import Players
from trainables.models.updates import PerPlayer, batches_per_step, checked, descend, step
from trainables.optimizers import Optimizer
from trainables.penalties import Term
from trainables.population import StackedParameters, generators
from trainables.schedules import Schedule, Schedules
from trainables.spec import UPDATES, Spec

REPLICAS, BATCH, LATENT, CLASSES = 3, 12, 2, 4
HIDDEN = [8, 6]
GENERATOR_LR, CRITIC_LR = (1e-2, 3e-2, 2e-3), (2e-2, 1e-3, 1e-2)
BETA1, BETA2 = (0.5, 0.0, 0.9), (0.9, 0.99, 0.999)
STRENGTH = (0.5, 1.0, 2.0)  # of a penalty, times the row's default
CLIP = (0.1, 0.3, 0.5)
STEPS = 200  # of a bilinear game
NOISE, SMOOTHING = (0.3, 0.0, 1.5), (0.1, 0.4, 0.0)
SETTINGS = {"decay": (0.9, 0.5, 0.0), "noise": (0.1, 0.5, 0.01)}  # of penalties
SHAPE, WARMUP, UNTIL = ("linear", "cosine", "constant"), (0.25, 0.0, 0.5), (1.0, 0.75, 1.0)  # of schedules, to END
END = 0.3  # times what it begins with


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load("ring", modes=CLASSES, std=0.3, points=300, heldout=10)


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


def along(case: Case, i: int, progress: float) -> float:
    """What replica i's settings are times, in plain Python."""
    if not case.scheduled:
        return 1.0
    if progress < WARMUP[i]:
        return progress / WARMUP[i]
    share = min(1.0, (progress - WARMUP[i]) / (UNTIL[i] - WARMUP[i]))
    share = {"linear": share, "cosine": (1 - math.cos(math.pi * share)) / 2, "constant": 0.0}[SHAPE[i]]
    return 1 + (END - 1) * share


Scores = Callable[[Tensor], Tensor]


def bce(target: float) -> Scores:
    return lambda d: functional.binary_cross_entropy_with_logits(d, torch.full_like(d, target))


# Losses as the papers write them: of the critic on real, of the critic on fake, of the generator.
LOSSES: dict[tuple[str, str], tuple[Scores, Scores, Scores]] = {
    ("non_saturating", "default"): (bce(1), bce(0), bce(1)),
    ("non_saturating", "saturating"): (bce(1), bce(0), lambda d: -bce(0)(d)),
    ("minimax", "default"): (bce(1), bce(0), lambda d: (1 - d.sigmoid()).log().mean()),
    ("minimax", "critic_mean"): (bce(1), bce(0), lambda d: -d.mean()),
    ("least_squares", "default"): (
        lambda d: ((d - 1) ** 2).mean() / 2, lambda d: (d**2).mean() / 2, lambda d: ((d - 1) ** 2).mean() / 2,
    ),
    ("hinge", "default"): (lambda d: (1 - d).relu().mean(), lambda d: (1 + d).relu().mean(), lambda d: -d.mean()),
    ("wasserstein", "default"): (lambda d: -d.mean(), lambda d: d.mean(), lambda d: -d.mean()),
    ("absolute_error", "default"): (
        lambda d: (1 - d.sigmoid()).abs().mean() / 2, lambda d: d.sigmoid().abs().mean() / 2,
        lambda d: -d.sigmoid().mean() / 2,
    ),
    ("kl", "default"): (lambda d: -d.mean(), lambda d: (d - 1).exp().mean(), lambda d: -(d - 1).exp().mean()),
    ("pearson_chi2", "non_saturating"): (
        lambda d: -d.mean(), lambda d: (d**2 / 4 + d).mean(), lambda d: -d.mean(),
    ),
    ("energy", "default"): (lambda d: d.mean(), lambda d: (1 - d).relu().mean(), lambda d: d.mean()),
}  # fmt: skip


# Relativistic losses as Jolicoeur-Martineau (2019) and Huang et al. (2024, R3GAN) write them: of the critic and of the
# generator, for outputs on real and on fake samples.
Compared = Callable[[Tensor, Tensor], Tensor]
RELATIVISTIC: dict[tuple[str, str, str], tuple[Compared, Compared]] = {
    ("relativistic", "non_saturating", "default"): (
        lambda real, fake: functional.softplus(-(real - fake)).mean(),
        lambda real, fake: functional.softplus(-(fake - real)).mean(),
    ),
    ("relativistic", "minimax", "default"): (
        lambda real, fake: functional.softplus(fake - real).mean(),
        lambda real, fake: -functional.softplus(fake - real).mean(),
    ),
    ("relativistic_average", "non_saturating", "default"): (
        lambda real, fake: bce(1)(real - fake.mean()) + bce(0)(fake - real.mean()),
        lambda real, fake: bce(1)(fake - real.mean()) + bce(0)(real - fake.mean()),
    ),
    ("relativistic_average", "hinge", "non_saturating"): (
        lambda real, fake: (1 - (real - fake.mean())).relu().mean() + (1 + (fake - real.mean())).relu().mean(),
        lambda real, fake: (1 - (fake - real.mean())).relu().mean() + (1 + (real - fake.mean())).relu().mean(),
    ),
    ("relativistic", "wasserstein", "default"): (
        lambda real, fake: fake.mean() - real.mean(), lambda real, fake: real.mean() - fake.mean(),
    ),
}  # fmt: skip


class PlainCritic(nn.Module):
    def __init__(self, case: Case) -> None:
        super().__init__()
        norms = [nn.BatchNorm1d(w, track_running_stats=False) for w in HIDDEN] if case.critic_norm else None
        inputs, layers = 2 * case.packing + (CLASSES if case.conditioning == "join" else 0), []
        for i, width in enumerate(HIDDEN):
            layers += [nn.Linear(inputs, width), *([norms[i]] if norms else []), nn.LeakyReLU(0.2)]
            inputs = width
        self.body, self.head = nn.Sequential(*layers), nn.Linear(HIDDEN[-1], 1)
        if case.conditioning == "projection":
            self.embedding = nn.Embedding(CLASSES, HIDDEN[-1])
        self.case = case

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        if self.case.conditioning == "join":
            assert labels is not None
            x = torch.cat([x, functional.one_hot(labels, CLASSES)], 1)
        hidden = self.body(x)
        d: Tensor = self.head(hidden)[:, 0]
        if self.case.conditioning == "projection":
            d = d + (hidden * self.embedding(labels)).sum(1)
        return functional.softplus(d, threshold=50) if self.case.objective == "energy" else d


class OptimisticAdam(torch.optim.Adam):
    """Twice torch's Adam step less the step before, both at the present rate; Adam's steps depend on the gradients
    alone."""

    before: Sequence[Tensor | float] = ()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        parameters, rate = self.param_groups[0]["params"], self.param_groups[0]["lr"]
        starts = [parameter.clone() for parameter in parameters]
        self.param_groups[0]["lr"] = 1.0
        super().step(closure)
        self.param_groups[0]["lr"] = rate
        steps = [parameter - start for parameter, start in zip(parameters, starts, strict=True)]
        for p, start, now, before in zip(parameters, starts, steps, self.before or [0.0] * len(steps), strict=True):
            p.copy_(start + rate * (2 * now - before))
        self.before = steps


def optimizer(name: str, module: nn.Module, lr: float, i: int) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(module.parameters(), lr, (BETA1[i], BETA2[i]))
    if name == "optimistic_adam":
        return OptimisticAdam(module.parameters(), lr, (BETA1[i], BETA2[i]))
    if name == "nesterov":
        return torch.optim.SGD(module.parameters(), lr, momentum=BETA1[i], nesterov=BETA1[i] > 0)
    if name == "rmsprop":
        return torch.optim.RMSprop(module.parameters(), lr, BETA2[i])
    return torch.optim.SGD(module.parameters(), lr, momentum=BETA1[i])


class Peer:
    """One replica in plain PyTorch: two modules, two of torch's optimisers, one loop."""

    def __init__(self, game: Game, i: int) -> None:
        self.i, self.case, case = i, game.case, game.case
        if case.pairing == "independent":
            self.real_loss, self.fake_loss, self.generator_loss = LOSSES[case.objective, case.loss]
        self.updates, self.foreseen, self.anchors = 0, dict[str, Tensor](), tuple[float, ...]()
        self.generator = nn.Sequential(
            nn.Linear(LATENT + case.classes, HIDDEN[0]), nn.ReLU(),
            nn.Linear(HIDDEN[0], HIDDEN[1]), nn.ReLU(), nn.Linear(HIDDEN[1], 2),
        ).double()  # fmt: skip
        self.critic = PlainCritic(case).double()
        self.vectors = {}
        matrices = iter(game.players.spectral)
        for module, stack in ((self.generator, game.players.generator), (self.critic, game.players.critic)):
            for (name, parameter), view in zip(module.named_parameters(), stack.views, strict=True):
                value = view[i].detach()
                parameter.data = (value if value.dim() == 1 or "embedding" in name else value.T).clone()
                if game.players.spectral and module is self.critic and parameter.dim() == 2:
                    self.vectors[name] = next(matrices)[i].clone()
        rates = ((self.generator, GENERATOR_LR[i]), (self.critic, CRITIC_LR[i]))
        self.optimizers = [optimizer(case.optimizer, module, lr, i) for module, lr in rates]

    def flat(self, module: nn.Module) -> Tensor:
        return torch.cat(
            [(p if p.dim() == 1 or "embedding" in n else p.T).detach().flatten() for n, p in module.named_parameters()]
        )

    def seen(self, samples: Tensor, batch: Batch, columns: slice) -> Tensor:
        """Samples with instance noise, side by side in packs."""
        if self.case.noise:
            left = self.factor if self.case.scheduled else 1 - batch.progress
            samples = samples + NOISE[self.i] * left * batch.normal[self.i][:, columns]
        return torch.cat([samples[k :: self.case.packing] for k in range(self.case.packing)], 1)

    def generate(self, batch: Batch, columns: slice) -> Tensor:
        z = batch.latents[self.i]
        if batch.requested is not None:
            z = torch.cat([z, functional.one_hot(batch.requested[self.i], CLASSES)], 1)
        return self.seen(self.generator(z), batch, columns)

    def scorer(self, iterate: bool) -> Callable[[Tensor, Tensor | None], Tensor]:
        """The critic, its matrices divided by their singular values under spectral normalisation."""
        ready: dict[str, Tensor] = dict(self.foreseen or self.critic.named_parameters())
        for name, u in self.vectors.items():
            matrix = ready[name] if "embedding" in name else ready[name].T
            v = functional.normalize(matrix.detach().T @ u, dim=0)
            if iterate:
                u = self.vectors[name] = functional.normalize(matrix.detach() @ v, dim=0)
            ready[name] = ready[name] / (u @ matrix @ v)
        return lambda x, labels: torch.func.functional_call(self.critic, ready, (x, labels))

    def penalties(
        self, score: Callable[[Tensor, Tensor | None], Tensor], batch: Batch, real: Tensor, fake: Tensor
    ) -> Tensor | float:
        whole: Tensor | float = 0.0
        numbers = batch.uniform[self.i, : len(real)]
        for name in self.case.penalties:
            if name in ("none", "clip", "spectral_norm", "consensus"):
                continue
            dim = real.shape[1]
            drawn = {
                "r1": 0, "r2": 0, "lecam": 0, "dragan": 1 + dim, "consistency": dim, "balanced_consistency": 2 * dim,
            }.get(name, 1)  # fmt: skip
            default = {"r1": 1, "r2": 1, "max_gradient": 1, "lecam": 0.3}.get(name, 10)
            strength = self.factor * STRENGTH[self.i] * default
            if self.updates % self.case.every == 0:
                scale = self.case.every if self.case.compensated else 1
                whole = whole + scale * strength * self.penalty(name, score, batch, real, fake, numbers[:, :drawn])
            numbers = numbers[:, drawn:]
        return whole

    def penalty(
        self, name: str, score: Callable[[Tensor, Tensor | None], Tensor], batch: Batch, real: Tensor, fake: Tensor,
        u: Tensor,
    ) -> Tensor:  # fmt: skip
        i, labels = self.i, row(batch.labels, self.i)
        if name == "lecam":
            return self.lecam(score(real, labels), score(fake, row(batch.requested, i)))
        if name.endswith("consistency"):
            sets = [(real, labels), (fake, row(batch.requested, i))][: 2 if name.startswith("balanced") else 1]
            whole = torch.zeros((), dtype=torch.float64)
            for k, (samples, told) in enumerate(sets):
                jitter = (2 * u[:, k * real.shape[1] : (k + 1) * real.shape[1]] - 1) * math.sqrt(3)
                moved = samples + SETTINGS["noise"][i] * real.std() * jitter
                whole = whole + ((score(samples, told) - score(moved, told)) ** 2).mean()
            return whole
        if name == "r2":
            points, labels = fake, row(batch.requested, i)
        elif name == "dragan":
            points = real + u[:, :1] * u[:, 1:] * real.std() / 2
        else:
            points = real if name == "r1" else (1 - u) * real + u * fake
        points = points.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(score(points, labels).sum(), points, create_graph=True)
        norm: Tensor = slope.norm(dim=1)
        if name in ("r1", "r2"):
            return norm.square().mean() / 2
        if name == "max_gradient":
            return norm.square().max()
        excess = (norm - 1).relu() if name == "lipschitz_penalty" else norm - 1
        return excess.square().mean()

    def lecam(self, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """Tseng et al.'s equation, with averages that begin at the first batch."""
        keep, now = SETTINGS["decay"][self.i], (float(on_real.detach().mean()), float(on_fake.detach().mean()))
        self.anchors = tuple(keep * old + (1 - keep) * new for old, new in zip(self.anchors or now, now, strict=True))
        return (on_real - self.anchors[1]).square().mean() + (on_fake - self.anchors[0]).square().mean()

    def critic_loss(self, batch: Batch) -> Tensor:
        real, fake = self.seen(batch.real[self.i], batch, slice(0, 2)), self.generate(batch, slice(2, 4))
        score = self.scorer(iterate=True)
        on_real, on_fake = score(real, row(batch.labels, self.i)), score(fake, row(batch.requested, self.i))
        penalties = self.penalties(score, batch, real, fake)
        if self.case.pairing != "independent":
            return RELATIVISTIC[self.case.pairing, self.case.objective, self.case.loss][0](on_real, on_fake) + penalties
        loss = self.real_loss(on_real)
        if self.case.smoothing:
            loss = (1 - SMOOTHING[self.i]) * loss + SMOOTHING[self.i] * self.fake_loss(on_real)
        return loss + self.fake_loss(on_fake) + penalties

    def unrolled_loss(self, batch: Batch) -> Tensor:
        """The generator's loss after further updates of the critic, by its optimiser's rule as the papers have it."""
        vectors, updates, anchors = dict(self.vectors), self.updates, self.anchors
        self.foreseen = {name: value.detach().requires_grad_() for name, value in self.critic.named_parameters()}
        moments, count = self.moments()
        for _ in range(self.case.unroll):
            gradients = torch.autograd.grad(
                self.critic_loss(batch), list(self.foreseen.values()), create_graph=True, materialize_grads=True
            )
            count += 1
            for (name, value), gradient in zip(list(self.foreseen.items()), gradients, strict=True):
                step = self.foreseen_step(moments[name], gradient, count)
                self.foreseen[name] = value - CRITIC_LR[self.i] * step
                if "clip" in self.case.penalties:
                    self.foreseen[name] = self.foreseen[name].clamp(-CLIP[self.i], CLIP[self.i])
            self.updates += 1
        loss = self.generators_loss(batch)
        self.vectors, self.updates, self.anchors, self.foreseen = vectors, updates, anchors, {}
        return loss

    def moments(self) -> tuple[dict[str, list[Tensor]], int]:
        """First and second moments of the critic's optimiser, and its count."""
        found, count = {}, 0
        for name, parameter in self.critic.named_parameters():
            state = self.optimizers[1].state.get(parameter, {})
            first, second = (state.get(key) for key in ("exp_avg", "exp_avg_sq"))
            first = state.get("momentum_buffer") if first is None else first
            second = state.get("square_avg") if second is None else second
            found[name] = [torch.zeros_like(parameter) if m is None else m.clone() for m in (first, second)]
            count = int(state.get("step", 0))
        return found, count

    def foreseen_step(self, moments: list[Tensor], gradient: Tensor, count: int) -> Tensor:
        (first, second), beta1, beta2 = moments, BETA1[self.i], BETA2[self.i]
        if self.case.optimizer in ("sgd", "nesterov"):
            moments[0] = beta1 * first + gradient
            return gradient + beta1 * moments[0] if self.case.optimizer == "nesterov" else moments[0]
        second = moments[1] = beta2 * second + (1 - beta2) * gradient**2
        least = 1e-300  # a weight that never had a gradient has none here either
        if self.case.optimizer == "rmsprop":
            return gradient / ((second + least).sqrt() + 1e-8)
        first = moments[0] = beta1 * first + (1 - beta1) * gradient
        return first / (1 - beta1**count) / ((second / (1 - beta2**count) + least).sqrt() + 1e-8)

    def generators_loss(self, batch: Batch) -> Tensor:
        if self.case.unroll and not self.foreseen:
            return self.unrolled_loss(batch)
        score = self.scorer(iterate=False)
        on_fake = score(self.generate(batch, slice(0, 2)), row(batch.requested, self.i))
        if self.case.pairing == "independent":
            return self.generator_loss(on_fake)
        on_real = score(self.seen(batch.real[self.i], batch, slice(2, 4)), row(batch.labels, self.i))
        return RELATIVISTIC[self.case.pairing, self.case.objective, self.case.loss][1](on_real, on_fake)

    def differentiate(self, for_critic: Batch | None, for_generator: Batch | None) -> list[Tensor]:
        """Set the gradients of one or both players at the present weights."""
        asked = [(self.critic, self.critic_loss, for_critic), (self.generator, self.generators_loss, for_generator)]
        games = [(list(module.parameters()), loss(batch)) for module, loss, batch in asked if batch is not None]
        if self.case.updates == "sga":
            self.adjust(games)
            return [loss.detach() for _, loss in games]
        consensus = self.case.penalty == "consensus"
        found = [
            torch.autograd.grad(loss, parameters, create_graph=consensus, retain_graph=True)
            for parameters, loss in games
        ]
        energy = (
            self.factor * 0.1 * STRENGTH[self.i] / 2 * torch.stack([g.square().sum() for gs in found for g in gs]).sum()
        )
        for (parameters, _), gradients in zip(games, found, strict=True):
            extra: Sequence[Tensor] = [torch.zeros(())] * len(parameters)
            if consensus:
                extra = torch.autograd.grad(energy, parameters, retain_graph=True, materialize_grads=True)
            for parameter, gradient, more in zip(parameters, gradients, extra, strict=True):
                parameter.grad = gradient.detach() + more
        return [loss.detach() for _, loss in games]

    def adjust(self, games: Sequence[tuple[list[nn.Parameter], Tensor]]) -> None:
        """Symplectic gradient adjustment with the whole Jacobian as a matrix (Balduzzi et al. 2018, algorithm 1)."""
        everything = [parameter for parameters, _ in games for parameter in parameters]
        found = [torch.autograd.grad(loss, parameters, create_graph=True) for parameters, loss in games]
        xi = torch.cat([gradient.flatten() for gradients in found for gradient in gradients])
        rows = torch.autograd.grad(
            xi, everything, torch.eye(len(xi), dtype=xi.dtype), is_grads_batched=True, allow_unused=True
        )
        blocks = [
            torch.zeros(len(xi), parameter.numel(), dtype=xi.dtype) if row is None else row.flatten(1)
            for row, parameter in zip(rows, everything, strict=True)
        ]
        jacobian, xi = torch.cat(blocks, 1), xi.detach()
        adjustment, slope = (jacobian - jacobian.T).T @ xi / 2, jacobian.T @ xi
        sign = torch.sign((xi @ slope) * (adjustment @ slope) / len(xi) + 0.1)
        parts = (xi + sign * adjustment).split([parameter.numel() for parameter in everything])
        for parameter, part in zip(everything, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def update(self, critic: bool = True, generator: bool = True) -> None:
        if critic:
            self.optimizers[1].step()
            self.updates += 1
        if critic and "clip" in self.case.penalties:
            for parameter in self.critic.parameters():
                parameter.data.clamp_(-CLIP[self.i], CLIP[self.i])
        if generator:
            self.optimizers[0].step()

    def step(self, batches: Sequence[Batch]) -> list[Tensor]:
        """The losses of the critic's and of the generator's last update."""
        self.factor = along(self.case, self.i, float(batches[0].progress))
        if self.case.scheduled:
            for optimizer, rates in zip(self.optimizers, (GENERATOR_LR, CRITIC_LR), strict=True):
                (group,) = optimizer.param_groups
                group["lr"] = self.factor * rates[self.i]
                group["betas"] = (BETA1[self.i], self.factor * BETA2[self.i])
                group["alpha"] = self.factor * BETA2[self.i]  # RMSProp's
        if self.case.updates == "alternating":
            for batch in batches[:-1]:
                critic_loss = self.differentiate(batch, None)
                self.update(generator=False)
            generator_loss = self.differentiate(None, batches[-1])
            self.update(critic=False)
            return critic_loss + generator_loss
        losses = self.differentiate(batches[0], batches[0 if self.case.updates == "sga" else 1])
        if self.case.updates == "extragradient":
            modules = (self.generator, self.critic)
            before = [parameter.detach().clone() for module in modules for parameter in module.parameters()]
            self.update()
            losses = self.differentiate(*batches[2:])
            for parameter, value in zip((p for m in modules for p in m.parameters()), before, strict=True):
                parameter.data.copy_(value)
        self.update()
        return losses


def row(labels: Tensor | None, i: int) -> Tensor | None:
    return None if labels is None else labels[i]


TOGETHER = ("simultaneous", "extragradient", "sga")
ORDERS: list[dict[str, Any]] = [{}, {"critic_steps": 3}, *[{"updates": updates} for updates in TOGETHER]]
CASES = [
    *[Case(objective, loss=loss, **order) for objective, loss in LOSSES for order in ORDERS],
    *[
        Case("non_saturating", p, **order)
        for p in penalties.PENALTIES
        for order in ORDERS
        if p not in ("none", "consensus")
    ],
    *[
        Case("minimax", p, **order)
        for p in ("r1+r2", "gradient_penalty+r1+dragan", "clip+max_gradient", "balanced_consistency+lecam+r2")
        for order in ORDERS
    ],
    Case("hinge", "spectral_norm+r2", packing=2),
    Case("energy", "lecam"),
    Case("hinge", "balanced_consistency", conditioning="join", noise=True),
    Case("hinge", "consistency+lecam", packing=3, pairing="relativistic_average", loss="non_saturating"),
    Case(penalty="lecam+balanced_consistency", scheduled=True, critic_norm=True),
    *[Case(o, p, pairing=pairing, loss=loss) for pairing, o, loss in RELATIVISTIC for p in ("none", "r1+r2")],
    *[Case(pairing="relativistic", **order) for order in ORDERS[1:]],
    Case("hinge", "gradient_penalty", loss="non_saturating", pairing="relativistic_average", noise=True, packing=2),
    Case(pairing="relativistic", conditioning="join", critic_steps=2),
    Case("minimax", "consensus", pairing="relativistic", updates="simultaneous"),
    *[
        Case(penalty="r1", every=n, compensated=c, critic_steps=s)
        for n in (2, 3)
        for c in (True, False)
        for s in (1, 2)
    ],
    Case("wasserstein", "gradient_penalty+r2", every=2, conditioning="join", updates="simultaneous"),
    *[Case(objective, "consensus", updates=u) for objective in ("minimax", "wasserstein") for u in TOGETHER[:2]],
    *[Case(noise=True, updates=updates) for updates in UPDATES],
    Case("wasserstein", "dragan", noise=True),
    *[Case(smoothing=True, updates=updates) for updates in UPDATES],
    *[Case("hinge", penalty, packing=m) for penalty in ("none", "gradient_penalty", "dragan", "r2") for m in (2, 3)],
    Case("least_squares", "r1", noise=True, smoothing=True, packing=4, updates="simultaneous"),
    *[
        Case("wasserstein", p, critic_steps=3)
        for p in ("clip", "gradient_penalty", "lipschitz_penalty", "spectral_norm")
    ],
    Case("hinge", "spectral_norm"),
    Case("energy", "r1"),
    Case("energy", "gradient_penalty"),
    Case(critic_norm=True),
    *[Case(penalty="r1+gradient_penalty", noise=True, scheduled=True, **order) for order in ORDERS],
    *[Case(optimizer=name, scheduled=True) for name in ("rmsprop", "sgd", "nesterov", "optimistic_adam")],
    Case("minimax", "consensus", updates="simultaneous", scheduled=True),
    Case(penalty="r2", every=2, scheduled=True),
    Case(optimizer="rmsprop"),
    Case(optimizer="sgd"),
    Case(optimizer="nesterov"),
    *[Case(optimizer="optimistic_adam", updates=updates) for updates in UPDATES],
    *[Case("hinge", p, 2, conditioning=c) for p in ("none", "r2", "spectral_norm") for c in ("join", "projection")],
    Case("least_squares", "gradient_penalty", conditioning="join", updates="simultaneous"),
]


def losses_at(game: Game, batches: Sequence[Batch]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Both losses as functions of both players' flat weights, for torch.func and by hand."""
    players = game.players

    def losses(generator: Tensor, critic: Tensor) -> tuple[Tensor, Tensor]:
        theta, psi = pieces(players.generator, generator), pieces(players.critic, critic)
        return players.critic_loss(batches[0], theta, psi), players.generator_loss(batches[1], theta, psi)

    return losses


def pieces(stack: StackedParameters, flat: Tensor) -> list[Tensor]:
    parts = flat.split([w.size for w in stack.network.weights], 1)
    return [part.unflatten(1, w.shape) for part, w in zip(parts, stack.network.weights, strict=True)]


def flat_gradients(
    losses: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], theta: Tensor, psi: Tensor
) -> tuple[Tensor, Tensor]:
    """The critic's gradient of its loss and the generator's of its own."""
    critic_loss, generator_loss = losses(theta, psi)
    (up,) = torch.autograd.grad(critic_loss.sum(), psi, create_graph=True)
    (down,) = torch.autograd.grad(generator_loss.sum(), theta, create_graph=True)
    return up, down


def test_consensus_adds_the_gradient_of_half_the_squared_vector_field(ring: DataSet) -> None:
    case = Case(penalty="consensus", updates="simultaneous", optimizer="sgd")
    game = Game(case, ring)
    theta, psi = (x.requires_grad_() for x in game.everything())
    (batches,) = game.batches(1)
    up, down = flat_gradients(losses_at(game, batches), theta, psi)
    field = 0.5 * (up.square().sum(1) + down.square().sum(1))
    pull = torch.autograd.grad((game.players.consensus * field).sum(), (psi, theta))
    game.step(batches)
    rates = [torch.tensor(lr, dtype=torch.float64)[:, None] for lr in (CRITIC_LR, GENERATOR_LR)]
    torch.testing.assert_close(game.players.critic.flat, (psi - rates[0] * (up + pull[0])).detach())
    torch.testing.assert_close(game.players.generator.flat, (theta - rates[1] * (down + pull[1])).detach())


def test_extragradient_takes_the_gradients_of_where_it_looked(ring: DataSet) -> None:
    """With plain gradient descent (no momentum) the algorithm is two lines (Korpelevich 1976)."""
    game = Game(Case(updates="simultaneous", optimizer="sgd"), ring)
    for optimizer in game.optimizers:
        optimizer.beta1 *= 0
    theta, psi = (x.requires_grad_() for x in game.everything())
    (first,), (second,) = game.batches(1), game.batches(1)
    rates = [torch.tensor(lr, dtype=torch.float64)[:, None] for lr in (GENERATOR_LR, CRITIC_LR)]
    up, down = flat_gradients(losses_at(game, first), theta, psi)
    ahead = [(theta - rates[0] * down).detach().requires_grad_(), (psi - rates[1] * up).detach().requires_grad_()]
    up, down = flat_gradients(losses_at(game, second), ahead[0], ahead[1])
    step(game.players, game.optimizers, [*first, *second], game.alive, "extragradient", game.bound)
    torch.testing.assert_close(game.players.generator.flat, (theta - rates[0] * down).detach())
    torch.testing.assert_close(game.players.critic.flat, (psi - rates[1] * up).detach())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_steps_are_those_of_plain_torch(case: Case, ring: DataSet) -> None:
    game = Game(case, ring)
    peers = [Peer(game, i) for i in range(REPLICAS)]
    start = game.everything()
    for batches in game.batches(4):
        report = game.step(batches)
        expected = [peer.step(batches) for peer in peers]
        for name, losses in zip(("loss_critic", "loss_generator"), zip(*expected, strict=True), strict=True):
            torch.testing.assert_close(report[name], torch.stack(losses), rtol=1e-7, atol=1e-8)
    # GP's root is smoothed by 1e-12 under the root, hence not 1e-12 here.
    for stack, name in ((game.players.generator, "generator"), (game.players.critic, "critic")):
        theirs = torch.stack([peer.flat(getattr(peer, name)) for peer in peers])
        torch.testing.assert_close(stack.flat, theirs, rtol=1e-6, atol=1e-7)
    assert game.alive.all()
    assert all((new != old).any(1).all() for new, old in zip(game.everything(), start, strict=True))


@pytest.mark.parametrize(
    "case",
    [
        Case(updates="sga", optimizer="sgd"),  # Adam's first step would enlarge the rounding of small gradients
        Case("wasserstein", "spectral_norm", updates="sga", optimizer="sgd"),
        Case("minimax", "r1+r2", updates="sga", packing=2, optimizer="sgd"),
        Case("kl", conditioning="projection", updates="sga", noise=True, optimizer="sgd"),
    ],
    ids=str,
)
def test_an_adjusted_step_is_that_of_the_whole_jacobian(case: Case, ring: DataSet) -> None:
    game = Game(case, ring)
    peers = [Peer(game, i) for i in range(REPLICAS)]
    (batches,) = game.batches(1)
    game.step(batches)
    for i, peer in enumerate(peers):
        peer.step(batches)
        for stack, module in ((game.players.generator, peer.generator), (game.players.critic, peer.critic)):
            torch.testing.assert_close(stack.flat[i], peer.flat(module), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "case",
    [
        Case(unroll=1, optimizer="sgd"),
        Case(unroll=3),
        Case("wasserstein", "spectral_norm", unroll=2, optimizer="rmsprop"),
        Case("hinge", "clip", critic_steps=2, unroll=2, optimizer="nesterov"),
        Case("minimax", "r1+r2", unroll=3, every=2, updates="simultaneous", packing=2),
        Case("least_squares", "lecam+consistency", unroll=2),
        Case(pairing="relativistic", unroll=2, conditioning="join"),
        Case("kl", conditioning="projection", unroll=2, noise=True, smoothing=True, optimizer="sgd"),
    ],
    ids=str,
)
def test_unrolled_steps_are_those_of_a_loop_that_is_differentiated(case: Case, ring: DataSet) -> None:
    game = Game(case, ring)
    peers = [Peer(game, i) for i in range(REPLICAS)]
    for batches in game.batches(2):
        report = game.step(batches)
        expected = [peer.step(batches) for peer in peers]
        for i, (on_critic, on_generator) in enumerate(expected):
            torch.testing.assert_close(report["loss_critic"][i], on_critic, rtol=1e-9, atol=1e-9)
            torch.testing.assert_close(report["loss_generator"][i], on_generator, rtol=1e-9, atol=1e-9)
    for i, peer in enumerate(peers):
        for stack, module in ((game.players.generator, peer.generator), (game.players.critic, peer.critic)):
            torch.testing.assert_close(stack.flat[i], peer.flat(module), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("objective", objectives.OBJECTIVES)
@pytest.mark.parametrize("penalty", penalties.PENALTIES)
def test_every_objective_goes_with_every_penalty(objective: str, penalty: str, ring: DataSet) -> None:
    game = Game(Case(objective, penalty, updates="simultaneous" if penalty == "consensus" else "alternating"), ring)
    for batches in game.batches(2):
        report = game.step(batches)
    assert game.alive.all()
    assert all(values.isfinite().all() for values in report.values())
    assert (report["gradient_norm_critic"] > 0).all()
    assert (report["gradient_norm_generator"] > 0).all()


def test_the_report_holds_the_losses_and_the_norms_of_their_gradients(ring: DataSet) -> None:
    game, twin = (Game(Case(updates="simultaneous"), ring) for _ in range(2))
    (batches,) = game.batches(1)
    report = game.step(batches)
    critic_loss, generator_loss = twin.losses(*batches)
    torch.testing.assert_close(report["loss_critic"], critic_loss.detach())
    torch.testing.assert_close(report["loss_generator"], generator_loss.detach())
    critic, generator = twin.players.critic.gradient(critic_loss), twin.players.generator.gradient(generator_loss)
    torch.testing.assert_close(report["gradient_norm_critic"], critic.norm(dim=1))
    torch.testing.assert_close(report["gradient_norm_generator"], generator.norm(dim=1))
    assert not any(values.requires_grad for values in report.values())


def test_the_orders_and_their_batches() -> None:
    assert tuple(adversarial.ORDERS) == UPDATES == ("alternating", "simultaneous", "extragradient", "sga")
    assert [batches_per_step("alternating", steps) for steps in (1, 5)] == [2, 6]
    assert [batches_per_step(updates, 1) for updates in TOGETHER] == [2, 4, 1]


@pytest.mark.golden
@pytest.mark.parametrize(
    ("updates", "squared"),
    [
        ("simultaneous", lambda h: 1 + h**2),
        ("alternating", None),
        ("extragradient", lambda h: 1 - h**2 + h**4),
        ("sga", lambda h: (1 - h) ** 2 + h**2),
    ],
)
def test_orders_turn_as_known_on_a_bilinear_game(updates: str, squared: Callable[[float], float] | None) -> None:
    """The Dirac-GAN with linear f: simultaneous steps spiral out by sqrt(1 + h^2) a step, extragradient steps in by
    sqrt(1 - h^2 + h^4), alternating steps keep an ellipse (Mescheder et al. 2018; Gidel et al. 2019). Of SGA the
    adjustment is (theta, psi) itself, which adds -h to the map's diagonal."""
    h = 0.1
    distances = [math.hypot(*place) for place in bilinear(h, updates).tolist()]
    if squared is None:
        assert 0.9 < min(distances) <= max(distances) < 1.1
    else:
        assert distances[-1] == pytest.approx(squared(h) ** (STEPS / 2), rel=1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("unroll", [1, 5])
@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
def test_an_unrolled_critic_damps_a_bilinear_game(updates: str, unroll: int) -> None:
    """psi_K = psi - K h theta in l_g = -theta psi_K, whose slope is 2 K h theta - psi: a map with the determinant
    1 - 2 K h^2 + h^2 of simultaneous and 1 - 2 K h^2 of alternating steps, whose root a step takes the orbit in by."""
    h = 0.1
    own = torch.tensor([[1 - 2 * unroll * h**2, h], [-h, 1.0]], dtype=torch.float64)
    if updates == "alternating":
        own[0, 0] -= h**2
    place, expected = torch.tensor([1.0, 0.0], dtype=torch.float64), []
    for _ in range(STEPS):
        place = own @ place
        expected.append(place)
    torch.testing.assert_close(bilinear(h, updates, unroll), torch.stack(expected), rtol=1e-6, atol=1e-7)
    assert float(torch.linalg.det(own)) == pytest.approx(1 - 2 * unroll * h**2 + h**2 * (updates == "simultaneous"))


def bilinear(h: float, updates: str, unroll: int = 0) -> Tensor:
    """Places (STEPS, 2) of (theta, psi) from (1, 0) in the game l_c = theta psi = -l_g."""
    point = torch.zeros(1, 1)
    data = DataSet("dirac", point, None, point, None, classes=0)
    # G(z) = theta as the bias of a linear layer, d(x) = psi x as the weight of one.
    generator = networks.generator(networks.settings("generator", {"hidden": []}), 1, (1,))
    critic = networks.critic(networks.settings("critic", {"hidden": []}), (1,))
    stacks = [
        StackedParameters(n, torch.tensor(w, dtype=torch.float64))
        for n, w in ((generator, [[0.0, 1.0]]), (critic, [[0.0, 0.0]]))
    ]
    players = Players(objectives.resolve({"name": "wasserstein"}), *stacks, unroll=unroll)
    zero, alive = torch.zeros(1), torch.ones(1, dtype=torch.bool)
    made = [Optimizer.zero("sgd", stack.flat, torch.tensor([h], dtype=torch.float64), zero, zero) for stack in stacks]
    optimizers = PerPlayer(critic=made[1], generator=made[0])
    batch_shape = BatchShape(batches_per_step(updates, 1), 1, 1, "normal", 0)
    places = []
    for batches in BatchSampler(data, batch_shape, generators([0], 0, "cpu"), conditional=False).draw(STEPS):
        step(players, optimizers, [still(batch) for batch in batches], alive, updates, 1e6)
        places.append(torch.stack([stacks[0].flat[0, 1], stacks[1].flat[0, 0]]))
    return torch.stack(places)


def still(batch: Batch) -> Batch:
    """The batch in float64, its latents 0."""
    made = doubled(batch)
    made.latents = torch.zeros_like(made.latents)
    return made


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_spectral_vectors_move_once_per_critic_update(critic_steps: int, ring: DataSet) -> None:
    game = Game(Case(penalty="spectral_norm", critic_steps=critic_steps), ring)
    for optimizer in game.optimizers:
        optimizer.lr *= 0  # the matrices stand still
    matrices = [game.players.critic.constants[i] for i in game.players.critic.network.matrices]
    expected = [vector.clone() for vector in game.players.spectral]
    for batches in game.batches(2):
        game.step(batches)
        for _ in range(critic_steps):
            for matrix, vector in zip(matrices, expected, strict=True):
                penalties.spectral_divide(matrix, vector, iterate=True)
        for ours, theirs in zip(game.players.spectral, expected, strict=True):
            assert torch.equal(ours, theirs)
    game.players.generator_loss(batches[-1], game.players.generator.views, game.players.critic.constants)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(game.players.spectral, expected, strict=True))


def test_clipping_holds_from_the_first_update_on(ring: DataSet) -> None:
    game = Game(Case("wasserstein", "clip", critic_steps=2), ring)
    clip = torch.tensor(CLIP, dtype=torch.float64)
    assert (game.players.critic.flat.abs().amax(1) > clip).all()
    for batches in game.batches(3):
        game.step(batches)
        torch.testing.assert_close(game.players.critic.flat.abs().amax(1), clip)
    assert (game.players.generator.flat.abs().amax(1) > clip).any()


def spoil(batch: Batch, value: float = math.nan, replica: int = 1) -> Batch:
    batch.latents = batch.latents.clone()
    batch.latents[replica, 0, 0] = value
    return batch


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("penalty", ["none", "clip", "gradient_penalty", "spectral_norm"])
@pytest.mark.parametrize("updates", UPDATES)
def test_a_replica_falls_before_the_update_that_would_spoil_it(
    penalty: str, updates: str, value: float, ring: DataSet
) -> None:
    case = Case(penalty=penalty, updates=updates)
    game, twin = Game(case, ring), Game(case, ring)
    steps, whole = game.batches(5), twin.batches(5)
    game.step(steps[0]), twin.step(whole[0])
    fell = game.everything()
    spoil(steps[1][0], value)
    game.step(steps[1]), twin.step(whole[1])
    assert game.alive.tolist() == [True, False, True]
    for batches, intact in zip(steps[2:], whole[2:], strict=True):
        game.step(batches), twin.step(intact)
    for state, undisturbed, frozen in zip(game.everything(), twin.everything(), fell, strict=True):
        assert torch.equal(state[1], frozen[1])  # frozen where it fell
        assert torch.equal(state[[0, 2]], undisturbed[[0, 2]])  # and nobody else noticed
        assert not torch.equal(undisturbed[1], frozen[1])
    assert game.alive.tolist() == [True, False, True]
    assert twin.alive.all()


def test_a_fall_in_the_second_critic_update_keeps_the_first(ring: DataSet) -> None:
    game, twin = Game(Case(critic_steps=3), ring), Game(Case(critic_steps=1), ring)
    (batches,) = game.batches(1)
    start = game.everything()
    twin.step([batches[0], batches[-1]])
    spoil(batches[1])
    game.step(batches)
    assert game.alive.tolist() == [True, False, True]
    assert torch.equal(game.players.critic.flat[1], twin.players.critic.flat[1])
    assert torch.equal(game.players.generator.flat[1], start[0][1])


@pytest.mark.parametrize("updates", UPDATES)
def test_a_fall_in_the_generators_loss(updates: str, ring: DataSet) -> None:
    game = Game(Case(updates=updates), ring)
    (batches,) = game.batches(1)
    start = game.everything()
    spoil(batches[-1])
    game.step(batches)
    assert game.alive.tolist() == [True, False, True]
    assert torch.equal(game.players.generator.flat[1], start[0][1])
    # Alternating, the critic's update came before; otherwise neither is made.
    assert torch.equal(game.players.critic.flat[1], start[1][1]) == (updates != "alternating")


def test_a_fallen_replica_is_not_clipped_either(ring: DataSet) -> None:
    game = Game(Case("wasserstein", "clip"), ring)
    (batches,) = game.batches(1)
    start = game.everything()
    spoil(batches[0])
    game.step(batches)
    assert torch.equal(game.players.critic.flat[1], start[1][1])
    assert float(start[1][1].abs().max()) > CLIP[1]


def test_a_loss_beyond_the_bound_is_a_fall(ring: DataSet) -> None:
    game = Game(Case("wasserstein"), ring, bound=50.0)
    game.players.critic.flat[2, -1] = 0.0
    game.players.critic.flat[2, -7:-1] *= 1e4
    start = game.everything()
    report = game.step(game.batches(1)[0])
    assert game.alive.tolist() == [True, True, False]
    assert float(report["loss_critic"][2].abs()) > 50
    assert report["loss_critic"].isfinite().all()
    for state, before in zip(game.everything(), start, strict=True):
        assert torch.equal(state[2], before[2])


@pytest.mark.parametrize("which", [0, 1])
def test_a_weight_beyond_the_bound_is_a_fall_and_stays_where_it_fell(which: int, ring: DataSet) -> None:
    game = Game(Case(), ring, bound=20.0)
    optimizer = (game.optimizers.generator, game.optimizers.critic)[which]
    optimizer.lr[0] = 100.0  # Adam's first step is about as long as its learning rate
    steps = game.batches(3)
    game.step(steps[0])
    assert game.alive.tolist() == [False, True, True]
    fell = game.everything()
    assert float(fell[which][0].abs().max()) > 20
    for batches in steps[1:]:
        game.step(batches)
    for state, frozen in zip(game.everything(), fell, strict=True):
        assert torch.equal(state[0], frozen[0])


@pytest.mark.parametrize("batch", range(4))
def test_a_fall_while_looking_ahead_leaves_the_weights_from_before(batch: int, ring: DataSet) -> None:
    game = Game(Case(updates="extragradient"), ring)
    first, second = game.batches(2)
    game.step(first)
    fell = game.everything()
    spoil(second[batch])
    game.step(second)
    assert game.alive.tolist() == [True, False, True]
    for state, before in zip(game.everything(), fell, strict=True):
        assert torch.equal(state[1], before[1])
        assert not torch.equal(state[0], before[0])


def moved_and_cut(images: Tensor, uniform: Tensor) -> Tensor:
    """Images (B, 1, 8, 8), translated by at most one pixel and with a square of four cut out, one after the other."""
    made = []
    for image, (down, right, *corner) in zip(images, uniform.tolist(), strict=True):
        padded = functional.pad(image, (1, 1, 1, 1))
        by = [1 - (math.floor(3 * u) - 1) for u in (down, right)]
        kept = torch.ones(8, 8, dtype=torch.float64)
        (top, left) = (math.floor(9 * u) - 2 for u in corner)
        kept[max(0, top) : top + 4, max(0, left) : left + 4] = 0
        made.append(padded[:, by[0] : by[0] + 8, by[1] : by[1] + 8] * kept)
    return torch.stack(made)


@pytest.mark.parametrize("pairing", ["independent", "relativistic"])
def test_both_players_see_images_augmented_apart(pairing: str) -> None:
    """The critic's real and generated samples and the generator's, in float64, against a loop over a replica's images;
    the first of a batch's numbers are the penalty's."""
    spec = Spec(
        data={"name": "digits"}, steps=1, evaluations=1, batch_size=6,
        generator={"hidden": [5]}, critic={"hidden": [7]},
        augmentation=["cutout", "translation"], penalty="balanced_consistency", pairing=pairing,
    )  # fmt: skip
    digits = load("digits")
    context = ModelContext([spec] * 3, [0, 1, 2], digits, 0, torch.device("cpu"))
    model = GAN(context)
    shape = BatchShape(2, 6, 2, "normal", model.draws)
    ((batch, _),) = BatchSampler(digits, shape, context.streams("batches"), conditional=False).draw(1)
    assert model.draws == 2 * 3 + 2 * 4
    players, one = alone(model.players, batch, 1)
    generator, critic = players.generator, players.critic
    first, last = one.uniform[0, :, 6:10], one.uniform[0, :, 10:]

    def score(images: Tensor) -> Tensor:
        return critic.network(critic.views, images[None], None)[0]

    def made() -> Tensor:
        return generator.network(generator.views, one.latents, None)[0]

    real, fake = moved_and_cut(one.real[0], first), moved_and_cut(made(), last)
    players.terms = []
    found = players.critic_loss(one, generator.constants, critic.views)
    answered = players.generator_loss(one, generator.views, critic.constants)
    if pairing == "independent":
        expected = bce(1)(score(real)) + bce(0)(score(fake))
        answer = bce(1)(score(moved_and_cut(made(), first)))
    else:
        on_critic, on_generator = RELATIVISTIC["relativistic", "non_saturating", "default"]
        expected = on_critic(score(real), score(fake))
        answer = on_generator(score(moved_and_cut(one.real[0], last)), score(moved_and_cut(made(), first)))
    torch.testing.assert_close(found[0], expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(answered[0], answer, rtol=1e-9, atol=1e-12)
    for stack, ours, theirs in ((critic, found, expected), (generator, answered, answer)):
        torch.testing.assert_close(stack.gradient(ours), stack.gradient(theirs[None]), rtol=1e-9, atol=1e-12)


def test_several_stacks_descend_one_loss(ring: DataSet) -> None:
    game = Game(Case(optimizer="sgd"), ring)
    stacks, (batches,) = (game.players.generator, game.players.critic), game.batches(1)
    loss = game.players.generator_loss(batches[-1], stacks[0].views, stacks[1].views)
    expected = [stack.gradient(loss, retain=True) for stack in stacks]
    start = game.everything()
    loss = loss * torch.tensor([1.0, math.nan, 1.0])
    optimizers = (game.optimizers.generator, game.optimizers.critic)
    norms = descend(stacks, optimizers, loss, game.alive, 1e6)
    assert game.alive.tolist() == [True, False, True]
    for stack, optimizer, gradient, norm, before in zip(stacks, optimizers, expected, norms, start, strict=True):
        torch.testing.assert_close(stack.flat[[0, 2]], (before - optimizer.lr * gradient)[[0, 2]])
        assert torch.equal(stack.flat[1], before[1])
        torch.testing.assert_close(norm[[0, 2]], gradient.norm(dim=1)[[0, 2]])


def test_all_may_fall(ring: DataSet) -> None:
    game = Game(Case(), ring, bound=1e-9)
    start = game.everything()
    for batches in game.batches(2):
        game.step(batches)
    assert not game.alive.any()
    assert all(torch.equal(new, old) for new, old in zip(game.everything(), start, strict=True))


@pytest.mark.parametrize("case", [Case(), Case("hinge", "r1", 2), Case("wasserstein", "spectral_norm")], ids=str)
def test_a_replica_alone_is_the_replica_in_company(case: Case, ring: DataSet) -> None:
    company = Game(case, ring)
    alone = Game(Case(**{**vars(case), "replicas": 1}), ring)
    for many, one in zip(company.batches(5), alone.batches(5), strict=True):
        company.step(many), alone.step(one)
    for together, single in zip(company.everything(), alone.everything(), strict=True):
        torch.testing.assert_close(together[0], single[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("by_torch", [False, True])
def test_replicas_whose_loss_or_gradient_exceeds_the_bounds_are_cleared(by_torch: bool) -> None:
    loss = torch.tensor([1.0, -5.0, 5.0, 5.1, math.nan, -math.inf, 0.0, 0.0, 0.0])
    gradient = torch.full((9, 2), 3.0)
    gradient[6, 0], gradient[7, 1], gradient[8, 0] = math.nan, math.inf, 1e30
    alive = torch.tensor([True, False, True, True, True, True, True, True, True])
    with native.disabled() if by_torch else nullcontext():
        lengths = checked(gradient, loss, 5.0, alive)
    assert alive.tolist() == [True, False, True, False, False, False, False, False, False]
    assert lengths[:6].tolist() == pytest.approx([math.sqrt(18)] * 6)
