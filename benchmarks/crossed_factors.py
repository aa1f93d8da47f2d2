"""Arms that cross factors: how often a factor that does nothing is told to do something, and one that does is found.

Each search of an arm draws the probability with which its replicas converge, of the arm's own mean, or a shift of the
log score of its replicas. The last factor of a crossing may do something, the others do nothing; no factor does more
beside one level of another than beside the next, unless it is asked how often that is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis.statistics.factors import Contrasts, of_differences, of_levels
from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import Effects, by_mean, by_rank
from benchmarks.comparison import markdown
from benchmarks.error_rates import LEVEL, LIMIT, STUDIES, percent

Law = Callable[[np.random.Generator, Floats], Floats]  # searches' chances, by their means
CROSSINGS: Sequence[tuple[int, ...]] = ((2, 2), (3, 2), (6, 2), (2, 2, 2))
SIZES = ((3, 16), (5, 16), (10, 16), (16, 1), (32, 1))  # searches and seeds; or replicas of one search, which are units
SEEDS_NOISE, SHIFT = 0.5, 0.6  # standard deviation of a replica's log score; what the last factor takes off it
LAWS: Mapping[str, Law] = {
    "differing little": lambda generator, mean: generator.beta(6 * mean, 6 * (1 - mean)),
    "much": lambda generator, mean: generator.beta(mean, 1 - mean),
    "wholly": lambda generator, mean: np.where(generator.random(mean.shape) < mean, 0.97, 0.03),
}
SPREADS = (0.2, 0.5, 1.5)  # of searches' log scores
ENDS: Mapping[str, Sequence[float]] = {  # of 2 × 2 arms the shares, those that are NaN being the same p
    "p, p, 0, 0": (np.nan, np.nan, 0, 0),
    "p, 0, 0, 0": (np.nan, 0, 0, 0),
    "p, 0, 0, p": (np.nan, 0, 0, np.nan),
    "p, p, 1, 1": (np.nan, np.nan, 1, 1),
}
GRID = np.linspace(0.005, 0.995, 199)


def converged(means: Floats, law: Law, repeats: int, seeds: int, studies: int) -> Floats:
    """Which replicas converged, (studies, k, m, S), from the arms' means (k,); replicas of one search by its mean."""
    generator = np.random.default_rng([means.size, repeats, seeds])
    searches = np.broadcast_to(means[:, None], (studies, means.size, repeats))
    chance = law(generator, searches) if seeds > 1 else searches
    return (generator.random((*chance.shape, seeds)) < chance[..., None]).astype(np.float64)


def scores(shifts: Floats, spread: float, repeats: int, seeds: int, studies: int) -> Floats:
    """Log scores (studies, k, m, S) of arms that are shifted so (k,)."""
    generator = np.random.default_rng([shifts.size, repeats, seeds])
    shape = (studies, shifts.size, repeats)
    searches = shifts[:, None] + (spread if seeds > 1 else 0.0) * generator.normal(size=shape)
    return searches[..., None] + SEEDS_NOISE * generator.normal(size=(*shape, seeds))


def along(levels: Sequence[int], low: float, high: float) -> Floats:
    """A number for each arm (k,): one at the last level of the last factor, another at all others."""
    cells = np.full(levels, low)
    cells[..., -1] = high
    return cells.ravel()


def told(found: Contrasts, *factors: int) -> Floats:
    """The share of studies in which an effect of one of these factors is told; of any where none is named."""
    own = [place for place, one in enumerate(found.of) if not factors or one.factor in factors]
    return (found.p_holm[..., own] <= LEVEL).any(-1).mean()


