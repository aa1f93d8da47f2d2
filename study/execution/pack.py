"""A pack on a worker: the trials of one arm that train as one population, so many rows as they have replicas in all.

Whatever trial is furthest behind trains on, together with those at the same step. So trials of one pack begin together;
one that ends, of itself or because its every replica diverged, leaves the others; and where checkpoints of different
steps are resumed, those that are behind catch up first. A pack of one is the ordinary trial.

A replica's result does not depend on its company (`trainables.training`). An evaluation's time is shared evenly among
the trials that trained up to it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from study.execution.job import Job
from study.execution.trial import Trial
from study.execution.watchdog import time_limit
from trainables.data import DataSet
from trainables.metrics.evaluator import Evaluator
from trainables.states import joined, part
from trainables.training import Training


class Pack:
    """The trials of `jobs`, whose specs agree (`trainables.spec.shared`)."""

    def __init__(self, jobs: Sequence[Job], data: DataSet, evaluator: Evaluator) -> None:
        """Begin or resume every trial."""
        self.trials = [Trial(job, data, evaluator) for job in jobs]
        self._settings, self._data, self._evaluator = jobs[0], data, evaluator
        self._together: list[Trial] = []
        self._population: Training | None = None
        self._whole = True  # whether trainings are at their last evaluation; not while they are between two
        self._saved = time.monotonic()

    @property
    def done(self) -> bool:
        """Whether every trial's training has ended by itself."""
        return all(trial.done for trial in self.trials)

    def report(self) -> dict[str, Any]:
        """Train until there is something new to report; flat and small, for Tune.

        `reports` is a JSON list with `Trial.report` of every trial that has something new, `done` says whether all of
        them have ended by themselves, and `notes` is a JSON list of sentences for the user.
        """
        until = time.monotonic() + self._settings.report_seconds
        known = not self._news()  # else a checkpoint is ahead of the ledger: report that first
        while known and not self.done and (not self._news() or time.monotonic() < until):
            self._advance()
        new = [trial for trial in self.trials if trial.news or (trial.done and not trial.told)]
        slow = self._population.troubles if self._population else []
        return {
            "reports": json.dumps([trial.report() for trial in new]),
            "done": self.done,
            "notes": json.dumps([*self._evaluator.troubles(), *slow]),
        }

    def leave(self) -> None:
        """Called when the worker stops, or the pack goes on elsewhere without a trial that was stopped: save what
        unfinished trainings have done since their last checkpoint.

        After an exception between two evaluations nothing is saved, as the trainings are in no defined state.
        """
        if self._whole:
            for trial in self.trials:
                trial.save()
            self._saved = time.monotonic()

    def _news(self) -> bool:
        return any(trial.news for trial in self.trials)

    def _advance(self) -> None:
        """Train those that are furthest behind to their next evaluation."""
        population = self._furthest_behind()
        started, self._whole = time.monotonic(), False
        limit = self._settings.evaluation_limit
        with time_limit(None if limit is None else limit * len(self._together), self._hang):
            evaluation = population.advance()
        seconds = (time.monotonic() - started) / len(self._together)
        state, first = population.state_dict(), 0
        for trial in self._together:
            rows = slice(first, first := first + len(trial.job.seeds))
            if trial.training is not population:
                trial.training.load_state_dict(part(state, rows))
            trial.take(evaluation.of(rows), seconds)
        self._whole = True
        if time.monotonic() - self._saved >= self._settings.checkpoint_seconds:
            self.leave()

    def _furthest_behind(self) -> Training:
        """The population of the unfinished trials that have taken the fewest steps."""
        unfinished = [trial for trial in self.trials if not trial.done]
        least = min(trial.training.step for trial in unfinished)
        behind = [trial for trial in unfinished if trial.training.step == least]
        if behind != self._together or self._population is None:
            self._together, self._population = behind, None  # the former one's memory is free before the next is built
            self._population = self._joined(behind)
        return self._population

    def _joined(self, trials: Sequence[Trial]) -> Training:
        if len(trials) == 1:
            return trials[0].training
        specs = [trial.spec for trial in trials for _ in trial.job.seeds]
        seeds = [seed for trial in trials for seed in trial.job.seeds]
        population = Training(specs, seeds, self._settings.device, data=self._data, evaluator=self._evaluator)
        population.load_state_dict(joined([trial.training.state_dict() for trial in trials]))
        return population

    def _hang(self, traceback: str) -> None:
        for trial in self._together:
            trial.hang(traceback)
