"""One Tune searcher for a whole study.

It gives out, in this order: trials that an earlier session left unfinished; the search trials, the arms in
rotation, each with a sampler of its own; once all of those have ended, the confirm trials; then `FINISHED`. What
it gives out is in the ledger first. It learns from the study's state alone, which the recorder keeps, so that it
cannot tell a resumed study from an uninterrupted one.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ray.tune.search import Searcher

from study.config.arms import Arm
from study.config.goal import Goal
from study.config.plan import StudyPlan
from study.ledger.entries import SEARCH, Key, Planned
from study.ledger.journal import Journal
from study.ledger.state import StudyState, TrialState
from study.search.arm_search import ArmSearch, Recorded, TrialLookup
from study.search.distributions import distributions
from study.search.scores import medians
from study.search.trials import confirm_trial, search_trial, unconfirmed
from study.search.unpickled import Unpickled


class StudySearcher(Unpickled, Searcher):
    """Gives out the study's trials; `job_of` turns a planned trial into the job for a worker, as one string.

    At most `slots` trials are out at once; None: no limit.
    """

    def __init__(
        self, plan: StudyPlan, journal: Journal, job_of: Callable[[TrialState], str], slots: int | None = None
    ) -> None:
        """Rebuild every arm's search from the journal's state."""
        super().__init__()
        self._plan, self._journal, self._job_of, self._slots = plan, journal, job_of, slots
        self._arms = {arm.name: arm for arm in plan.arms}
        self._searches = {arm.name: rebuilt(plan, arm, journal.state) for arm in plan.arms}
        self._rotation = deque(self._arms)
        self._unfinished = deque(trial for trial in journal.state.unfinished if not trial.unplanned)
        self._open: set[Key] = set()
        self._confirming: Iterator[Planned] | None = None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]  # noqa: ARG002
        """A trial's Tune configuration; None while there is nothing to give out yet; `FINISHED` in the end.

        The configuration is small and flat because Tune handles all of it with every result.
        """
        trials = self._journal.state.trials
        self._open = {key for key in self._open if trials[key].status is None}
        if self._slots is not None and len(self._open) >= self._slots:
            return None
        trial = self._next()
        if trial is None:
            return str(Searcher.FINISHED) if self._confirming is not None and not self._open else None
        self._open.add(trial.key)
        keys = {name: getattr(trial, name) for name in ("trial_id", "phase", "arm", "repeat", "index")}
        return {**keys, "job": self._job_of(trial)}

    def again(self, trial: TrialState) -> None:
        """Queue a trial again that Tune gave up although it has not ended."""
        self._open.discard(trial.key)
        self._unfinished.append(trial)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the ending is read from the state."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has it all."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""

    @property
    def exact(self) -> bool:
        """Whether every arm's recorded trials could be replayed exactly."""
        return all(search.exact for search in self._searches.values())

    def _next(self) -> TrialState | None:
        if self._unfinished:
            return self._unfinished.popleft()
        plan = self._next_search()
        if plan is None and self._searched():
            self._confirming = self._confirming or self._confirmations()
            plan = next(self._confirming, None)
        if plan is None:
            return None
        self._journal.append(plan)
        return self._journal.state.trials[plan.key]

    def _next_search(self) -> Planned | None:
        for _ in range(len(self._rotation)):
            name = self._rotation[0]
            self._rotation.rotate(-1)
            search, recorded = self._searches[name], self._lookup(name)
            if search.next < self._plan.config.search.trials_per_arm and search.ready(recorded):
                index, params = search.ask(recorded)
                return search_trial(self._plan.config, self._arms[name], index, params)
        return None

    def _searched(self) -> bool:
        """Whether every search trial there is to be has ended."""
        if any(search.next < self._plan.config.search.trials_per_arm for search in self._searches.values()):
            return False
        return not any(key[0] == SEARCH for key in self._open)

    def _confirmations(self) -> Iterator[Planned]:
        chosen = [unconfirmed(self._plan, self._journal.state, arm) for arm in self._arms]
        for rank in itertools.zip_longest(*chosen):
            yield from (confirm_trial(self._plan.config, trial) for trial in rank if trial)

    def _lookup(self, arm: str) -> TrialLookup:
        goal, trials = self._plan.goal, self._journal.state.trials
        return lambda index: recorded_of(trials[SEARCH, arm, 0, index], goal)


def rebuilt(plan: StudyPlan, arm: Arm, state: StudyState) -> ArmSearch:
    """The arm's search as it was when the state was reached."""
    search, goal = plan.config.search, plan.goal
    found = [t for t in state.trials.values() if (t.phase, t.arm) == (SEARCH, arm.name)]
    known = {t.index: recorded_of(t, goal) for t in found if t.config.keys() == arm.space.keys() and not t.unplanned}
    return ArmSearch(
        arm.name,
        distributions(arm),
        goal,
        sampler=search.sampler,
        seed=search.seed,
        lag=search.lag,
        recorded=known,
    )


def recorded_of(trial: TrialState, goal: Goal) -> Recorded:
    """The part of a trial that its arm's search reads."""
    failed = trial.status == "failed" or not trial.scores
    return Recorded(trial.config, trial.status is not None, None if failed else medians(trial.scores, goal))
