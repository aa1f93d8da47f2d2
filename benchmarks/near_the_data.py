"""When do samples lie near data of which nothing but the points is known? Asked where the density is known.

Generators in training on a ring and a grid are judged by their modes, as mixtures are, and by what would be asked of
the same points if their density were not known. Then known faults of two moons and of a spiral, on which no mixture
helps, are judged by the rule in use and by the one before it.

    python -m benchmarks near_the_data
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from analysis.record.curves import Curves
from analysis.results.agreement import cohens_kappa
from analysis.results.nearness import Floats, Floor, near
from analysis.results.thresholds import Thresholds
from benchmarks.comparison import markdown, provenance
from trainables.data import DataSet, from_arrays, load
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Training

DATA = ("ring", "grid")
SUPPORTS = (0.5, 0.6, 0.7, 0.8, 0.9)
OBJECTIVES = ("non_saturating", "least_squares", "hinge", "wasserstein", "absolute_error")
REPLICAS, STEPS, EVALUATIONS = 8, 5000, 10
POINTS, SAMPLES, SETS = 20_000, 2500, 20
OF_MODES = ("high_quality", "modes_covered", "modes_held")
MEASURED = (*OF_MODES, "fid", "precision", "coverage")
Draw = Callable[[int, torch.Generator], Tensor]  # points (count, 2)
TITLE = "When samples lie near points of one's own"


def section(keep_picture: bool) -> str:  # noqa: ARG001
    """Train, measure and judge; Markdown."""
    torch.set_num_threads(1)
    found = [judged(name) for name in DATA]
    by_modes = np.concatenate([one.pop("modes") for one in found])
    rows = [[name, *_agreement(np.concatenate([one[name] for one in found]), by_modes)] for name in found[0]]
    faults = [[name, *(f"{share:.0%}" for share in shares)] for name, shares in told_of_faults().items()]
    return f"""## {TITLE}

{provenance()} {len(by_modes):,} evaluations of
{len(DATA) * len(OBJECTIVES) * REPLICAS} trainings on ring and grid, {int(by_modes.sum()):,} of them near by their modes
(`python -m benchmarks {Path(__file__).stem}`).

What would be said of the same samples were the density not known: Cohen's kappa with what their modes say, and how many
of those near, and of those far, are called near. *precision, FID* is the rule before this one, and still that for
images. Half of the data missing has a coverage of 0.5 times that of real samples, so that 0.5 would let it pass.

{markdown([("asked", "kappa", "near called near", "far called near"), *rows])}

Of {SETS} sets of {SAMPLES:,} samples each with one fault how many are called near the data, two moons and a spiral of
{POINTS:,} points, by the rule before and by the present one:

