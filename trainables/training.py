"""`Training`: a population of replicas of one configuration, advanced from evaluation to evaluation.

A replica's curve depends on its seed and configuration alone, not on who trains beside it; stopping and resuming gives
what an uninterrupted run gives, on CPU bit for bit. A replica that leaves the bounds is frozen where it fell: from then
on it is `diverged`, its measurements are NaN, and no other replica notices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainables import networks, objectives, penalties
from trainables.adversarial import Players, Report, step
from trainables.data import DataSet, load
from trainables.evaluation import Evaluator
from trainables.feed import Diet, Feed, latents
from trainables.optimizers import Optimizer
from trainables.population import Stack, generators, views
from trainables.spec import PER_REPLICA, Spec

# Purposes of random numbers; each replica has an independent stream for each.
GENERATOR_WEIGHTS, CRITIC_WEIGHTS, FEED, EVALUATION, PICTURES, SPECTRAL = range(6)
CHUNK = 4096  # samples of a replica generated at once


class Training:
    """Trains replica i from `seeds[i]`; `spec` is one for all, or one per replica equal but for `PER_REPLICA` numbers
    and the penalty's.

    `data` and `evaluator` may be shared between trainings; by default they are made from the spec.
    Raises `ValueError` where data and model do not fit.
    """

    def __init__(
        self,
        spec: Spec | Sequence[Spec],
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
        *,
        data: DataSet | None = None,
        evaluator: Evaluator | None = None,
    ) -> None:
        specs = [spec] * len(seeds) if isinstance(spec, Spec) else list(spec)
        self.spec, self.seeds, self.device = _one(specs, seeds), list(seeds), torch.device(device)
        self.data = (load(**self.spec.data) if data is None else data).to(self.device)
        self.evaluator = evaluator or Evaluator(self.data, self.spec.evaluation, self.spec.measure, self.device)
        self.classes = _classes(self.spec, self.data)
        self.step = 0
        self.alive = torch.ones(len(seeds), dtype=torch.bool, device=self.device)
        self.diverged_step = torch.full((len(seeds),), -1, dtype=torch.int64, device=self.device)
        self.players = self._players(specs)
        self.optimizers = self._optimizers(specs)
        self.ema = self._vector(specs, lambda s: s.ema)[:, None]
        self.average = self.players.generator.flat.clone()
        self.feed = Feed(self.data, self._diet(), self._streams(FEED), bool(self.classes))

    @property
    def done(self) -> bool:
        """All steps taken, or no replica left to take them."""
        return self.step >= self.spec.steps or not bool(self.alive.any())

    def advance(self) -> list[dict[str, Any]]:
        """Train to the next evaluation and return a record per replica, in the order of the seeds.

        A record holds `seed`, `step`, `diverged`, `diverged_step` (or None) and the measurements: losses and gradient
        norms as means since the last evaluation, the rest measured on fresh samples. NaN: not measurable.
        """
        reports: list[Report] = []
        for start in range(0, self.spec.interval, self.feed.diet.block):
            if not bool(self.alive.any()):
                break
            for batches in self.feed.draw(min(self.feed.diet.block, self.spec.interval - start)):
                reports.append(self._step(batches, self.step + len(reports) + 1))
        self.step += self.spec.interval
        return self._records(reports)

    def samples(self, count: int) -> tuple[Tensor, Tensor | None]:
        """The same `count` latents of each replica through its generator of now: samples (R, count, *shape) and, for
        conditional models, their labels (R, count), every class in turn."""
        labels = None
        if self.classes:
            turn = torch.arange(count, device=self.device) % self.classes
            labels = turn.expand(len(self.seeds), -1)
        return self._generate(count, self._streams(PICTURES), labels), labels

    def state_dict(self) -> dict[str, Any]:
        """Everything that training goes on from; tensors and plain data only."""
        optimizers = [{"first": o.first, "second": o.second, "count": o.count} for o in self.optimizers]
        return {
            "seeds": self.seeds,
            "step": self.step,
            "alive": self.alive,
            "diverged_step": self.diverged_step,
            "generator": self.players.generator.flat,
            "critic": self.players.critic.flat,
            "average": self.average,
            "spectral": self.players.spectral,
            "optimizers": optimizers,
            "feed": [g.get_state() for g in self.feed.generators],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same spec and seeds; raises `ValueError` for other seeds."""
        if list(state["seeds"]) != self.seeds:
            raise ValueError(f"state of seeds {state['seeds']} does not fit a training of seeds {self.seeds}")
        self.step = int(state["step"])
        ours = [self.alive, self.diverged_step, self.players.generator.flat, self.players.critic.flat, self.average]
        theirs = [state[name] for name in ("alive", "diverged_step", "generator", "critic", "average")]
        for mine, saved in zip([*ours, *self.players.spectral], [*theirs, *state["spectral"]], strict=True):
            mine.copy_(saved)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.first.copy_(saved["first"])
            optimizer.second.copy_(saved["second"])
            optimizer.count = int(saved["count"])
        for generator, saved in zip(self.feed.generators, state["feed"], strict=True):
            generator.set_state(saved.cpu())

    def _step(self, batches: Sequence[Any], number: int) -> Report:
        before = self.alive.clone()
        report = step(
            self.players, self.optimizers, batches, self.alive, self.spec.updates == "simultaneous", self.spec.bound
        )
        self.diverged_step.masked_fill_(before & ~self.alive, number)
        self.average.lerp_(self.players.generator.flat, 1 - self.ema)
        return report

    def _records(self, reports: Sequence[Report]) -> list[dict[str, Any]]:
        columns = {**self._means(reports), **self._measure()}
        alive, fell = self.alive.tolist(), self.diverged_step.tolist()
        rows = {name: _listed(column, self.alive) for name, column in columns.items()}
        return [
            {
                "seed": seed,
                "step": self.step,
                "diverged": not alive[i],
                "diverged_step": None if alive[i] else fell[i],
                **{name: values[i] for name, values in rows.items()},
            }
            for i, seed in enumerate(self.seeds)
        ]

    def _means(self, reports: Sequence[Report]) -> dict[str, Tensor]:
        names = {
            "loss_critic": "critic_loss",
            "loss_generator": "generator_loss",
            "gradient_norm_critic": "critic_norm",
            "gradient_norm_generator": "generator_norm",
        }
        nothing = torch.full((len(self.seeds),), torch.nan, device=self.device)
        return {
            column: torch.stack([getattr(r, name) for r in reports]).mean(0) if reports else nothing
            for column, name in names.items()
        }

    @torch.no_grad()
    def _measure(self) -> dict[str, Tensor]:
        streams = self._streams(EVALUATION, self.step)
        labels = self._labels(self.evaluator.samples, streams) if self.classes else None
        samples = self._generate(self.evaluator.samples, streams, labels)
        finite = samples.flatten(1).isfinite().all(1)
        self.diverged_step.masked_fill_(self.alive & ~finite, self.step)
        self.alive &= finite
        norms = {
            "parameter_norm_generator": self.players.generator.flat.norm(dim=1),
            "parameter_norm_critic": self.players.critic.flat.norm(dim=1),
        }
        return {**norms, **self._judgement(samples, labels), **self.evaluator(samples, labels)}

    def _judgement(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        """What the critic makes of held-out real samples and of fresh generated ones."""
        count = min(samples.shape[1], self.data.heldout.shape[0])
        real = self.data.heldout[:count].expand(len(self.seeds), count, *self.data.shape)
        heldout_labels = self.data.heldout_labels
        real_labels = None
        if labels is not None and heldout_labels is not None:
            real_labels, labels = heldout_labels[:count].expand(len(self.seeds), count), labels[:, :count]
        weights = self.players.critic_weights(self.players.critic.constants)
        on_real = self._chunked(lambda x, y: self.players.score(weights, x, y), real, real_labels)
        on_fake = self._chunked(lambda x, y: self.players.score(weights, x, y), samples[:, :count], labels)
        return {
            "critic_real": on_real.mean(1),
            "critic_fake": on_fake.mean(1),
            "probability_real": on_real.sigmoid().mean(1),
            "probability_fake": on_fake.sigmoid().mean(1),
            "critic_accuracy": _accuracy(self.players.game, on_real, on_fake),
        }

    def _labels(self, count: int, streams: Sequence[torch.Generator]) -> Tensor:
        """Labels (R, count) distributed as the training data's."""
        assert self.data.labels is not None
        picks = [torch.randint(len(self.data.labels), (count,), generator=g, device=self.device) for g in streams]
        return self.data.labels[torch.stack(picks)]

    @torch.no_grad()
    def _generate(self, count: int, streams: Sequence[torch.Generator], labels: Tensor | None) -> Tensor:
        shape = (count, self.spec.latent_dim)
        noise = torch.stack([latents(shape, self.spec.latent, g) for g in streams])
        weights = views(self.players.generator.network, self.average)
        return self._chunked(lambda z, y: self.players.generate(weights, z, y), noise, labels)

    def _chunked(self, function: Callable[[Tensor, Tensor | None], Tensor], x: Tensor, labels: Tensor | None) -> Tensor:
        """Apply to pieces of the second axis: of the training batch's size where the networks normalise over it."""
        normalised = self.spec.generator["batch_norm"] or self.spec.critic["batch_norm"]
        size = self.spec.batch_size if normalised else CHUNK
        pieces = zip(x.split(size, 1), [None] * x.shape[1] if labels is None else labels.split(size, 1), strict=False)
        return torch.cat([function(piece, label) for piece, label in pieces], 1)

    def _players(self, specs: Sequence[Spec]) -> Players:
        spec, data = self.spec, self.data
        generator = networks.generator(spec.generator, spec.latent_dim, data.shape, self.classes)
        critic = networks.critic(spec.critic, data.shape, self.classes, spec.conditioning)
        penalty = penalties.PENALTIES[spec.penalty["name"]]
        settings = [penalties.resolve(s.penalty)[1] for s in specs]
        spectral: list[Tensor] = []
        if penalty.name == "spectral_norm":
            shapes = [critic.weights[i].shape for i in critic.matrices]
            spectral = penalties.spectral_start(shapes, self._streams(SPECTRAL))
        return Players(
            game=objectives.resolve(spec.objective, spec.generator_loss),
            generator=Stack.drawn(generator, self._streams(GENERATOR_WEIGHTS)),
            critic=Stack.drawn(critic, self._streams(CRITIC_WEIGHTS)),
            penalty=penalty,
            weight=torch.tensor([s.get("weight", 0.0) for s in settings], device=self.device),
            clip=torch.tensor([[s["bound"]] for s in settings], device=self.device) if penalty.name == "clip" else None,
            spectral=spectral,
            separate=spec.critic["batch_norm"],
        )

    def _optimizers(self, specs: Sequence[Spec]) -> tuple[Optimizer, Optimizer]:
        beta1, beta2 = self._vector(specs, lambda s: s.beta1), self._vector(specs, lambda s: s.beta2)

        def optimizer(stack: Stack, lr: Tensor) -> Optimizer:
            return Optimizer.zero(self.spec.optimizer, stack.flat, lr, beta1, beta2)

        return (
            optimizer(self.players.generator, self._vector(specs, lambda s: s.generator_lr)),
            optimizer(self.players.critic, self._vector(specs, lambda s: s.critic_lr)),
        )

    def _vector(self, specs: Sequence[Spec], read: Callable[[Spec], float]) -> Tensor:
        return torch.tensor([read(s) for s in specs], device=self.device, dtype=torch.float32)

    def _diet(self) -> Diet:
        draws = self.players.penalty.draws(self.data.train[0].numel())
        spec = self.spec
        return Diet(spec.critic_steps + 1, spec.batch_size, spec.latent_dim, spec.latent, draws)

    def _streams(self, purpose: int, step: int = 0) -> list[torch.Generator]:
        return generators(self.seeds, purpose, self.device, step)


def _one(specs: Sequence[Spec], seeds: Sequence[int]) -> Spec:
    """The spec that all replicas share but for numbers that may differ; refuses populations that cannot be stacked."""
    if not seeds:
        raise ValueError("seeds: expected at least one")
    if len(specs) != len(seeds):
        raise ValueError(f"expected a spec per seed, got {len(specs)} for {len(seeds)} seeds")
    shapes = []
    for spec in specs:
        plain = {name: value for name, value in spec.to_dict().items() if name not in PER_REPLICA}
        shapes.append({**plain, "penalty": spec.penalty["name"]})
    for other in shapes[1:]:
        different = [name for name in other if other[name] != shapes[0][name]]
        if different:
            raise ValueError(f"replicas of one population must agree in {', '.join(different)}")
    return specs[0]


def _classes(spec: Spec, data: DataSet) -> int:
    """How many labels the networks are told; 0 for an unconditional model."""
    if spec.model != "cgan":
        return 0
    if data.labels is None or data.heldout_labels is None:
        raise ValueError(f"model: cgan needs labelled data, got '{data.name}', which has none")
    return data.classes


def _accuracy(game: objectives.Game, real: Tensor, fake: Tensor) -> Tensor:
    """Fraction (R,) of real (R, n) and generated (R, n) samples on their own side of d*(1); ties count half.

    Where the level of d means nothing the median of all scores takes the place of d*(1).
    """
    level: Tensor | float = torch.cat([real, fake], 1).median(1, keepdim=True).values
    if game.boundary is not None:
        level = game.boundary
    side = game.objective.orientation
    right = (side * (real - level)).sign().mean(1) - (side * (fake - level)).sign().mean(1)
    return 0.5 + right / 4


def _listed(column: Tensor, alive: Tensor) -> list[Any]:
    """A column as plain values, NaN (None for whole numbers such as histograms) where the replica is not alive."""
    if column.is_floating_point():
        return [float(x) for x in column.double().where(alive, torch.nan).cpu()]
    return [x if live else None for x, live in zip(column.tolist(), alive.tolist(), strict=True)]
