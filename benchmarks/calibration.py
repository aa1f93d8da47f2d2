"""How often are identical objectives told apart, and different ones? The tests of repeated searches, calibrated.

Studies are simulated (`benchmarks.repeated`), nothing is trained. In a study without differences every pair that is
told apart after Holm's correction is an error; what counts is the share of studies with any. Beside the method
(`analysis.statistics.repeats`) stand one search for each arm with seeds as units, as studies were judged before
searches could be repeated, Student's t over all replicas, and other tests of repeats (`benchmarks.rivals`).

    python -m benchmarks.calibration [--write]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from analysis.statistics.repeats import by_mean, by_rank
from benchmarks.comparison import markdown, provenance
from benchmarks.error_rates import (
    LEVEL,
    OURS,
    Size,
    chances_of_better,
    covered,
    different,
    false_alarms,
    ours,
    power,
    shifted,
    told,
    tuned_rates,
)
from benchmarks.repeated import NOISE, World, draw, events
from benchmarks.rivals import RIVALS, all_replicas, one_search

TITLE = "How often identical objectives are told apart"
STUDIES, LIMIT = 1000, 0.06
ARMS, REPEATS, SEEDS = (2, 6, 12), (3, 5, 10), 32
WORLDS = {
    f"sd {spread}{', ' + collapse if collapse != 'never' else ''}": World(spread, collapse)
    for collapse in ("never", "rarely", "often")
    for spread in (0.2, 0.5)
}


def levels(studies: int = STUDIES) -> tuple[str, float]:
    """The table that decides, and the largest share in it."""
    columns = [(name, endpoint) for endpoint in OURS for name, world in WORLDS.items()
               if endpoint == "quality" or world.collapse != "never"]  # fmt: skip
    rows = [("arms", "repeats", *(f"{endpoint}, {name}" for name, endpoint in columns))]
    largest = 0.0
    for size in sizes(studies):
        cells = {}
        for name, world in WORLDS.items():
            asked = {endpoint: (endpoint, ours(endpoint)) for column, endpoint in columns if column == name}
            cells |= {(name, endpoint): share for endpoint, share in false_alarms(world, size, asked).items()}
        largest = max(largest, *cells.values())
        rows.append((str(size.arms), str(size.repeats), *(percent(cells[column], LIMIT) for column in columns)))
    return markdown(rows), largest


def sizes(studies: int = STUDIES, seeds: int = SEEDS) -> list[Size]:
    return [Size(arms, repeats, seeds, studies) for arms in ARMS for repeats in REPEATS]


def before(studies: int = STUDIES) -> str:
    """What was done before: one search, and all replicas as if independent."""
    ways = {"one search": one_search, "all replicas": all_replicas}
    asked = {f"{endpoint}, {way}": (endpoint, test) for way, test in ways.items() for endpoint in OURS}
    rows: list[Sequence[str]] = [("arms", *(f"{name}, sd {spread}" for name in asked for spread in (0.2, 0.5)))]
    for arms in ARMS:
        found = [false_alarms(World(spread, "often"), Size(arms, 3, SEEDS, studies), asked) for spread in (0.2, 0.5)]
        rows.append((str(arms), *(percent(one[name]) for name in asked for one in found)))
    return markdown(rows)


HARDER = {
    "seeds: a quarter shared by all, a sixth by an arm": lambda arms: World(0.5, "often", 0.25, 0.16),
    "seeds: nine tenths shared by all": lambda arms: World(0.2, "often", 0.9),
    "seeds: two thirds shared by an arm": lambda arms: World(0.2, "often", 0.04, 0.64),
    "configurations differ much: sd 1.5": lambda arms: World(1.5, "often"),
    "one arm four times as loose": lambda arms: World((0.8,) + (0.2,) * (arms - 1), searched=False),
    "one arm twelve times as tight": lambda arms: World((0.05,) + (0.6,) * (arms - 1), searched=False),
    "half of the arms far worse, errors among the others": lambda arms: World(
        0.5, "never", shift=shifted(2.0, arms, "half")
    ),
    "winners good or bad: collapse of Beta(½, ½), unseen by the search": lambda arms: World(0.5, "bimodal"),
}  # fmt: skip
LONG = ((2, 60), (2, 100), (2, 200), (6, 60), (6, 100), (6, 200))
COVERED = ((2, 3, 0.0, 0.0), (2, 3, 0.6, 0.3), (2, 3, 1.5, 0.8), (2, 10, 0.6, 0.3), (6, 3, 0.6, 0.3), (6, 5, 1.5, 0.8),
           (12, 3, 0.6, 0.3), (12, 10, 0.6, 0.3))  # fmt: skip
SHAPES = ((2, 3), (2, 10), (6, 3), (6, 5), (12, 3), (12, 5), (12, 10))


def harder(studies: int = STUDIES) -> str:
    """Worlds that break assumptions, at 16 seeds."""
    rows: list[Sequence[str]] = [("world", "endpoint", *(f"{arms} arms × {repeats}" for arms, repeats in SHAPES))]
    found = {}
    for name, world in HARDER.items():
        for arms, repeats in SHAPES:
            one = world(arms)
            asked = {endpoint: (endpoint, ours(endpoint)) for endpoint in OURS}
            kept = asked if one.collapse != "never" else {"quality": asked["quality"]}
            shares = false_alarms(one, Size(arms, repeats, 16, studies), kept)
            found |= {(name, endpoint, arms, repeats): share for endpoint, share in shares.items()}
    for name, endpoint in dict.fromkeys(key[:2] for key in found):
        rows.append((name, endpoint, *(percent(found.get((name, endpoint, *shape)), LIMIT) for shape in SHAPES)))
    return markdown(rows)


def rivals(studies: int = STUDIES) -> str:
    """The method beside others, by quality at 16 seeds: errors, and power."""
    tests = {"**this method**": ours("quality"), **RIVALS}
    errors = {
        "alike": lambda arms: World(0.5),
        "seed shared by an arm": HARDER["seeds: two thirds shared by an arm"],
        "one loose": HARDER["one arm four times as loose"],
        "good or bad": HARDER["winners good or bad: collapse of Beta(½, ½), unseen by the search"],
    }
    gains = {
        "one arm by .6, sd .2": lambda arms: World(0.2, shift=shifted(0.6, arms, "one")),
        "one arm by 1, sd .5": lambda arms: World(0.5, shift=shifted(1.0, arms, "one")),
        "half by 1, sd .5": lambda arms: World(0.5, shift=shifted(1.0, arms, "half")),
    }
    shapes = ((2, 3), (12, 3), (12, 5))
    table: dict[str, list[str]] = {name: [] for name in tests}
    for world in errors.values():
        for arms, repeats in shapes:
            asked = {name: ("quality", test) for name, test in tests.items()}
            for name, share in false_alarms(world(arms), Size(arms, repeats, 16, studies), asked).items():
                table[name].append(percent(share, LIMIT))
    for world in gains.values():
        for arms, repeats in shapes:
            for name, share in power(world(arms), Size(arms, repeats, 16, max(studies // 4, 1)), tests).items():
                table[name].append(percent(share))
    heads = [f"{name}: {arms} × {repeats}" for name in (*errors, *gains) for arms, repeats in shapes]
    return markdown([("test", *heads), *((name, *cells) for name, cells in table.items())])


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
    alike = {**{name: WORLDS[name] for name in ("sd 0.2", "sd 0.5", "sd 0.5, often")}, "sd 1.5": World(1.5),
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


def percent(share: float | None, limit: float = 1.0) -> str:
    """A share, in bold where it exceeds a limit."""
    if share is None:
        return ""
    return f"**{share:.1%}**" if share > limit else f"{share:.1%}"


def section(_: bool = False) -> str:
    """All tables, as Markdown; there is no picture to keep."""
    table, largest = levels()
    error = np.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
    return f"""## {TITLE}