{markdown([("samples", "moons, before", "moons", "spiral, before", "spiral"), *faults])}
"""


def judged(name: str) -> dict[str, Floats]:
    """Of generators in training (N,) whether they are near by their `modes`, and by each way of not knowing these."""
    data = load(name=name)
    evaluator, random = Evaluator(data, {"samples": SAMPLES}), torch.Generator().manual_seed(0)
    columns: dict[str, list[Any]] = {}
    for number, objective in enumerate(OBJECTIVES):
        specs = [_spec(name, objective, random) for _ in range(REPLICAS)]
        training = Training(specs, range(1000 * number, 1000 * number + REPLICAS), data=data, evaluator=evaluator)
        for _ in range(EVALUATIONS):
            found = training.advance().columns
            for key in MEASURED:
                columns.setdefault(key, []).extend(found.get(key) or [None] * REPLICAS)
    measured = {key: np.array(values, np.float64) for key, values in columns.items()}
    there = np.isfinite(measured["fid"])
    return ways({key: values[there] for key, values in measured.items()}, evaluator.floor().mean)


def _spec(data: str, objective: str, random: torch.Generator) -> Spec:
    """Settings as configs/quickstart.yaml searches them, and learning rates down to half of its lowest."""
    shares = torch.rand(3, generator=random, dtype=torch.float64)
    low, high = torch.tensor([[1e-3, 1e-3, 0.01], [1e-2, 1e-2, 0.1]], dtype=torch.float64).log()
    generator_lr, critic_lr, weight = (low + (high - low) * shares).exp().tolist()
    return Spec(
        data={"name": data},
        steps=STEPS,
        evaluations=EVALUATIONS,
        batch_size=64,
        objective=objective,  # type: ignore[arg-type]
        penalty={"name": "r1", "weight": weight},
        generator_lr=generator_lr,
        critic_lr=critic_lr,
        beta1=0.5,
        beta2=0.99,
        ema=0.995,
        generator={"hidden": [64, 64]},
        critic={"hidden": [64, 64]},
    )


def ways(measured: Mapping[str, Floats], floor: Mapping[str, float]) -> dict[str, Floats]:
    """What is said of N measured generators of a mixture, (N,) of 0 and 1, by the name of what is asked."""
    whole = _curves(measured)
    unknown = _curves({name: values for name, values in measured.items() if name not in OF_MODES})
    raw, usual = Floor(floor, raw=True), Thresholds()
    found = {"modes": near(whole, Floor(floor), usual), "precision, FID": near(unknown, Floor(floor), usual)}
    for support in SUPPORTS:
        found[f"precision, coverage {support:g}"] = near(unknown, raw, replace(usual, support=support))
    return {name: values[:, 0] for name, values in found.items()}


def _curves(measured: Mapping[str, Floats]) -> Curves:
    count = len(measured["fid"])
    values = {name: column[:, None] for name, column in measured.items() if column.ndim == 1}
    return Curves(np.ones((count, 1), np.int64), np.ones(count, np.int64), values)


def _agreement(said: Floats, true: Floats) -> tuple[str, str, str]:
    table = np.array([[((true == row) & (said == column)).sum() for column in (0, 1)] for row in (0, 1)])
    return f"{cohens_kappa(table):.2f}", f"{said[true == 1].mean():.0%}", f"{said[true == 0].mean():.0%}"


def told_of_faults() -> dict[str, list[float]]:
    """Of each fault the share of sets called near: on moons by the rule before and now, on the spiral likewise."""
    found: dict[str, list[float]] = {}
    for draw in (moons, spiral):
        random = torch.Generator().manual_seed(0)
        data = from_arrays(draw(POINTS, random).numpy(), heldout=0.5)
        evaluator = Evaluator(data, {"samples": SAMPLES})
        floor = evaluator.floor().mean
        for name, sets in faults(data, draw, random):
            curves = _curves({key: column.numpy() for key, column in evaluator(sets).items()})
            for raw in (False, True):
                found.setdefault(name, []).append(float(near(curves, Floor(floor, raw=raw), Thresholds()).mean()))
    return found


def faults(data: DataSet, draw: Draw, random: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """Sets of samples (SETS, SAMPLES, 2) with one fault each, by its name; the first have none."""
    points = data.train.double()

    def some(of: Tensor) -> Tensor:
        return of[torch.randint(len(of), (SETS, SAMPLES), generator=random)]

    def noise(scale: float) -> Tensor:
        return scale * torch.randn(SETS, SAMPLES, 2, generator=random, dtype=torch.float64)

    fresh = draw(SETS * SAMPLES, random).double().view(SETS, SAMPLES, 2)
    blob = points.mean(0) + noise(1.0) @ torch.linalg.cholesky(points.T.cov()).T
    right, left = (points[(points[:, 0] > points[:, 0].median()) == side] for side in (True, False))
    chance = torch.rand(SETS, SAMPLES, 1, generator=random)
    yield "none", fresh
    yield "noise of 0.05 on top", fresh + noise(0.05)
    yield "one half three times as often", torch.where(chance < 0.75, some(left), some(right))
    yield "a quarter of them a blob", torch.where(chance < 0.25, blob, fresh)
    yield "a blob of their mean and covariance", blob
    yield "one half missing", some(left)
    yield "every 200th point alone", some(points[::200])


def moons(count: int, random: torch.Generator) -> Tensor:
    """Two interleaving half circles with noise of 0.1, (count, 2) float32."""
    angle = math.pi * torch.rand(count, generator=random)
    lower = torch.rand(count, generator=random) < 0.5
    x, y = angle.cos(), angle.sin()
    points = torch.stack([torch.where(lower, 1 - x, x), torch.where(lower, 0.5 - y, y)], 1)
    return points + 0.1 * torch.randn(count, 2, generator=random)


def spiral(count: int, random: torch.Generator) -> Tensor:
    """A spiral of one and a half turns with noise of 0.05, (count, 2) float32."""
    angle = 3 * math.pi * (0.05 + 0.95 * torch.rand(count, generator=random)).sqrt()
    points = angle[:, None] * torch.stack([angle.cos(), angle.sin()], 1) / 5
    return points + 0.05 * torch.randn(count, 2, generator=random)
