"""How often do rounds of confirmation tell identical arms apart, and what do they save? Simulated by the study's rules.

Of each world (`benchmarks.repeated`) a study is drawn with all that it could come to train; the looks
(`study.search.looks`) take from it what their extents say, so that the program's own rules and tests are judged. Where
arms differ nowhere, a study is in error if any look, or any test of the finished study over its looks
(`analysis.results.looks`), tells any pair apart. Where they differ, what counts is the part of the seeds that was not
needed, and the pairs found, beside a study that trains the most there may be at once and tests once.

Where arms are searched once, the configurations compared are alike, and only seeds are drawn.

    python -m benchmarks.rounds [--write]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from analysis.results import effects, repeated
from analysis.results.effects import Sample
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats
from analysis.statistics.looks import over_looks
from analysis.statistics.repeats import by_mean
from benchmarks.comparison import markdown, provenance
from benchmarks.error_rates import LEVEL, LIMIT, STUDIES, percent
from benchmarks.repeated import NOISE, WORSE, Outcomes, World, draw
from study.config.rounds import Extent, first, limits
from study.config.schema import StudyConfig
from study.config.sections import Budget, Confirm, Search
from study.ledger.entries import Look
from study.search.extents import grown
from study.search.looks import decided, looked

TITLE = "What rounds of confirmation tell apart, and save"
ONCE = {"replicas": 16, "most": 128}
REPEATED = {"replicas": 16, "most": 64, "repeats": 3, "most_repeats": 12}
NULLS = {
    "sd 0.2": World(0.2),
    "sd 0.5": World(0.5),
    "sd 0.2, often": World(0.2, "often"),
    "sd 0.5, often": World(0.5, "often"),
    "sd 0.5, often, seeds: a quarter shared by all, a sixth by an arm": World(0.5, "often", 0.25, 0.16),
}
TWELVE = tuple(NULLS)[-2:]  # the worlds of twelve arms
FEWER = {2: 1, 6: 1, 12: 4}  # arms: of the studies one in so many is simulated, as they take longer
APART = (0.3, 0.6, 1.0)  # of log scores, seeds having the standard deviation `NOISE`


@dataclass(frozen=True)
class Ended:
    """A simulated study: its looks, the part of the most seeds that it trained, and whether a test of its shares, or of
    the times of its collapses, told any pair apart."""

    looks: Sequence[Look]
    trained: float
    others: Mapping[str, bool]

    @property
    def told(self) -> list[bool]:
        """By pair, whether it was told apart by quality."""
        return [decided(pair) for pair in self.looks[-1].pairs]


@cache
def config_of(replicas: int, most: int, repeats: int = 1, most_repeats: int | None = None) -> StudyConfig:
    """A study's configuration, of which rounds are what matters."""
    return StudyConfig(
        study="simulated",
        data={"name": "ring"},
        budget=Budget(steps=1, evaluations=1, batch_size=1),
        search=Search(repeats=repeats, most_repeats=most_repeats),
        confirm=Confirm(top=1, replicas=replicas, until="decided", most=most),
    )


def run(config: StudyConfig, outcomes: Outcomes, others: bool = False) -> Ended:
    """One study, of outcomes (1, k, M, S) at the limits."""
    score, fallen, time = (one[0] for one in (outcomes.score, outcomes.collapsed, outcomes.time))
    arms = [f"arm {place}" for place in range(len(score))]
    looks: list[Look] = []
    while (sizes := grown(config, arms, looks)) != (dict(looks[-1].extents) if looks else None):
        looks.append(looked(config, looks, sizes, _samples(sizes, score)))
    extents = [Extent(*size) for size in looks[-1].extents.values()]
    trained = sum(size.repeats * size.seeds for size in extents) / score.size
    tests = {"shares": fallen, "times": time} if others else {}
    return Ended(looks, trained, {name: _any_told(looks, one, name) for name, one in tests.items()})


def _samples(sizes: Mapping[str, Extent], values: Floats) -> list[Sample]:
    """What extents take of values (k, M, S)."""
    found = []
    for (arm, size), own in zip(sizes.items(), values, strict=True):
        repeat, seed = np.indices((size.repeats, size.seeds)).reshape(2, -1)
        found.append(Sample(arm, own[: size.repeats, : size.seeds].ravel(), repeat.astype(np.str_), repeat, seed))
    return found


def _any_told(looks: Sequence[Look], values: Floats, endpoint: str) -> bool:
    """Whether any pair is told apart over all looks by the tests that a report makes of shares, or of times."""
    p = []
    for look in looks:
        if values.shape[1] > 1:  # as `analysis.results.repeated` tests shares, and times without censoring
            cells = np.full(values.shape, np.nan)
            for place, (repeats, seeds) in enumerate(look.extents.values()):
                cells[place, :repeats, :seeds] = values[place, :repeats, :seeds]
            p.append(by_mean(cells).p)
            continue
        samples = _samples({arm: Extent(*size) for arm, size in look.extents.items()}, values)
        met = [one.values < 1 for one in samples]
        by_time = effects.by_time(samples, met, 1.0, "replica") if endpoint == "times" else ()
        p.append([one.p for one in by_time or effects.by_share(samples, "replica")])
    return bool((holm(over_looks(p, [look.level for look in looks])) <= LEVEL).any())


