"""Shares, times and scores of searches that end wholly well or wholly badly, or nearly so, and of arms whose searches
differ unlike.

Each search of an arm draws the probability with which its replicas converge (`Law`), and each replica is a coin of it.
Of times it is the probability that a replica never fails; one that does fails at a uniform time. Of scores it is the
probability that one stays as it is; else it is worse than all that do by a distance, or infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from analysis.statistics.crossed import components
from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import by_mean, by_rank, by_searches, by_searches_rank, may_end_wholly
from benchmarks.comparison import markdown
from benchmarks.error_rates import LIMIT, STUDIES, percent, told

Law = Callable[[np.random.Generator, tuple[int, ...]], Floats]  # the chance of every search
Draw = Callable[[Sequence[Law], int, int], Floats]  # of arms, repeats and studies
Pairs = Mapping[str, tuple[tuple[Law, float], tuple[Law, float]]]  # two arms, each with its true mean
SEEDS, REPEATS = 8, (2, 3, 5, 10)
ROUNDING = 1e-9


def steady(share: float) -> Law:
    """Searches that are all alike."""
    return lambda _, shape: np.full(shape, share)


def lumpy(good: float, high: float = 1.0, low: float = 0.0) -> Law:
    """Searches of which a part is good; replicas converge with one chance in these and with another in the others."""
    return lambda generator, shape: np.where(generator.random(shape) < good, high, low)


def drawn(laws: Sequence[Law], repeats: int, studies: int = STUDIES) -> Floats:
    """Which replicas converged, (studies, k, m, S), the arms having a law each."""
    generator = np.random.default_rng([len(laws), repeats])
    chance = np.stack([law(generator, (studies, repeats)) for law in laws], 1)
    return (generator.random((*chance.shape, SEEDS)) < chance[..., None]).astype(np.float64)


ALIKE: Mapping[str, tuple[Law, Law | None]] = {
    "half good, half bad": (lumpy(0.5), None),
    "half at .95, half at .05": (lumpy(0.5, 0.95, 0.05), None),
    "three in ten at .95, the others bad": (lumpy(0.3, 0.95), None),
    "half at .95, half at .05, of two arms; all searches of the others at .5": (lumpy(0.5, 0.95, 0.05), steady(0.5)),
    "half good, half bad, of two arms; all replicas of the others converge": (lumpy(0.5), steady(1.0)),
}


def alike(studies: int = 4 * STUDIES) -> str:
    """How often arms are told apart by shares whose searches follow one law: all of them, or two among others."""
    rows: list[Sequence[str]] = [("searches", "arms", *(f"{repeats} repeats" for repeats in REPEATS))]
    for name, (law, rest) in ALIKE.items():
        for arms in (2, 3, 6, 12) if rest is None else (3, 6, 12):
            count = arms if rest is None else 2
            laws = [law] * count + [rest or law] * (arms - count)
            a, b = np.triu_indices(arms, 1)
            same = (a < count) & (b < count)
            found = [told(by_mean(drawn(laws, repeats, studies)))[:, same].any(-1).mean() for repeats in REPEATS]
            rows.append((name, str(arms), *(percent(float(share), LIMIT) for share in found)))
    return markdown(rows)


SCORES: Mapping[str, tuple[Law, float, float]] = {  # how many stay, how far off the others are, sd between searches
    "sd 0.2": (steady(1.0), 0.0, 0.2),
    "sd 0.5, as within": (steady(1.0), 0.0, 0.5),
    "sd 1.5": (steady(1.0), 0.0, 1.5),
    "sd 0.2, half of them far worse": (lumpy(0.5), 10.0, 0.2),
    "sd 0.2, half of them infinite": (lumpy(0.5), np.inf, 0.2),
    "sd 0.2, three in ten infinite": (lumpy(0.7), np.inf, 0.2),
    "sd 0.2, infinite .05 of half, .95 of half": (lumpy(0.5, 0.95, 0.05), np.inf, 0.2),
}


def scored(name: str, arms: int, repeats: int, studies: int, worse: float = 0.0) -> Floats:
    """Log scores (studies, k, m, S) of arms that are alike, but for the first if it is `worse`."""
    law, off, spread = SCORES[name]
    generator = np.random.default_rng([arms, repeats])
    shape = (studies, arms, repeats, SEEDS)
    score = 0.5 * generator.normal(size=shape) + spread * generator.normal(size=(*shape[:3], 1))
    score[:, 0] += worse
    return np.where(generator.random(shape) < law(generator, shape[:3])[..., None], score, score + off)


def told_by_quality(costs: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pairs are told apart by quality, and which without the warning that searches may end wholly."""
    apart = told(by_rank(costs))
    low, high = by_searches_rank(costs).ends(simultaneous=True)
    return apart, apart & ~(may_end_wholly(costs) & (low <= 0.5) & (high >= 0.5))


def alike_scores(studies: int = STUDIES) -> str:
    """How often arms that are alike are told apart by quality, in brackets without the warning."""
    rows: list[Sequence[str]] = [("searches", "arms", *(f"{repeats} repeats" for repeats in (2, 3, 4, 5, 10)))]
    for name in SCORES:
        for arms in (2, 3, 6, 12):
            cells = []
            for repeats in (2, 3, 4, 5, 10):
                apart, sure = (
                    float(one.any(-1).mean()) for one in told_by_quality(scored(name, arms, repeats, studies))
                )
                cells.append(f"{percent(apart, LIMIT)} ({percent(sure, LIMIT)})")
            rows.append((name, str(arms), *cells))
    return markdown(rows)


