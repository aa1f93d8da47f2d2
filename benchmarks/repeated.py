"""Simulated studies whose arms are searched several times: what `benchmarks.calibration` judges tests of objectives by.

The logarithm of a replica's score is its configuration's effect plus noise of its seed with standard deviation `NOISE`.
A search draws 20 configurations, trains each on 8 seeds, and chooses the best by median; the chosen one is confirmed on
S fresh seeds, the same in every arm and repeat. Of the noise's variance a part may be common to all arms on a seed, and
another to all repeats of an arm on a seed. A configuration may have a probability of its own with which its replicas
collapse: these score `WORSE` more, and do so at a time uniform in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from analysis.statistics.intervals import Floats

NOISE, WORSE, CONFIGURATIONS, REPLICAS = 0.5, 3.0, 20, 8
COLLAPSES = ("never", "rarely", "often", "bimodal", "wholly")


@dataclass(frozen=True)
class World:
    """How scores come about.

    Attributes:
        spread: standard deviation between configurations, one number or one for each arm.
        collapse: of `COLLAPSES`. "rarely": half of the configurations never do, the others with a probability of
            Beta(1, 3); "often": of Beta(3, 7); "bimodal": of Beta(1/2, 1/2); "wholly": half of them always do, the
            others never. Of the last two the search sees nothing.
        shared: part of the noise's variance that a seed brings to all arms.
        crossed: part that it brings to all repeats of an arm.
        searched: whether the best of many is taken; otherwise configurations are drawn at random, with half the spread.
        shift: added to the log score of each arm.
    """

    spread: float | tuple[float, ...] = 0.5
    collapse: str = "never"
    shared: float = 0.0
    crossed: float = 0.0
    searched: bool = True
    shift: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outcomes:
    """Of the confirmed replicas, (studies, k, m, S): log scores, whether each collapsed, and when, 1 for never."""

    score: Floats
    collapsed: Floats
    time: Floats


def draw(world: World, shape: tuple[int, int, int, int], generator: np.random.Generator) -> Outcomes:
    """Outcomes of studies, arms, repeats and seeds as many as `shape` says."""
    studies, k, m, _ = shape
    effect, chance = _chosen(world, (studies, k, m), generator)
    noise = _noise(world, shape, generator)
    fallen = norm.cdf(noise) > 1 - chance[..., None]  # an unlucky seed is so for all that share it
    shift = np.array(world.shift or [0.0] * k)[:, None, None]
    score = effect[..., None] + NOISE * noise + WORSE * fallen + shift
    return Outcomes(score, fallen.astype(np.float64), np.where(fallen, generator.random(shape), 1.0))


def long_search(
    world: World, shape: tuple[int, int, int, int], generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """One random search an arm: log scores, and whether each collapsed, of studies, arms, configurations and replicas
    as many as `shape` says, on the same seeds."""
    studies, k, n, seeds = shape
    effect = np.broadcast_to(world.spread, k)[:, None] * generator.normal(size=shape[:3])
    chance = _chances(world.collapse, shape[:3], generator)
    noise = _noise(world, (studies, k, n, seeds), generator)
    fallen = norm.cdf(noise) > 1 - chance[..., None]
    shift = np.array(world.shift or [0.0] * k)[:, None, None]
    return effect[..., None] + NOISE * noise + WORSE * fallen + shift, fallen.astype(np.float64)


def events(
    share: Floats, alike: float, shape: tuple[int, int, int, int], generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Whether and when replicas of arms with given shares (k,) fell, `alike` being the correlation within a repeat."""
    chance = np.broadcast_to(share[:, None], shape[:3])
    if alike > 0:
        size = 1 / alike - 1
        chance = generator.beta(chance * size, (1 - chance) * size)
    fallen = generator.random(shape) < chance[..., None]
    return fallen.astype(np.float64), np.where(fallen, generator.random(shape), 1.0)


def _noise(world: World, shape: tuple[int, int, int, int], generator: np.random.Generator) -> Floats:
    """What seeds bring, with variance 1, to (studies, arms, repeats or configurations, seeds)."""
    studies, k, _, seeds = shape
    noise = np.sqrt(1 - world.shared - world.crossed) * generator.normal(size=shape)
    for part, of in ((world.shared, (studies, 1, 1, seeds)), (world.crossed, (studies, k, 1, seeds))):
        noise = noise + np.sqrt(part) * generator.normal(size=of)
    return noise


def _chosen(world: World, shape: tuple[int, ...], generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Effect and probability of collapse of the configurations that are confirmed, (studies, k, m)."""
    spread = np.broadcast_to(world.spread, shape[1:2])[:, None]
    if not world.searched:
        return spread / 2 * generator.normal(size=shape), _chances(world.collapse, shape, generator)
    every = (*shape, CONFIGURATIONS)
    effect = spread[..., None] * generator.normal(size=every)
    chance = _chances(world.collapse, every, generator)
    seen = 0.0 if world.collapse in ("bimodal", "wholly") else chance[..., None]
    trained = (*every, REPLICAS)
    scores = effect[..., None] + NOISE * generator.normal(size=trained)
    if world.collapse != "never":
        scores += WORSE * (generator.random(trained) < seen)
    best = np.median(scores, -1).argmin(-1)[..., None]
    return tuple(np.take_along_axis(column, best, -1)[..., 0] for column in (effect, chance))  # type: ignore[return-value]


def _chances(collapse: str, shape: tuple[int, ...], generator: np.random.Generator) -> Floats:
    if collapse == "never":
        return np.zeros(shape)
    if collapse == "rarely":
        return generator.beta(1, 3, shape) * (generator.random(shape) < 0.5)
    if collapse == "often":
        return generator.beta(3, 7, shape)
    if collapse == "bimodal":
        return generator.beta(0.5, 0.5, shape)
    if collapse == "wholly":
        return (generator.random(shape) < 0.5).astype(np.float64)
    raise ValueError(f"collapse: expected one of {', '.join(COLLAPSES)}, got {collapse!r}")