def drawn(config: StudyConfig, world: World, arms: int, generator: np.random.Generator) -> Outcomes:
    """A study's outcomes at the limits. Configurations of arms searched once are all alike, and where the world has
    them collapse, do so for a quarter of the seeds."""
    repeats, seeds = limits(config)
    shape = (1, arms, repeats, seeds)
    if first(config).repeats > 1:
        return draw(world, shape, generator)
    score = NOISE * generator.normal(size=shape) + np.array(world.shift or [0.0] * arms)[:, None, None]
    fallen = generator.random(shape) < (0.0 if world.collapse == "never" else 0.25)
    return Outcomes(score + WORSE * fallen, fallen.astype(np.float64), np.where(fallen, generator.random(shape), 1.0))


def errors(config: StudyConfig, world: World, arms: int, studies: int, others: bool = True) -> dict[str, float]:
    """The share of studies of identical arms in which any pair is told apart, by endpoint."""
    generator = np.random.default_rng([arms, studies])
    others = others and world.collapse != "never"
    ended = [run(config, drawn(config, world, arms, generator), others) for _ in range(studies)]
    found = {"quality": float(np.mean([any(one.told) for one in ended]))}
    return found | {name: float(np.mean([one.others[name] for one in ended])) for name in ended[0].others}


def savings(config: StudyConfig, world: World, arms: int, studies: int) -> tuple[float, float, float]:
    """The median part of the seeds that is saved, the share of the pairs that differ that is found, and the share that
    a study of the limits' size finds at once."""
    generator = np.random.default_rng([arms, studies])
    shift = world.shift
    differ = [shift[a] != shift[b] for a, b in combinations(range(arms), 2)]
    saved, found, fixed = [], [], []
    for _ in range(studies):
        outcomes = drawn(config, world, arms, generator)
        ended = run(config, outcomes)
        whole = _samples({f"arm {place}": limits(config) for place in range(arms)}, outcomes.score[0])
        at_once = repeated.p_by_rank(whole) if limits(config).repeats > 1 else effects.p_by_rank(whole, "replica")
        saved.append(1 - ended.trained)
        found.append(np.mean(np.array(ended.told)[differ]))
        fixed.append(np.mean((holm(list(at_once.values())) <= LEVEL)[differ]))
    return float(np.median(saved)), float(np.mean(found)), float(np.mean(fixed))


def error_table(studies: int = STUDIES) -> tuple[str, float]:
    """Some pair of identical arms is told apart, and the largest share."""
    rows: list[Sequence[str]] = [("searches", "world", "endpoint", "2 arms", "6 arms", "12 arms")]
    cells: dict[tuple[str, str, str], dict[int, float]] = {}
    for searches, setting in (("one", ONCE), ("3 to 12", REPEATED)):
        worlds = NULLS if setting is REPEATED else {"never": World(), "a quarter collapses": World(collapse="often")}
        for name, world in worlds.items():
            for arms, part in FEWER.items():
                if arms == 12 and setting is REPEATED and name not in TWELVE:
                    continue
                others = setting is REPEATED or arms == 2
                for endpoint, share in errors(config_of(**setting), world, arms, studies // part, others).items():
                    cells.setdefault((searches, name, endpoint), {})[arms] = share
    rows += [(*key, *(percent(found.get(arms), LIMIT) for arms in (2, 6, 12))) for key, found in cells.items()]
    return markdown(rows), max(share for found in cells.values() for share in found.values())


def saving_table(studies: int = STUDIES // 4) -> str:
    """What is saved where arms differ, and what is found beside a study that trains all at once."""
    rows: list[Sequence[str]] = [("searches", "arms", *(f"by {by}" for by in APART))]
    for searches, setting in (("one", ONCE), ("3 to 12", REPEATED)):
        for arms in (2, 3, 6):
            cells = []
            for by in APART:
                world = World(0.2, shift=tuple(by * place for place in range(arms)))
                saved, found, fixed = savings(config_of(**setting), world, arms, studies)
                cells.append(f"**{percent(saved)}** ({percent(found)}, {percent(fixed)})")
            rows.append((searches, str(arms), *cells))
    return markdown(rows)


def section(_: bool = False) -> str:
    """Both tables, as Markdown; there is no picture to keep."""
    table, largest = error_table()
    error = np.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
    return f"""## {TITLE}

{provenance()}
Simulated studies whose confirmation goes on until every pair of arms is decided (`python -m benchmarks.rounds`),
{STUDIES:,} a number, {STUDIES // FEWER[12]} at 12 arms; the Monte-Carlo error of 5 % is {error:.1%}. Arms are searched
once, and looked at after {ONCE["replicas"]} seeds of the chosen configuration and each doubling up to {ONCE["most"]};
or {REPEATED["repeats"]} times, and looked at after {REPEATED["replicas"]} seeds, doublings up to {REPEATED["most"]}
while seeds take a tenth of the variance off, and doublings of the repeats up to {REPEATED["most_repeats"]}. Worlds as
in the section on identical objectives.

Some pair of identical arms is told apart, at any look by quality, and in the end by shares or times, in bold where in
more than {LIMIT:.0%} of studies; at most {largest:.1%}:

{table}

The median part of the seeds that is saved where every arm is worse than the one before by so much in log score, of
which seeds have the standard deviation {NOISE} and configurations .2; in brackets the share of the pairs that is found,
and that which a study finds that trains the most at once and tests once ({STUDIES // 4} studies):

{saving_table()}
"""


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["rounds", *sys.argv[1:]])