def worse_scores(studies: int = STUDIES) -> str:
    """How often an arm that is worse is told from each of the others, in brackets without the warning."""
    rows: list[Sequence[str]] = [("searches", "worse by", "arms", *(f"{repeats} repeats" for repeats in (2, 3, 5, 10)))]
    for name in ("sd 0.2", "sd 0.5, as within", "sd 0.2, three in ten infinite"):
        for worse, arms in ((0.6, 2), (0.6, 6), (1.5, 2), (1.5, 6)):
            cells = []
            for repeats in (2, 3, 5, 10):
                found = told_by_quality(scored(name, arms, repeats, studies, worse))
                apart, sure = (percent(float(one[:, : arms - 1].mean())) for one in found)
                cells.append(f"{apart} ({sure})")
            rows.append((name, str(worse), str(arms), *cells))
    return markdown(rows)


def varied(share: float, alike: float) -> Law:
    """Searches with a beta distribution, `alike` being the correlation between replicas of one."""
    size = 1 / alike - 1
    return lambda generator, shape: generator.beta(share * size, (1 - share) * size, shape)


PAIRS: Pairs = {
    "half good, half bad; all .5": ((lumpy(0.5), 0.5), (steady(0.5), 0.5)),
    "half .95, half .05; all .5": ((lumpy(0.5, 0.95, 0.05), 0.5), (steady(0.5), 0.5)),
    "8 of 10 good, the others bad; all .8": ((lumpy(0.8), 0.8), (steady(0.8), 0.8)),
    "35 of 100 good, the others bad; all .35": ((lumpy(0.35), 0.35), (steady(0.35), 0.35)),
    "half good, half bad; all .9": ((lumpy(0.5), 0.5), (steady(0.9), 0.9)),
    "8 of 10 good; 3 of 10 good": ((lumpy(0.8), 0.8), (lumpy(0.3), 0.3)),
    "all .5; all .5": ((steady(0.5), 0.5), (steady(0.5), 0.5)),
    "all .05; all .35": ((steady(0.05), 0.05), (steady(0.35), 0.35)),
    ".05 and .35, correlation .1": ((varied(0.05, 0.1), 0.05), (varied(0.35, 0.1), 0.35)),
    ".05 and .35, correlation .3": ((varied(0.05, 0.3), 0.05), (varied(0.35, 0.3), 0.35)),
    "all .95; all .5": ((steady(0.95), 0.95), (steady(0.5), 0.5)),
    "all .95; all .05": ((steady(0.95), 0.95), (steady(0.05), 0.05)),
}  # fmt: skip


def own_parts(cells: Floats) -> tuple[Floats, Floats]:
    """Ends (studies,) by Welch and Satterthwaite: the variance of each of two arms by its own part between repeats."""
    repeats = cells.shape[-2]
    part = np.concatenate([components(cells[:, [arm]]).repeat for arm in (0, 1)], -1)
    share, spread = cells.mean((-2, -1)), cells.var((-2, -1))
    units = repeats / part
    variance = (spread + 1 / (4 * units)) / units
    whole = variance.sum(-1)
    freedom = whole**2 / (variance**2).sum(-1) * (repeats - 1)
    half = scipy.stats.t.isf((1 - 0.95) / 2, freedom) * np.sqrt(whole)
    apart = share[:, 0] - share[:, 1]
    return apart - half, apart + half


INTERVALS: Mapping[str, Callable[[Floats], tuple[Floats, ...]]] = {
    "the method": lambda cells: tuple(end[:, 0] for end in by_mean(cells).ends()),
    "by searches alone": lambda cells: tuple(end[:, 0] for end in by_searches(cells).ends()),
    "own parts": own_parts,
}


def unlike(studies: int = 2 * STUDIES) -> str:
    """How often 95 % intervals of the difference of two arms' shares hold it and, in brackets, are on one side of 0."""
    return _held(PAIRS, drawn, studies)


def lasting(laws: Sequence[Law], repeats: int, studies: int = STUDIES) -> Floats:
    """How long replicas went without a failure, (studies, k, m, S), 1 for all of the time."""
    survived = drawn(laws, repeats, studies)
    moments = np.random.default_rng([len(laws), repeats, 1]).random(survived.shape)
    return np.where(survived > 0, 1.0, moments)


def unlike_times(studies: int = 2 * STUDIES) -> str:
    """The same of the difference of two arms' mean times."""
    means = {
        name: ((first, (1 + share) / 2), (second, (1 + other) / 2))
        for name, ((first, share), (second, other)) in PAIRS.items()
    }
    return _held(means, lasting, studies)


def _held(pairs: Pairs, draw: Draw, studies: int) -> str:
    columns = [(repeats, name) for repeats in REPEATS[1:] for name in INTERVALS]
    rows: list[Sequence[str]] = [("two arms", *(f"{name}, {repeats} repeats" for repeats, name in columns))]
    for name, ((first, share), (second, other)) in pairs.items():
        row = [name]
        for repeats, method in columns:
            low, high = INTERVALS[method](draw([first, second], repeats, studies))
            held = (low <= share - other + ROUNDING) & (share - other - ROUNDING <= high)
            told_apart = (low > ROUNDING) | (high < -ROUNDING)
            row.append(f"{percent(float(held.mean()))} ({percent(float(told_apart.mean()))})")
        rows.append(row)
    return markdown(rows)