{provenance()} {STUDIES:,} simulated studies a number (`python -m benchmarks.calibration`); the Monte-Carlo error
of 5 % is {error:.1%}. Every arm is searched m times, 20 configurations × 8 seeds, and each winner confirmed on {SEEDS}
fresh seeds, the same in all arms. The sd is that of the log score between configurations; seeds have {NOISE}.
Configurations collapse never, rarely or often, each with a probability of its own.

Some pair of identical arms is told apart, in bold where in more than {LIMIT:.0%} of studies; at most {largest:.1%}:

{table}

The same where one search is taken for the objective and seeds are the units, and where all replicas of 3 repeats are
(configurations collapse often):

{before()}

Harder worlds, 16 seeds:

{harder()}

Other tests of the same repeats, by quality on 16 seeds; errors first, then the share found of the pairs that differ
({STUDIES // 4} studies). A pair's effect is P(better), but for the pooled t and the permutation, which compare mean
ranks among all arms:

{rivals()}

The share found of the pairs that differ by quality, one or half of the arms being worse in log score; in brackets by
one search and by all replicas, which find as much where there is nothing:

{powers()}

The same for shares .05 against .35, and the times of these events, at 16 seeds, by the correlation between replicas
of a repeat; in brackets by one search:

{share_powers()}

How often 95 % intervals hold the true effect, one by one and all of a study at once, at 16 seeds. Half of the arms are
worse, sd 0.5, collapsing often, with a tenth of the seeds' variance shared by all and a tenth by an arm; for shares and
times half of the arms fall more often than .05, with a correlation of .1 in a repeat:

{coverages()}

One long random search an arm in place of several, nothing confirmed, and the best of 20 judged by the U-statistic
({STUDIES // 2} studies): errors, then the share found of the pairs that differ, one arm being worse:

{long_searches()}
"""


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["calibration", *sys.argv[1:]])
