from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from study.config.arms import arms_of, constants_of, spec_for
from study.config.combinations import combinations, place
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.config.spaces import Space
from study.search.arm_search import arm_seed

Build = Callable[..., StudyPlan]
LR = {"log_uniform": [1e-4, 1e-2]}
LOW = {"log_uniform": [1e-5, 1e-3]}
HINGE = {"name": "SN", "objective": "hinge", "penalty": "spectral_norm", "critic_steps": 5}
R3GAN = {"name": "R3GAN", "pairing": "relativistic", "penalty": [[{"name": "r1", "weight": LR}, "r2"]]}


def names(plan: StudyPlan) -> list[str]:
    return [arm.name for arm in plan.arms]


def test_entries_give_their_products_one_after_another(least: Build) -> None:
    entries = [
        {"objective": ["hinge", "minimax"], "penalty": ["none", "r1"]},
        {"updates": "extragradient"},
        {"unroll": [5]},
    ]
    plan = least(scientific=entries)
    assert names(plan) == [
        "hinge-none", "hinge-r1", "minimax-none", "minimax-r1", "extragradient", "unroll=5",
    ]  # fmt: skip
    assert [arm.entry for arm in plan.arms] == [0, 0, 0, 0, 1, 2]
    assert [dict(one.choices) for one in combinations(plan.config)][-2:] == [
        {"updates": "extragradient"},
        {"unroll": 5},
    ]


def test_an_arm_is_the_same_however_it_is_written(least: Build) -> None:
    product = {"objective": ["hinge", "minimax"], "penalty": ["none", {"name": "r1", "weight": LR}], "unroll": [0]}
    whole = least(scientific=product, nuisance={"generator_lr": LR})
    entries = [{**product, "objective": one} for one in ("minimax", "hinge")]
    for written in ([product], entries, [{**one, "unroll": 0} for one in entries]):
        found = least(scientific=written, nuisance={"generator_lr": LR})
        assert {arm.name: arm for arm in found.arms} == {arm.name: arm for arm in whole.arms}
    assert arm_seed(0, "hinge-none-unroll=0") == arm_seed(0, whole.arms[0].name)


def test_a_name_of_its_own_is_followed_by_what_the_entry_has_several_of(least: Build) -> None:
    assert names(least(scientific=[HINGE, R3GAN])) == ["SN", "R3GAN"]
    crossed = {**R3GAN, "critic_steps": [1, 2], "objective": ["hinge"], "penalty": ["r1", ["r1", "r2"]]}
    assert names(least(scientific=[HINGE, crossed])) == [
        "SN", "R3GAN-r1-critic_steps=1", "R3GAN-r1-critic_steps=2",
        "R3GAN-r1xr2-critic_steps=1", "R3GAN-r1xr2-critic_steps=2",
    ]  # fmt: skip
    assert names(least(scientific=[{"name": "base"}, {"objective": "hinge"}])) == ["base", "hinge"]


def test_what_an_entry_leaves_open_is_fixed_searched_or_the_default(least: Build) -> None:
    plan = least(
        scientific=[{**HINGE, "generator_lr": LOW, "batch_size": 16}, {"name": "rest", "beta1": 0.0}],
        nuisance={"generator_lr": LR, "beta1": {"uniform": [0.0, 0.9]}, "critic_steps": {"choice": [1, 2]}},
        fixed={"penalty": {"name": "r1", "weight": 0.1}},
    )
    hinge, rest = plan.arms
    assert dict(hinge.space) == {
        "generator_lr": Space("log_uniform", 1e-5, 1e-3), "beta1": Space("uniform", 0.0, 0.9),
    }  # fmt: skip
    assert dict(rest.space) == {
        "generator_lr": Space("log_uniform", 1e-4, 1e-2), "critic_steps": Space("choice", choices=(1, 2)),
    }  # fmt: skip
    spec = spec_for(plan.config, hinge, {"generator_lr": 1e-4, "beta1": 0.5})
    assert (spec.objective["name"], spec.penalty["name"], spec.critic_steps, spec.batch_size) == (
        "hinge", "spectral_norm", 5, 16,
    )  # fmt: skip
    spec = spec_for(plan.config, rest, {"generator_lr": 1e-3, "critic_steps": 2})
    assert (spec.objective["name"], spec.penalty, spec.beta1, spec.batch_size) == (
        "non_saturating", {"name": "r1", "weight": 0.1}, 0.0, 8,
    )  # fmt: skip


