from __future__ import annotations

import math
import re
from copy import deepcopy
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from study.config.arms import Arm, arms_of, constants_of, corners, distributions, networks_of, spec_for
from study.config.loading import build
from study.config.messages import ConfigError
from study.config.schema import StudyConfig
from study.config.spaces import Space
from trainables import data

CLIP = {"name": "clip", "bound": {"log_uniform": [1e-3, 1]}}


def study(**sections: Any) -> StudyConfig:
    values = {"study": "s", "data": "ring", "budget": {"steps": 20, "evaluations": 2, "batch_size": 8}, **sections}
    return build(deepcopy(values))


def test_every_combination_is_an_arm_the_last_list_turning_fastest() -> None:
    config = study(scientific={"objective": ["minimax", "hinge"], "penalty": ["none", {"name": "r1", "weight": 1.0}]})
    assert [arm.name for arm in arms_of(config)] == ["minimax-none", "minimax-r1_1", "hinge-none", "hinge-r1_1"]
    assert arms_of(config)[1].choices == {"objective": "minimax", "penalty": {"name": "r1", "weight": 1.0}}


def test_names_stay_when_the_lists_grow_or_turn() -> None:
    small = study(scientific={"objective": ["minimax", "hinge"], "critic_steps": [1]})
    large = study(scientific={"objective": ["wasserstein", "hinge", "minimax"], "critic_steps": [5, 1]})
    before, after = ({arm.name: arm for arm in arms_of(config)} for config in (small, large))
    assert len(after) == 6
    assert all(after[name] == arm for name, arm in before.items())
    assert set(before) == {"minimax-critic_steps=1", "hinge-critic_steps=1"}


def test_a_study_without_scientific_choices_is_a_single_arm() -> None:
    assert arms_of(study()) == (Arm("single", {}, {}),)


def test_a_choice_brings_a_space_of_its_own() -> None:
    config = study(scientific={"penalty": ["none", CLIP]}, nuisance={"generator_lr": {"log_uniform": [1e-4, 1e-2]}})
    none, clip = arms_of(config)
    assert none.name == "none"
    assert set(none.space) == {"generator_lr"}
    assert clip.name == "clip"
    assert list(clip.space) == ["penalty.bound", "generator_lr"]
    assert clip.space["penalty.bound"] == Space("log_uniform", 1e-3, 1.0)
    assert clip.choices == {"penalty": {"name": "clip"}}
    assert spec_for(config, clip, {"penalty.bound": 0.1, "generator_lr": 1e-3}).penalty == {
        "name": "clip",
        "bound": 0.1,
    }


def test_a_specification_takes_every_section() -> None:
    config = study(
        scientific={"objective": [{"name": "least_squares", "c": 0.5}]},
        nuisance={
            "critic": {"activation": "tanh", "hidden": {"choice": [[8], [16, 16]]}},
            "critic_steps": {"choice": [1, 2]},
            "optimizer": {"choice": ["adam", "sgd"]},
        },
        fixed={"latent_dim": 3, "generator": {"hidden": [4]}},
        evaluation={"samples": 100},
        measure=["sliced"],
    )
    (arm,) = arms_of(config)
    spec = spec_for(config, arm, {"critic.hidden": "16x16", "critic_steps": 2, "optimizer": "sgd"})
    assert spec.data == config.data
    assert spec.objective == {"name": "least_squares", "c": 0.5}
    assert (spec.critic["activation"], spec.critic["hidden"]) == ("tanh", [16, 16])
    assert (spec.critic_steps, spec.optimizer, spec.latent_dim, spec.generator["hidden"]) == (2, "sgd", 3, [4])
    assert (spec.steps, spec.evaluations, spec.batch_size) == (20, 2, 8)
    assert (spec.evaluation["samples"], spec.evaluation["neighbours"], spec.measure) == (100, 5, ("sliced",))


def test_the_batch_size_may_be_searched() -> None:
    config = study(budget={"steps": 20, "evaluations": 2}, nuisance={"batch_size": {"log_int_uniform": [8, 64]}})
    (arm,) = arms_of(config)
    assert spec_for(config, arm, {"batch_size": 32}).batch_size == 32


def test_values_must_be_those_of_the_arms_space() -> None:
    config = study(nuisance={"beta1": {"uniform": [0, 0.9]}})
    (arm,) = arms_of(config)
    with pytest.raises(ValueError, match=re.escape("arm single: expected values for ['beta1'], got ['beta2']")):
        spec_for(config, arm, {"beta2": 0.5})


