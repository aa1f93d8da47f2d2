from __future__ import annotations

from typing import Any

import pytest

from study.config.budget import share_spent, spent_per_update, within
from study.config.messages import ConfigError
from study.config.sections import Budget, Equal
from trainables.spec import Spec

SMALL = {"generator": {"hidden": [8]}, "critic": {"hidden": [16]}, "latent_dim": 3}
G, D = 2 * (3 * 8 + 8 * 2), 2 * (2 * 16 + 16)  # operations of the two networks' forward passes


def spec(**changes: Any) -> Spec:
    return Spec(**{"data": "ring", "steps": 1000, "evaluations": 20, "batch_size": 64, **SMALL, **changes})


def budget(name: Any, per_step: float | None = None, **changes: Any) -> Budget:
    return Budget(**{"steps": 1000, "equal": Equal(name=name, per_step=per_step), **changes})


@pytest.mark.parametrize("changes", [{}, {"critic_steps": 5}, {"model": "vae"}, {"penalty": "r1"}])
def test_where_updates_are_equal_a_trial_is_left_as_it_is(changes: dict[str, Any]) -> None:
    one = spec(**changes)
    assert within(budget("updates"), one) is one
    assert share_spent(budget("updates"), one) == 1.0


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, 1000),
        ({"critic_steps": 5}, 200),
        ({"batch_size": 128}, 500),
        ({"batch_size": 128, "critic_steps": 5}, 100),
        ({"updates": "extragradient"}, 500),
        ({"model": "vae"}, 1000),
        ({"model": "oracle"}, 1000),
    ],
)
def test_where_samples_are_equal_every_trial_sees_as_many(changes: dict[str, Any], steps: int) -> None:
    found = within(budget("samples", 64.0), spec(**changes))
    assert (found.steps, found.evaluations) == (steps, 20)
    assert share_spent(budget("samples", 64.0), found) == (1.0 if found.model != "oracle" else 0.0)


def test_steps_are_a_multiple_of_the_evaluations_and_one_for_each_at_least() -> None:
    whole = budget("samples", 64.0)
    assert within(whole, spec(critic_steps=3)).steps == 340  # 333.3
    assert share_spent(whole, within(whole, spec(critic_steps=3))) == pytest.approx(1.02)
    assert within(whole, spec(critic_steps=500)).steps == 20
    assert within(whole, spec(critic_steps=500)).interval == 1


def test_where_arithmetic_is_equal_a_penalty_costs_updates() -> None:
    plain, penalised = (6 * D + G) + 3 * G + 2 * D, (12 * D + G) + 3 * G + 2 * D
    assert spent_per_update("arithmetic", spec()) == 64 * plain
    whole = budget("arithmetic", 64.0 * plain)
    assert within(whole, spec()).steps == 1000
    found = within(whole, spec(penalty="r1"))
    assert found.steps == round(1000 * plain / penalised / 20) * 20
    assert share_spent(whole, found) == pytest.approx(1.0, abs=10 / found.steps)


def test_a_budget_that_is_not_settled_changes_nothing() -> None:
    one = spec(critic_steps=5)
    assert within(budget("samples"), one) is one


def test_steps_may_not_follow_from_the_operations_of_own_networks() -> None:
    own = spec(critic={"module": "my_networks:Critic"})
    assert within(budget("samples", 100.0), own).steps > 0
    with pytest.raises(ConfigError, match=r"budget.equal: expected updates or samples with .*'my_networks:Critic'"):
        within(budget("arithmetic", 1e6), own)
