from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor, nn

from study.config.arms import Arm, arms_of, constants_of, corners, spec_for
from study.config.messages import ConfigError, see
from study.config.plan import StudyPlan
from study.config.spaces import Space
from trainables import own_code
from trainables.schedules import Schedule

Build = Callable[..., StudyPlan]
OWN = {"name": "mine", "f": "-exp(-d)", "g": "-exp(d)"}
CLIP = {"name": "clip", "bound": {"log_uniform": [1e-3, 1]}}


def test_every_combination_is_an_arm_the_last_list_turning_fastest(least: Build) -> None:
    plan = least(scientific={"objective": ["minimax", "hinge"], "penalty": ["none", {"name": "r1", "weight": 1.0}]})
    assert [arm.name for arm in plan.arms] == ["minimax-none", "minimax-r1_1", "hinge-none", "hinge-r1_1"]
    assert plan.arms[1].choices == {"objective": "minimax", "penalty": {"name": "r1", "weight": 1.0}}


def test_names_stay_when_the_lists_grow_or_turn(least: Build) -> None:
    small = least(scientific={"objective": ["minimax", "hinge"], "critic_steps": [1]})
    large = least(scientific={"objective": ["wasserstein", "hinge", "minimax"], "critic_steps": [5, 1]})
    before, after = ({arm.name: arm for arm in plan.arms} for plan in (small, large))
    assert len(after) == 6
    assert all(after[name] == arm for name, arm in before.items())
    assert set(before) == {"minimax-critic_steps=1", "hinge-critic_steps=1"}


def test_a_study_without_scientific_choices_is_a_single_arm(least: Build) -> None:
    assert least().arms == (Arm("single", {}, {}),)


def test_a_choice_brings_a_space_of_its_own(least: Build) -> None:
    plan = least(scientific={"penalty": ["none", CLIP]}, nuisance={"generator_lr": {"log_uniform": [1e-4, 1e-2]}})
    none, clip = plan.arms
    assert none.name == "none"
    assert set(none.space) == {"generator_lr"}
    assert clip.name == "clip"
    assert list(clip.space) == ["penalty.bound", "generator_lr"]
    assert clip.space["penalty.bound"] == Space("log_uniform", 1e-3, 1.0)
    assert clip.choices == {"penalty": {"name": "clip"}}
    assert spec_for(plan.config, clip, {"penalty.bound": 0.1, "generator_lr": 1e-3}).penalty == {
        "name": "clip",
        "bound": 0.1,
    }


def test_several_penalties_are_one_choice_whose_settings_are_searched_by_their_names(least: Build) -> None:
    lazy = {"name": "r1", "weight": {"log_uniform": [0.1, 10]}, "every": 8}
    plan = least(scientific={"penalty": ["none", ["r1", {"name": "r2", "weight": 0.5}], [lazy, "r2"]]})
    assert [arm.name for arm in plan.arms] == ["none", "r1xr2_0.5", "r1_8xr2"]
    assert plan.arms[2].space == {"penalty.r1.weight": Space("log_uniform", 0.1, 10.0)}
    found = [spec_for(plan.config, arm, dict.fromkeys(arm.space, 3.0)).penalties for arm in plan.arms[1:]]
    assert found[0] == ({"name": "r1"}, {"name": "r2", "weight": 0.5})
    assert found[1] == ({"name": "r1", "every": 8, "weight": 3.0}, {"name": "r2"})
    assert plan.arms[2].choices == {"penalty": [{"name": "r1", "every": 8}, "r2"]}  # as it was, for the next trial


def test_schedules_are_choices_and_are_searched(least: Build) -> None:
    down = {"from": {"log_uniform": [1e-4, 1e-2]}, "to": 0.0, "shape": {"choice": ["constant", "cosine"]}}
    plan = least(
        scientific={"critic_lr": [1e-3, {"from": 1e-3, "to": 0.0}], "penalty": [{"name": "r1", "weight": down}]},
        nuisance={"generator_lr": down},
    )
    assert [arm.name for arm in plan.arms] == ["critic_lr=0.001-r1_to=0", "critic_lr=from=0.001,to=0-r1_to=0"]
    arm = plan.arms[1]
    assert list(arm.space) == [
        "penalty.weight.from", "penalty.weight.shape", "generator_lr.from", "generator_lr.shape",
    ]  # fmt: skip
    spec = spec_for(
        plan.config, arm, dict.fromkeys(list(arm.space)[::2], 1e-3) | dict.fromkeys(list(arm.space)[1::2], "cosine")
    )
    assert spec.schedules["generator_lr"] == spec.schedules["penalty.r1.weight"] == Schedule(1e-3, 0.0, "cosine")
    assert spec.schedules["critic_lr"] == Schedule(1e-3, 0.0)


