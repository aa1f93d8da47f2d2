"""The training guarantees: alone is in company, a fallen replica touches no other, resuming is bit for bit."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import native
from trainables.data import DataSet, floats, load
from trainables.models.updates import ORDERS
from trainables.objectives import OBJECTIVES
from trainables.optimizers import DECAYING, OPTIMIZERS
from trainables.penalties import PENALTIES
from trainables.spec import Spec
from trainables.training import Evaluation, Training

SMALL = {"hidden": [16, 16]}
RING: dict[str, Any] = {"name": "ring", "points": 2000, "heldout": 500}


class Moments:
    """An evaluator that is cheap and sensitive: the mean and spread of the samples."""

    samples = 64

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        flat = samples.flatten(2).double()
        return {"mean": flat.mean((1, 2)), "spread": flat.std((1, 2))}


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load(**RING)


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load("digits")


def spec(**changes: Any) -> Spec:
    values: dict[str, Any] = {
        "data": RING,
        "steps": 12,
        "evaluations": 3,
        "batch_size": 16,
        "generator": SMALL,
        "critic": SMALL,
    }
    return Spec(**{**values, **changes})


def train(which: Spec | Sequence[Spec], seeds: Sequence[int], data: DataSet) -> Training:
    return Training(which, seeds, data=data, evaluator=Moments())  # type: ignore[arg-type]


def records(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Replica by replica what an evaluation says of it."""
    values = [dict(zip(evaluation.columns, row, strict=True)) for row in zip(*evaluation.columns.values(), strict=True)]
    return [
        {"seed": seed, "step": evaluation.step, **{name: value for name, value in row.items() if value is not None}}
        for seed, row in zip(evaluation.seeds, values, strict=True)
    ]


def curves(training: Training) -> list[list[dict[str, Any]]]:
    rows = []
    while not training.done:
        rows.append(records(training.advance()))
    return [list(curve) for curve in zip(*rows, strict=True)]


def assert_close(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], rel: float = 2e-4) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        assert mine.get("diverged_step") == other.get("diverged_step")
        for name in mine.keys() - {"diverged_step"}:
            assert mine[name] == pytest.approx(other[name], rel=rel, abs=2e-5, nan_ok=True), name


def spoil(training: Training, replica: int, value: float = math.nan) -> None:
    training.model.stacks[0].flat[replica, 0] = value


def saved(training: Training) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(training.state_dict(), file)
    file.seek(0)
    state: dict[str, Any] = torch.load(file, weights_only=True)
    return state


PENALISED: dict[str, Any] = {
    "clip": {"name": "clip", "bound": 0.1},
    "several": ["r1", "gradient_penalty", "spectral_norm"],
    "lazy": [{"name": "r1", "every": 3}, {"name": "dragan", "every": 2, "compensated": False}],
}
DOWN, UP = {"from": 2e-3, "to": 0, "shape": "cosine", "warmup": 0.3}, {"from": 0.5, "to": 0.9, "until": 0.5}
SCHEDULED: dict[str, Any] = {
    "generator_lr": DOWN, "critic_lr": {**DOWN, "shape": "constant", "until": 0.6}, "beta2": UP, "ema": UP,
    "penalty": {"name": "r1", "weight": {"from": 1.0, "to": 0.1}},
}  # fmt: skip
CONV = {"generator": {"kind": "conv", "width": 4, "depth": 2}, "critic": {"kind": "conv", "width": 4, "depth": 2}}

RESNET = {
    "generator": {"kind": "resnet", "width": 2, "depth": 2, "init": "orthogonal"},
    "critic": {"kind": "resnet", "width": 2, "depth": 2},
}


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


def test_shares_of_the_way_are_the_replicas_own(ring: DataSet) -> None:
    both = train([spec(lookahead=3, lookahead_alpha=alpha) for alpha in (0.2, 0.9)], [3, 4], ring)
    company = curves(both)
    assert_close(company[1], curves(train(spec(lookahead=3, lookahead_alpha=0.9), [4], ring))[0])
    assert company[1] != curves(train(spec(lookahead=3, lookahead_alpha=0.2), [4], ring))[0]


