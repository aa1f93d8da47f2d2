"""Writes what Tune reports into the ledger: results as they come, and one ending per trial.

The recorder is the only one that ends trials. A trial whose every replica diverged ended as `diverged`, one that its
scheduler stopped as `truncated`, one that raised again after its retries as `failed` with its message; otherwise it
`completed`. Evaluations that the journal has already, from before a retry or a resume, are skipped.

A worker lost between two trials fails the second one twice for Tune, which then gives it up at once: such a trial has
not ended, and is given out again. After `FAILURES` failed trials in a row the recorder stops the study, rather
than spend its budget.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.exceptions import RayActorError, RayTaskError
from ray.tune import Callback

from analysis.results.outcomes import judge
from study.atomic_write import atomic_write
from study.config.plan import StudyPlan
from study.execution import evaluations
from study.execution.interruption import Interruption
from study.execution.job import folder_of
from study.execution.keeping import best_of, superseded
from study.execution.trial import HANG
from study.ledger.entries import Ended, named
from study.ledger.journal import Journal
from study.ledger.state import TrialState
from study.progress.live import Progress
from study.search.packs import Pack
from study.search.scores import replica_scores
from study.search.searcher import StudySearcher
from study.search.unpickled import Unpickled
from study.storage import checkpoint, generators
from study.storage.mirror import bring
from study.storage.store import Store

LOGGER = logging.getLogger(__name__)
LESS = "fewer resources.workers take less at once"
LONGEST_MESSAGE = 2000  # characters
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # a terminal's, which Ray puts in
_FRAME = re.compile(r'^  File "[^"\n]*", line \d+.*\n(?: {4}.*\n)*', re.MULTILINE)
FAILURES = 5  # trials that fail in a row before the study stops: the cause is then their environment


class Recorder(Unpickled, Callback):
    """Writes what happens to trials into the journal, and lets the terminal follow."""

    def __init__(
        self,
        plan: StudyPlan,
        journal: Journal,
        folder: Path,
        store: Store,
        progress: Progress,
        interruption: Interruption,
        searcher: StudySearcher,
        stopped: Collection[str] = (),
    ) -> None:
        """Record the study in `folder`, whose trials keep their files in `store`; `searcher` gives trials out again,
        and `stopped` names those that a scheduler has stopped so far."""
        self._plan, self._goal, self._thresholds = plan, plan.goal, plan.config.outcomes
        self._journal, self._folder, self._store = journal, folder, store
        self._progress, self._interruption = progress, interruption
        self._searcher, self._stopped, self._failures = searcher, stopped, 0
        self._noted: set[str] = set()  # what workers told and the user has read

    def on_trial_result(
        self,
        iteration: int,  # noqa: ARG002
        trials: list[Any],  # noqa: ARG002
        trial: Any,
        result: dict[str, Any],
        **info: Any,  # noqa: ARG002
    ) -> None:
        """Append the new evaluations in one piece, and the endings of trials that finished."""
        states = {state.trial_id: state for state in self._open(trial)}
        for note in json.loads(result["notes"]):
            if note not in self._noted:
                self._noted.add(note)
                self._progress.say(f"note: {note}, first in trial {trial.config['trial_id']}")
        told = [(states[one["trial_id"]], one) for one in json.loads(result["reports"]) if one["trial_id"] in states]
        fresh = [
            (state, found)
            for state, report in told
            for found in evaluations.from_rows(report["rows"])
            if found.step > state.last_step
        ]
        if fresh:
            self._failures = 0
            self._fetch(found.pictures for _, found in fresh if found.pictures)
            ending = any(report["finished"] for _, report in told)  # an ending makes them durable with itself
            self._journal.append(*(found.entry(state) for state, found in fresh), durable=not ending)
        for state, report in told:
            if report["finished"]:
                self._finish(state, "completed")

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ARG002
        """Append the endings of trials that were stopped; the others of their pack go on."""
        left = self._open(trial)
        for state in left:
            if state.trial_id in self._stopped:
                self._finish(state, "truncated")
        if rest := tuple(state for state in left if state.status is None):
            self._searcher.again(rest)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ARG002
        """Have only those tried again that have not ended."""
        if left := self._open(trial):
            trial.set_config(self._searcher.configuration(left))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ARG002
        """Append the ending of a trial that failed again after its retries."""
        left = self._open(trial)
        lost = isinstance(error_of(trial), RayActorError)
        if lost and trial.should_recover():
            self._searcher.again(left)
        elif len(left) > 1:
            names = ", ".join(state.trial_id for state in left)
            self._progress.say(f"note: {names} failed together and are tried one by one: {message_of(trial)}")
            for state in left:
                self._searcher.again((state,))
        elif left:
            self._fail(left[0], trial, lost)

    def _fail(self, state: TrialState, trial: Any, lost: bool) -> None:
        message = (self._hung(state) if lost else None) or message_of(trial)
        self._keep_traceback(state, trial)
        self._end(state, "failed", message, [None] * len(state.seeds))
        self._failures += 1
        if self._failures >= FAILURES:
            self._interruption.request(
                f"{self._failures} trials failed one after the other, with no result between them, the last as"
                f" {message}; mend the cause, then `ganstudy resume {self._folder} --retry-failed`"
            )

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:  # noqa: ARG002
        """Let the terminal follow."""
        self._progress.tick()

    def _finish(self, state: TrialState, status: str) -> None:
        """Append the ending of a trial that finished or was stopped."""
        last = state.results[state.last_step]
        columns = {name: last.column(name, state.seeds) for name in last.columns}  # a damaged ledger may name others
        diverged = all(last.column("diverged", state.seeds))
        self._end(state, "diverged" if diverged else status, None, replica_scores(columns, self._goal))

    def _end(self, state: TrialState, status: str, message: str | None, scores: list[Any]) -> None:
        outcomes = judge(state.curves(), status, self._journal.state.real_scores, self._thresholds).tolist()
        verdict = {"status": status, "message": message, "outcomes": outcomes, "scores": scores}
        former = best_of(self._plan, self._journal.state, state)
        self._journal.append(Ended(**named(state.key), **verdict))
        with suppress(OSError):
            checkpoint.remove(self._store, folder_of(state.trial_id))
        with suppress(OSError):
            generators.remove(self._store, superseded(self._plan, self._journal.state, state, former))

    def _open(self, trial: Any) -> Pack:
        """The trials of a pack that have not ended."""
        states = (self._journal.state.trials[tuple(key)] for key in json.loads(trial.config["trials"]))
        return tuple(state for state in states if state.status is None)

    def _fetch(self, pictures: Iterable[str]) -> None:
        """Bring pictures to the study's folder, where MLflow and the report look for them."""
        for name in pictures:
            try:
                bring(self._store, self._folder, name)
            except OSError as error:
                LOGGER.warning("%s could not be fetched from %s: %s", name, self._store.place, error)

    def _hung(self, state: TrialState) -> str | None:
        """Why a trial failed if its last evaluation hung; its tracebacks are kept beside the error."""
        name = f"{folder_of(state.trial_id)}/{HANG}"
        try:
            bring(self._store, self._folder, name)
            found = self._store.read(name)
        except OSError:
            return None
        if found is None:
            return None
        return f"an evaluation took longer than resources.evaluation_limit; where it hung is in {name}"

    def _keep_traceback(self, state: TrialState, trial: Any) -> None:
        path = self._folder / folder_of(state.trial_id) / "error.txt"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, traceback_of(trial).encode())
        except OSError as error:
            LOGGER.warning("%s could not be written: %s", path, error)


