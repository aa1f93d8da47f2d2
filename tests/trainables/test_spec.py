"""A spec is plain data: it survives JSON, fills in its defaults, and refuses what cannot be trained."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.objectives import GENERATOR_LOSSES, OBJECTIVES
from trainables.optimizers import OPTIMIZERS
from trainables.penalties import PENALTIES
from trainables.spec import HYPERPARAMETERS, MEANINGLESS, MODELS, PER_REPLICA, SCHEDULED, Spec, idle, shared

BUDGET: dict[str, Any] = {"data": {"name": "ring", "modes": 8}, "steps": 100, "evaluations": 4, "batch_size": 32}


def spec(**values: Any) -> Spec:
    return Spec.from_dict({**BUDGET, **values})


def test_defaults() -> None:
    plain = spec()
    assert plain.objective == {"name": "non_saturating"}
    assert plain.penalty == {"name": "none"}
    assert (plain.model, plain.updates, plain.optimizer, plain.critic_steps) == ("gan", "alternating", "adam", 1)
    assert plain.generator == {
        "kind": "mlp", "hidden": [128, 128], "activation": "relu", "batch_norm": False, "weight_std": None,
    }  # fmt: skip
    assert plain.critic["activation"] == "leaky_relu"
    assert plain.interval == 25


def test_a_name_stands_for_a_mapping() -> None:
    short, long = spec(objective="hinge", penalty="r1"), spec(objective={"name": "hinge"}, penalty={"name": "r1"})
    assert short == long
    assert spec(data="digits").data == {"name": "digits"}


def through_json(original: Spec) -> Spec:
    return Spec.from_dict(json.loads(json.dumps(original.to_dict())))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"objective": {"name": "alpha", "alpha": -0.5}, "penalty": {"name": "clip", "bound": 0.01}, "ema": 0.99},
        {"model": "cgan", "conditioning": "projection", "updates": "simultaneous", "measure": ["kernel", "sliced"]},
        {"generator": {"kind": "conv", "width": 8, "depth": 1}, "critic": {"activation": "maxout", "pieces": 3}},
        {"critic": {"hidden": ()}, "evaluation": {"samples": 500, "features": "raw"}, "bound": 100},
    ],
)
def test_round_trip_through_json(values: dict[str, Any]) -> None:
    original = spec(**values)
    again = through_json(original)
    assert again == original
    assert again.to_dict() == original.to_dict()
    assert isinstance(again.measure, tuple)


def test_to_dict_is_a_copy() -> None:
    original = spec(generator={"hidden": [3]})
    original.to_dict()["generator"]["hidden"].append(4)
    assert original.generator["hidden"] == [3]


def test_a_spec_does_not_keep_the_callers_objects() -> None:
    hidden, data = [16], {"name": "ring"}
    made = spec(data=data, critic={"hidden": hidden}, evaluation=data)
    hidden.append(17)
    data["modes"] = "9"
    assert made.critic["hidden"] == [16]
    assert made.data == made.evaluation == {"name": "ring"}


def test_one_penalty_in_a_list_is_the_penalty() -> None:
    assert spec(penalty=["r1"]) == spec(penalty="r1")
    several = spec(penalty=["r1", {"name": "r2", "every": 8}])
    assert several.penalties == ({"name": "r1"}, {"name": "r2", "every": 8})
    assert through_json(several) == several


def test_a_schedule_is_written_out_and_divides_no_population() -> None:
    given = {"from": 1e-3, "to": 0}
    made = spec(critic_lr=given, penalty={"name": "r1", "weight": given})
    assert made.critic_lr == {"from": 1e-3, "to": 0, "shape": "linear", "warmup": 0.0, "until": 1.0}
    assert through_json(made) == made
    assert shared(made.to_dict()) == shared(spec(penalty="r1").to_dict())
    assert given == {"from": 1e-3, "to": 0}


def test_every_schedule_of_a_spec() -> None:
    found = spec(instance_noise=0.5, ema={"from": 0.9, "to": 0.99}, penalty=["r1", "dragan", "spectral_norm"]).schedules
    assert [*found] == [*SCHEDULED, "penalty.r1.weight", "penalty.dragan.weight"]
    assert {name for name, one in found.items() if one.moves} == {"instance_noise", "ema"}
    assert (found["instance_noise"].start, found["instance_noise"].end) == (0.5, 0)  # a number is annealed
    assert not spec(instance_noise={"from": 0.5}).schedules["instance_noise"].moves
    assert [*spec(model="dirac", data="dirac", penalty="r1").schedules] == [*SCHEDULED]


def test_augmentations_have_one_order() -> None:
    made = spec(augmentation=["cutout", "colour"])
    assert made == spec(augmentation=("colour", "cutout")) == through_json(made)
    assert made.augmentations == ("colour", "cutout")
    assert spec(augmentation=["cutout"]) == spec(augmentation="cutout")
    assert spec(augmentation=[]) == spec()
    assert spec().augmentations == ()


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_points_are_not_augmented(model: str) -> None:
    made = spec(augmentation="colour", model=model)
    made.check_samples((1, 8, 8))
    if model == "vae":  # which it means nothing to
        made.check_samples((2,))
        return
    with pytest.raises(
        ValueError, match=r"augmentation: expected none for samples of \(2,\), which are no images, got"
    ):
        made.check_samples((2,))


def test_laziness_divides_populations_and_weights_do_not() -> None:
    lazy = [shared(spec(penalty={"name": "r1", **more}).to_dict()) for more in ({}, {"weight": 3}, {"every": 2})]
    assert lazy[0] == lazy[1] != lazy[2]


def test_a_spec_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'steps'"):
        spec().steps = 3  # type: ignore[misc]


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": st.sampled_from(sorted(set(MODELS) - {"dirac"})),
            "objective": st.sampled_from(sorted(OBJECTIVES)),
            "generator_loss": st.sampled_from(["default", *GENERATOR_LOSSES]),
            "penalty": st.sampled_from(sorted(set(PENALTIES) - {"clip", "consensus"})),
            "optimizer": st.sampled_from(sorted(OPTIMIZERS)),
            "generator_lr": st.floats(1e-8, 10),
            "beta1": st.floats(0, 0.9999),
            "critic_steps": st.integers(1, 9),
            "latent_dim": st.integers(1, 512),
            "generator": st.fixed_dictionaries({"hidden": st.lists(st.integers(1, 512), max_size=4)}),
        },
    )
)
def test_every_valid_combination_survives_json(values: dict[str, Any]) -> None:
    assert through_json(spec(**values)) == spec(**values)


def test_what_may_vary() -> None:
    everything = {field.name for field in dataclasses.fields(Spec)}
    assert everything - set(HYPERPARAMETERS) == {*BUDGET, "evaluation", "measure", "bound"}
    assert set(PER_REPLICA) < set(HYPERPARAMETERS)
    assert set(MEANINGLESS) <= set(MODELS)
    assert all(set(names) <= set(HYPERPARAMETERS) - {"model"} for names in MEANINGLESS.values())
    assert {"objective", "penalty", "generator_loss", "critic_steps", "generator", "latent_dim"} < set(HYPERPARAMETERS)


def test_what_nothing_reads_says_what_makes_it_so() -> None:
    found = spec(optimizer="rmsprop").idle
    assert found == dict.fromkeys(MEANINGLESS["gan"], "model gan") | {
        "beta1": "optimizer rmsprop", "lookahead_alpha": "lookahead 0"
    }  # fmt: skip
    assert spec(model="cyclegan", lookahead=2).idle.keys() == {*MEANINGLESS["cyclegan"]}
    assert idle({"beta1": 0.5, "lookahead_alpha": 0.5}) == dict.fromkeys(MEANINGLESS["gan"], "model gan")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepps": 3}, "stepps: unknown field of a spec; did you mean 'steps'?"),
        ({"zzz": 3}, "zzz: unknown field of a spec; expected one of data, steps"),
        ({"steps": 0}, "steps: expected at least 1, got 0"),
        ({"evaluations": 0}, "evaluations: expected at least 1, got 0"),
        ({"evaluations": 3}, "evaluations: expected a divisor of steps = 100, got 3"),
        ({"evaluations": 200}, "evaluations: expected a divisor of steps = 100, got 200"),
        ({"batch_size": -1}, "batch_size: expected at least 1, got -1"),
        ({"model": "diffusion"}, "model: unknown name 'diffusion'; expected one of gan, cgan, "),
        ({"updates": "alternate"}, "updates: unknown name 'alternate'; did you mean 'alternating'?"),
        ({"latent": "gauss"}, "latent: unknown name 'gauss'; did you mean 'normal'?"),
        ({"conditioning": "projections"}, "conditioning: unknown name .*; did you mean 'projection'?"),
        ({"optimizer": "adamm"}, "optimizer: unknown name 'adamm'; did you mean 'adam'?"),
        ({"generator_loss": "saturate"}, "generator_loss: .*'saturate'"),
        ({"objective": "hing"}, "objective: unknown name 'hing'; did you mean 'hinge'?"),
        ({"objective": {"name": "alpha", "alpha": 1}}, "objective.alpha: expected a number other than 0 and 1"),
        ({"objective": {"name": "hinge", "margin": 1}}, "objective hinge.margin: unknown setting"),
        ({"penalty": "r3"}, "penalty: unknown name 'r3'; expected one of none, clip"),
        ({"penalty": []}, "penalty: expected a name, a mapping, or a list of several, got an empty list"),
        ({"penalty": "clip"}, "penalty.bound: clip needs it, expected a positive number, got nothing"),
        ({"penalty": {"name": "r1", "wieght": 2}}, "penalty r1.wieght: unknown setting; did you mean 'weight'?"),
        ({"critic_steps": 0}, "critic_steps: expected at least 1, got 0"),
        ({"critic_steps": 2, "updates": "simultaneous"}, "critic_steps: expected 1 with simultaneous updates, got 2"),
        ({"critic_steps": 2, "updates": "extragradient"}, "critic_steps: expected 1 with extragradient updates, got 2"),
        ({"lookahead": -1}, "lookahead: expected at least 0, got -1"),
        ({"lookahead": 200, "steps": 100}, "lookahead: expected at most the 100 steps, got 200"),
        ({"lookahead_alpha": 1}, r"lookahead_alpha: expected a number in \(0, 1\), got 1"),
        ({"precision": "bf61"}, "precision: unknown name 'bf61'; did you mean 'bf16'?"),
        (
            {"precision": "bf16", "updates": "sga"},
            "precision: expected fp32 with sga, which differentiates both losses twice, got bf16",
        ),
        (
            {"precision": "tf32", "updates": "simultaneous", "penalty": ["r1", "consensus"]},
            "precision: expected fp32 with consensus, which differentiates both losses twice, got tf32",
        ),
        ({"precision": "tf32", "unroll": 3}, "precision: expected fp32 with an unrolled critic, which differentiates"),
        (
            {"precision": "bf16", "critic": {"module": "mine:Own"}},
            "precision: expected fp32 or tf32 with a critic of your own, whose layers are not known to round, got bf16",
        ),
        ({"unroll": -1}, "unroll: expected at least 0, got -1"),
        ({"unroll": 1001}, "unroll: expected at most 1000, got 1001"),
        ({"unroll": 5, "updates": "sga"}, "unroll: expected 0 with sga updates, got 5"),
        ({"unroll": 5, "updates": "extragradient"}, "unroll: expected 0 with extragradient updates, got 5"),
        ({"unroll": 5, "optimizer": "lion"}, "unroll: expected 0 with lion, whose steps are signs and have no slope"),
        (
            {"unroll": 5, "penalty": "consensus", "updates": "simultaneous"},
            "unroll: expected 0 with consensus, which differentiates both gradients once more, got 5",
        ),
        ({"penalty": ["r1", "consensus"], "updates": "sga"}, "penalty: expected no consensus with sga, which adjusts"),
        (
            {"optimizer": "lion", "weight_decay": 5000, "generator_lr": 0.1},
            "weight_decay: expected below 1 / 0.1, the larger learning rate, as an update would turn weights round",
        ),
        (
            {"penalty": {"name": "r1", "every": 1000}, "steps": 100, "critic_steps": 2},
            "penalty.every: expected at most the 200 updates that the critic has, got 1000 of r1",
        ),
        ({"weight_decay": 0.1}, "weight_decay: expected 0 with adam, as only adamw and lion decay, got 0.1"),
        ({"penalty": ["r1", "consensus"]}, "updates: consensus needs both gradients at once, expected simultaneous or"),
        ({"penalty": ["r1", "none"]}, "penalty: expected none alone, got r1, none"),
        (
            {"penalty": ["r2", {"name": "r1", "every": 8}], "updates": "extragradient"},
            "penalty.every: expected 1 with extragradient, whose two gradients a step are of one loss, got 8 of r1",
        ),
        (
            {"penalty": "consensus"},
            "updates: consensus needs both gradients at once, expected simultaneous or extragradient, got alternating",
        ),
        ({"packing": 0}, "packing: expected at least 1, got 0"),
        ({"packing": 3}, "packing: expected a divisor of batch_size = 32, got 3"),
        ({"packing": 2, "model": "cgan"}, "packing: expected 1 with cgan, .*got 2"),
        (
            {"generator": {"batch_norm": True}, "batch_size": 1},
            "generator.batch_norm: expected false where a batch of one .*, got true with batch_size = 1",
        ),
        (
            {"critic": {"batch_norm": True}, "batch_size": 4, "packing": 4},
            "critic.batch_norm: expected false where a batch of one .*, got true with batch_size = 4 and packing = 4",
        ),
        ({"instance_noise": -1}, r"instance_noise: expected a number in \[0, inf\), got -1"),
        ({"augmentation": "cutouts"}, "augmentation: unknown name 'cutouts'; did you mean 'cutout'?"),
        ({"augmentation": ["colour", "none"]}, "augmentation: expected none alone, got colour, none"),
        ({"augmentation": ["colour", "colour"]}, "augmentation: expected each once, got colour twice"),
        ({"label_smoothing": 0.5}, r"label_smoothing: expected a number in \[0, 0.5\), got 0.5"),
        (
            {"model": "cyclegan", "generator": {"kind": "resnet"}},
            "generator.kind: expected mlp or conv with cyclegan, got resnet",
        ),
        (
            {"model": "cyclegan", "generator": {"kind": "affine"}},
            "generator.kind: expected mlp or conv with cyclegan, got affine",
        ),
        (
            {"model": "cyclegan", "generator": {"module": "mine:Own"}},
            "generator.module: expected a kind with cyclegan, got 'mine:Own'",
        ),
        (
            {"model": "cyclegan", "critic": {"module": "mine:Own"}},
            "critic.module: expected a kind with cyclegan, got 'mine:Own'",
        ),
        ({"source": "mirrored"}, "source.name: unknown name 'mirrored'; expected one of inverted, rotated"),
        ({"source": {"name": "rotated", "angel": 3}}, "source.angel: unknown setting; did you mean 'angle'?"),
        ({"cycle_weight": -1}, r"cycle_weight: expected a number in \[0, inf\), got -1"),
        ({"identity_weight": math.nan}, "identity_weight: expected a finite number, got nan"),
        ({"model": "vae", "latent": "uniform"}, "latent: expected normal with vae, got uniform"),
        ({"latent_dim": 0}, "latent_dim: expected at least 1, got 0"),
        ({"generator_lr": 0}, r"generator_lr: expected a number in \(0, inf\), got 0"),
        ({"critic_lr": math.inf}, "critic_lr: expected a finite number, got inf"),
        ({"beta1": 1}, r"beta1: expected a number in \[0, 1\), got 1"),
        ({"beta2": -0.1}, r"beta2: expected a number in \[0, 1\), got -0.1"),
        ({"ema": 1.0}, r"ema: expected a number in \[0, 1\), got 1.0"),
        ({"beta2": {"from": 0.9, "to": 1}}, r"beta2.to: expected a number in \[0, 1\), got 1"),
        ({"critic_lr": {"to": 0}}, "critic_lr.from: expected the number that the schedule begins with, got nothing"),
        ({"penalty": {"name": "r1", "weight": {"from": 0}}}, "penalty.weight: expected a schedule that is not 0 throu"),
        (
            {"optimizer": "lion", "weight_decay": 5, "generator_lr": {"from": 1e-3, "to": 0.3}},
            "weight_decay: expected below 1 / 0.3, the larger learning rate",
        ),
        ({"bound": 0}, r"bound: expected a number in \(0, inf\), got 0"),
        ({"generator": {"kind": "cnn"}}, "generator.kind: unknown name 'cnn'"),
        ({"generator": {"hiden": [3]}}, "generator.hiden: unknown setting; did you mean 'hidden'?"),
        ({"generator": {"width": 3}}, "generator.width: unknown setting; expected one of kind"),
        ({"critic": {"kind": "conv", "hidden": [3]}}, "critic.hidden: unknown setting"),
        ({"critic": {"activation": "gelu"}}, "critic.activation: unknown name 'gelu'; did you mean 'relu'?"),
        ({"critic": {"pieces": 3}}, "critic.pieces: expected only with activation maxout, got activation leaky_relu"),
        ({"critic": {"activation": "maxout", "pieces": 1}}, "critic.pieces: expected at least 2, got 1"),
        ({"critic": {"hidden": [8, 0]}}, "critic.hidden: expected at least 1, got 0"),
        ({"critic": {"weight_std": 0}}, r"critic.weight_std: expected a number in \(0, inf\), got 0"),
        ({"critic": {"kind": "conv", "depth": 0}}, "critic.depth: expected at least 1, got 0"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 1e3}, "steps: expected a whole number, got 1000.0"),
        ({"steps": True}, "steps: expected a whole number, got true"),
        ({"data": None}, "data: expected a name or a mapping with the key 'name', got null"),
        ({"data": {"modes": 8}}, "data: expected a name or a mapping with the key 'name', got {'modes': 8}"),
        ({"objective": 3}, "objective: expected a name or a mapping with the key 'name', got 3"),
        ({"penalty": ["r1", 3]}, "penalty: expected a name or a mapping with the key 'name', got 3"),
        ({"penalty": {"name": 1}}, "penalty: expected a name or a mapping with the key 'name', got {'name': 1}"),
        ({"penalty": {"name": "r1", "weight": "1"}}, "penalty.weight: expected a number, got '1'"),
        ({"model": ["gan"]}, r"model: expected one of gan, cgan, .*got \['gan'\]"),
        ({"generator_lr": "1e-3"}, "generator_lr: expected a number, got '1e-3'"),
        ({"augmentation": 3}, "augmentation: expected one of none, colour, translation, cutout, got 3"),
        ({"beta1": None}, "beta1: expected a number, got null"),
        ({"beta1": {"from": 0.9}}, "beta1: expected a number, got {'from': 0.9}"),
        ({"generator": "mlp"}, "generator: expected a mapping of network settings, got 'mlp'"),
        ({"critic": {"hidden": 128}}, "critic.hidden: expected a list of widths, got 128"),
        ({"critic": {"hidden": "128"}}, "critic.hidden: expected a list of widths, got '128'"),
        ({"critic": {"hidden": [1.5]}}, "critic.hidden: expected a whole number, got 1.5"),
        ({"critic": {"batch_norm": 1}}, "critic.batch_norm: expected true or false, got 1"),
        ({"evaluation": [1]}, r"evaluation: expected a mapping of settings, got \[1\]"),
        ({"measure": "kernel"}, "measure: expected a list of names, got 'kernel'"),
        ({"measure": [1]}, r"measure: expected a list of names, got \[1\]"),
    ],
)
def test_wrong_types_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        spec(**values)


@pytest.mark.parametrize("name", BUDGET)
def test_what_every_spec_needs(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected in every spec, got nothing"):
        Spec.from_dict({key: value for key, value in BUDGET.items() if key != name})


def test_networks_are_shapes_alone() -> None:
    one = spec(generator={"hidden": [8]}, critic={"hidden": [8]}, latent_dim=3)
    generator, critic = one.networks((2,), 8)
    assert sum(weight.size for weight in generator.weights) == 3 * 8 + 8 + 8 * 2 + 2
    assert sum(weight.size for weight in critic.weights) == 2 * 8 + 8 + 8 + 1


def test_a_conditional_models_networks_are_told_the_label_and_a_packing_critic_sees_packs() -> None:
    plain, told = spec(), spec(model="cgan")
    assert [network.classes for network in plain.networks((2,), 8)] == [0, 0]
    assert [network.classes for network in told.networks((2,), 8)] == [8, 8]
    _, critic = spec(packing=4, batch_size=16).networks((2,), 8)
    assert critic.weights[0].shape[0] == 8