@pytest.mark.parametrize(
    ("choices", "names"),
    [
        ({"penalty": [["r1", "r2"], ["r2", "r1"]]}, "r1xr2 and r2xr1"),
        ({"objective": ["alpha", {"name": "alpha", "alpha": 0.5}]}, "alpha and alpha_0.5"),
        ({"penalty": ["r1", {"name": "r1", "weight": {"from": 1.0}}]}, "r1 and r1_from=1"),
        (
            {"model": ["cyclegan"], "source": ["rotated", {"name": "rotated", "angle": 90}]},
            "cyclegan-rotated and cyclegan-rotated_90",
        ),
        ({"critic_lr": [0.1, {"from": 0.1}]}, "critic_lr=0.1 and critic_lr=from=0.1"),
        (
            {"optimizer": ["nesterov"], "beta2": [0.9, {"from": 0.9, "to": 0.99}]},
            "nesterov-beta2=0.9 and nesterov-bet.*",
        ),
        ({"optimizer": ["rmsprop"], "beta1": [0.0, 0.5]}, "rmsprop-beta1=0 and rmsprop-beta1=0.5"),
        ({"lookahead_alpha": [0.2, 0.5]}, "lookahead_alpha=0.2 and lookahead_alpha=0.5"),
        ({"objective": ["hinge"], "generator_loss": ["default", "critic_mean"]}, "hinge-default and hinge-critic_mean"),
        (
            {"objective": ["minimax", "non_saturating"], "generator_loss": ["default", "non_saturating"]},
            "minimax-non_saturating and non_saturating-default",
        ),
        ({"objective": [OWN, {**OWN, "name": "again", "f": "-exp( -d )"}]}, "mine and again"),
        ({"objective": ["minimax", {"name": "mine", "f": "-softplus(-d)", "g": "-softplus(d)"}]}, "minimax and mine"),
        (
            {"critic_lr": [{"from": 0.1, "to": 0.01}, {"from": 0.1, "to": 0.01, "warmup": 0, "until": 1}]},
            "critic_lr=.*",
        ),
        ({"critic_lr": [{"from": 1.0, "to": 0.1}, {"from": 1, "to": 0.1, "warmup": 0.0}]}, "critic_lr=.*"),
    ],
)
def test_arms_that_train_the_same_are_refused(choices: dict[str, Any], names: str, least: Build) -> None:
    with pytest.raises(ConfigError, match=f"scientific: expected arms that differ, got {names}, which train the same"):
        least(scientific=choices)


def test_a_specification_takes_every_section(least: Build) -> None:
    plan = least(
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
    (arm,) = plan.arms
    spec = spec_for(plan.config, arm, {"critic.hidden": "16x16", "critic_steps": 2, "optimizer": "sgd"})
    assert spec.data == plan.config.data
    assert spec.objective == {"name": "least_squares", "c": 0.5}
    assert (spec.critic["activation"], spec.critic["hidden"]) == ("tanh", [16, 16])
    assert (spec.critic_steps, spec.optimizer, spec.latent_dim, spec.generator["hidden"]) == (2, "sgd", 3, [4])
    assert (spec.steps, spec.evaluations, spec.batch_size) == (20, 20, 8)
    assert (spec.evaluation["samples"], spec.evaluation["neighbours"], spec.measure) == (100, 5, ("sliced",))


def test_the_batch_size_may_be_searched(least: Build) -> None:
    plan = least(budget={"steps": 20, "evaluations": 2}, nuisance={"batch_size": {"log_int_uniform": [8, 64]}})
    (arm,) = plan.arms
    assert spec_for(plan.config, arm, {"batch_size": 32}).batch_size == 32


def test_values_must_be_those_of_the_arms_space(least: Build) -> None:
    plan = least(nuisance={"beta1": {"uniform": [0, 0.9]}})
    (arm,) = plan.arms
    with pytest.raises(ValueError, match=re.escape("arm single: expected values for ['beta1'], got ['beta2']")):
        spec_for(plan.config, arm, {"beta2": 0.5})


def test_what_a_specification_holds_is_not_the_configurations_own(least: Build) -> None:
    plan = least(fixed={"generator": {"hidden": [4]}})
    (arm,) = plan.arms
    constants_of(plan.config, arm)["generator"]["hidden"].append(9)
    assert spec_for(plan.config, arm, {}).generator["hidden"] == [4]


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
            "budget.evaluations: expected a divisor of steps = 20, got 3$",
        ),
    ],
)
def test_arms_that_make_no_sense_are_refused(least: Build, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message).replace(r"\$", "$")):
        least(**sections)


