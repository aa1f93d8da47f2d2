"""Tune keeps its workers while they have nothing to do for a moment.

A worker takes 3.5 seconds of processor to start. Tune keeps one that no trial waits for and ends the others, as at the
end of a repeat, where results are awaited before anything more can be given out; soon after it starts them again. Ray
has no public setting for how many it keeps, so `keep` raises it in the cache of Tune's controller; a version of Ray
that has none, or one of another kind, is left alone, which costs time and nothing else.
"""

from __future__ import annotations

from typing import Any


def keep(controller: Any, trial: Any, workers: int) -> None:
    """Let a `TuneController` keep so many idle workers of the size that a trial of its asks for, until its end."""
    raise_most = getattr(getattr(controller, "_actor_cache", None), "increase_max", None)
    if callable(raise_most):
        raise_most(trial.placement_group_factory, workers)