def message_of(trial: Any) -> str:
    """Why a trial failed, in a line: the exception raised on the worker, or how the worker died."""
    error = error_of(trial)
    if isinstance(error, RayActorError):
        return _ended(error)
    text = traceback_of(trial) if error is None else f"{type(error).__name__}: {error}"
    printable = text.encode(errors="replace").decode()  # a path's name need not be Unicode
    return " ".join(printable.split())[:LONGEST_MESSAGE]


def _ended(error: RayActorError) -> str:
    """How a worker's process ended, from Ray's long message, all of which is in the trial's error.txt."""
    told = _COLOURS.sub("", str(error))
    account = " ".join(told.split())
    if "raised in its creation task" in account:
        raised = " ".join(_FRAME.split(told)[-1].split())
        return f"the worker could not be set up: {raised}"[:LONGEST_MESSAGE]
    if "low on memory" in account:
        return f"the worker was ended because its machine ran low on memory; {LESS}"
    if "node has died" in account or "node was terminated" in account:
        return "the machine that the worker ran on was lost"
    if left := re.search(r"exit code (-?\d+)", account):
        return f"the worker's process left with exit status {left[1]}"
    if "End of file" in account:
        return f"the worker's process was killed, as for want of memory ({LESS}), or crashed in a library's code"
    return f"{type(error).__name__}: {account}"[:LONGEST_MESSAGE]


def error_of(trial: Any) -> BaseException | None:
    """What ended a trial: the exception raised on the worker, Ray's own where the worker died, None if unknown."""
    error: Any = None
    if trial.pickled_error_file:
        with suppress(Exception), open(trial.pickled_error_file, "rb") as file:  # whatever an exception is made of
            error = cloudpickle.load(file)
    if isinstance(error, RayTaskError):
        error = error.cause or error
    return error if isinstance(error, BaseException) else None


def traceback_of(trial: Any) -> str:
    """All that Tune wrote of a trial's failures, its retry's included; kept beside Tune's own state for now."""
    try:
        return _COLOURS.sub("", Path(trial.error_file).read_text(encoding="utf-8"))
    except (OSError, TypeError):
        return "no reason was given"
