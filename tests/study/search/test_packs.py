"""Which planned trials train together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from study.config.plan import StudyPlan
from study.ledger.journal import Journal
from study.ledger.state import TrialState
from study.search.packs import packs
from study.search.trials import confirm_trial, search_trial

Build = Callable[..., StudyPlan]


def planned(plan: StudyPlan, journal: Journal, arm: int, *draws: dict[str, Any], repeat: int = 0) -> list[TrialState]:
    entries = [search_trial(plan.config, plan.arms[arm], index, draw, repeat) for index, draw in enumerate(draws)]
    journal.append(*entries)
    return [journal.state.trials[entry.key] for entry in entries]


def draw(rate: float, critic_steps: int = 1) -> dict[str, Any]:
    return {"generator_lr": rate, "critic_steps": critic_steps}


def test_trials_of_a_row_of_indices_train_together(tiny: Build, journal: Journal) -> None:
    plan = tiny(resources={"pack": 2})
    trials = planned(plan, journal, 0, *(draw(1e-3 * (1 + index)) for index in range(5)))
    assert [[one.index for one in pack] for pack in packs(plan, trials)] == [[0, 1], [2, 3], [4]]
    assert [[one.index for one in pack] for pack in packs(plan, trials[1:4])] == [[1], [2, 3]]  # the unfinished ones


def test_trials_of_unequal_shapes_train_apart(tiny: Build, journal: Journal) -> None:
    plan = tiny(resources={"pack": 4})
    trials = planned(plan, journal, 0, draw(1e-3, 1), draw(2e-3, 2), draw(3e-3, 1), draw(4e-3, 2))
    assert [[one.index for one in pack] for pack in packs(plan, trials)] == [[0, 2], [1, 3]]


def test_arms_repeats_and_confirmations_train_apart(tiny: Build, journal: Journal) -> None:
    plan = tiny(resources={"pack": 8}, confirm={"top": 2, "replicas": 2})
    groups = [planned(plan, journal, arm, draw(1e-3), draw(2e-3), repeat=repeat) for arm in (0, 1) for repeat in (0, 1)]
    confirmed = [confirm_trial(plan.config, trial) for trial in groups[0]]
    journal.append(*confirmed)
    again = [journal.state.trials[entry.key] for entry in confirmed]
    every = [trial for group in groups for trial in group] + again
    assert [*map(list, packs(plan, every))] == [*groups, [again[0]], [again[1]]]


def test_by_default_every_trial_is_alone(tiny: Build, journal: Journal) -> None:
    plan = tiny()
    trials = planned(plan, journal, 0, draw(1e-3), draw(2e-3))
    assert packs(plan, trials) == [(trials[0],), (trials[1],)]
