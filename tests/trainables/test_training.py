"""Trainings: what they learn, measure, refuse and share, and when they end."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from trainings import CONV, RESNET, RING, SMALL, Moments, assert_close, curves, records, saved, spec, spoil, train

from trainables import native
from trainables.data import DataSet, floats, load
from trainables.spec import Spec
from trainables.training import Training


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load(**RING)


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load("digits")


def test_shares_of_the_way_are_the_replicas_own(ring: DataSet) -> None:
    both = train([spec(lookahead=3, lookahead_alpha=alpha) for alpha in (0.2, 0.9)], [3, 4], ring)
    company = curves(both)
    assert_close(company[1], curves(train(spec(lookahead=3, lookahead_alpha=0.9), [4], ring))[0])
    assert company[1] != curves(train(spec(lookahead=3, lookahead_alpha=0.2), [4], ring))[0]


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
