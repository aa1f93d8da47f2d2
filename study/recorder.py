"""What Tune reports becomes ledger entries: results as they come, and one ending a trial.

The recorder is the only one that ends trials. A trial whose every replica diverged ended as `diverged`, one that its
scheduler stopped as `truncated`, one that raised twice as `failed` with its message; otherwise it `completed`.
Evaluations that the journal has already, from before a retry or a resume, are passed over.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.exceptions import RayTaskError
from ray.tune import Callback

from analysis.outcomes import judge
from study import checkpoint
from study.config import StudyConfig
from study.journal import Journal
from study.plan import goal_of
from study.progress import Progress
from study.score import replica_scores
from study.state import TrialState

LOGGER = logging.getLogger(__name__)
LONGEST_MESSAGE = 2000  # characters


class Recorder(Callback):
    """Writes what happens to trials into the journal, and lets the terminal follow."""

    def __init__(self, config: StudyConfig, journal: Journal, folder: Path, progress: Progress) -> None:
        """Record the study in `folder`."""
        self._goal, self._thresholds = goal_of(config), config.outcomes
        self._journal, self._folder, self._progress = journal, folder, progress

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles what it is given into a file that no one reads."""
        return {}

    def on_trial_result(
        self,
        iteration: int,  # noqa: ARG002
        trials: list[Any],  # noqa: ARG002
        trial: Any,
        result: dict[str, Any],
        **info: Any,  # noqa: ARG002
    ) -> None:
        """Append the new evaluations in one piece."""
        state = self._state(trial)
        rows = [row for row in json.loads(result["rows"]) if row["step"] > state.last_step]
        if rows:
            self._journal.append(*({"kind": "result", **_keys(state), "seeds": state.seeds, **row} for row in rows))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ARG002
        """Append the ending of a trial that finished or was stopped."""
        state = self._state(trial)
        last = state.results[state.last_step].columns
        finished = "completed" if trial.last_result["finished"] else "truncated"
        status = "diverged" if all(last["diverged"]) else finished
        self._end(state, status, None, replica_scores(last, self._goal))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ARG002
        """Append the ending of a trial that failed again after its retry."""
        state, message = self._state(trial), message_of(trial)
        LOGGER.warning("trial %s failed: %s", state.trial_id, message)
        self._keep_traceback(state, trial)
        self._end(state, "failed", message, [None] * len(state.seeds))

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:  # noqa: ARG002
        """Let the terminal follow."""
        self._progress.tick()

    def _end(self, state: TrialState, status: str, message: str | None, scores: list[Any]) -> None:
        outcomes = judge(state.curves(), status, self._thresholds).tolist()
        ending = {"status": status, "message": message, "outcomes": outcomes, "scores": scores}
        self._journal.append({"kind": "ended", **_keys(state), **ending})
        checkpoint.remove(self._folder / "trials" / state.trial_id)

    def _state(self, trial: Any) -> TrialState:
        keys = trial.config["phase"], trial.config["arm"], trial.config["index"]
        return self._journal.state.trials[keys]

    def _keep_traceback(self, state: TrialState, trial: Any) -> None:
        path = self._folder / "trials" / state.trial_id / "error.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(traceback_of(trial), encoding="utf-8")


def message_of(trial: Any) -> str:
    """Why a trial failed, in a line: the exception raised on the worker, or how the worker died."""
    error = None
    if trial.pickled_error_file:
        with suppress(Exception), open(trial.pickled_error_file, "rb") as file:  # whatever an exception is made of
            error = cloudpickle.load(file)
    if isinstance(error, RayTaskError):
        error = error.cause or error
    text = traceback_of(trial) if error is None else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:LONGEST_MESSAGE]


def traceback_of(trial: Any) -> str:
    """All that Tune wrote of a trial's failures, its retry's included; kept beside Tune's own state for now."""
    try:
        return Path(trial.error_file).read_text(encoding="utf-8")
    except (OSError, TypeError):
        return "no reason was given"


def _keys(state: TrialState) -> dict[str, Any]:
    return {"phase": state.phase, "arm": state.arm, "index": state.index, "trial_id": state.trial_id}
