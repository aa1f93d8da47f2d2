"""What a ledger should hold of a trial and does not: a line that is gone without a trace leaves a gap where it stood.

Evaluations are at the multiples of one interval, so a result that is not there is missed as soon as a later one is, or
as its trial has run to its end. The last result of a trial that diverged or was stopped is not missed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from study.ledger.entries import Json

MOST = 1000  # steps of one trial that are listed
NAMED = 5  # of them in one sentence


def lost_steps(spec: Json, steps: Collection[int], status: str | None) -> list[int]:
    """The first steps of evaluations that should be among a trial's `steps` and are not; [] where its plan is unknown.

    `status` is how it ended, None if it has not.
    """
    whole, evaluations = spec.get("steps"), spec.get("evaluations")
    if not (isinstance(whole, int) and isinstance(evaluations, int) and 0 < evaluations <= whole):
        return []
    interval, end = whole // evaluations, whole if status == "completed" else max(steps, default=0)
    return [*islice((step for step in range(interval, end + 1, interval) if step not in steps), MOST)]


def sentence(trial_id: str, lost: Sequence[int], unplanned: bool) -> str:
    """What is not there of a trial; empty where nothing is missed."""
    if unplanned:
        return f"{trial_id}: its plan is not in the ledger"
    if not lost:
        return ""
    few = ", ".join(map(str, lost[:NAMED]))
    more = f" and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
    steps = "step" if len(lost) == 1 else "steps"
    return f"{trial_id}: what was measured at {steps} {few}{more} is not in the ledger"