def keeps_the_guarantees(one: Spec, ring: DataSet) -> None:
    """Alone is in company, resuming is bit for bit, and a fallen replica touches no other."""
    company = train(one, [3, 1, 4, 15, 9], ring)
    first = records(company.advance())
    resumed = train(one, [3, 1, 4, 15, 9], ring)
    resumed.load_state_dict(saved(company))
    hurt = train(one, [3, 1, 4, 15, 9], ring)
    hurt.load_state_dict(saved(company))
    spoil(hurt, 4)
    rest = curves(company)
    assert rest == curves(resumed)
    assert rest[:4] == curves(hurt)[:4]
    assert_close([first[2], *rest[2]], curves(train(one, [4], ring))[0])


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize("more", [{}, {"instance_noise": {"from": 0.1, "to": 0.5}}], ids=["kernels", "autograd"])
def test_schedules_keep_the_guarantees(more: dict[str, Any], optimizer: str, ring: DataSet) -> None:
    one = spec(**SCHEDULED, **more, optimizer=optimizer)
    other = spec(**more, optimizer=optimizer, penalty="r1")
    mixed = [one, other, replace(one, critic_lr=1e-3)]
    company = train(mixed, [3, 1, 4], ring)
    first = records(company.advance())
    resumed = train(mixed, [3, 1, 4], ring)
    resumed.load_state_dict(saved(company))
    rest = curves(company)
    assert rest == curves(resumed)
    for which, seed, row in zip(mixed, [3, 1, 4], range(3), strict=True):
        assert_close([first[row], *rest[row]], curves(train(which, [seed], ring))[0])
    assert rest[0] != curves(train(replace(one, generator_lr=2e-3), [3], ring))[0][1:]


def test_the_average_follows_its_half_life(ring: DataSet) -> None:
    """Against a loop that averages the weights themselves; the half-life goes from 0 to that of 0.5, a step."""
    made = train(spec(ema={"from": 0.0, "to": 0.5}, evaluations=12), [0, 1], ring)
    average = made.model.stacks[0].flat.double()
    for step in range(12):
        made.advance()
        decay = 0.5 ** (12 / step) if step else 0.0
        average = decay * average + (1 - decay) * made.model.stacks[0].flat.double()
        torch.testing.assert_close(made.average.double(), average, rtol=1e-5, atol=1e-7)


def test_settings_stand_where_training_does(ring: DataSet) -> None:
    """After an evaluation, and after a load, as far as training has come."""
    one = spec(generator_lr={"from": 1e-3, "to": 0})
    made, loaded = train(one, [0], ring), train(one, [0], ring)
    for left in (8, 4, 0):
        made.advance()
        loaded.load_state_dict(saved(made))
        for training in (made, loaded):
            assert training.context.present("generator_lr").tolist() == pytest.approx([1e-3 * left / 12])


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


def test_what_has_no_meaning_for_translations_changes_nothing(ring: DataSet) -> None:
    ours = curves(train(spec(model="cyclegan"), [0], ring))
    assert ours == curves(train(spec(model="cyclegan", latent_dim=7, latent="uniform"), [0], ring))


def test_weights_of_translations_may_differ_in_a_population(ring: DataSet) -> None:
    one = spec(model="cyclegan", identity_weight=1.0)
    two = replace(one, cycle_weight=1.0, identity_weight=7.0)
    together = curves(train([one, two], [8, 8], ring))
    for alone, curve in zip((one, two), together, strict=True):
        assert_close(curve, curves(train(alone, [8], ring))[0])
    with pytest.raises(ValueError, match="replicas of one population must agree in identity_weight"):
        train([one, replace(one, identity_weight=0.0)], [0, 1], ring)


STABILISED = {"instance_noise": 0.3, "label_smoothing": 0.1, "packing": 4, "pairing": "relativistic"}


@pytest.mark.parametrize("penalty", ["none", "gradient_penalty", "dragan", "spectral_norm"])
@pytest.mark.parametrize("which", STABILISED)
def test_alone_is_in_company_for_every_stabiliser(which: str, penalty: str, ring: DataSet) -> None:
    one = spec(penalty=penalty, **{which: STABILISED[which]})
    company = curves(train(one, [3, 1, 4], ring))
    assert_close(company[2], curves(train(one, [4], ring))[0])
    assert company[2] != curves(train(spec(penalty=penalty), [4], ring))[0]


def in_company_resumed_and_alone(one: Spec, data: DataSet) -> Any:
    """Three replicas train as they do when resumed, and the last as it does alone; their first evaluations."""
    company = train(one, [3, 1, 4], data)
    first = records(company.advance())
    resumed = train(one, [3, 1, 4], data)
    resumed.load_state_dict(saved(company))
    rest = curves(company)
    assert rest == curves(resumed)
    assert_close([first[2], *rest[2]], curves(train(one, [4], data))[0])
    return first


