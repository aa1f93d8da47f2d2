"""Early stopping, search by search: each search of an arm has its own ASHA, which compares its trials alone.

ASHA (Li et al. 2020) keeps, at each rung of evaluations, one trial in `reduction` of those that reached it. Confirm
trials are never stopped. The rungs are refilled from the ledger when a study is resumed. Where trials of a pack are
stopped Tune stops the pack, of which the recorder has the others given out again. As Tune asks its scheduler at
every step, and tells it of every ending, this is also where ended trials are forgotten (`study.search.forgetting`), and
where it learns how many idle workers to keep (`study.search.idle_workers`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

from study.config.plan import StudyPlan
from study.ledger.entries import SEARCH, Entry, Key, Planned, Result, trial_id_of
from study.search.forgetting import Ended
from study.search.idle_workers import keep
from study.search.scores import ordered, replica_scores, unmeasured
from study.search.unpickled import Unpickled


@dataclass(frozen=True)
class AshaTrial:
    """The part of a trial that ASHA reads: its name in the study, which is the same in every session."""

    trial_id: str


class StudyScheduler(Unpickled, FIFOScheduler):
    """First in, first out, with an ASHA for each search where the configuration says so; `past`: ledger entries.

    `workers` of them are kept while idle, where their number is known. `stopped` are the names of the trials that were
    stopped.
    """

    def __init__(self, plan: StudyPlan, past: Iterable[Entry] = (), workers: int | None = None) -> None:
        """Refill the rungs from the results among `past`."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._config, self._goal = plan.config, plan.goal
        self._searches: dict[tuple[str, int], ASHAScheduler] = {}
        self._ended = Ended()
        self._kept = workers  # until Tune was told
        self.stopped: set[str] = set()
        self._finished: set[str] = set()
        if self.stops:
            self._refill(past)

    @property
    def stops(self) -> bool:
        """Whether trials may be stopped early."""
        return self._config.scheduler.name == "asha"

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Tell the search's ASHA of a pack's trials, new or tried again."""
        if self._kept is not None:
            keep(tune_controller, trial, self._kept)
            self._kept = None
        if asha := self._asha(trial):
            for one in _asha_trials(trial):
                asha.on_trial_add(tune_controller, one)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether the pack goes on as it is: no, if one of its trials is to stop."""
        stops = False
        if asha := self._asha(trial):
            for report in json.loads(result["reports"]):
                stops |= self._stops(asha, tune_controller, report)
        return str(self.STOP if stops else self.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Keep the final results in the search's rungs."""
        self.on_trial_result(tune_controller, trial, result)
        self._ended.add(tune_controller, trial)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Nothing is kept of a trial that failed."""
        self._ended.add(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        """Remove a pack that never started."""
        if asha := self._asha(trial):
            for one in _asha_trials(trial):
                asha.on_trial_remove(tune_controller, one)

    def _stops(self, asha: ASHAScheduler, tune_controller: Any, report: dict[str, Any]) -> bool:
        """Whether a trial is to stop after a report; asked again, it says the same."""
        one: Any = AshaTrial(report["trial_id"])
        if one.trial_id in self.stopped or one.trial_id in self._finished:
            return one.trial_id in self.stopped
        if not report["finished"] and asha.on_trial_result(tune_controller, one, report) != self.STOP:
            return False
        asha.on_trial_complete(tune_controller, one, report)
        (self._finished if report["finished"] else self.stopped).add(one.trial_id)
        return not report["finished"]

    def choose_trial_to_run(self, tune_controller: Any) -> Any | None:
        """The pending trial; looks at live trials alone, whose number does not grow with the study."""
        self._ended.forget()
        return next((trial for trial in tune_controller.get_live_trials() if trial.status == "PENDING"), None)

    def debug_string(self) -> str:
        """The rungs of every search."""
        lines = [f"{arm}, repeat {repeat}: {asha.debug_string()}" for (arm, repeat), asha in self._searches.items()]
        return "\n".join(lines) or "first in, first out"

    def _asha(self, trial: Any) -> ASHAScheduler | None:
        phase, arm, repeat, *_ = _keys(trial)[0]
        return self._asha_of(phase, arm, repeat)

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
            score = ordered(replica_scores(entry.columns, self._goal), self._goal)
            evaluation = entry.step // intervals.get(entry.trial_id, self._interval(None))
            asha.on_trial_result(controller, trial, {"evaluation": evaluation, "score": score})

    def _interval(self, steps: Any) -> int:
        """Updates between two evaluations of a trial of so many; the study's where a plan does not say."""
        budget = self._config.budget
        known = isinstance(steps, int) and steps >= budget.evaluations
        return (steps if known else budget.steps) // budget.evaluations


def _asha_trials(trial: Any) -> list[Any]:
    return [AshaTrial(trial_id_of(*key)) for key in _keys(trial)]


def _keys(trial: Any) -> list[Key]:
    """The keys of the trials that a Tune trial stands for."""
    return [tuple(key) for key in json.loads(trial.config["trials"])]
