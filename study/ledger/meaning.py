"""Trials that an earlier version of ganstudy trained, under settings that have come to mean something else since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.ledger.state import StudyState
from trainables.changes import CHANGES, Change
from trainables.spec import Spec


def mixed(state: StudyState) -> str | None:
    """Why trials from now on would not be trained as those of the ledger were; None where they are.

    A trial was trained before a change of `trainables.changes` if the session that began it did not know it.
    """
    for change in CHANGES:
        before = (
            trial
            for trial in state.trials.values()
            if trial.changes is not None and change.name not in trial.changes and trial.status != "failed"
        )
        if touched := [trial.trial_id for trial in before if _touches(change, trial.spec)]:
            more = f" and {len(touched) - 1} more" if len(touched) > 1 else ""
            return (
                f"expected trials trained by the present meaning of their settings, got {touched[0]}{more} of an"
                f" earlier ganstudy, by which {change.before}; go on with the version that began the study, or start a"
                " new study with another --out"
            )
    return None


def _touches(change: Change, spec: Mapping[str, Any]) -> bool:
    try:
        return change.touches(Spec.from_dict(spec))
    except (ValueError, TypeError):  # none at all, its line being damaged, or one that this version does not train
        return False