@pytest.mark.parametrize("model", ["matching", "vae", "oracle"])
@pytest.mark.parametrize("networks", [{}, CONV, RESNET], ids=["mlp", "conv", "resnet"])
def test_reference_models_keep_the_guarantees(model: str, networks: dict[str, Any], digits: DataSet) -> None:
    one = spec(data={"name": "digits"}, model=model, latent_dim=4, ema=0.5, **networks)
    in_company_resumed_and_alone(one, digits)


@pytest.mark.parametrize("model", ["matching", "vae"])
def test_reference_models_learn(model: str) -> None:
    """The mean of a narrow Gaussian, which every model must find."""
    data = load("gaussian", mean=4.0, std=0.5, points=2000, heldout=200)
    one = spec(data={"name": "gaussian"}, model=model, steps=300, evaluations=1, batch_size=64, latent_dim=1)
    (row,) = records(train(one, [0], data).advance())
    assert row["mean"] == pytest.approx(4.0, abs=0.3)


def test_the_oracle_draws_from_the_truth(ring: DataSet) -> None:
    (row,) = records(Training(spec(model="oracle"), [0], data=ring).advance())
    assert row["modes"] == 8
    assert row["high_quality"] == pytest.approx(0.9889, abs=0.01)


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


def test_replicas_of_other_scalars_share_a_population(ring: DataSet) -> None:
    slow = spec(generator_lr=1e-4, beta1=0.0, penalty={"name": "r1", "weight": 0.1})
    fast = replace(slow, generator_lr=3e-3, critic_lr=2e-3, beta1=0.9, ema=0.9, penalty={"name": "r1", "weight": 10.0})
    together = curves(train([slow, fast], [8, 8], ring))
    for one, curve in zip((slow, fast), together, strict=True):
        assert_close(curve, curves(train(one, [8], ring))[0])
    with pytest.raises(ValueError, match="replicas of one population must agree in batch_size"):
        train([slow, replace(slow, batch_size=8)], [0, 1], ring)
    with pytest.raises(ValueError, match="replicas of one population must agree in instance_noise"):
        train([slow, replace(slow, instance_noise=0.1)], [0, 1], ring)


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


def test_a_replica_beyond_the_bound_has_diverged_at_that_step(ring: DataSet) -> None:
    training = train(spec(objective="wasserstein", bound=50.0), [0, 1], ring)
    spoil(training, 0, 51.0)
    columns = training.advance().columns
    assert columns["diverged"] == [True, False]
    assert columns["diverged_step"] == [1, None]


def test_training_ends_early_when_no_replica_is_left(ring: DataSet) -> None:
    training = train(spec(), [0, 1], ring)
    spoil(training, 0)
    spoil(training, 1)
    columns = training.advance().columns
    assert training.done
    assert columns["diverged_step"] == [1, 1]
    assert training.step == 4


def test_resuming_is_bit_for_bit_for_conditional_models(ring: DataSet) -> None:
    one = spec(penalty="spectral_norm", ema=0.95, model="cgan")
    whole = train(one, [2, 3], ring)
    whole.advance()
    resumed = train(one, [2, 3], ring)
    resumed.load_state_dict(saved(whole))
    assert curves(whole) == curves(resumed)
    assert torch.equal(whole.model.stacks[0].flat, resumed.model.stacks[0].flat)
    assert torch.equal(whole.average, resumed.average)


def test_resuming_is_bit_for_bit_after_a_fall_and_for_convolutions(digits: DataSet) -> None:
    one = spec(data={"name": "digits"}, latent_dim=4, **CONV)
    whole = train(one, [2, 3], digits)
    spoil(whole, 0)
    whole.advance()
    resumed = train(one, [2, 3], digits)
    resumed.load_state_dict(saved(whole))
    assert resumed.alive.tolist() == [False, True]
    ours, theirs = curves(whole), curves(resumed)
    assert ours[1] == theirs[1]
    assert [r["diverged_step"] for r in ours[0]] == [r["diverged_step"] for r in theirs[0]] == [1, 1]


def test_a_state_of_other_seeds_is_refused(ring: DataSet) -> None:
    with pytest.raises(ValueError, match=r"state of seeds \[0, 1\] does not fit a training of seeds \[0, 2\]"):
        train(spec(), [0, 2], ring).load_state_dict(train(spec(), [0, 1], ring).state_dict())


