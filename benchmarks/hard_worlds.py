"""Worlds that break assumptions of the tests of repeated searches, unfinished studies, and other tests in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analysis.statistics.intervals import Floats
from benchmarks.comparison import markdown
from benchmarks.error_rates import ARMS, LIMIT, OURS, STUDIES, Size, Test, false_alarms, ours, percent, power, shifted
from benchmarks.repeated import World
from benchmarks.rivals import RIVALS

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
    "half of the winners wholly good, half wholly bad, unseen by the search": lambda arms: World(0.5, "wholly"),
}  # fmt: skip
Gaps = Callable[[Floats], Floats]  # outcomes to NaN where one is missing, 0 elsewhere
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


def unfinished(studies: int = STUDIES) -> str:
    """Studies with few or unequal repeats, or with replicas missing, at 16 seeds."""
    gaps: dict[str, tuple[int, Gaps]] = {
        "two repeats": (2, np.zeros_like),
        "one arm has one repeat, the others three": (3, lambda one: _without(one, slice(0, 1), slice(1, None))),
        "half of the arms have two repeats, the others six": (
            6, lambda one: _without(one, slice(0, one.shape[1] // 2), slice(2, None))),
        "three repeats, a fifth of the replicas missing": (
            3, lambda one: np.where(np.random.default_rng(0).random(one.shape) < 0.2, np.nan, 0.0)),
    }  # fmt: skip
    rows: list[Sequence[str]] = [("unfinished", *(f"{endpoint}, {arms} arms" for endpoint in OURS for arms in ARMS))]
    for name, (repeats, missing) in gaps.items():
        asked = {endpoint: (endpoint, _with_gaps(ours(endpoint), missing)) for endpoint in OURS}
        found = [false_alarms(World(0.5, "often", 0.1, 0.1), Size(arms, repeats, 16, studies), asked) for arms in ARMS]
        rows.append((name, *(percent(one[endpoint], LIMIT) for endpoint in OURS for one in found)))
    return markdown(rows)


def _with_gaps(test: Test, missing: Gaps) -> Test:
    return lambda outcomes: test(outcomes + missing(outcomes))


def _without(outcomes: Floats, arms: slice, repeats: slice) -> Floats:
    """NaN in these repeats of these arms, 0 elsewhere."""
    gaps = np.zeros_like(outcomes)
    gaps[:, arms, repeats] = np.nan
    return gaps


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
