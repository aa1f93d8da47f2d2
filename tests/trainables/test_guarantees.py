"""What every way to train keeps: alone is in company, resuming is bit for bit, a fallen replica touches no other."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from trainings import (
    CONV,
    PENALISED,
    RESNET,
    RING,
    assert_close,
    curves,
    in_company_resumed_and_alone,
    keeps_the_guarantees,
    records,
    resumed,
    saved,
    spec,
    spoil,
    train,
)

from trainables.data import DataSet, load
from trainables.models.updates import ORDERS
from trainables.objectives import OBJECTIVES
from trainables.optimizers import DECAYING, OPTIMIZERS
from trainables.penalties import PENALTIES


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load(**RING)


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load("digits")


DOWN, UP = {"from": 2e-3, "to": 0, "shape": "cosine", "warmup": 0.3}, {"from": 0.5, "to": 0.9, "until": 0.5}
SCHEDULED: dict[str, Any] = {
    "generator_lr": DOWN, "critic_lr": {**DOWN, "shape": "constant", "until": 0.6}, "beta2": UP, "ema": UP,
    "penalty": {"name": "r1", "weight": {"from": 1.0, "to": 0.1}},
}  # fmt: skip
# Every order x penalty x optimiser that makes sense; what makes none is tested to be refused in test_spec.
ORDERED = [
    (updates, penalty, optimizer)
    for updates in ORDERS
    for penalty in PENALTIES
    for optimizer in ("adam", "optimistic_adam", "rmsprop", "sgd")
    if penalty != "consensus" or updates in ("simultaneous", "extragradient")
    if optimizer == "adam" or (updates != "sga" and (PENALTIES[penalty].points or not PENALTIES[penalty].charged))
]
ORDERED += [("alternating", "none", optimizer) for optimizer in ("adamw", "lion", "nesterov", "optimistic_sgd")]
ORDERED += [
    (updates, penalty, "adam") for updates in ("alternating", "simultaneous") for penalty in ("several", "lazy")
]


@pytest.mark.parametrize(("updates", "penalty", "optimizer"), ORDERED)
def test_every_way_to_train_keeps_the_guarantees(updates: str, penalty: str, optimizer: str, ring: DataSet) -> None:
    decay = 0.1 if optimizer in DECAYING else 0.0
    keeps_the_guarantees(
        spec(
            penalty=PENALISED.get(penalty, penalty), updates=updates, optimizer=optimizer, weight_decay=decay, ema=0.9
        ),
        ring,
    )


@pytest.mark.parametrize("penalty", ["none", "clip", "several", "lazy"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_unrolled_critic_keeps_the_guarantees(optimizer: str, penalty: str, ring: DataSet) -> None:
    keeps_the_guarantees(spec(unroll=2, penalty=PENALISED.get(penalty, penalty), optimizer=optimizer), ring)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize(
    "changes", [{"unroll": 3}, {"updates": "sga"}, {"updates": "simultaneous", "penalty": "consensus"}]
)
def test_weights_before_batch_normalisation_are_the_same_alone(
    changes: dict[str, Any], optimizer: str, ring: DataSet
) -> None:
    """Of biases that nothing depends on rounding errors would be made steps of, other ones in company than alone."""
    normed = {"hidden": [16, 16], "batch_norm": True}
    one = spec(generator=normed, critic={"hidden": [16, 16]}, steps=60, optimizer=optimizer, **changes)
    company, alone = (train(one, seeds, ring) for seeds in ([3, 1, 4, 15, 9], [4]))
    for training in (company, alone):
        training.take_steps(50)
    for many, single in zip(company.model.stacks, alone.model.stacks, strict=True):
        torch.testing.assert_close(many.flat[2], single.flat[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("updates", "penalty"), [("alternating", "spectral_norm"), ("extragradient", "clip")])
def test_lookahead_keeps_the_guarantees(updates: str, penalty: str, ring: DataSet) -> None:
    """Stopped after 4 steps, in the middle of 3."""
    keeps_the_guarantees(spec(lookahead=3, penalty=PENALISED.get(penalty, penalty), updates=updates, ema=0.9), ring)


@pytest.mark.parametrize("penalty", ["none", "several", "lazy", "lecam", "balanced_consistency"])
@pytest.mark.parametrize("updates", ["alternating", "extragradient"])
def test_bfloat16_keeps_the_guarantees(updates: str, penalty: str, ring: DataSet) -> None:
    if penalty == "lazy" and updates == "extragradient":
        pytest.skip("refused in any precision")
    keeps_the_guarantees(spec(precision="bf16", penalty=PENALISED.get(penalty, penalty), updates=updates), ring)


@pytest.mark.parametrize("model", ["gan", "cgan", "cyclegan", "vae", "matching"])
@pytest.mark.parametrize("kind", ["mlp", "conv", "resnet"])
def test_networks_in_bfloat16_keep_the_guarantees(kind: str, model: str, digits: DataSet) -> None:
    networks = {"mlp": {}, "conv": CONV, "resnet": RESNET}[kind]
    if model == "cyclegan" and kind == "resnet":
        pytest.skip("refused in any precision")
    one = spec(data={"name": "digits"}, model=model, latent_dim=4, ema=0.5, precision="bf16", steps=6, **networks)
    first = in_company_resumed_and_alone(one, digits)
    assert first != records(train(replace(one, precision="fp32"), [3, 1, 4], digits).advance())


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize("more", [{}, {"instance_noise": {"from": 0.1, "to": 0.5}}], ids=["kernels", "autograd"])
def test_schedules_keep_the_guarantees(more: dict[str, Any], optimizer: str, ring: DataSet) -> None:
    one = spec(**SCHEDULED, **more, optimizer=optimizer)
    other = spec(**more, optimizer=optimizer, penalty="r1")
    mixed = [one, other, replace(one, critic_lr=1e-3)]
    first, rest, _ = resumed(mixed, [3, 1, 4], ring)
    for which, seed, row in zip(mixed, [3, 1, 4], range(3), strict=True):
        assert_close([first[row], *rest[row]], curves(train(which, [seed], ring))[0])
    assert rest[0] != curves(train(replace(one, generator_lr=2e-3), [3], ring))[0][1:]


@pytest.mark.parametrize(("updates", "penalty"), [row[:2] for row in ORDERED if row[2] == "adam"])
def test_translations_keep_the_guarantees(updates: str, penalty: str, ring: DataSet) -> None:
    """The same of a cyclegan, whose players have two networks each."""
    one = spec(
        model="cyclegan", penalty=PENALISED.get(penalty, penalty), updates=updates, identity_weight=1.0, steps=4,
        evaluations=2, source={"name": "rotated", "angle": 30},
    )  # fmt: skip
    company = train(one, [3, 1], ring)
    first = records(company.advance())
    resumed, hurt = train(one, [3, 1], ring), train(one, [3, 1], ring)
    for other in (resumed, hurt):
        other.load_state_dict(saved(company))
    spoil(hurt, 1)
    rest = curves(company)
    assert rest == curves(resumed)
    assert rest[0] == curves(hurt)[0]
    assert_close([first[1], *rest[1]], curves(train(one, [1], ring))[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"packing": 4, "instance_noise": 0.3}, {"pairing": "relativistic", "unroll": 1, "penalty": "lecam"},
        {"augmentation": ["translation", "cutout"], "penalty": "gradient_penalty", "lookahead": 2, **CONV},
    ],
)  # fmt: skip
def test_translations_of_images_are_alone_as_in_company(changes: dict[str, Any], digits: DataSet) -> None:
    one = spec(data={"name": "digits"}, model="cyclegan", ema=0.5, **changes)
    company = curves(train(one, [0, 5], digits))
    assert_close(company[1], curves(train(one, [5], digits))[0])


STABILISED = {"instance_noise": 0.3, "label_smoothing": 0.1, "packing": 4, "pairing": "relativistic"}


@pytest.mark.parametrize("penalty", ["none", "gradient_penalty", "dragan", "spectral_norm"])
@pytest.mark.parametrize("which", STABILISED)
def test_alone_is_in_company_for_every_stabiliser(which: str, penalty: str, ring: DataSet) -> None:
    one = spec(penalty=penalty, **{which: STABILISED[which]})
    company = curves(train(one, [3, 1, 4], ring))
    assert_close(company[2], curves(train(one, [4], ring))[0])
    assert company[2] != curves(train(spec(penalty=penalty), [4], ring))[0]


@pytest.mark.parametrize("model", ["matching", "vae", "oracle"])
@pytest.mark.parametrize("networks", [{}, CONV, RESNET], ids=["mlp", "conv", "resnet"])
def test_reference_models_keep_the_guarantees(model: str, networks: dict[str, Any], digits: DataSet) -> None:
    one = spec(data={"name": "digits"}, model=model, latent_dim=4, ema=0.5, **networks)
    in_company_resumed_and_alone(one, digits)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_alone_is_in_company_for_every_objective(objective: str, ring: DataSet) -> None:
    one = spec(objective=objective, critic_steps=2)
    company = curves(train(one, [7, 2], ring))
    assert_close(company[1], curves(train(one, [2], ring))[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("conditioning", ["join", "projection"])
def test_alone_is_in_company_for_conditional_models(optimizer: str, conditioning: str, ring: DataSet) -> None:
    one = spec(model="cgan", optimizer=optimizer, conditioning=conditioning, latent="uniform")
    company = curves(train(one, [0, 5, 6], ring))
    assert_close(company[1], curves(train(one, [5], ring))[0])


@pytest.mark.parametrize("model", ["gan", "cgan"])
@pytest.mark.parametrize("penalty", ["none", "gradient_penalty", "spectral_norm"])
def test_alone_is_in_company_for_convolutions(model: str, penalty: str, digits: DataSet) -> None:
    networks = {role: {**values, "batch_norm": penalty == "none"} for role, values in CONV.items()}
    one = spec(data={"name": "digits"}, model=model, penalty=penalty, latent_dim=8, **networks)
    company = curves(train(one, [0, 5, 6], digits))
    assert_close(company[1], curves(train(one, [5], digits))[0])


def test_consistency_over_images_keeps_the_guarantees(digits: DataSet) -> None:
    penalty = {"name": "balanced_consistency", "flip": 0.5, "shift": 0.3}
    one = spec(data={"name": "digits"}, penalty=penalty, latent_dim=4, **CONV)
    other = replace(one, penalty={**penalty, "shift": 0.1, "flip": 0.0})
    company = curves(train([one, other], [0, 5], digits))
    assert_close(company[1], curves(train(other, [5], digits))[0])
    assert_close(company[0], curves(train(one, [0], digits))[0])


@pytest.mark.parametrize(
    "more", [{"penalty": "r1"}, {"pairing": "relativistic", "updates": "extragradient", "optimizer": "sgd"}], ids=str
)
def test_augmentation_keeps_the_guarantees(more: dict[str, Any], digits: DataSet) -> None:
    names = ["colour", "translation", "cutout"]
    one = spec(data={"name": "digits"}, augmentation=names, latent_dim=4, steps=6, **CONV, **more)
    first = in_company_resumed_and_alone(one, digits)
    assert first != records(train(replace(one, augmentation="none"), [3, 1, 4], digits).advance())


@pytest.mark.parametrize("networks", [{}, CONV, RESNET], ids=["mlp", "conv", "resnet"])
def test_a_fallen_replica_touches_no_other_and_is_frozen(networks: dict[str, Any], digits: DataSet) -> None:
    one = spec(data={"name": "digits"}, latent_dim=4, penalty="gradient_penalty", **networks)
    healthy, hurt = train(one, [0, 1, 2], digits), train(one, [0, 1, 2], digits)
    healthy.advance()
    hurt.advance()
    spoil(hurt, 1)
    frozen = hurt.model.stacks[1].flat[1].clone()
    ours, theirs = curves(healthy), curves(hurt)
    assert ours[0] == theirs[0]
    assert ours[2] == theirs[2]
    assert [row["diverged"] for row in theirs[1]] == [True, True]
    assert {row["diverged_step"] for row in theirs[1]} == {5}
    assert all(math.isnan(row["mean"]) for row in theirs[1])
    assert torch.equal(hurt.model.stacks[1].flat[1], frozen)


def test_resuming_is_bit_for_bit_for_conditional_models(ring: DataSet) -> None:
    one = spec(penalty="spectral_norm", ema=0.95, model="cgan")
    whole = train(one, [2, 3], ring)
    whole.advance()
    again = train(one, [2, 3], ring)
    again.load_state_dict(saved(whole))
    assert curves(whole) == curves(again)
    assert torch.equal(whole.model.stacks[0].flat, again.model.stacks[0].flat)
    assert torch.equal(whole.average, again.average)


def test_resuming_is_bit_for_bit_after_a_fall_and_for_convolutions(digits: DataSet) -> None:
    one = spec(data={"name": "digits"}, latent_dim=4, **CONV)
    whole = train(one, [2, 3], digits)
    spoil(whole, 0)
    whole.advance()
    again = train(one, [2, 3], digits)
    again.load_state_dict(saved(whole))
    assert again.alive.tolist() == [False, True]
    ours, theirs = curves(whole), curves(again)
    assert ours[1] == theirs[1]
    assert [r["diverged_step"] for r in ours[0]] == [r["diverged_step"] for r in theirs[0]] == [1, 1]
