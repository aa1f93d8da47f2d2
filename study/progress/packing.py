"""What packs of configurations (`resources.pack`) make of an arm's search: how many there are, and what they save."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from study.config.arms import Arm, spec_for
from study.config.packs import learns
from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from trainables.spec import shared

DRAWN = 200  # configurations of an arm, at most, by which trials of unequal shapes are counted


@dataclass(frozen=True)
class Packing:
    """One search of an arm in packs.

    Attributes:
        size: how many configurations make a pack, if their shapes agree.
        packs: how many packs its trials make; an average over random draws where shapes are searched.
        rows: how many rows a pack has, on average.
        unseen: how many trials are drawn before the first result is known; 0 where the search does not learn.
        core_seconds: of one core that the search takes.
        saved_seconds: of one core, that packs save of what its trials would take alone.
    """

    size: int
    packs: float
    rows: int
    unseen: int
    core_seconds: float
    saved_seconds: float


def packing(plan: StudyPlan, arm: Arm, seconds: Callable[[int], tuple[float, float]]) -> Packing:
    """Of one search of an arm, of which training and evaluating a population of so many rows takes `seconds`."""
    config, size = plan.config, plan.packs.get(arm.name, 1)
    trials, replicas = config.search.trials_per_arm, config.replicas
    packs = trials * _share(plan, arm, size)
    rows = round(replicas * trials / packs)
    alone, together = trials * sum(seconds(replicas)), packs * sum(seconds(rows))
    return Packing(
        size=size,
        packs=packs,
        rows=rows,
        unseen=min(trials, config.search.lag * size) if learns(config, arm) else 0,
        core_seconds=together,
        saved_seconds=alone - together,
    )


def in_packs(config: StudyConfig, repeats: int, arms: Sequence[Packing]) -> list[str]:
    """Sentences for people on the packs of all arms' searches; none where trials train alone."""
    low, high = min(one.size for one in arms), max(one.size for one in arms)
    if high == 1:
        return []
    search, cores, saved = config.search, sum(one.core_seconds for one in arms), sum(one.saved_seconds for one in arms)
    packs, trials = round(repeats * sum(one.packs for one in arms)), repeats * search.trials_per_arm * len(arms)
    size = f"{high}" if low == high else f"{low} to {high}"
    gain = "" if config.resources.gpu else f", with {saved / (saved + cores):.0%} less core time in the searches"
    unseen = max(one.unseen for one in arms)
    found = [
        f"packs: {size} configurations of an arm train as one population of up to {high * config.replicas} rows, the"
        f" {trials:,} trials of the searches as about {packs:,} packs{gain}"
    ]
    if unseen > search.lag:
        found.append(
            f"packs: of the {search.trials_per_arm} trials of an arm's search the first {unseen} are drawn before any"
            f" result is known, with search.lag {search.lag}"
        )
    return found


def _share(plan: StudyPlan, arm: Arm, size: int) -> float:
    """Packs for each trial of a search, by the shapes of random draws."""
    if size == 1:
        return 1.0
    drawn, dice = min(DRAWN, plan.config.search.trials_per_arm), np.random.default_rng(0)
    found = set()
    for index in range(drawn):
        draw = {name: space.at(dice.random()) for name, space in arm.space.items()}
        found.add((index // size, json.dumps(shared(spec_for(plan.config, arm, draw).to_dict()), sort_keys=True)))
    return len(found) / drawn
