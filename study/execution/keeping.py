"""Which kept generators are superseded: those of failed attempts, and under `keep: best` all but each search's best.

A search's best trial can only be replaced by a better one, as every trial's place among the others is fixed when it
ends. So generators can be removed at once when a trial ends, in whatever order trials end; a driver that is killed
before it does so leaves them to `sweep`.
"""

from __future__ import annotations

from study.config.plan import StudyPlan
from study.ledger.entries import SEARCH
from study.ledger.state import StudyState, TrialState
from study.search.trials import ranked
from study.storage import generators
from study.storage.store import Store


def best_of(plan: StudyPlan, state: StudyState, trial: TrialState) -> str | None:
    """The best trial that has ended of the search that a trial belongs to, where that is all that is kept of it."""
    if plan.config.keep.generators != "best" or trial.phase != SEARCH:
        return None
    return next((one.trial_id for one in ranked(plan, state, trial.arm, trial.repeat)), None)


def superseded(plan: StudyPlan, state: StudyState, trial: TrialState, former: str | None) -> list[str]:
    """Whose generators go now that a trial has ended; `former` was the best of its search before."""
    if trial.status == "failed":
        return [trial.trial_id]
    best = best_of(plan, state, trial)
    return [] if best is None else [one for one in (former, trial.trial_id) if one not in (None, best)]


def sweep(plan: StudyPlan, state: StudyState, store: Store) -> None:
    """Remove what an earlier driver, or an earlier `keep`, left of searches' trials that are not their best.

    Does nothing unless the study keeps each search's best. Raises `OSError` where the store does not answer.
    """
    if plan.config.keep.generators != "best":
        return
    there = generators.listed(store)
    ended = [trial for trial in state.trials.values() if trial.phase == SEARCH and trial.status is not None]
    gone = [trial for trial in ended if trial.trial_id in there and best_of(plan, state, trial) != trial.trial_id]
    generators.remove(store, (trial.trial_id for trial in gone))