def test_what_means_nothing_for_the_samples_is_refused(least: Build) -> None:
    with pytest.raises(
        ConfigError, match=r"fixed\.augmentation: expected none for samples of \(2,\), .* \(arm single\)"
    ):
        least(fixed={"augmentation": "cutout"})
    with pytest.raises(ConfigError, match=r"fixed\.penalty\.flip: expected only for images, got 0.5"):
        least(fixed={"penalty": {"name": "consistency", "flip": 0.5}})


def test_precisions_are_arms_and_those_of_cards_alone_need_one(least: Build) -> None:
    choices = {"objective": ["hinge", "minimax"], "precision": ["fp32", "bf16"]}
    plan = least(scientific=choices)
    assert [arm.name for arm in plan.arms] == ["hinge-fp32", "hinge-bf16", "minimax-fp32", "minimax-bf16"]
    assert [spec_for(plan.config, arm, {}).precision for arm in plan.arms] == ["fp32", "bf16"] * 2
    message = r"precision: expected fp32 or bf16 on a processor, which has no tf32, got tf32 \(arm "
    with pytest.raises(ConfigError, match=f"^scientific.{message}tf32"):
        least(scientific={"precision": ["tf32"]})
    with pytest.raises(ConfigError, match=f"^nuisance.{message}single"):
        least(nuisance={"precision": {"choice": ["fp32", "tf32"]}})
    assert least(scientific={"precision": ["tf32"]}, resources={"gpu": 1}).arms
    assert least(scientific={"model": ["oracle"]}, fixed={"precision": "tf32"}).arms


def test_what_translates_alone_makes_no_further_arms_of_other_models(least: Build) -> None:
    choices = {"model": ["gan", "cyclegan"], "source": ["inverted", {"name": "rotated", "angle": 30}]}
    arms = least(scientific=choices).arms
    assert [arm.name for arm in arms] == ["gan", "cyclegan-inverted", "cyclegan-rotated_30"]
    assert [arm.name for arm in least(scientific={"source": choices["source"]}).arms] == ["single"]


def test_how_labels_are_told_makes_no_further_arms_of_models_without(least: Build) -> None:
    choices = {"model": ["gan", "cgan"], "conditioning": ["join", "projection"]}
    assert [arm.name for arm in least(scientific=choices).arms] == ["gan", "cgan-join", "cgan-projection"]


def test_a_source_that_does_not_fit_the_data_is_refused(least: Build) -> None:
    fixed = {"model": "cyclegan", "source": {"name": "rotated", "angle": 45}}
    with pytest.raises(ConfigError, match=r"^fixed.source.angle: expected a multiple of 90 for images, got 45"):
        least(data="digits", fixed=fixed)


def test_two_combinations_never_share_a_name(least: Build) -> None:
    with pytest.raises(ConfigError, match="got 'r1-a-b' for"):
        arms_of(least().config.model_copy(update={"scientific": {"penalty": ("r1-a", "r1"), "latent": ("b", "a-b")}}))


def test_folders_that_differ_in_case_alone_collide(least: Build) -> None:
    with pytest.raises(ConfigError, match="expected combinations with names of their own, got 'R1'"):
        arms_of(least().config.model_copy(update={"scientific": {"penalty": ("r1", "R1")}}))


def test_corners_hold_both_ends_and_every_choice() -> None:
    space = {"a": Space("uniform", 0.0, 1.0), "b": Space("choice", choices=(1, 2, 5))}
    found = list(corners(space))
    assert found[0] == {"a": 0.0, "b": 1}
    assert found[1] == {"a": 1.0, "b": 5}
    assert all({"a": a, "b": b} in found for a in (0.0, 1.0) for b in (1, 2, 5))
    wide = {name: Space("choice", choices=tuple(range(10))) for name in "abc"}
    assert {value["b"] for value in corners(wide)} == set(range(10))
    assert len(list(corners(wide))) == 2 + 3 * 9


def test_a_combination_of_nuisance_values_that_clashes_is_found(least: Build) -> None:
    with pytest.raises(ConfigError, match="critic_steps: expected 1 with simultaneous updates, got 5"):
        least(nuisance={"updates": {"choice": ["simultaneous", "alternating"]}, "critic_steps": {"choice": [1, 5]}})