def test_an_evaluation_is_columns_in_the_order_of_the_seeds(ring: DataSet) -> None:
    training = Training(spec(), [5, 3], data=ring)
    first = training.advance()
    assert (first.step, first.seeds) == (4, [5, 3])
    assert {len(values) for values in first.columns.values()} == {2}
    assert "diverged_step" not in first.columns
    assert len(first.columns["mode_histogram"][1]) == 8
    spoil(training, 0)
    second = training.advance().columns
    assert second["diverged"] == [True, False]
    assert second["diverged_step"] == [5, None]
    assert math.isnan(second["fid"][0])
    assert math.isfinite(second["fid"][1])
    assert second["mode_histogram"][0] is None
    spoil(training, 1)
    assert "mode_histogram" not in training.advance().columns


def test_the_seed_alone_decides(ring: DataSet) -> None:
    first, second, third = curves(train(spec(), [11, 12, 11], ring))
    assert first == third
    assert first[0]["loss_critic"] != second[0]["loss_critic"]


@pytest.mark.parametrize("model", ["gan", "cgan", "cyclegan", "matching", "oracle"])
def test_pictures_kept_as_bytes_train_like_the_same_as_floats(model: str, digits: DataSet) -> None:
    """Every reader of the data: batches, held-out parts, bandwidths and all measurements."""
    generator = torch.Generator().manual_seed(0)
    train_part, heldout = (
        torch.randint(256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
        for count in (len(digits.train), len(digits.heldout))
    )
    kept = replace(digits, train=train_part, heldout=heldout)
    turned = replace(digits, train=floats(train_part), heldout=floats(heldout))
    which = spec(
        model=model,
        steps=2,
        evaluations=1,
        evaluation={"samples": 60, "neighbour_samples": 60},
        measure=["kernel", "sliced", "memorisation"],
    )
    ours, theirs = (Training(which, [1, 2], data=data).advance().columns for data in (kept, turned))
    assert repr(ours) == repr(theirs)  # NaN is not equal to itself
    assert {"fid", "memorisation", "kid"} <= ours.keys()


def test_block_length_does_not_change_the_seed_s_meaning(ring: DataSet) -> None:
    """Evaluating more often may cut blocks differently, but never leaves half a block behind."""
    training = train(spec(steps=8, evaluations=8), [0], ring)
    state = saved(training)
    training.advance()
    assert training.step == 1
    assert not torch.equal(state["feed"][0], saved(training)["feed"][0])


def test_pictures_disturb_nothing(ring: DataSet) -> None:
    plain, watched = train(spec(model="cgan"), [1], ring), train(spec(model="cgan"), [1], ring)
    samples, labels = watched.samples(20)
    assert samples.shape == (1, 20, 2)
    assert labels is not None
    assert labels[0, :10].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    assert torch.equal(samples, watched.samples(20)[0])
    assert curves(plain) == curves(watched)


def test_the_averaged_generator_is_the_one_measured(ring: DataSet) -> None:
    training = train(spec(ema=0.999), [0], ring)
    start = training.average.clone()
    training.advance()
    moved = (training.model.stacks[0].flat - start).norm()
    assert 0 < (training.average - start).norm() < 0.01 * moved
    training = train(spec(), [0], ring)
    training.advance()
    assert torch.equal(training.average, training.model.stacks[0].flat)


def test_seeds_may_be_an_array(ring: DataSet) -> None:
    seeds: Any = torch.arange(2).numpy()
    assert json.dumps(train(spec(), seeds, ring).seeds) == "[0, 1]"


def test_models_and_data_that_do_not_fit_are_refused(ring: DataSet) -> None:
    with pytest.raises(ValueError, match="cgan needs labelled data, got 'gaussian'"):
        train(spec(model="cgan", data={"name": "gaussian"}), [0], load("gaussian", points=100, heldout=10))
    with pytest.raises(ValueError, match="expected at least one"):
        train(spec(), [], ring)
    with pytest.raises(ValueError, match="seeds: expected whole numbers >= 0, got -1"):
        train(spec(), [3, -1], ring)
    with pytest.raises(ValueError, match=r"conv needs square images, got samples of shape \(2,\)"):
        train(spec(**CONV), [0], ring)


@pytest.mark.parametrize("model", ["gan", "cgan"])
@pytest.mark.parametrize("count", [1, 5, 16, 17, 33])
def test_a_normalising_generator_makes_every_sample_in_a_whole_batch(model: str, count: int, ring: DataSet) -> None:
    """A sample made alone, or in the remainder of 1 of 16, would be the bias of the last layer, whatever its latent."""
    networks = {"generator": {**SMALL, "batch_norm": True}}
    training = train(spec(model=model, **networks), [0, 1], ring)
    samples, labels = training.samples(count)
    assert samples.shape == (2, count, 2)
    assert (labels is None) == (model == "gan")
    bias = training.average[:, -2:]
    assert bool(((samples - bias[:, None]).abs().amax(2) > 1e-3).all())
    latents = training.model.latents(count, training.context.streams("pictures"))
    if count > 1:
        assert training.generate(latents, labels).shape == samples.shape
        return
    with pytest.raises(ValueError, match=r"latents: expected at least 2 for a generator that .*, got 1"):
        training.generate(latents, labels)


def test_going_through_a_training_is_advancing_to_its_end(ring: DataSet) -> None:
    training, stopped = train(spec(), [0, 1], ring), train(spec(), [0, 1], ring)
    first = stopped.advance()
    every = list(training)
    assert [evaluation.step for evaluation in every] == [4, 8, 12]
    assert [first, *stopped] == every
    assert list(training) == []


def test_critic_accuracy_is_a_half_for_a_blind_critic_and_one_for_a_seeing_one(ring: DataSet) -> None:
    training = train(spec(critic={"hidden": []}), [0, 1], ring)
    critic = training.model.stacks[1].flat
    critic.zero_()
    training.model.stacks[0].flat.zero_()
    training.average.zero_()
    training.model.stacks[0].flat[:, -2:] = 100.0
    training.average[:, -2:] = 100.0
    critic[1, :3] = torch.tensor([-1.0, -1.0, 10.0])
    row = training.measure()
    assert row["critic_accuracy"].tolist() == [0.5, 1.0]
    assert row["probability_real"][0] == 0.5


@pytest.mark.slow
def test_a_plain_gan_learns_the_ring() -> None:
    """Sense, not speed: after 3,000 steps most of the eight modes are there and most samples near one."""
    one = Spec(
        data={"name": "ring"},
        steps=3000,
        evaluations=1,
        batch_size=256,
        beta1=0.5,
        generator={"hidden": [128, 128]},
        critic={"hidden": [128, 128]},
    )
    assert sorted(Training(one, range(4)).advance().columns["modes"])[1] >= 6


@pytest.mark.gpu
@pytest.mark.parametrize("networks", [{}, CONV, RESNET], ids=["mlp", "conv", "resnet"])
def test_a_gpu_trains_the_same_game(networks: dict[str, Any], digits: DataSet) -> None:
    """Streams differ between devices; the game, its guarantees and its records do not."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    one = spec(data={"name": "digits"}, latent_dim=4, model="cgan", **networks)
    training = Training(one, [0, 1], "cuda", data=digits, evaluator=Moments())  # type: ignore[arg-type]
    first = training.advance()
    resumed = Training(one, [0, 1], "cuda", data=digits, evaluator=Moments())  # type: ignore[arg-type]
    resumed.load_state_dict(saved(training))
    assert all(math.isfinite(loss) for loss in first.columns["loss_critic"])
    assert_close(records(training.advance()), records(resumed.advance()), rel=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"penalty": {"name": "r1", "weight": 3.0}},
        {"penalty": {"name": "dragan"}, "critic_steps": 2},
        {"penalty": {"name": "clip", "bound": 0.05}, "optimizer": "rmsprop"},
        {"penalty": "spectral_norm", "model": "cgan"},
        {"penalty": "r2", "packing": 2, "updates": "simultaneous"},
        {"penalty": ["r1", "consensus"], "updates": "simultaneous"},
        {"model": "vae"},
        {"objective": "kl", "updates": "extragradient", "instance_noise": 0.1},
    ],
    ids=str,
)
def test_compiled_kernels_train_as_torch_does(ring: DataSet, changes: dict[str, Any]) -> None:
    def weights() -> list[Tensor]:
        training = train(spec(generator={"hidden": [24, 17]}, critic={"hidden": [40]}, **changes), [3, 5], ring)
        while training.step < training.spec.steps:
            training.advance()
        return [stack.flat for stack in training.model.stacks]

    compiled = weights()
    with native.disabled():
        torch.testing.assert_close(weights(), compiled, rtol=1e-4, atol=2e-6)
