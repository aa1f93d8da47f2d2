"""Candidates and truths of generators, as arrays. Less is better in all: where more is, they hold the negative."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.candidates import Candidate
from benchmarks.generators import Stack, degraded
from benchmarks.ranking import Floats
from benchmarks.truths import SIGNS, truths
from trainables.data import Mixture

SAMPLES, TRUTH_SAMPLES = 2500, 50_000
PERFECT, DEGRADED = 16, 2  # sets of samples of a perfect and of a degraded generator


@dataclass(frozen=True)
class Measured:
    """N generators of one data set: the training that each came from, candidates' values (C, 2, N) on two sets of
    samples, truths (T, 2, N) likewise, and `cost` (C,), milliseconds of processor time for eight generators."""

    trainings: tuple[str, ...]
    values: Floats
    truth: Floats
    cost: Floats

    @property
    def columns(self) -> Floats:
        """The candidates on the first set of samples, and below them the truths on both together: (C + T, N)."""
        return np.concatenate([self.values[:, 0], self.truth.mean(1)])

    @property
    def errors(self) -> Floats:
        """(T,) the standard error of a truth, pooled over the generators."""
        found: Floats = np.sqrt(np.square(np.diff(self.truth, axis=1)[:, 0]).mean(1)) / 2
        return found


def measured(
    mixture: Mixture,
    stacks: Iterable[Stack],
    ways: Mapping[str, Candidate],
    samples: int = SAMPLES,
    truth_samples: int = TRUTH_SAMPLES,
) -> Measured:
    """Draw twice from every stack for the candidates, and twice for the truth."""
    judge, signs = truths(mixture, truth_samples), np.array([*SIGNS.values()])[:, None, None]
    trainings: list[str] = []
    values, truth, cost = [], [], []
    for stack in stacks:
        trainings += stack.trainings
        found, spent = zip(*(_timed(ways, stack.draw(samples, turn)) for turn in (0, 1)), strict=True)
        values.append(np.stack(found, 1))
        cost += [one * 8 / len(stack.trainings) for one in spent]
        halves = [judge(stack.draw(truth_samples, turn)) for turn in (2, 3)]
        truth.append(signs * np.array([[half[name].numpy() for half in halves] for name in SIGNS]))
    return Measured(
        tuple(trainings), np.concatenate(values, -1), np.concatenate(truth, -1), np.median(np.array(cost), axis=0)
    )


def _timed(ways: Mapping[str, Candidate], drawn: torch.Tensor) -> tuple[Floats, Floats]:
    """Every candidate's values (C, R) of samples, and what each took, (C,), in ms of processor time."""
    values, spent = [], []
    for way in ways.values():
        started = time.process_time()
        values.append(way.sign * way.measure(drawn).numpy())
        spent.append(1e3 * (time.process_time() - started))
    return np.array(values), np.array(spent)


def seen(mixture: Mixture, ways: Mapping[str, Candidate], samples: int = SAMPLES) -> dict[str, Floats]:
    """How far (C,) each degraded generator lies from a perfect one, in standard deviations of the latter's own
    measurement; negative where it looks better than perfect."""
    found: dict[str, Floats] = {}
    for number, (name, generator) in enumerate(degraded(mixture).items()):
        sets = DEGRADED if found else PERFECT
        random = torch.Generator().manual_seed(number)
        drawn = torch.stack([generator.sample(samples, random)[0] for _ in range(sets)])
        found[name], _ = _timed(ways, drawn)
    perfect = found.pop("perfect")
    centre, spread = perfect.mean(1), perfect.std(1, ddof=1)
    return {name: (values.mean(1) - centre) / spread for name, values in found.items()}
