"""What each arm is to have confirmed, as far as is known: it follows from the ledger's looks (`study.search.looks`)."""

from __future__ import annotations

from study.config.plan import StudyPlan
from study.config.rounds import Extent, after, first
from study.ledger.state import StudyState


def extents(plan: StudyPlan, state: StudyState) -> dict[str, Extent]:
    """Of each arm, after all looks so far: those that a look left open go on, up to the limits."""
    sizes = {arm.name: first(plan.config) for arm in plan.arms}
    if plan.config.confirm.until and state.looks:
        last = state.looks[-1]
        sizes |= {arm: Extent(*size) for arm, size in last.extents.items() if arm in sizes}
        further = {arm: after(plan.config, sizes[arm], last.more_seeds) for arm in last.open if arm in sizes}
        sizes |= {arm: size for arm, size in further.items() if size is not None}
    return sizes


def due(plan: StudyPlan, state: StudyState) -> bool:
    """Whether the pairs of arms are to be looked at once every arm has its extent; False where they never are, and in
    the end."""
    if not plan.config.confirm.until:
        return False
    return not state.looks or extents(plan, state) != dict(state.looks[-1].extents)