def test_a_space_of_one_entry_replaces_the_whole_setting(least: Build) -> None:
    searched = {"kind": "mlp", "hidden": {"choice": [[4], [8]]}}
    plan = least(
        scientific=[{"name": "a", "critic_lr": LR, "critic": {"hidden": [16]}}, {"name": "b"}],
        nuisance={"critic": searched},
        fixed={"critic_lr": 1e-3},
    )
    a, b = plan.arms
    assert (list(a.space), list(b.space)) == (["critic_lr"], ["critic.hidden"])
    assert "critic_lr" not in constants_of(plan.config, a)  # what differs from trial to trial is no constant
    assert constants_of(plan.config, a)["critic"] == {"hidden": [16]}
    assert constants_of(plan.config, b)["critic_lr"] == 1e-3
    spec = spec_for(plan.config, a, {"critic_lr": 1e-2})
    assert (spec.critic_lr, spec.critic["hidden"]) == (1e-2, [16])


def test_keys_without_meaning_for_a_model_make_no_arms_of_an_entry(least: Build) -> None:
    entry = {"name": "base", "model": ["gan", "vae"], "objective": ["hinge", "minimax"]}
    assert names(least(scientific=[entry])) == ["base-gan-hinge", "base-gan-minimax", "base-vae"]


def test_where_a_key_stands(least: Build) -> None:
    assert place(least(scientific={"objective": ["hinge"]}).config, 0, "objective") == "scientific.objective"
    assert place(least(scientific=[HINGE, R3GAN]).config, 1, "penalty") == "scientific.1.penalty"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [{"objective": ["hinge", "minimax"]}, {"objective": ["wasserstein", "hinge"]}],
            "scientific: expected arms that differ, got hinge from entry 0 and again from entry 1",
        ),
        (
            [{"name": "a", "objective": "hinge"}, {"name": "b", "objective": "hinge", "pairing": "independent"}],
            "scientific: expected arms that differ, got a and b, which train the same (arm b)",
        ),
        (
            [{"objective": "hinge", "beta1": {"uniform": [0, 0.5]}}, {"objective": "hinge"}],
            "scientific: expected combinations with names of their own, got 'hinge' for {'objective': 'hinge'} and"
            " {'objective': 'hinge'}; an entry may give its arms a name",
        ),
        (
            [{"name": "a-hinge"}, {"name": "a", "objective": ["hinge", "minimax"]}],
            "scientific: expected combinations with names of their own, got 'a-hinge' for {} and {'objective': 'hin",
        ),
        ([{"name": "a"}, {"objective": []}], "scientific.1.objective: expected a list of at least one choice, got []"),
        ([{"name": "a", "beta1": [{"uniform": [0, 0.9]}]}], "scientific.0.beta1.0: expected a choice, got the search"),
        ([{"name": "a", "beta1": {"uniform": [0.9, 0]}}], "scientific.0.beta1.uniform: expected low < high, got [0.9"),
        ([{"name": "a", "penalty": "clip"}], "scientific.0.penalty.bound: clip needs it, expected a positive number"),
        ([{"name": "a"}, {"penalty": ["r1", "r1"]}], "scientific.1.penalty: expected choices with names of their own"),
        (
            [{"latent_dim": [*range(1, 60)], "critic_steps": [*range(1, 60)]}, {"name": "a"}],
            "scientific: expected at most 2000 combinations, got 3482",
        ),
    ],
)
def test_entries_that_make_no_sense_are_refused(least: Build, entries: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        least(scientific=entries)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"fixed": {"critic_steps": 2}},
            "fixed.critic_steps: expected 1 with extragradient updates, got 2 (arm b, whose entry leaves"
            " critic_steps to fixed)",
        ),
        (
            {"nuisance": {"critic_steps": {"choice": [1, 2]}}},
            "nuisance.critic_steps: expected 1 with extragradient updates, got 2 (arm b, whose entry leaves"
            " critic_steps to nuisance)",
        ),
    ],
)
def test_an_error_says_what_an_entry_falls_back_to(least: Build, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        least(scientific=[HINGE, {"name": "b", "updates": "extragradient"}], **sections)


def test_an_error_says_that_an_entry_takes_a_default(least: Build) -> None:
    entries = [{"updates": "simultaneous"}, {"penalty": "consensus"}]
    message = r"^updates: consensus needs .* \(arm consensus, whose entry leaves updates to its default\)"
    with pytest.raises(ConfigError, match=message + r" \(see `ganstudy docs configuration#fixed\.updates`\)$"):
        least(scientific=entries)


def test_arms_of_a_list_are_those_of_its_entries(least: Build) -> None:
    both = least(scientific=[HINGE, R3GAN])
    alone = [least(scientific=[entry]).arms for entry in (HINGE, R3GAN)]
    assert arms_of(both.config) == alone[0] + alone[1]
