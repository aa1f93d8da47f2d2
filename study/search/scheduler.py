"""Early stopping, search by search: each search of an arm has its own ASHA, which compares its trials alone.

ASHA (Li et al. 2020) keeps, at each rung of evaluations, one trial in `reduction` of those that reached it. Confirm
trials are never stopped. The rungs are refilled from the ledger when a study is resumed. As Tune asks its scheduler at
every step, and tells it of every ending, this is also where ended trials are forgotten (`study.search.forgetting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

from study.config.plan import StudyPlan
from study.ledger.entries import SEARCH, Entry, Planned, Result
from study.search.forgetting import Ended
from study.search.scores import finite, medians, replica_scores, unmeasured
from study.search.unpickled import Unpickled


@dataclass(frozen=True)
class AshaTrial:
    """The part of a trial that ASHA reads: its name in the study, which is the same in every session."""

    trial_id: str


class StudyScheduler(Unpickled, FIFOScheduler):
    """First in, first out, with an ASHA for each search where the configuration says so; `past`: ledger entries."""

    def __init__(self, plan: StudyPlan, past: Iterable[Entry] = ()) -> None:
        """Refill the rungs from the results among `past`."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._config, self._goal = plan.config, plan.goal
        self._searches: dict[tuple[str, int], ASHAScheduler] = {}
        self._ended = Ended()
        if self.stops:
            self._refill(past)

    @property
    def stops(self) -> bool:
        """Whether trials may be stopped early."""
        return self._config.scheduler.name == "asha"

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Tell the search's ASHA of a trial, new or tried again."""
        if asha := self._asha(trial.config):
            asha.on_trial_add(tune_controller, _asha_trial(trial))

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether the trial goes on."""
        if asha := self._asha(trial.config):
            return str(asha.on_trial_result(tune_controller, _asha_trial(trial), result))
        return self.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Keep the final result in the search's rungs."""
        if asha := self._asha(trial.config):
            asha.on_trial_complete(tune_controller, _asha_trial(trial), result)
        self._ended.add(tune_controller, trial)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Nothing is kept of a trial that failed."""
        self._ended.add(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        """Remove a trial that never started."""
        if asha := self._asha(trial.config):
            asha.on_trial_remove(tune_controller, _asha_trial(trial))

    def choose_trial_to_run(self, tune_controller: Any) -> Any | None:
        """The pending trial; looks at live trials alone, whose number does not grow with the study."""
        self._ended.forget()
        return next((trial for trial in tune_controller.get_live_trials() if trial.status == "PENDING"), None)

    def debug_string(self) -> str:
        """The rungs of every search."""
        lines = [f"{arm}, repeat {repeat}: {asha.debug_string()}" for (arm, repeat), asha in self._searches.items()]
        return "\n".join(lines) or "first in, first out"

    def _asha(self, trial: Mapping[str, Any]) -> ASHAScheduler | None:
        return self._asha_of(trial["phase"], trial["arm"], trial["repeat"])

    def _asha_of(self, phase: str, arm: str, repeat: int) -> ASHAScheduler | None:
        if not self.stops or phase != SEARCH:
            return None
        if (arm, repeat) not in self._searches:
            self._searches[arm, repeat] = ASHAScheduler(
                time_attr="evaluation",
                metric="score",
                mode=self._goal.modes[0],
                max_t=self._config.budget.evaluations + 1,
                grace_period=self._config.scheduler.grace,
                reduction_factor=self._config.scheduler.reduction,
            )
        return self._searches[arm, repeat]

    def _refill(self, past: Iterable[Entry]) -> None:
        seen = set()
        intervals: dict[str, int] = {}  # updates between two evaluations of a trial
        for entry in past:
            if isinstance(entry, Planned):
                intervals[entry.trial_id] = self._interval(entry.spec.get("steps"))
            asha = self._asha_of(entry.phase, entry.arm, entry.repeat) if isinstance(entry, Result) else None
            if asha is None or not isinstance(entry, Result) or unmeasured(entry.columns, self._goal):
                continue
            trial: Any = AshaTrial(entry.trial_id)
            controller: Any = None
            if trial.trial_id not in seen:
                asha.on_trial_add(controller, trial)
                seen.add(trial.trial_id)
            score = finite(medians(replica_scores(entry.columns, self._goal), self._goal)[0])
            evaluation = entry.step // intervals.get(entry.trial_id, self._interval(None))
            asha.on_trial_result(controller, trial, {"evaluation": evaluation, "score": score})

    def _interval(self, steps: Any) -> int:
        """Updates between two evaluations of a trial of so many; the study's where a plan does not say."""
        budget = self._config.budget
        known = isinstance(steps, int) and steps >= budget.evaluations
        return (steps if known else budget.steps) // budget.evaluations


def _asha_trial(trial: Any) -> Any:
    return AshaTrial(trial.config["trial_id"])
