"""One repeat of a study: every arm searched once, and what the searches find confirmed.

Repeats know nothing of each other. Each gives out its search trials, those of a pack together, the arms in rotation,
each arm with a sampler of its own; once all of them have ended, its confirm trials, and after a look at the pairs of
arms those of further rounds (`study.search.looks`). It learns from the study's state alone, so that it cannot tell a
resumed study from an uninterrupted one.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Collection, Iterator

from study.config.arms import Arm
from study.config.goal import Goal
from study.config.plan import StudyPlan
from study.ledger.entries import SEARCH, Key, Planned
from study.ledger.state import StudyState, TrialState
from study.search.arm_search import ArmSearch, Recorded, TrialLookup
from study.search.distributions import distributions
from study.search.extents import extents
from study.search.scores import excess, medians
from study.search.trials import confirm_trial, search_trial, searched, unconfirmed


class Repeat:
    """The trials of repeat `number`, in the order in which they are given out."""

    def __init__(self, plan: StudyPlan, state: StudyState, number: int) -> None:
        """Rebuild the search of every arm that is to have this repeat from the state."""
        self._plan, self._state, self._number = plan, state, number
        sizes = extents(plan, state)
        self._arms = {arm.name: arm for arm in plan.arms if sizes[arm.name].repeats > number}
        self._searches = {name: rebuilt(plan, arm, state, number) for name, arm in self._arms.items()}
        self._rotation = deque(self._arms)
        self._confirming: Iterator[Planned] | None = None

    def next(self, out: Collection[Key]) -> list[Planned]:
        """The next trials, to be planned in one piece: a search's next pack, or one to confirm; none while there is
        nothing to give out yet, and in the end.

        `out` are the study's trials that have been given out and have not ended.
        """
        plans = self._next_search()
        if not plans and self._searched(out):
            self._confirming = self._confirming or self._confirmations()
            plans = [*itertools.islice(self._confirming, 1)]
        return plans

    @property
    def confirming(self) -> bool:
        """Whether all of its searches have ended; nothing is left where `next` then gives none."""
        return self._confirming is not None

    def confirm_further(self) -> None:
        """After a look: there may be more to confirm."""
        self._confirming = None

    @property
    def exact(self) -> bool:
        """Whether every arm's recorded trials could be replayed exactly."""
        return all(search.exact for search in self._searches.values())

    def _next_search(self) -> list[Planned]:
        for _ in range(len(self._rotation)):
            name = self._rotation[0]
            self._rotation.rotate(-1)
            search, recorded = self._searches[name], self._lookup(name)
            if search.next < self._plan.config.search.trials_per_arm and search.ready(recorded):
                return [*self._pack(self._arms[name], search, recorded)]
        return []

    def _pack(self, arm: Arm, search: ArmSearch, recorded: TrialLookup) -> Iterator[Planned]:
        """What is left to plan of the pack that a search has come to."""
        config, first = self._plan.config, search.next
        while search.next < config.search.trials_per_arm and search.next // search.pack == first // search.pack:
            index, params = search.ask(recorded)
            yield search_trial(config, arm, index, params, self._number, search.told)

    def _searched(self, out: Collection[Key]) -> bool:
        """Whether every search trial there is to be has ended."""
        if any(search.next < self._plan.config.search.trials_per_arm for search in self._searches.values()):
            return False
        return not any(phase == SEARCH and repeat == self._number for phase, _, repeat, *_ in out)

    def _confirmations(self) -> Iterator[Planned]:
        chosen = [unconfirmed(self._plan, self._state, arm, self._number) for arm in self._arms]
        for rank in itertools.zip_longest(*chosen):
            yield from (confirm_trial(self._plan.config, *one) for one in rank if one)

    def _lookup(self, arm: str) -> TrialLookup:
        goal, trials, number = self._plan.goal, self._state.trials, self._number
        return lambda index: recorded_of(trials[SEARCH, arm, number, index, 0], goal)


def rebuilt(plan: StudyPlan, arm: Arm, state: StudyState, repeat: int) -> ArmSearch:
    """One search of an arm as it was when the state was reached."""
    search, goal = plan.config.search, plan.goal
    found = searched(state, arm.name, repeat)
    kept = [t.index for t in found if t.unplanned and t.status is not None]
    known = {t.index: recorded_of(t, goal) for t in found if t.config.keys() == arm.space.keys() and not t.unplanned}
    return ArmSearch(
        arm.name,
        distributions(arm),
        goal,
        sampler=search.sampler,
        seed=search.seed,
        lag=search.lag,
        pack=plan.packs.get(arm.name, 1),
        multivariate=search.multivariate,
        repeat=repeat,
        recorded=known,
        kept=kept,
    )


def recorded_of(trial: TrialState, goal: Goal) -> Recorded:
    """The part of a trial that its arm's search reads."""
    failed = trial.status == "failed" or not trial.scores
    values = None if failed else medians(trial.scores, goal)
    beyond = None if failed else excess(trial.scores, goal)
    return Recorded(trial.config, trial.status is not None, values, trial.told, beyond)
