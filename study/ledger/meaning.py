"""Trials that an earlier version of ganstudy trained, under settings that have come to mean something else since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.ledger.state import StudyState, TrialState
from trainables.changes import CHANGES, Change
from trainables.spec import Spec


def mixed(state: StudyState) -> str | None:
    """Why trials from now on would not be trained as those of the ledger were; None where they are."""
    for change in CHANGES:
        before = (trial for trial in state.trials.values() if _since(change, trial) is False)
        if touched := [trial.trial_id for trial in before if _touches(change, trial.spec)]:
            more = f" and {len(touched) - 1} more" if len(touched) > 1 else ""
            return (
                f"expected trials trained by the present meaning of their settings, got {touched[0]}{more} of an"
                f" earlier ganstudy, by which {change.before}; go on with the version that began the study, or start a"
                " new study with another --out"
            )
    return None


def trained_since(trial: TrialState) -> dict[str, bool]:
    """Of the changes that touch a trial, by their names, whether it was trained since; where unknown, it is none."""
    known = {change: _since(change, trial) for change in CHANGES}
    return {change.name: since for change, since in known.items() if since is not None and _touches(change, trial.spec)}


def _since(change: Change, trial: TrialState) -> bool | None:
    """Whether the session that began a trial knew a change; None of one that failed, and if the session is unknown."""
    return None if trial.changes is None or trial.status == "failed" else change.name in trial.changes


def _touches(change: Change, spec: Mapping[str, Any]) -> bool:
    try:
        return change.touches(Spec.from_dict(spec))
    except (ValueError, TypeError):  # none at all, its line being damaged, or one that this version does not train
        return False
