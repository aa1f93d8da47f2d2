"""Families of replicas whose outcome is known, because their generator is written down: real samples, really measured.

Each family draws samples of a ring of eight Gaussians (std 0.02, radius 2) as its replica has them at each evaluation;
`trainables.metrics.evaluator.Evaluator` measures them as it measures a trained generator's. Replicas of a family differ
in their random samples and in the random numbers of their course.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from analysis.record.curves import Curves
from analysis.results.nearness import Floor
from analysis.results.outcomes import judge
from trainables.data import DataSet, load
from trainables.metrics.evaluator import Evaluator

Floats = NDArray[np.float64]
MODES, STD, RADIUS = 8, 0.02, 2.0
SETTINGS = {"samples": 2500, "neighbour_samples": 60}  # neighbours decide no outcome here
EVALUATIONS = 20


@dataclass(frozen=True)
class Family:
    """Replicas of one kind.

    Attributes:
        outcome: what they are.
        weights: (rng, evaluations) -> (evaluations, MODES) the modes' weights at each evaluation.
        stds: (rng, evaluations) -> (evaluations,) the modes' standard deviation.
        gradient: norm of the generator's gradient.
    """

    outcome: str
    weights: Callable[[np.random.Generator, int], Floats]
    stds: Callable[[np.random.Generator, int], Floats]
    gradient: float = 0.1


def _even(rng: np.random.Generator, count: int) -> Floats:  # noqa: ARG001
    return np.full((count, MODES), 1 / MODES)


def _uneven(rng: np.random.Generator, count: int) -> Floats:
    """Fixed weights that differ by a third or so."""
    drawn = np.exp(0.3 * rng.standard_normal(MODES))
    return np.tile(drawn / drawn.sum(), (count, 1))


def _half(rng: np.random.Generator, count: int) -> Floats:
    kept = rng.permutation(MODES) < MODES // 2
    return np.tile(kept / kept.sum(), (count, 1))


def _rotating(rng: np.random.Generator, count: int) -> Floats:
    """All samples in one to three neighbouring modes, which move on by one to three modes an evaluation."""
    width, stride, start = rng.integers(1, 4), rng.integers(1, 4), rng.integers(MODES)
    place = (start + stride * np.arange(count)[:, None] + np.arange(width)) % MODES
    found = np.zeros((count, MODES))
    np.put_along_axis(found, place, 1 / width, axis=1)
    return found


def _once(rng: np.random.Generator, usual: Floats, odd: Floats) -> Floats:
    """Weights (evaluations, MODES) that are others at one evaluation of the last eight."""
    found = usual.copy()
    found[-rng.integers(1, 9)] = odd
    return found


def _half_but_once(rng: np.random.Generator, count: int) -> Floats:
    return _once(rng, _half(rng, count), np.full(MODES, 1 / MODES))


def _even_but_once(rng: np.random.Generator, count: int) -> Floats:
    return _once(rng, _even(rng, count), np.eye(MODES)[0])


def _true(rng: np.random.Generator, count: int) -> Floats:  # noqa: ARG001
    return np.full(count, STD)


def _blob(rng: np.random.Generator, count: int) -> Floats:  # noqa: ARG001
    """Modes so wide that they are one blob, which covers them all."""
    return np.full(count, np.inf)


def _good(rng: np.random.Generator, count: int) -> Floats:
    """A little too wide, and wavering: 80 to 95 % of high quality."""
    return STD * rng.uniform(1.2, 1.6) * np.exp(0.05 * rng.standard_normal(count))


def _learning(rng: np.random.Generator, count: int) -> Floats:
    """Ever narrower, by 3 to 6 % an evaluation to the end, which is still far."""
    return STD * rng.uniform(3.0, 6.0) * np.exp(rng.uniform(0.03, 0.06) * np.arange(count)[::-1])


def _plateau(rng: np.random.Generator, count: int) -> Floats:
    """Too wide for good, with a wobble beyond the samples' own noise."""
    return STD * rng.uniform(2.6, 6.0) * np.exp(0.05 * rng.standard_normal(count))


def _swinging(rng: np.random.Generator, count: int) -> Floats:
    """Between nearly right and far too wide, over three to six evaluations."""
    phase = rng.uniform(0, 1) + np.arange(count) / rng.uniform(3, 6)
    return STD * np.exp(rng.uniform(1.2, 2.0) * (1 + np.sin(2 * np.pi * phase)) / 2 + 0.3)


FAMILIES: Mapping[str, Family] = {
    "perfect": Family("converged", _even, _true),
    "good, a little uneven": Family("converged", _uneven, _good),
    "blob over the ring": Family("stalled", _even, _blob),
    "noisy plateau": Family("stalled", _uneven, _plateau),
    "monotone learner": Family("learning", _even, _learning),
    "swinging quality": Family("oscillating", _even, _swinging),
    "half of the modes": Family("collapsed", _half, _good),
    "half of the modes, all of them once": Family("collapsed", _half_but_once, _good),
    "all modes, one alone once": Family("converged", _even_but_once, _true),
    "rotating through the modes": Family("hopping", _rotating, _good),
    "frozen": Family("frozen", _even, _plateau, gradient=1e-5),
    "frozen on some modes": Family("frozen", _half, _blob, gradient=0.0),
}


def ring() -> DataSet:
    """The data that all families try to be."""
    return load("ring", modes=MODES, std=STD, radius=RADIUS, points=5000, heldout=1000)


def verdicts_of(family: Family, evaluator: Evaluator, floor: Floor, replicas: int, seed: int) -> NDArray[np.str_]:
    """The outcomes (replicas,) of a family's replicas; the seed fixes them."""
    return judge(curves_of(family, evaluator, replicas, seed), "completed", floor)


def curves_of(family: Family, evaluator: Evaluator, replicas: int, seed: int) -> Curves:
    """What is measured of a family's replicas."""
    rng = np.random.default_rng(seed)
    weights = np.stack([family.weights(rng, EVALUATIONS) for _ in range(replicas)], 1)
    stds = np.stack([family.stds(rng, EVALUATIONS) for _ in range(replicas)], 1)
    measured = [evaluator(torch.from_numpy(_draw(rng, w, s))) for w, s in zip(weights, stds, strict=True)]
    values = {name: torch.stack([one[name] for one in measured], 1).double().numpy() for name in measured[0]}
    values["gradient_norm_generator"] = np.full((replicas, EVALUATIONS), family.gradient)
    values["diverged"] = np.zeros((replicas, EVALUATIONS))
    steps = np.tile(np.arange(1, EVALUATIONS + 1), (replicas, 1))
    return Curves(steps, np.full(replicas, EVALUATIONS), values)


def _draw(rng: np.random.Generator, weights: Floats, stds: Floats) -> Floats:
    """Samples (R, n, 2) of mixtures on the ring with weights (R, MODES) and deviations (R,); inf means N(0, 2I)."""
    count = SETTINGS["samples"]
    modes = np.stack([rng.choice(MODES, count, p=own) for own in weights])
    angles = 2 * np.pi * modes / MODES
    means = RADIUS * np.stack([np.cos(angles), np.sin(angles)], -1)
    noise = rng.standard_normal((*modes.shape, 2))
    wide = np.isinf(stds)[:, None, None]
    return np.where(wide, np.sqrt(2) * noise, means + np.where(wide, 0, stds[:, None, None]) * noise)
