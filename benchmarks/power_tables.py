"""What tests of repeated searches find, how often their intervals hold the truth, and one long search instead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from analysis.statistics.repeats import by_mean, by_rank
from benchmarks.comparison import markdown
from benchmarks.error_rates import (
    LIMIT,
    OURS,
    STUDIES,
    chances_of_better,
    covered,
    different,
    ours,
    percent,
    power,
    shifted,
    sizes,
    told,
    tuned_rates,
)
from benchmarks.repeated import World, draw, events
from benchmarks.rivals import all_replicas, one_search

LONG = ((2, 60), (2, 100), (2, 200), (6, 60), (6, 100), (6, 200))
COVERED = ((2, 3, 0.0, 0.0), (2, 3, 0.6, 0.3), (2, 3, 1.5, 0.8), (2, 10, 0.6, 0.3), (6, 3, 0.6, 0.3), (6, 5, 1.5, 0.8),
           (12, 3, 0.6, 0.3), (12, 10, 0.6, 0.3))  # fmt: skip


def powers(studies: int = STUDIES // 4) -> str:
    """Power of quality, beside the tests of which one tells identical objectives apart in most studies."""
    tests = {"": ours("quality"), "one search": one_search, "all replicas": all_replicas}
    cases = [(spread, by) for spread in (0.2, 0.5) for by in (0.3, 0.6, 1.0)]
    rows: list[Sequence[str]] = [("arms", "worse", "repeats", *(f"sd {spread}, by {by}" for spread, by in cases))]
    for size in sizes(studies):
        for which in ("one", "half") if size.arms > 2 else ("one",):
            cells = []
            for spread, by in cases:
                found = power(World(spread, shift=shifted(by, size.arms, which)), size, tests)
                cells.append(
                    f"**{percent(found[''])}** ({percent(found['one search'])}, {percent(found['all replicas'])})"
                )
            rows.append((str(size.arms), which, str(size.repeats), *cells))
    return markdown(rows)


def share_powers(studies: int = STUDIES // 4) -> str:
    """Power for shares .05 against .35 and the times of the same events, at 16 seeds."""
    alike = (0.0, 0.1, 0.3)
    rows: list[Sequence[str]] = [("arms", "more", "repeats",
            *(f"{endpoint}, correlation {value}" for endpoint in ("shares", "times") for value in alike))]  # fmt: skip
    for size in sizes(studies, 16):
        for which in ("one", "half") if size.arms > 2 else ("one",):
            share = np.array(shifted(0.3, size.arms, which)) + 0.05
            differ = different(World(shift=tuple(share)), size.arms)
            cells: dict[str, list[str]] = {"shares": [], "times": []}
            for value in alike:
                generator = np.random.default_rng([size.arms, size.repeats, int(100 * value)])
                shape = (size.studies, size.arms, size.repeats, size.seeds)
                for endpoint, column in zip(cells, events(share, value, shape, generator), strict=True):
                    rivals = {"": ours(endpoint), "one search": one_search}
                    found = {name: told(test(column))[:, differ].mean() for name, test in rivals.items()}
                    cells[endpoint].append(f"**{percent(found[''])}** ({percent(found['one search'])})")
            rows.append((str(size.arms), which, str(size.repeats), *cells["shares"], *cells["times"]))
    return markdown(rows)


def coverages(studies: int = STUDIES) -> str:
    """How often intervals hold the truth, pair by pair, and at once for all pairs of a study."""
    heads = [f"{endpoint}, {how}" for endpoint in OURS for how in ("each", "all")]
    rows: list[Sequence[str]] = [("arms", "repeats", "worse by", "more by", *heads)]
    for arms, repeats, by, more in COVERED:
        shape = (studies, arms, repeats, 16)
        world = World(0.5, "often", 0.1, 0.1, shift=shifted(by, arms, "half"))
        scores = draw(world, shape, np.random.default_rng([arms, repeats])).score
        share = np.array(shifted(more, arms, "half")) + 0.05
        fallen, times = events(share, 0.1, shape, np.random.default_rng([arms, repeats]))
        apart = np.array([share[a] - share[b] for a, b in combinations(range(arms), 2)])
        found = (
            covered(by_rank(scores), chances_of_better(world, arms)),
            covered(by_mean(fallen), apart),
            covered(by_mean(times), -apart / 2),  # a replica that falls loses half of the time on average
        )
        cells = [percent(one) for pair in found for one in pair]
        rows.append((str(arms), str(repeats), str(by), str(more), *cells))
    return markdown(rows)


def long_searches(studies: int = STUDIES // 2) -> str:
    """One random search an arm instead of several, the best of 20 being asked for."""
    alike = {"sd 0.2": World(0.2), "sd 0.5": World(0.5), "sd 0.5, often": World(0.5, "often"), "sd 1.5": World(1.5),
             "a third of the seeds' variance shared by an arm": World(0.5, "often", 0.0, 1 / 3)}  # fmt: skip
    rows: list[Sequence[str]] = [("arms", "configurations", *(f"quality, {name}" for name in alike),
            *(f"shares, {name}" for name in alike if "often" in name), "found: sd 0.2, by 0.6", "sd 0.5, by 0.6",
            "sd 0.5, by 1")]  # fmt: skip
    for arms, configurations in LONG:
        found = {name: tuned_rates(world, arms, configurations, 20, studies) for name, world in alike.items()}
        cells = [percent(one["quality"][0], LIMIT) for one in found.values()]
        cells += [percent(one["shares"][0], LIMIT) for name, one in found.items() if "often" in name]
        for spread, by in ((0.2, 0.6), (0.5, 0.6), (0.5, 1.0)):
            world = World(spread, shift=shifted(by, arms, "one"))
            cells.append(percent(tuned_rates(world, arms, configurations, 20, studies)["quality"][1]))
        rows.append((str(arms), str(configurations), *cells))
    return markdown(rows)
