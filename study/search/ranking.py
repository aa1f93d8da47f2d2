"""The order of the trials of one search, and which confirmed configurations it still chooses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from study.config.goal import Goal
from study.ledger.entries import CONFIRM, SEARCH
from study.ledger.state import TrialState
from study.search.scores import beyond, medians

Trial = TypeVar("Trial", "Standing", TrialState)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a trial's rank depends on, of one that ended; the fields are those of a `TrialState`."""

    phase: str
    arm: str
    repeat: int
    index: int
    trial_id: str
    status: str | None
    scores: list[Any]

    @classmethod
    def of(cls, trial: TrialState) -> Standing:
        """What is kept of a trial."""
        return cls(*(getattr(trial, one.name) for one in fields(cls)))


def best_first(goal: Goal, of: Sequence[Trial]) -> list[Trial]:
    """Those of some trials that ended, in order.

    Trials that ran to their end go before those a scheduler stopped; failed ones are left out. Those of which too many
    replicas diverged go last, the fewer the earlier (`study.search.scores`). With several metrics the trials that
    fewest others dominate go first, then those best in the first metric. An arm whose every trial diverged is confirmed
    as well, since its rate of divergence is a result too.
    """
    trials = [trial for trial in of if trial.scores]
    costs = [_costs(trial, goal) for trial in trials]
    over = [beyond(trial.scores, goal) for trial in trials]
    dominating = [0] * len(trials)
    if len(goal.metrics) > 1:
        alike = [[costs[place] for place, other in enumerate(over) if other == mine] for mine in over]
        dominating = [
            sum(_dominates(other, mine) for other in rivals) for rivals, mine in zip(alike, costs, strict=True)
        ]
    ranks = [
        (trial.status == "truncated", over[place], dominating[place], costs[place], _lost(trial), trial.index, place)
        for place, trial in enumerate(trials)
        if trial.status != "failed"
    ]
    return [trials[place] for *_, place in sorted(ranks)]


def no_longer_chosen(trials: Iterable[Trial], goal: Goal, top: int) -> list[str]:
    """The names of confirm trials that ended and count in no comparison: of the configurations of a search
    that were confirmed all but the `top` that were best in it.

    There are more only where the search went on after its best were confirmed, as `search.trials_per_arm` was raised:
    an arm would be judged by the best of fewer trials besides, and an arm added later would not. A former best counts
    until the one that beats it is confirmed.
    """
    searches = defaultdict[tuple[str, int], list[Trial]](list)
    for trial in trials:
        if trial.scores and trial.status != "failed":
            searches[trial.arm, trial.repeat].append(trial)
    found = []
    for of in searches.values():
        confirmed: set[int] = {trial.index for trial in of if trial.phase == CONFIRM}
        order = [trial.index for trial in best_first(goal, [trial for trial in of if trial.phase == SEARCH])]
        known: list[int] = [index for index in order if index in confirmed]
        kept = [*known, *sorted(confirmed.difference(known))][:top]  # the last: their search trials are lost
        found += [trial.trial_id for trial in of if trial.phase == CONFIRM and trial.index not in kept]
    return found


def winner(of: Sequence[Trial], every: Iterable[Trial], goal: Goal, top: int) -> Trial | None:
    """Of some trials of an arm the best that was confirmed, or else the best of its searches; None where none ended.

    `every` are all trials of the arm's searches, by which configurations of `of` count no more (`no_longer_chosen`).
    """
    left_out = no_longer_chosen(every, goal, top)
    counted = [trial for trial in of if trial.trial_id not in left_out]
    confirmed = [trial for trial in counted if trial.phase == CONFIRM]
    return next(iter(best_first(goal, confirmed or counted)), None)


def _lost(trial: Standing | TrialState) -> int:
    return sum(score is None for score in trial.scores)


def _costs(trial: Standing | TrialState, goal: Goal) -> tuple[float, ...]:
    """The trial's medians with their signs turned so that less is better."""
    values = zip(goal.modes, medians(trial.scores, goal), strict=True)
    return tuple(value if mode == "min" else -value for mode, value in values)


def _dominates(other: tuple[float, ...], mine: tuple[float, ...]) -> bool:
    return other != mine and all(theirs <= ours for theirs, ours in zip(other, mine, strict=True))
