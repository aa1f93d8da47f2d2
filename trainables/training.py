"""`Training`: a population of replicas of one configuration, advanced from evaluation to evaluation.

A replica's curve depends on its seed and configuration alone, not on which replicas train beside it; stopping and
resuming gives what an uninterrupted run gives, on CPU bit for bit. A replica that exceeds the bounds is frozen at that
step: from then on it is `diverged`, its measurements are NaN, and the other replicas are unaffected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import index
from typing import Any

import torch
from torch import Tensor

from trainables import precision, steps, transfer
from trainables.batches import CHUNK, Batch, BatchSampler, BatchShape, in_pieces
from trainables.data import DataSet, load
from trainables.metrics.columns import BACK
from trainables.metrics.evaluator import Evaluator
from trainables.models import jacobian
from trainables.models.catalogue import MODELS
from trainables.models.model import ModelContext
from trainables.population import views
from trainables.spec import UNTRAINED, Spec, shared


@dataclass(frozen=True)
class Evaluation:
    """The measurements after `step` generator updates: `columns` has a list per measurement, one value per seed.

    First come `diverged` and, if any replica has diverged, `diverged_step` (None for the others); then losses and
    gradient norms as means since the last evaluation, and measurements of fresh samples. NaN (None for whole numbers
    such as histograms): not measurable, as everything is for a diverged replica. A measurement that no replica has is
    left out.
    """

    step: int
    seeds: list[int]
    columns: dict[str, list[Any]]

    def of(self, rows: slice) -> Evaluation:
        """What was measured of some of the replicas, as if they had trained alone."""
        return Evaluation(self.step, self.seeds[rows], _known({n: found[rows] for n, found in self.columns.items()}))


class Training:
    """Trains replica i from `seeds[i]`. `spec` is one for all replicas, or one per replica, which may differ in the
    `PER_REPLICA` numbers and the penalty's only (`trainables.spec.shared`).

    `data` and `evaluator` may be shared between trainings; by default they are made from the spec.
    Raises `ValueError` where data and model do not fit, or the device has not the spec's precision.
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
        seeds = [index(seed) for seed in seeds]
        specs = [spec] * len(seeds) if isinstance(spec, Spec) else list(spec)
        self.spec, self.seeds, self.device = _one(specs, seeds), seeds, torch.device(device)
        if self.spec.model not in UNTRAINED:
            precision.require(self.spec.precision, self.device)
        self.data = (load(**self.spec.data) if data is None else data).to(self.device)
        self.evaluator = evaluator or Evaluator(self.data, self.spec.evaluation, self.spec.measure, self.device)
        self.classes = _classes(self.spec, self.data)
        self.step = 0
        self.alive = torch.ones(len(seeds), dtype=torch.bool, device=self.device)
        self.diverged_step = torch.full((len(seeds),), -1, dtype=torch.int64, device=self.device)
        self.context = ModelContext(specs, self.seeds, self.data, self.classes, self.device)
        self.model = MODELS[self.spec.model](self.context)
        self.ema = self.context.present("ema")[:, None]
        self.average = self.model.stacks[0].flat.clone()
        batch_shape = BatchShape(
            self.model.batches, self.spec.batch_size, self.model.latent_dim, self.spec.latent,
            self.model.draws, self.model.noise,
        )  # fmt: skip
        self.sampler = BatchSampler(self.data, batch_shape, self.context.streams("batches"), bool(self.classes))
        self.now = torch.zeros((), dtype=torch.int64, device=self.device)
        reports = len(self.model.reports)
        self.sums = torch.zeros(reports, len(seeds), dtype=torch.float64, device=self.device)
        self.way = steps.ways(self.device, self.state, self.model.elsewhere)
        self._fallen = False  # whether every replica had diverged when `alive` was last read from the device

    @property
    def state(self) -> list[Tensor]:
        """All that a step changes, each where it stays: the number of the step `now` (), the present values of settings
        that follow schedules, sums (reports, R) of what was reported since the last evaluation, and what `state_dict`
        has."""
        present = self.context.schedules.values
        return [self.now, present, self.sums, self.alive, self.diverged_step, self.average, *self.model.state]

    @property
    def troubles(self) -> list[str]:
        """What keeps it from training as fast as it could, a sentence each."""
        return [] if self.way.refused is None else [steps.WITHOUT.format(self.way.refused)]

    @property
    def done(self) -> bool:
        """Whether all steps are taken, or every replica has diverged."""
        return self.step >= self.spec.steps or self._fallen

    def __iter__(self) -> Iterator[Evaluation]:
        """Train to the end, an evaluation at a time: `for evaluation in training`."""
        while not self.done:
            yield self.advance()

    def advance(self) -> Evaluation:
        """Train to the next evaluation, at most `spec.interval` steps, and measure every replica.

        Changes the training in place; a replica that exceeds the bounds on the way is frozen there.
        """
        self.now.fill_(self.step)
        self.sums.zero_()
        taken = self.take_steps(self.spec.interval)
        self.step += self.spec.interval
        self.context.schedules.at(self.step / self.spec.steps)
        return self._evaluation(self.sums / taken if taken else self.sums * torch.nan)

    def samples(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Samples (R, count, *shape) of each replica's present generator from latents that are the same at every call
        and, for conditional models, their labels (R, count), every class in turn; of a cyclegan, whose latents are
        samples of its source, those of the latents."""
        labels, drawn = None, self._drawn(count)
        if self.classes:
            turn = torch.arange(drawn, device=self.device) % self.classes
            labels = turn.expand(len(self.seeds), -1)
        latents, labels = self.model.inputs(drawn, self.context.streams("pictures"), labels)
        samples = self.generate(latents, labels)
        return samples[:, :count], None if labels is None else labels[:, :count]

    @torch.no_grad()
    @precision.exact()
    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Samples (R, n, *shape) of each replica's present generator (averaged weights) from latents (R, n, L) and, for
        conditional models, labels (R, n); the latents of a cyclegan are samples of its source (R, n, *shape).

        A generator that normalises over a batch makes a sample from its latent and those beside it, in batches of the
        training's size; raises `ValueError` for a single latent, which it would map to a constant.
        """
        if self.model.stacks[0].network.normalises and latents.shape[1] == 1:
            raise ValueError("latents: expected at least 2 for a generator that normalises over them, got 1")
        weights = views(self.model.stacks[0].network, self.average)
        return self.pieces(lambda z, y: self.model.generate(weights, z, y), latents, labels)

    def state_dict(self) -> dict[str, Any]:
        """Everything that resuming needs; tensors and plain data only."""
        return {
            "seeds": self.seeds,
            "step": self.step,
            "alive": self.alive,
            "diverged_step": self.diverged_step,
            "average": self.average,
            "model": self.model.state_dict(),
            "feed": [g.get_state() for g in self.sampler.generators],  # the key in existing checkpoints
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state of the same spec and seeds; raises `ValueError` for other seeds."""
        if list(state["seeds"]) != self.seeds:
            raise ValueError(f"state of seeds {state['seeds']} does not fit a training of seeds {self.seeds}")
        self.step = int(state["step"])
        self.context.schedules.at(self.step / self.spec.steps)
        self.alive.copy_(state["alive"])
        self._fallen = not bool(self.alive.any())
        self.diverged_step.copy_(state["diverged_step"])
        self.average.copy_(state["average"])
        self.model.load_state_dict(state["model"])
        for generator, saved in zip(self.sampler.generators, state["feed"], strict=True):
            generator.set_state(saved.cpu())

    def take_steps(self, count: int) -> int:
        """Take so many steps from `step` on, which stays; how many were taken, fewer if all replicas have diverged."""
        at_once = self.sampler.batch_shape.block
        for start in range(0, count, at_once):
            if transfer.read_at_once(self.device) and not bool(self.alive.any()):
                return start
            few = min(at_once, count - start)
            with precision.products_in(self.spec.precision):
                self.way(self.take_step, self.sampler.block(few, self.step + start, self.spec.steps))
        return count

    def take_step(self, batches: Sequence[Batch]) -> None:
        """Train once; counts `now` up and adds what the model reports to `sums`.

        Everything is done on the device and in place: no number goes to or comes from Python, so that a CUDA graph can
        hold a step.
        """
        for batch in batches[:1]:
            self.context.schedules.at(batch.progress)
        self.now += 1
        before = self.alive.clone()
        report = self.model.step(batches, self.alive)
        torch.where(before & ~self.alive, self.now, self.diverged_step, out=self.diverged_step)
        self.average.lerp_(self.model.stacks[0].flat, 1 - self.ema)
        for total, name in zip(self.sums, self.model.reports, strict=True):
            total += report[name]

    def _evaluation(self, means: Tensor) -> Evaluation:
        reported = dict(zip(self.model.reports, means.float(), strict=True))
        measured = {**reported, **self.measure()}  # first, as samples that are not finite end a replica
        found = transfer.fetched({"alive": self.alive, "diverged_step": self.diverged_step, **measured})
        alive, fell = found.pop("alive"), found.pop("diverged_step")
        self._fallen = not any(alive)
        columns: dict[str, list[Any]] = {
            "diverged": [not live for live in alive],
            "diverged_step": [None if live else step for live, step in zip(alive, fell, strict=True)],
        }
        for name, values in found.items():
            nothing = math.nan if measured[name].is_floating_point() else None
            columns[name] = [value if live else nothing for value, live in zip(values, alive, strict=True)]
        return Evaluation(self.step, list(self.seeds), _known(columns))

    @torch.no_grad()
    @precision.exact()
    def measure(self) -> dict[str, Tensor]:
        """The measurements (R,) of fresh samples; ends replicas whose samples are not finite."""
        if not self.model.sampled:
            nothing = torch.empty(len(self.seeds), 0, *self.data.shape, device=self.device)
            return self.model.measure((), nothing, None, self.data, self.pieces)
        streams = self.context.streams("evaluation", self.step)
        count, drawn = self.evaluator.samples, self._drawn(self.evaluator.samples)
        labels = self.labels(drawn, streams) if self.classes else None
        latents, labels = self.model.inputs(drawn, streams, labels)
        samples = self.generate(latents, labels)[:, :count]
        labels = None if labels is None else labels[:, :count]
        finite = samples.flatten(1).isfinite().all(1)
        self.diverged_step.masked_fill_(self.alive & ~finite, self.step)
        self.alive &= finite
        norm = {"parameter_norm_generator": self.model.stacks[0].flat.norm(dim=1)}
        weights = views(self.model.stacks[0].network, self.average)
        own = self.model.measure(weights, samples, labels, self.data, self.pieces)
        if "jacobian" in self.spec.measure and self.step >= self.spec.steps:
            own |= self.model.spectra(self._fixed_batch(), self.alive)
        found = self.evaluator(samples, labels)
        if (reverse := self.model.reverse(weights, drawn, streams, self.pieces)) is not None:
            samples, labels = reverse
            back = self.evaluator(samples[:, :count], None if labels is None else labels[:, :count])
            found |= {BACK[name]: values for name, values in back.items() if name in BACK}
        return {**norm, **own, **found}

    def _fixed_batch(self) -> Batch:
        """A batch that depends on the replicas' seeds alone."""
        batch_shape, times = self.sampler.batch_shape, -(-jacobian.SAMPLES // self.spec.batch_size)
        if not self._normalised:
            batch_shape = replace(batch_shape, batch=times * self.spec.batch_size)
        batch_shape = replace(batch_shape, updates=1)
        sampler = BatchSampler(self.data, batch_shape, self.context.streams("jacobian"), bool(self.classes))
        ((batch,),) = sampler.draw(1)
        return batch

    @property
    def _normalised(self) -> bool:
        """Whether a network normalises over its batch, whose size then matters."""
        return any(stack.network.normalises for stack in self.model.stacks)

    def labels(self, count: int, streams: Sequence[torch.Generator]) -> Tensor:
        """Labels (R, count) distributed as the training data's."""
        assert self.data.labels is not None
        picks = [torch.randint(len(self.data.labels), (count,), generator=g, device=self.device) for g in streams]
        return self.data.labels[torch.stack(picks)]

    def _drawn(self, count: int) -> int:
        """How many samples to generate for `count`: a batch at least where the generator normalises over it."""
        return max(count, self.spec.batch_size) if self.model.stacks[0].network.normalises else count

    def pieces(self, function: Callable[[Tensor, Tensor | None], Tensor], x: Tensor, labels: Tensor | None) -> Tensor:
        """Apply to pieces of the second axis: of the training batch's size where the networks normalise over it."""
        size = self.spec.batch_size if self._normalised else CHUNK
        return in_pieces(function, x, labels, size, self._normalised)


def _one(specs: Sequence[Spec], seeds: Sequence[int]) -> Spec:
    """The spec that all replicas share but for numbers that may differ; refuses populations that cannot be stacked."""
    if not seeds:
        raise ValueError("seeds: expected at least one")
    if min(seeds) < 0:
        raise ValueError(f"seeds: expected whole numbers >= 0, got {min(seeds)}")
    if len(specs) != len(seeds):
        raise ValueError(f"expected a spec per seed, got {len(specs)} for {len(seeds)} seeds")
    shapes = [shared(spec.to_dict()) for spec in specs]
    for other in shapes[1:]:
        different = [name for name in other if other[name] != shapes[0][name]]
        if different:
            raise ValueError(f"replicas of one population must agree in {', '.join(different)}")
    return specs[0]


def _classes(spec: Spec, data: DataSet) -> int:
    """How many classes the networks are conditioned on; 0 for an unconditional model."""
    if spec.model != "cgan":
        return 0
    if data.labels is None or data.heldout_labels is None:
        raise ValueError(f"model: cgan needs labelled data, got '{data.name}', which has none")
    return data.classes


def _known(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Without the measurements that no replica has."""
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}