def test_what_a_specification_holds_is_not_the_configurations_own() -> None:
    config = study(fixed={"generator": {"hidden": [4]}})
    (arm,) = arms_of(config)
    constants_of(config, arm)["generator"]["hidden"].append(9)
    assert spec_for(config, arm, {}).generator["hidden"] == [4]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"scientific": {"objective": []}}, "scientific.objective: expected a list of at least one choice, got []"),
        (
            {"scientific": {"penalty": ["r1", {"name": "r1"}]}},
            "scientific.penalty: expected choices with names of their own, got 'r1' for 'r1' and {'name': 'r1'}",
        ),
        (
            {"scientific": {"penalty": [CLIP, {"name": "clip", "bound": {"log_uniform": [1e-2, 1]}}]}},
            "scientific.penalty: expected choices with names of their own, got 'clip'",
        ),
        (
            {"scientific": {"beta1": [{"uniform": [0, 0.9]}]}},
            "scientific.beta1.0: expected a choice, got the search space",
        ),
        (
            {"scientific": {"latent_dim": [*range(1, 60)], "critic_steps": [*range(1, 60)]}},
            "expected at most 2000 comb",
        ),
        ({"nuisance": {"beta1": 0.5}}, "nuisance.beta1: expected a space, {log_uniform | uniform"),
        ({"nuisance": {"generator": {"hidden": [8]}}}, "nuisance.generator: expected a space"),
        (
            {"nuisance": {"beta1": {"uniform": [0, 1.5]}}},
            "nuisance.beta1: expected a number in [0, 1), got 1.5 (arm single)",
        ),
        ({"nuisance": {"critic_steps": {"choice": [1, 0]}}}, "nuisance.critic_steps: expected at least 1, got 0"),
        ({"scientific": {"penalty": ["clip"]}}, "scientific.penalty.bound: clip needs it, expected a positive number"),
        (
            {"fixed": {"generator": {"kind": "conv"}}},
            "fixed.generator.kind: conv needs square images, got samples of shape",
        ),
        (
            {"fixed": {"critic": {"hidden": [10**9, 10**9]}}},
            "fixed.critic: expected at most 1e+09 weights, got 1.0e+18",
        ),
        ({"fixed": {"updates": "simultaneous", "critic_steps": 2}}, "fixed.critic_steps: expected 1 with simultaneous"),
        (
            {"budget": {"steps": 20, "evaluations": 3, "batch_size": 8}},
            "budget.evaluations: expected a divisor of steps = 20",
        ),
    ],
)
def test_arms_that_make_no_sense_are_refused(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        study(**sections)


def test_two_combinations_never_share_a_name() -> None:
    with pytest.raises(ConfigError, match="got 'r1-a-b' for"):
        arms_of(study().model_copy(update={"scientific": {"penalty": ("r1-a", "r1"), "latent": ("b", "a-b")}}))


def test_folders_that_differ_in_case_alone_collide() -> None:
    with pytest.raises(ConfigError, match="expected combinations with names of their own, got 'R1'"):
        arms_of(study().model_copy(update={"scientific": {"penalty": ("r1", "R1")}}))


def test_corners_hold_both_ends_and_every_choice() -> None:
    space = {"a": Space("uniform", 0.0, 1.0), "b": Space("choice", choices=(1, 2, 5))}
    found = list(corners(space))
    assert found[0] == {"a": 0.0, "b": 1}
    assert found[1] == {"a": 1.0, "b": 5}
    assert all({"a": a, "b": b} in found for a in (0.0, 1.0) for b in (1, 2, 5))
    wide = {name: Space("choice", choices=tuple(range(10))) for name in "abc"}
    assert {value["b"] for value in corners(wide)} == set(range(10))
    assert len(list(corners(wide))) == 2 + 3 * 9


def test_a_combination_of_nuisance_values_that_clashes_is_found() -> None:
    with pytest.raises(ConfigError, match="critic_steps: expected 1 with simultaneous updates, got 5"):
        study(nuisance={"updates": {"choice": ["simultaneous", "alternating"]}, "critic_steps": {"choice": [1, 5]}})


def test_spaces_become_optunas_distributions() -> None:
    space = {
        "a": Space("log_uniform", 1e-4, 1e-2),
        "b": Space("uniform", 0.0, 0.9),
        "c": Space("int_uniform", 1, 5),
        "d": Space("log_int_uniform", 1, 64),
        "e": Space("choice", choices=([8], [16, 16], None)),
    }
    assert distributions(Arm("a", {}, space)) == {
        "a": FloatDistribution(1e-4, 1e-2, log=True),
        "b": FloatDistribution(0.0, 0.9),
        "c": IntDistribution(1, 5),
        "d": IntDistribution(1, 64, log=True),
        "e": CategoricalDistribution(("8", "16x16", None)),
    }


def test_networks_are_shapes_alone() -> None:
    config = study(fixed={"generator": {"hidden": [8]}, "critic": {"hidden": [8]}, "latent_dim": 3})
    generator, critic = networks_of(spec_for(config, arms_of(config)[0], {}), data.describe(**config.data))
    assert sum(math.prod(weight.shape) for weight in generator.weights) == 3 * 8 + 8 + 8 * 2 + 2
    assert sum(math.prod(weight.shape) for weight in critic.weights) == 2 * 8 + 8 + 8 + 1
