"""The rule by which a trial that is planned again continues or starts over."""

from __future__ import annotations

from collections.abc import Sequence

from study.ledger.entries import Planned


def begins_anew(
    plan: Planned, seeds: Sequence[int], same_spec: bool | None, ended: float | None, planned: float | None = None
) -> bool:
    """Whether a plan starts its trial over, so that former results no longer count.

    A trial continues if it has not ended and its seeds and spec are the same. A plan that is read twice, its line or
    segment being doubled, is still the one plan.

    Args:
        plan: of a trial already in the ledger.
        seeds: the trial's seeds so far; empty if no entry has given them.
        same_spec: whether the spec so far equals the plan's; None if no plan is known, its line being damaged. For a
            trial that ended, this plan may then be the missing one, in a segment out of order; it starts the trial over
            only if it is newer than the ending.
        ended: when the trial ended, unix seconds; None if it has not.
        planned: when its newest plan was made, unix seconds; None if no plan is known.
    """
    if same_spec and planned == plan.time and list(seeds) == plan.seeds:
        return False
    if seeds and list(seeds) != plan.seeds:
        return True
    if same_spec is None:
        return ended is not None and plan.time > ended
    return ended is not None or not same_spec
