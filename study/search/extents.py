"""What each arm is to have confirmed, as far as is known: it follows from the ledger's looks (`study.search.looks`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from study.config.plan import StudyPlan
from study.config.rounds import Extent, after, first
from study.config.schema import StudyConfig
from study.ledger.entries import Look
from study.ledger.state import StudyState


def grown(config: StudyConfig, arms: Iterable[str], looks: Sequence[Look]) -> dict[str, Extent]:
    """Of each arm, after these looks: those that the last one left open go on, up to the limits."""
    sizes = {arm: first(config) for arm in arms}
    if config.confirm.until and looks:
        last = looks[-1]
        sizes |= {arm: Extent(*size) for arm, size in last.extents.items() if arm in sizes}
        further = {arm: after(config, sizes[arm], last.more_seeds) for arm in last.open if arm in sizes}
        sizes |= {arm: size for arm, size in further.items() if size is not None}
    return sizes


def extents(plan: StudyPlan, state: StudyState) -> dict[str, Extent]:
    """Of each arm, after all looks so far."""
    return grown(plan.config, (arm.name for arm in plan.arms), state.looks)


def due(plan: StudyPlan, state: StudyState) -> bool:
    """Whether the pairs of arms are to be looked at once every arm has its extent; False where they never are, and in
    the end."""
    if not plan.config.confirm.until:
        return False
    return not state.looks or extents(plan, state) != dict(state.looks[-1].extents)
