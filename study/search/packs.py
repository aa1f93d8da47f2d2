"""Packs: the trials that are given to one worker and train as one population.

Of a search they are those of as many indices in a row as `study.config.packs` says, whose specs agree
(`trainables.spec.shared`); of trials whose specs do not, each group that agrees is a pack. A confirm trial, whose
replicas are a population by themselves, is a pack of its own. So a pack follows from the arm and the indices, whatever
the workers, their number and timing; of one that was interrupted, the unfinished trials are what is left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from study.config.plan import StudyPlan
from study.ledger.entries import CONFIRM
from study.ledger.state import TrialState
from trainables.spec import shared

Pack = tuple[TrialState, ...]


def packs(plan: StudyPlan, trials: Iterable[TrialState]) -> list[Pack]:
    """Planned trials as packs, in the order of their first ones."""
    found: dict[tuple[object, ...], list[TrialState]] = {}
    for trial in trials:
        place: tuple[object, ...] = trial.key
        if trial.phase != CONFIRM:
            shape = json.dumps(shared(trial.spec), sort_keys=True)
            place = (*trial.key[:3], trial.index // plan.packs.get(trial.arm, 1), shape)
        found.setdefault(place, []).append(trial)
    return [tuple(pack) for pack in found.values()]
