"""Generators of every quality, to rank metrics by: trained ones, and degradations of the data whose truth is known.

Trained are populations of eight seeds that differ in both learning rates, the strength of R1 and the averaging of
weights. Each is looked at early and at its end, so that the quality goes from dead through blobs and half-collapsed
generators to good ones. A degraded generator is the data's mixture with one thing wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.population import Unmeasured
from trainables.data import DataSet, Mixture
from trainables.spec import Spec
from trainables.training import Training

REPLICAS, WIDTH, BATCH = 8, 64, 128
RATES = (3e-4, 1e-2)  # of both players, log-uniform
AVERAGING = (0.0, 0.99)
R1_WEIGHTS = (0.03, 0.1, 0.3, 1.0)
OBJECTIVES = {
    "ring": (
        ("non_saturating", "none"), ("non_saturating", "r1"), ("least_squares", "none"), ("hinge", "r1"),
        ("wasserstein", "gradient_penalty"), ("absolute_error", "r1"),
    ),
    "grid": (
        ("non_saturating", "r1"), ("least_squares", "none"), ("hinge", "none"), ("wasserstein", "gradient_penalty"),
        ("absolute_error", "r1"),
    ),
}  # fmt: skip
STEPS = {"ring": 3000, "grid": 4000}
LOOKS = 4  # the first and the last of as many equal parts of the training are looked at


@dataclass(frozen=True)
class Stack:
    """R generators: the name of each, the training it came from, and `draw(count, seed)`, samples (R, count, d)."""

    names: tuple[str, ...]
    trainings: tuple[str, ...]
    draw: Callable[[int, int], Tensor]


def trained(data: DataSet, steps: int | None = None, replicas: int = REPLICAS) -> Iterator[Stack]:
    """Train the populations of a data set; a stack may be drawn from until the next is asked for. Diverged replicas
    are left out."""
    steps = steps or STEPS[data.name]
    for number, (objective, penalty) in enumerate(OBJECTIVES[data.name]):
        random = torch.Generator().manual_seed(number)
        specs = [_spec(data.name, steps, objective, penalty, place, random) for place in range(replicas)]
        seeds = [1000 * number + place for place in range(replicas)]
        training = Training(specs, seeds, data=data, evaluator=Unmeasured())
        for look in range(1, LOOKS + 1):
            training.advance()
            if look in (1, LOOKS):
                yield _stack(training, f"{data.name}, {objective}, {penalty}")


def _spec(data: str, steps: int, objective: str, penalty: str, place: int, random: torch.Generator) -> Spec:
    low, high = (math.log(rate) for rate in RATES)
    generator_lr, critic_lr = (low + (high - low) * torch.rand(2, generator=random, dtype=torch.float64)).exp().tolist()
    strength = {"weight": R1_WEIGHTS[place // 2 % len(R1_WEIGHTS)]} if penalty == "r1" else {}
    return Spec(
        data={"name": data},
        steps=steps,
        evaluations=LOOKS,
        batch_size=BATCH,
        objective=objective,  # type: ignore[arg-type]
        penalty={"name": penalty, **strength},
        generator_lr=generator_lr,
        critic_lr=critic_lr,
        ema=AVERAGING[place % len(AVERAGING)],
        generator={"hidden": [WIDTH, WIDTH]},
        critic={"hidden": [WIDTH, WIDTH]},
    )


def _stack(training: Training, what: str) -> Stack:
    alive = [place for place, live in enumerate(training.alive.tolist()) if live]

    def draw(count: int, seed: int) -> Tensor:
        streams = [torch.Generator().manual_seed(1_000_003 * seed + one) for one in training.seeds]
        return training.generate(training.model.latents(count, streams))[alive]

    replicas = [f"{what}, seed {training.seeds[place]}" for place in alive]
    return Stack(tuple(f"{one}, step {training.step}" for one in replicas), tuple(replicas), draw)


def degraded(mixture: Mixture) -> dict[str, Mixture]:
    """Generators with one thing wrong, by name; the first is perfect.

    The blob has the data's mean and variance: on the ring it is N(0, 2 I).
    """
    weights, means, variances = mixture.weights, mixture.means, mixture.variances
    half = slice(0, mixture.modes // 2)
    blob = mixture.covariance.diagonal().mean().view(1)
    aside = variances.sqrt()[:, None] * torch.eye(mixture.dimensions, dtype=torch.float64)[0]
    return {
        "perfect": mixture,
        "blob": Mixture(torch.ones(1), mixture.mean[None], blob),
        "half the modes": Mixture(weights[half], means[half], variances[half]),
        "shrunken to 0.3 std": Mixture(weights, means, 0.09 * variances),
        "widened to 2 std": Mixture(weights, means, 4 * variances),
        "imbalanced, 1 to K": Mixture(torch.arange(1, mixture.modes + 1), means, variances),
        "moved by 1 std": Mixture(weights, means + aside, variances),
    }