def errors(studies: int = STUDIES) -> str:
    """How often an effect of a factor that does nothing is told: on the share that converged, a difference of
    differences, and in quality; the last factor does something in all."""
    heads = [f"{what}, searches {name}" for name in LAWS for what in ("levels", "differences")]
    quality = [f"quality, sd {spread}" for spread in SPREADS]
    rows: list[Sequence[str]] = [("levels", "searches × seeds", *heads, *quality)]
    for levels in CROSSINGS:
        for repeats, seeds in SIZES:
            idle, cells = range(len(levels) - 1), []
            for law in LAWS.values():
                effects = by_mean(converged(along(levels, 0.3, 0.7), law, repeats, seeds, studies))
                cells += [told(of_levels(effects, levels), *idle), told(of_differences(effects, levels))]
            for spread in SPREADS:
                costs = scores(along(levels, 0.0, -SHIFT), spread, repeats, seeds, studies // 2)
                cells.append(told(of_levels(by_rank(costs), levels), *idle))
            rows.append((*_named(levels, repeats, seeds), *(percent(float(cell), LIMIT) for cell in cells)))
    return markdown(rows)


def found(studies: int = STUDIES // 2) -> str:
    """How often the last factor's effect is told, .3 against .7 and a shift of the log score; that it adds .6 more
    beside the last level of the first factor, where it does nothing beside the others; and how often intervals hold all
    true effects of levels and of differences."""
    few = ("differing little", "much")
    heads = [f"{what}, searches {name}" for name in few for what in ("levels", "differences", "intervals hold")]
    rows: list[Sequence[str]] = [
        ("levels", "searches × seeds", *heads, *(f"quality, sd {spread}" for spread in SPREADS))
    ]
    for levels in CROSSINGS:
        last = len(levels) - 1
        for repeats, seeds in SIZES:
            cells: list[float] = []
            for name in few:
                means = along(levels, 0.3, 0.7)
                alone = of_levels(by_mean(converged(means, LAWS[name], repeats, seeds, studies)), levels)
                beside = np.full(levels, 0.2)
                beside[(-1, *(slice(None),) * (len(levels) - 2), -1)] = 0.8
                effects = by_mean(converged(beside.ravel(), LAWS[name], repeats, seeds, studies))
                both = of_differences(effects, levels)
                held = [_held(alone, means, levels).mean(), _held(both, beside.ravel(), levels).mean()]
                cells += [float(told(alone, last)), float(told(both)), float(min(held))]
            for spread in SPREADS:
                costs = scores(along(levels, 0.0, -SHIFT), spread, repeats, seeds, studies)
                cells.append(float(told(of_levels(by_rank(costs), levels), last)))
            rows.append((*_named(levels, repeats, seeds), *map(percent, cells)))
    return markdown(rows)


def near_ends(studies: int = STUDIES) -> str:
    """How often intervals hold all true effects where shares of 2 × 2 arms are near 0 or 1, at the p where they do so
    least; in brackets by Student's t alone. Of one search exactly, over all counts that there can be."""
    kinds = {"levels": of_levels, "differences": of_differences}
    heads = [f"{what}, 1 × {replicas}" for replicas in (8, 16, 32) for what in kinds]
    heads += [f"levels, {repeats} × 8, searches {name}" for repeats in (2, 4, 8) for name in LAWS]
    rows: list[Sequence[str]] = [("arms", *heads)]
    for name, shares in ENDS.items():
        least = [np.min(once(shares, replicas, of), 1) for replicas in (8, 16, 32) for of in kinds.values()]
        for repeats in (2, 4, 8):
            for law in LAWS.values():
                drawn = (at(shares, p) for p in (0.05, 0.1, 0.2, 0.5, 0.9))
                cells = ((means, of_levels(by_mean(_ended(means, law, repeats, studies)), (2, 2))) for means in drawn)
                least.append(np.min([[held.mean() for held in _both(one, means)] for means, one in cells], 0))
        rows.append((name, *(f"{percent(float(now))} ({percent(float(alone))})" for alone, now in least)))
    return markdown(rows)


def once(shares: Sequence[float], replicas: int, of: Callable[[Effects, Sequence[int]], Contrasts]) -> Floats:
    """How often (2, P) intervals hold all true effects of 2 × 2 arms, by Student's t alone and as they are, at each p
    of the grid that an arm without a share has, each searched once."""
    free = np.flatnonzero(np.isnan(shares))
    counts = np.indices((replicas + 1,) * len(free)).reshape(len(free), -1)
    every = np.tile(at(shares, 0.0) * replicas, (counts.shape[1], 1))
    every[:, free] = counts.T
    found = of(by_mean((np.arange(replicas) < every[..., None])[..., None].astype(np.float64)), (2, 2))
    chance = np.prod(scipy.stats.binom.pmf(counts[:, None], replicas, GRID[:, None]), 0)
    held = np.stack([_both(found, at(shares, float(p))) for p in GRID], 1)
    return np.asarray((held * chance).sum(-1), np.float64)


def at(shares: Sequence[float], p: float) -> Floats:
    """Shares (4,) with p where there is none."""
    return np.where(np.isnan(shares), p, shares)


def _ended(means: Floats, law: Law, repeats: int, studies: int) -> Floats:
    """`converged` where arms of which none or all converge have searches that are all alike."""
    inner = converged(np.clip(means, 1e-9, 1 - 1e-9), law, repeats, 8, studies)
    ends = ((means == 0) | (means == 1))[:, None, None]
    return np.where(ends, means[:, None, None], inner)


def _both(found: Contrasts, means: Floats) -> Floats:
    """In which studies (2, …) every interval holds what is true, by Student's t alone and as it is."""
    return np.stack([_held(replace(found, levels=None), means, (2, 2)), _held(found, means, (2, 2))])


def _held(found: Contrasts, means: Floats, levels: Sequence[int]) -> NDArray[np.bool_]:
    """In which studies every interval holds what is true."""
    exact = by_mean(np.broadcast_to(means[:, None, None], (means.size, 2, 1)))
    truth = (of_levels if found.of[0].other is None else of_differences)(exact, levels).estimate
    low, high = found.ends()
    slack = 1e-9
    inside: NDArray[np.bool_] = ((low <= truth + slack) & (truth <= high + slack)).all(-1)
    return inside


def _named(levels: Sequence[int], repeats: int, seeds: int) -> tuple[str, str]:
    units = f"{repeats} × {seeds}" if seeds > 1 else f"1 × {repeats}"
    return " × ".join(map(str, levels)), units
