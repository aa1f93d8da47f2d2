from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.ledger.entries import Planned, Result
from study.ledger.state import TrialState
from study.record.spending import spent
from study.search.trials import search_trial
from trainables import cost
from trainables.spec import Spec

Build = Callable[..., StudyPlan]
RESOURCES = {"resources": {"cpu": 2.0}}


def trained(planned: Planned, step: int) -> TrialState:
    trial = TrialState.of(planned)
    trial.apply(planned)
    keys: dict[str, Any] = {"phase": planned.phase, "arm": planned.arm, "index": planned.index}
    trial.apply(Result(**keys, seeds=planned.seeds, step=step, wall_time=1.5, columns={}))
    return trial


def test_a_trial_has_spent_its_steps_times_what_each_spends(tiny: Build) -> None:
    plan = tiny()
    planned = search_trial(plan.config, plan.arms[0], 0, {"generator_lr": 1e-3, "critic_steps": 2})
    assert spent(trained(planned, 15), RESOURCES) == {
        "critic_updates": 30,
        "real_samples": 30 * 16,
        "operations": 15 * cost.operations(Spec.from_dict(planned.spec)),
        "core_seconds": 3.0,
    }


@pytest.mark.parametrize(
    "setting", [{"penalty": [{"name": "r1", "weight": 1.0, "every": 5}]}, {"lookahead": 5}], ids=["lazy", "lookahead"]
)
def test_what_acts_once_in_several_steps_has_spent_something_too(tiny: Build, setting: dict[str, Any]) -> None:
    plan = tiny()
    planned = search_trial(plan.config, plan.arms[0], 0, {"generator_lr": 1e-3, "critic_steps": 1})
    own = replace(planned, spec={**planned.spec, **setting})
    found = spent(trained(own, 15), RESOURCES)
    assert found["critic_updates"] == 15
    assert found["operations"] == 15 * cost.operations(Spec.from_dict(own.spec))


def test_before_its_first_evaluation_it_has_spent_nothing(tiny: Build) -> None:
    plan = tiny()
    planned = search_trial(plan.config, plan.arms[0], 0, {"generator_lr": 1e-3, "critic_steps": 2})
    trial = TrialState.of(planned)
    trial.apply(planned)
    assert set(spent(trial, {}).values()) == {0}


@pytest.mark.parametrize(
    "spec", [{}, {"data": "ring"}, {"data": {"name": "ring"}, "batch_size": 8, "unheard": 1}, {"data": []}]
)
def test_what_a_plan_does_not_say_is_null(spec: dict[str, Any]) -> None:
    planned = Planned(phase="search", arm="hinge", index=0, config={}, spec=spec, seeds=[0])
    found = spent(trained(planned, 10), {"resources": {"cpu": 2.0}})
    assert found == {**dict.fromkeys(["critic_updates", "real_samples", "operations"]), "core_seconds": 3.0}


def test_operations_of_own_networks_are_null_where_they_may_not_be_imported(tiny: Build) -> None:
    plan = tiny()
    planned = search_trial(plan.config, plan.arms[0], 0, {"generator_lr": 1e-3, "critic_steps": 2})
    own = replace(planned, spec={**planned.spec, "generator": {"module": "their_networks:Generator"}})
    assert spent(trained(own, 15), RESOURCES) == {**spent(trained(planned, 15), RESOURCES), "operations": None}
