from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from study.config.arms import corners, spec_for
from study.config.extension import check_extension
from study.config.loading import build
from study.config.messages import ConfigError
from study.config.notes import notes
from study.config.plan import StudyPlan
from study.config.reference import unequal
from trainables import cost
from trainables.spec import Spec

Build = Callable[..., StudyPlan]
BUDGET = {"steps": 1000, "evaluations": 20}


def specs(plan: StudyPlan) -> list[Spec]:
    """Those of all corners of all arms, each once."""
    found = [spec_for(plan.config, arm, values) for arm in plan.arms for values in corners(arm.space)]
    return [spec for place, spec in enumerate(found) if spec not in found[:place]]


def test_every_trial_sees_as_many_samples_as_the_reference(least: Build) -> None:
    nuisance = {"critic_steps": {"choice": [5, 2, 1]}}
    plan = least(budget={**BUDGET, "batch_size": 64, "equal": "samples"}, nuisance=nuisance)
    assert plan.config.budget.equal.per_step == 64.0
    assert {spec.critic_steps: spec.steps for spec in specs(plan)} == {1: 1000, 2: 500, 5: 200}


def test_the_reference_takes_one_critic_step_though_no_trial_does(least: Build) -> None:
    plan = least(budget={**BUDGET, "batch_size": 64, "equal": "samples"}, fixed={"critic_steps": 5})
    assert [spec.steps for spec in specs(plan)] == [200]


def test_of_several_batch_sizes_the_smallest_is_the_references(least: Build) -> None:
    plan = least(budget={**BUDGET, "equal": "samples"}, scientific={"batch_size": [256, 32, 64]})
    assert plan.config.budget.equal.per_step == 32.0
    assert [spec.steps for spec in specs(plan)] == [120, 1000, 500]  # 125 is no multiple of 20


def test_the_cheapest_networks_and_no_penalty_are_the_references(least: Build) -> None:
    plan = least(
        budget={**BUDGET, "batch_size": 64, "equal": "arithmetic"},
        scientific={"penalty": ["r1", "none"], "critic": [{"hidden": [64]}, {"hidden": [16]}]},
        nuisance={"critic_steps": {"choice": [1, 3]}},
        fixed={"generator": {"hidden": [8]}},
    )
    found = specs(plan)
    most = max(found, key=lambda spec: spec.steps)
    assert (most.steps, most.penalty["name"], most.critic["hidden"], most.critic_steps) == (1000, "none", [16], 1)
    whole = 1000 * cost.operations(most)
    for spec in found:  # half an interval of 20 evaluations is what rounding may add or take
        assert abs(spec.steps * cost.operations(spec) - whole) <= 10 * cost.operations(spec)


def test_what_is_settled_is_written_out_and_read_back(least: Build) -> None:
    plan = least(budget={**BUDGET, "batch_size": 64, "equal": "samples"})
    written = plan.config.resolved()
    assert written["budget"]["equal"] == {"name": "samples", "per_step": 64.0}
    assert build(written) == plan


def test_the_reference_stays_when_the_study_is_extended(least: Build) -> None:
    plan = least(budget={**BUDGET, "equal": "samples"}, scientific={"batch_size": [64, 128]})
    extended = plan.config.resolved()
    extended["scientific"]["batch_size"] = [16, 64, 128]
    check_extension(plan, build(extended), confirmed=True)
    assert [spec.steps for spec in specs(build(extended))] == [4000, 1000, 500]


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("updates", "samples", "budget.equal.name: expected 'updates', as finished trials were run with it"),
        ("samples", {"name": "samples", "per_step": 9.0}, "budget.equal.per_step: expected 8.0, as finished trials"),
    ],
)
def test_what_is_equal_does_not_change_under_finished_trials(least: Build, was: Any, now: Any, message: str) -> None:
    old, new = (least(budget={**BUDGET, "batch_size": 8, "equal": equal}) for equal in (was, now))
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_extension(old, new, confirmed=False)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"budget": {**BUDGET, "batch_size": 8, "equal": {"name": "updates", "per_step": 2.0}}},
            "budget.equal.per_step: expected null where updates are equal, got 2",
        ),
        (
            {
                "data": {"name": "dirac"},
                "fixed": {"model": "dirac"},
                "budget": {**BUDGET, "batch_size": 8, "equal": "samples"},
            },
            "budget.equal: expected updates with data dirac, which has no samples, got samples",
        ),
        (
            {"fixed": {"model": "oracle"}, "budget": {**BUDGET, "batch_size": 8, "equal": "arithmetic"}},
            "budget.equal: expected updates where no arm is trained, got arithmetic",
        ),
        (
            {"budget": {"steps": 10, "evaluations": 3, "batch_size": 8, "equal": "samples"}},
            "budget.evaluations: expected a divisor of steps = 10, got 3",
        ),
    ],
)
def test_budgets_that_make_no_sense_are_refused(least: Build, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        least(**sections)


def test_a_budget_missed_by_rounding_is_noted(least: Build) -> None:
    steps = {"critic_steps": {"choice": [1, 7]}}
    few = least(budget={"steps": 40, "evaluations": 20, "batch_size": 8, "equal": "samples"}, nuisance=steps)
    many = least(budget={"steps": 4000, "evaluations": 20, "batch_size": 8, "equal": "samples"}, nuisance=steps)
    note = "budget.equal: trials spend 100% to 350% of the real samples, as each takes a multiple of"
    assert unequal(few.config, few.arms).startswith(note)
    assert unequal(few.config, few.arms) in notes(few)
    assert unequal(many.config, many.arms) == ""
    same = least(budget={"steps": 40, "evaluations": 20, "batch_size": 8}, nuisance=steps)
    assert unequal(same.config, same.arms) == ""