class Critic(nn.Module):
    """Of points; with `dropout` it cannot be one of a population."""

    built = 0

    def __init__(self, shape: tuple[int, ...], classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        Critic.built += 1
        self.body = nn.Sequential(nn.Linear(shape[0], 3), nn.Dropout(dropout), nn.Linear(3, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out


OWN: dict[str, Any] = {
    "scientific": {"critic": [{"module": "my_networks:Critic"}]},
    "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "critic_lr": {"log_uniform": [1e-4, 1e-2]}},
}


def test_own_networks_are_built_only_where_own_code_may_be_imported(
    least: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "attribute", lambda *_: Critic)
    monkeypatch.setattr(own_code, "allowed", lambda _: False)
    Critic.built = 0
    assert [arm.name for arm in least(**OWN).arms] == ["my_networks.Critic"]
    assert Critic.built == 0
    monkeypatch.setattr(own_code, "allowed", lambda _: True)
    least(**OWN)
    assert Critic.built > 0


def test_an_own_network_that_is_refused_is_named_with_its_section_and_arm(
    least: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "attribute", lambda *_: Critic)
    monkeypatch.setattr(own_code, "allowed", lambda _: True)
    critic = {"module": "my_networks:Critic", "dropout": 0.5}
    message = (
        r"^scientific\.critic\.module: expected outputs that .*Dropout 'body\.1'.* \(arm my_networks\.Critic_0\.5\)"
        rf"{re.escape(see('own_networks.md#what-is-promised-and-what-that-asks-of-a-module'))}$"
    )
    with pytest.raises(ConfigError, match=message):
        least(scientific={"critic": [critic]})


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ({"f": "log(d)", "g": "log(1-d)"}, "objective.f: expected a finite value and slope at every real d"),
        ({"f": "d", "g": "d"}, "objective: expected f and g that set critic and generator against each other"),
    ],
)
def test_a_pair_that_cannot_train_is_refused_before_anything_starts(
    pair: dict[str, str], message: str, least: Build
) -> None:
    with pytest.raises(ConfigError, match=rf"^scientific.{message}.* \(arm mine\)"):
        least(scientific={"objective": ["hinge", {"name": "mine", **pair}]})


@pytest.mark.parametrize("order", [0.01, {"log_uniform": [0.01, 1.0]}])
def test_numbers_with_which_a_row_cannot_train_are_refused_like_a_pair_of_ones_own(order: Any, least: Build) -> None:
    message = (
        r"^scientific.objective.alpha_d: expected a value and slope that float32 holds at \|d\| up to 1, where critics"
    )
    with pytest.raises(
        ConfigError, match=message + r" begin, got alpha_d = 0.01, .* too large at d = -0.4 \(arm alpha_l"
    ):
        least(scientific={"objective": ["hinge", {"name": "alpha_loss", "alpha_d": order}]})
    least(scientific={"objective": ["hinge", {"name": "alpha_loss", "alpha_d": 0.1}]})


@pytest.mark.parametrize(
    ("space", "over"),
    [
        ({"uniform": [0.5, 1.5]}, "1, got 0.5 … 1.5"),
        ({"uniform": [-1, 2]}, "0 and 1, got -1 … 2"),
        ({"int_uniform": [-3, 5]}, "0 and 1, got -3 … 5 int"),
    ],
)
def test_a_range_over_a_number_that_an_objective_cannot_have_is_refused(space: Any, over: str, least: Build) -> None:
    message = rf"^scientific.objective.alpha: expected a range that does not go over {over} \(arm alpha\)"
    with pytest.raises(ConfigError, match=message):
        least(scientific={"objective": [{"name": "alpha", "alpha": space}]})
    least(scientific={"objective": [{"name": "alpha", "alpha": {"uniform": [0.1, 0.9]}}]})
    least(scientific={"objective": [{"name": "alpha_loss", "alpha_d": {"uniform": [0.5, 1.5]}}]})


def test_numbers_of_an_objective_are_the_same_however_they_are_written(least: Build) -> None:
    with pytest.raises(
        ConfigError, match="arms that differ, got least_squares and least_squares_a=0,b=1,c=1, which train"
    ):
        least(scientific={"objective": ["least_squares", {"name": "least_squares", "a": 0, "b": 1, "c": 1}]})


def test_what_is_wrong_with_each_arm_is_told_at_once(least: Build) -> None:
    objectives = ["hinge", {"name": "mine", "f": "d", "g": "d"}, {"name": "other", "f": "log(d)", "g": "-d"}]
    with pytest.raises(ConfigError) as refused:
        least(scientific={"objective": objectives, "critic_steps": [1, 2]})
    first, second = str(refused.value).splitlines()  # a line each, though each is wrong in two arms
    assert "set critic and generator against each other" in first
    assert "(arm mine-critic_steps=1)" in first
    assert "log(d), which is infinite at d = 0" in second
    assert "(arm other-critic_steps=1)" in second


def test_every_unknown_hyperparameter_is_told_at_once(least: Build) -> None:
    with pytest.raises(ConfigError) as refused:
        least(fixed={"wieght": 1, "lernrate": 2}, scientific={"objektive": ["hinge"]})
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["scientific.objektive", "fixed.wieght", "fixed.lernrate"]
