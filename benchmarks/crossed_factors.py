"""Arms that cross factors: how often a factor that does nothing is told to do something, and one that does is found.

Each search of an arm draws the probability with which its replicas converge, of the arm's own mean, or a shift of the
log score of its replicas. The last factor of a crossing may do something, the others do nothing; no factor does more
beside one level of another than beside the next, unless it is asked how often that is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from analysis.statistics.factors import Contrasts, of_differences, of_levels
from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import by_mean, by_rank
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
                held = [_held(alone, means, levels), _held(both, beside.ravel(), levels)]
                cells += [float(told(alone, last)), float(told(both)), min(held)]
            for spread in SPREADS:
                costs = scores(along(levels, 0.0, -SHIFT), spread, repeats, seeds, studies)
                cells.append(float(told(of_levels(by_rank(costs), levels), last)))
            rows.append((*_named(levels, repeats, seeds), *map(percent, cells)))
    return markdown(rows)


def _held(found: Contrasts, means: Floats, levels: Sequence[int]) -> float:
    """The share of studies in which every interval holds what is true."""
    exact = by_mean(np.broadcast_to(means[:, None, None], (means.size, 2, 1)))
    truth = (of_levels if found.of[0].other is None else of_differences)(exact, levels).estimate
    low, high = found.ends()
    slack = 1e-9
    return float(((low <= truth + slack) & (truth <= high + slack)).all(-1).mean())


def _named(levels: Sequence[int], repeats: int, seeds: int) -> tuple[str, str]:
    units = f"{repeats} × {seeds}" if seeds > 1 else f"1 × {repeats}"
    return " × ".join(map(str, levels)), units
