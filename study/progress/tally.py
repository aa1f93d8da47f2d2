"""How far a study has come, arm by arm and repeat by repeat: what the terminal and `status` show."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, fields

from analysis.wording import NOT_JUDGED
from study.config.plan import StudyPlan
from study.config.rounds import rounds
from study.config.seeds import confirm_seeds
from study.ledger.entries import CONFIRM, SEARCH, Key
from study.ledger.state import StudyState, TrialState
from study.search.extents import due, extents
from study.search.scores import beyond, medians
from study.search.trials import unconfirmed


@dataclass
class PhaseTally:
    """Trials in one phase; `under_way` are planned and not ended, `wanted` what the study asks for."""

    wanted: int = 0
    done: int = 0
    failed: int = 0
    under_way: int = 0

    def __add__(self, other: PhaseTally) -> PhaseTally:
        """Both together."""
        return PhaseTally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def planned(self) -> int:
        """The trials that were planned, whatever became of them."""
        return self.done + self.failed + self.under_way

    @property
    def missing(self) -> int:
        """The trials that are still to be planned."""
        return max(0, self.wanted - self.planned)


@dataclass
class ArmTally:
    """One search of an arm, or all of them: the phases, the outcomes of the replicas, and the best search trial.

    `best` is the median of the first metric over the replicas of `best_trial`; None while no trial has a finite score.
    `beyond` is by what share of its replicas too many diverged (`study.search.scores.beyond`): above 0 where no
    configuration is allowed yet, None while none has ended. `confirm_replicas` are those of a confirm trial of the
    newest round.
    """

    arm: str
    search: PhaseTally
    confirm: PhaseTally
    confirm_replicas: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    best: float | None = None
    best_trial: str | None = None
    beyond: float | None = None

    @property
    def diverged(self) -> float | None:
        """The share of ended replicas that diverged; None before any ended."""
        return self.outcomes["diverged"] / self.outcomes.total() if self.outcomes else None

    @property
    def phases(self) -> tuple[PhaseTally, PhaseTally]:
        """Search and confirm."""
        return self.search, self.confirm


class Tally:
    """The tallies by arm and repeat, repeats of an arm in order, kept up to date by `on_planned` and `on_ended`.

    `open` are the trials under way.
    """

    def __init__(self, plan: StudyPlan, state: StudyState) -> None:
        """Count what the state holds."""
        self._plan, self._state = plan, state
        self.searches: dict[tuple[str, int], ArmTally] = {}
        self._extend()
        self.open: dict[Key, TrialState] = {}
        for trial in state.trials.values():
            self.on_planned(trial)
            if trial.status is not None:
                self._end(trial)
        for arm, repeat in self.searches:
            self._settle(arm, repeat)

    def on_planned(self, trial: TrialState) -> None:
        """Count a trial that was planned; one that is under way is only planned again.

        One of which there are results but no plan will be planned again, where it is to be at all, and does not count.
        """
        if trial.unplanned and trial.status is None:
            return
        if (trial.arm, trial.repeat) in self.searches and trial.key not in self.open:
            self.open[trial.key] = trial
            self._phase(trial).under_way += 1

    def on_ended(self, trial: TrialState) -> None:
        """Count the ending of a planned trial."""
        if (trial.arm, trial.repeat) in self.searches:
            self._end(trial)
            self._settle(trial.arm, trial.repeat)

    def on_look(self) -> None:
        """Count what a look at the pairs of arms asks for."""
        self._extend()
        for arm, repeat in self.searches:
            self._settle(arm, repeat)

    def _end(self, trial: TrialState) -> None:
        if self.open.pop(trial.key, None) is None:
            return
        one, phase = self.searches[trial.arm, trial.repeat], self._phase(trial)
        phase.under_way -= 1
        one.outcomes.update(outcome or NOT_JUDGED for outcome in trial.outcomes)
        if trial.status == "failed":
            phase.failed += 1
            return
        phase.done += 1
        if trial.phase == SEARCH and trial.scores:
            goal = self._plan.goal
            self._compare(one, medians(trial.scores, goal)[0], trial.trial_id, beyond(trial.scores, goal))

    def _settle(self, arm: str, repeat: int) -> None:
        """What is to be confirmed is known once the search has ended."""
        one = self.searches[arm, repeat]
        if not one.search.missing and not one.search.under_way:
            chosen = unconfirmed(self._plan, self._state, arm, repeat)
            one.confirm.wanted = one.confirm.planned + len(chosen)

    def over_repeats(self) -> list[ArmTally]:
        """Each arm's repeats together."""
        found: dict[str, ArmTally] = {}
        for one in self.searches.values():
            whole = found.setdefault(one.arm, ArmTally(one.arm, PhaseTally(), PhaseTally()))
            whole.search, whole.confirm = whole.search + one.search, whole.confirm + one.confirm
            whole.outcomes.update(one.outcomes)
            if one.beyond is not None:
                self._compare(whole, one.best, one.best_trial, one.beyond)
        return list(found.values())

    @property
    def phases(self) -> list[PhaseTally]:
        """Both phases of every search."""
        return [phase for one in self.searches.values() for phase in one.phases]

    @property
    def left(self) -> int:
        """Trials that have not ended, of those that there are to be as far as is known."""
        return sum(phase.under_way + phase.missing for phase in self.phases)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: no trial, nor a look at the pairs of arms, which may ask for more."""
        return not self.left and not due(self._plan, self._state)

    def _extend(self) -> None:
        """Begin a tally for each repeat that an arm is to have, arms as planned."""
        config, sizes = self._plan.config, extents(self._plan, self._state)
        found = {}
        for arm, repeat in ((arm, repeat) for arm, size in sizes.items() for repeat in range(size.repeats)):
            trials, batches = config.search.trials_per_arm, rounds(config, sizes[arm].seeds)
            new = ArmTally(arm, PhaseTally(trials), PhaseTally(min(config.confirm.top, trials) * batches))
            found[arm, repeat] = self.searches.get((arm, repeat), new)
            found[arm, repeat].confirm_replicas = len(confirm_seeds(config, batches - 1))
        self.searches = found

    def _phase(self, trial: TrialState) -> PhaseTally:
        one = self.searches[trial.arm, trial.repeat]
        return one.confirm if trial.phase == CONFIRM else one.search

    def _compare(self, one: ArmTally, value: float | None, trial_id: str | None, over: float) -> None:
        if value is None or math.isinf(value):
            value, trial_id = None, None
        if one.beyond is None or (over, self._cost(value)) < (one.beyond, self._cost(one.best)):
            one.best, one.best_trial, one.beyond = value, trial_id, over

    def _cost(self, value: float | None) -> float:
        sign = 1 if self._plan.goal.modes[0] == "min" else -1
        return math.inf if value is None else sign * value
