"""Tune lets go of trials that have ended.

Tune keeps every trial that it ever ran, with its configuration, last result and running averages of each number in it:
about 30 KiB a trial (ray#64231), and goes through all of them at the end. A study needs none of it, as the ledger is
its account. Ray has no public way to drop a trial, so `forget` reaches for the collections of Tune's controller; one
that a version of Ray does not have, or that is of another kind, is left alone, which costs memory and nothing else.
"""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence, MutableSet
from importlib import import_module
from typing import Any

from ray.tune import Callback

from study.search.unpickled import Unpickled

OF_TRIALS = ("_trials", "_live_trials", "_stopped_trials", "_failed_trials", "_trials_to_cache")
BY_ID = ("_trial_metadata",)


def forget(controller: Any, trial: Any) -> None:
    """Remove a trial that has ended from a `TuneController`; one that it does not hold is no error."""
    for name in OF_TRIALS:
        held = getattr(controller, name, None)
        if isinstance(held, MutableSet):
            held.discard(trial)
        elif isinstance(held, MutableSequence) and trial in held:
            held.remove(trial)
    for name in BY_ID:
        held = getattr(controller, name, None)
        if isinstance(held, MutableMapping):
            held.pop(trial.trial_id, None)


class Ended:
    """Trials whose endings Tune is dealing with; they are forgotten once it has."""

    def __init__(self) -> None:
        """None yet."""
        self._waiting: list[tuple[Any, Any]] = []

    def add(self, controller: Any, trial: Any) -> None:
        """A trial is ending."""
        self._waiting.append((controller, trial))

    def forget(self) -> None:
        """Let go of those that have ended by now."""
        waiting, self._waiting = self._waiting, []
        for controller, trial in waiting:
            if trial.is_finished():
                forget(controller, trial)
            else:
                self._waiting.append((controller, trial))


def silent() -> list[Callback]:
    """What takes the place of the callback by which Tune itself would tell of trials: that one keeps all of them.

    Tune adds its own unless it is given one of that class; empty where this version of Ray has no such class.
    """
    try:
        base = import_module("ray.tune.progress_reporter").TrialProgressCallback
    except (ImportError, AttributeError):
        return []

    def nothing(*_: Any, **__: Any) -> None:
        """Keep nothing of a trial."""

    names = ("on_trial_result", "on_trial_error", "on_trial_complete")
    return [type("Silent", (Unpickled, base), dict.fromkeys(names, nothing))()]
