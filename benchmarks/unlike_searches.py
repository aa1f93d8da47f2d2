"""Shares of searches that end wholly well or wholly badly, or nearly so, and of arms whose searches differ unlike.

Each search of an arm draws the probability with which its replicas converge (`Law`), and each replica is a coin of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import by_mean
from benchmarks.comparison import markdown
from benchmarks.error_rates import LIMIT, STUDIES, percent, told

Law = Callable[[np.random.Generator, tuple[int, ...]], Floats]  # the chance of every search
SEEDS, REPEATS = 8, (2, 3, 5, 10)


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
