"""The reference of a budget that is equal in samples or arithmetic: a trial that would take `budget.steps` updates.

It is the study's cheapest configuration, over all arms and the corners of their search spaces, with one critic step:
for samples the one with the smallest batch, for arithmetic the one with the smallest networks and, if there is one, no
penalty. So no trial at the corners takes more generator updates than `budget.steps`. What the reference spends in an
update is written into the configuration, so that it stays when the study is extended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from study.config.arms import Arm, corners, spec_for
from study.config.budget import UNITS, share_spent, spent_per_update
from study.config.dotted import root
from study.config.messages import ConfigError
from study.config.schema import StudyConfig
from study.config.sections import Budget
from trainables.spec import PER_REPLICA, Spec

ROUNDED = 0.05  # of the budget, by which a trial may miss it without a note


def settled_budget(config: StudyConfig, arms: tuple[Arm, ...]) -> Budget:
    """The budget with what a step of it is worth, `equal.per_step`, written out. Raises `ConfigError`."""
    budget, equal = config.budget, config.budget.equal
    if equal.name == "updates":
        if equal.per_step is not None:
            raise ConfigError(f"budget.equal.per_step: expected null where updates are equal, got {equal.per_step:g}")
        return budget
    if config.data["name"] == "dirac":
        raise ConfigError(f"budget.equal: expected updates with data dirac, which has no samples, got {equal.name}")
    if equal.per_step is not None:
        return budget
    single = (replace(spec, critic_steps=1) for arm in arms for spec in specs_at_corners(config, arm))
    least = min(filter(None, (spent_per_update(equal.name, spec) for spec in single)), default=None)
    if least is None:
        raise ConfigError(f"budget.equal: expected updates where no arm is trained, got {equal.name}")
    return budget.model_copy(update={"equal": equal.model_copy(update={"per_step": least})})


def specs_at_corners(config: StudyConfig, arm: Arm) -> Iterator[Spec]:
    """The specifications at the corners of an arm's search space, but for numbers that no update's cost depends on."""
    low = next(corners(arm.space))
    counted = {name: space for name, space in arm.space.items() if root(name) not in PER_REPLICA}
    return (spec_for(config, arm, {**low, **values}) for values in corners(counted))


def unequal(config: StudyConfig, arms: tuple[Arm, ...]) -> str:
    """How far trials miss the budget by rounding to whole evaluations, in a sentence; empty if hardly."""
    budget, equal = config.budget, config.budget.equal
    if equal.name == "updates":
        return ""
    shares = [share for arm in arms for spec in specs_at_corners(config, arm) if (share := share_spent(budget, spec))]
    low, high = min(shares, default=1.0), max(shares, default=1.0)
    if max(1 - low, high - 1) <= ROUNDED:
        return ""
    return (
        f"budget.equal: trials spend {low:.0%} to {high:.0%} of the {UNITS[equal.name]}, as each takes a multiple of"
        f" budget.evaluations = {budget.evaluations} updates; more steps or fewer evaluations bring them closer"
    )
