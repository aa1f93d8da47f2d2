"""Error rates of tests on simulated studies: false alarms, power, and coverage of intervals.

Arms differ by their shifts (`benchmarks.repeated.World`) alone. Of the pairs that do not differ none should be told
apart after Holm's correction; a study with any such pair is a false alarm, and of the pairs that differ the share that
is told apart is the power.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics import tuned
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats
from analysis.statistics.repeats import Effects, by_mean, by_rank
from benchmarks.repeated import Outcomes, World, draw, long_search

LEVEL, LIMIT, CHUNK = 0.05, 0.06, 250
STUDIES, ARMS, REPEATS, SEEDS = 1000, (2, 6, 12), (3, 5, 10), 32
Told = NDArray[np.bool_]  # (studies, P)
Test = Callable[[Floats], "Floats | Effects"]  # outcomes (studies, k, m, S) to p-values (studies, P), or what has them
OURS: Mapping[str, Callable[[Floats], Effects]] = {"quality": by_rank, "shares": by_mean, "times": by_mean}


@dataclass(frozen=True)
class Size:
    """How large studies are, and how many there are."""

    arms: int
    repeats: int
    seeds: int
    studies: int


def sizes(studies: int = STUDIES, seeds: int = SEEDS) -> list[Size]:
    """Studies of every number of arms and repeats."""
    return [Size(arms, repeats, seeds, studies) for arms in ARMS for repeats in REPEATS]


def told(found: Floats | Effects) -> Told:
    """Which pairs are told apart after Holm's correction, of p-values or of effects that have their own."""
    return (found.p_holm if isinstance(found, Effects) else np.apply_along_axis(holm, -1, found)) <= LEVEL


def drawn(world: World, size: Size, seed: int) -> Iterable[Outcomes]:
    """Studies in parts that fit into memory; the same for the same arguments."""
    generator = np.random.default_rng([seed, size.arms, size.repeats, size.seeds])
    for start in range(0, size.studies, CHUNK):
        yield draw(world, (min(CHUNK, size.studies - start), size.arms, size.repeats, size.seeds), generator)


def different(world: World, arms: int) -> Told:
    """Which pairs (P,) of arms differ in truth."""
    shift = np.array(world.shift or [0.0] * arms)
    a, b = np.array(list(combinations(range(arms), 2))).T
    return shift[a] != shift[b]


def shifted(by: float, arms: int, which: str) -> tuple[float, ...]:
    """Shifts of one arm, or of half of them."""
    moved = 1 if which == "one" else arms // 2
    return (by,) * moved + (0.0,) * (arms - moved)


def false_alarms(world: World, size: Size, tests: Mapping[str, tuple[str, Test]], seed: int = 0) -> dict[str, float]:
    """The share of studies in which arms that are alike are told apart, by tests of an endpoint each; empty where no
    two arms are alike."""
    alike = ~different(world, size.arms)
    if not alike.any():
        return {}
    found: dict[str, list[Told]] = {name: [] for name in tests}
    for outcomes in drawn(world, size, seed):
        for name, (endpoint, test) in tests.items():
            found[name].append(told(test(of(outcomes, endpoint)))[:, alike].any(-1))
    return {name: float(np.concatenate(parts).mean()) for name, parts in found.items()}


def power(world: World, size: Size, tests: Mapping[str, Test], seed: int = 0) -> dict[str, float]:
    """The share of the pairs that differ that is told apart by quality."""
    differ = different(world, size.arms)
    found: dict[str, list[Told]] = {name: [] for name in tests}
    for outcomes in drawn(world, size, seed):
        for name, test in tests.items():
            found[name].append(told(test(outcomes.score))[:, differ])
    return {name: float(np.concatenate(parts).mean()) for name, parts in found.items()}


def tuned_rates(world: World, arms: int, configurations: int, k: int, studies: int) -> dict[str, tuple[float, float]]:
    """False alarms and power of one random search an arm with 8 replicas (`analysis.statistics.tuned`), by quality and
    by shares of collapse; NaN where no pair is alike, or none differs."""
    generator, differ = np.random.default_rng([arms, configurations, k]), different(world, arms)
    found: dict[str, list[Told]] = {"quality": [], "shares": []}
    for start in range(0, studies, CHUNK):
        shape = (min(CHUNK, studies - start), arms, configurations, 8)
        score, fallen = (list(np.moveaxis(one, 1, 0)) for one in long_search(world, shape, generator))
        found["quality"].append(told(tuned.by_rank(score, k).p))
        found["shares"].append(told(tuned.by_mean(score, fallen, k).p))
    rates = {}
    for endpoint, parts in found.items():
        whole = np.concatenate(parts)
        alarms = float(whole[:, ~differ].any(-1).mean()) if not differ.all() else float("nan")
        rates[endpoint] = (alarms, float(whole[:, differ].mean()) if differ.any() else float("nan"))
    return rates


def of(outcomes: Outcomes, endpoint: str) -> Floats:
    """The column (studies, k, m, S) of an endpoint, less being better or not."""
    return {"quality": outcomes.score, "shares": outcomes.collapsed, "times": outcomes.time}[endpoint]


def ours(endpoint: str) -> Test:
    """The method."""
    return lambda outcomes: OURS[endpoint](outcomes)


def covered(found: Effects, truth: Floats) -> tuple[float, float]:
    """The share of pairs whose interval holds the truth (P,), and of studies all of whose simultaneous ones do."""
    inside = [
        (low <= truth) & (truth <= high)
        for low, high in (found.ends(1 - LEVEL, simultaneous=together) for together in (False, True))
    ]
    return float(inside[0].mean()), float(inside[1].all(-1).mean())


@cache
def chances_of_better(world: World, arms: int) -> Floats:
    """P(better) of every pair (P,), to about .005: from 4,000 searches of 8 seeds of an arm and of another."""
    shift = np.array(world.shift or [0.0] * arms)
    sample = draw(replace(world, shift=()), (1, 2, 4000, 8), np.random.default_rng(1)).score[0].reshape(2, -1)
    ordered, better = np.sort(sample[1]), {}
    for by in np.unique(shift[:, None] - shift):
        places = [np.searchsorted(ordered, sample[0] + by, side) for side in ("left", "right")]
        better[by] = 1 - float(np.mean(places)) / len(ordered)
    return np.array([better[shift[a] - shift[b]] for a, b in combinations(range(arms), 2)])


def percent(share: float | None, limit: float = 1.0) -> str:
    """A share, in bold where it exceeds a limit."""
    if share is None:
        return ""
    return f"**{share:.1%}**" if share > limit else f"{share:.1%}"
