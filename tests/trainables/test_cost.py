"""The estimate counts every operation of the networks, by hand for networks that are small enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from trainables import cost, data, native, own_code
from trainables.batches import Batch
from trainables.metrics import evaluator
from trainables.metrics.classifier import train_classifier
from trainables.spec import Spec
from trainables.training import Training

SMALL = {"generator": {"hidden": [8]}, "critic": {"hidden": [16]}, "latent_dim": 3}
CONV = {"kind": "conv", "width": 4, "depth": 2}


def seconds(replicas: int = 1, *, samples: int = 50, features: str = "raw", **changes: Any) -> float:
    values: dict[str, Any] = {"data": "ring", "steps": 100, "evaluations": 4, "batch_size": 8, **changes}
    evaluation = {"samples": samples, "features": features}
    values["evaluation"] = {**evaluator.check({}).__dict__, **evaluation}
    return cost.seconds(Spec(**values), replicas)


@pytest.fixture
def operations_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation counts 1, and nothing else counts."""
    monkeypatch.setattr(cost, "SECONDS_PER_FLOP", dict.fromkeys(cost.SECONDS_PER_FLOP, 1.0))
    monkeypatch.setattr(cost, "SECONDS_PER_UPDATE", dict.fromkeys(cost.SECONDS_PER_UPDATE, 0.0))
    monkeypatch.setattr(cost, "SECONDS_PER_EVALUATION", {"points": 0.0, "images": 0.0})


@pytest.mark.usefixtures("operations_alone")
def test_the_cost_is_the_arithmetic_of_the_updates() -> None:
    g, d = 2 * (3 * 8 + 8 * 2), 2 * (2 * 16 + 16)

    def operations(**changes: Any) -> float:
        return seconds(**{**SMALL, **changes}) - 4 * 50 * (g + 2 * d)

    assert operations() == pytest.approx(100 * 8 * ((6 * d + g) + 3 * g + 2 * d))
    assert operations(critic_steps=5) == pytest.approx(100 * 8 * (5 * (6 * d + g) + 3 * g + 2 * d))
    assert operations(penalty="r1") == pytest.approx(100 * 8 * ((12 * d + g) + 3 * g + 2 * d))
    assert operations(penalty="spectral_norm") == operations() == operations(penalty="lecam")
    assert operations(penalty="consistency") == pytest.approx(100 * 8 * ((9 * d + g) + 3 * g + 2 * d))
    assert seconds(3, **SMALL) == pytest.approx(3 * seconds(**SMALL))


@pytest.mark.usefixtures("operations_alone")
def test_the_operations_of_convolutions_count_every_position() -> None:
    once = {"steps": 1, "evaluations": 1, "batch_size": 1}
    found = seconds(data="digits", latent_dim=3, generator=CONV, critic=CONV, **once)
    # Dense to 8 planes of 2x2; every pixel into 4x4 of 4 planes of 4x4, and of these into 4x4 of the image of 8x8.
    g = 2 * (3 * 8 * 4 + 8 * 4 * 16 * 2**2 + 4 * 1 * 16 * 4**2)
    # Patches of 4x4 at 4x4 positions, then at 2x2, then dense from 8 planes of 2x2.
    d = 2 * (1 * 4 * 16 * 4**2 + 4 * 8 * 16 * 2**2 + 8 * 4)
    # The classifier's 3x3: 32 planes of 8x8, 64 of 4x4; then dense to 64 features, and to 10 classes.
    c = 2 * (1 * 32 * 9 * 8**2 + 32 * 64 * 9 * 4**2 + 64 * 4**2 * 64 + 64 * 10)
    assert found == pytest.approx((8 * d + 4 * g) + 50 * (g + 2 * d + c))


def test_inception_features_dominate_an_evaluation() -> None:
    wide = {"kind": "conv", "width": 8, "depth": 2}
    raw, inception = (
        seconds(data="cifar10", generator=wide, critic=wide, features=name) for name in ("raw", "inception")
    )
    assert inception > 10 * raw


def test_rounding_costs_each_update_more_and_no_operation() -> None:
    plain, rounded = (seconds(**SMALL, critic_steps=3, precision=name) for name in ("fp32", "bf16"))
    assert rounded - plain == pytest.approx(100 * 4 * cost.SECONDS_PER_ROUNDED_UPDATE)
    assert seconds(model="oracle", precision="bf16") == seconds(model="oracle")
    one = Spec(data={"name": "ring"}, steps=1, evaluations=1, batch_size=8, **SMALL)  # type: ignore[arg-type]
    assert cost.operations(replace(one, precision="bf16")) == cost.operations(one)


def test_a_map_costs_its_cells() -> None:
    settings = data.check("dirac")
    few = {**settings, "step": {"low": 0.1, "high": 1.0, "count": 2}}
    assert seconds(data=settings, model="dirac") > seconds(data=few, model="dirac")


WIDE = {"generator": {"hidden": [128, 128]}, "critic": {"hidden": [128, 128]}, "latent_dim": 16, "batch_size": 32}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"critic_steps": 5},
        {"penalty": "r1"},
        {"penalty": "balanced_consistency"},
        {"penalty": "gradient_penalty", "critic_steps": 2},
        {"packing": 4},
        {"model": "cgan", "conditioning": "projection"},
        {"updates": "simultaneous"},
        {"updates": "extragradient"},
        {"updates": "sga"},
        {"unroll": 1},
        {"unroll": 5, "updates": "simultaneous"},
        {"unroll": 2, "penalty": "gradient_penalty", "critic_steps": 2},
        {"unroll": 3, "penalty": "balanced_consistency"},
        {"updates": "sga", "penalty": "gradient_penalty"},
        {"updates": "simultaneous", "penalty": "consensus"},
        {"updates": "extragradient", "penalty": "consensus"},
        {"model": "cyclegan", "critic_steps": 2, "penalty": "r1"},
        {"model": "cyclegan", "updates": "extragradient", "cycle_weight": 0.0, "identity_weight": 5.0},
        {"model": "vae"},
        {"model": "matching"},
        {"model": "oracle"},
    ],
    ids=str,
)
def test_samples_and_operations_are_those_of_a_training(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted as it trains: the real samples that it gathers, and by torch the operations of its matrix products."""
    gathered: dict[int, int] = {}  # by batch, as a loss may ask for it twice

    class Counted(Batch):
        @property
        def real(self) -> Any:
            gathered[id(self)] = self.indices.numel()
            return super().real

    monkeypatch.setattr("trainables.batches.Batch", Counted)
    monkeypatch.setattr("trainables.networks.layers.THIN", 0)  # products alone are counted
    spec = Spec(data={"name": "ring", "points": 500, "heldout": 100}, steps=1, evaluations=1, **{**WIDE, **changes})
    training = Training(spec, [0], "cpu")
    (batches,) = training.sampler.draw(1)
    with native.disabled(), FlopCounterMode(display=False) as counter:
        training.model.step(batches, training.alive)
    assert cost.real_samples(spec) == sum(gathered.values())
    assert cost.operations(spec) == pytest.approx(counter.get_total_flops(), rel=0.07)


def test_models_without_a_critic_take_no_critic_updates() -> None:
    def updates(**changes: Any) -> int:
        return cost.critic_updates(Spec(steps=1, evaluations=1, batch_size=1, **{"data": "ring", **changes}))

    assert updates(critic_steps=3) == updates(model="cgan", critic_steps=3) == 3
    assert updates(data=data.check("dirac"), model="dirac", critic_steps=2) == 2
    assert updates(model="vae") == updates(model="matching") == updates(model="oracle") == 0


def test_a_map_of_games_sees_no_samples() -> None:
    spec = Spec(data=data.check("dirac"), model="dirac", steps=1, evaluations=1, batch_size=8)
    assert (cost.real_samples(spec), cost.operations(spec)) == (0, 0.0)


def test_own_networks_are_counted_by_torch_and_cost_more_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Critic(nn.Module):
        def __init__(self, shape: tuple[int, ...], classes: int) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(shape[0], 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.body(x)
            return out

    monkeypatch.setattr(own_code, "attribute", lambda *_: Critic)
    own = {**SMALL, "critic": {"module": "my_networks:OfTheCost"}}
    common: dict[str, Any] = {"data": "ring", "steps": 1, "evaluations": 1, "batch_size": 8, "penalty": "r1"}
    assert cost.operations(Spec(**common, **own)) == cost.operations(Spec(**common, **SMALL))
    more = 100 * 2 * cost.SECONDS_PER_OWN_UPDATE
    monkeypatch.setattr(cost, "SECONDS_PER_FLOP", dict.fromkeys(cost.SECONDS_PER_FLOP, 0.0))
    more += 100 * 2 * (cost.SECONDS_PER_UPDATE["torch"] - cost.SECONDS_PER_UPDATE["game"])
    assert seconds(**own) == pytest.approx(seconds(**SMALL) + more)


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        ({}, "game"),
        ({"penalty": "r1", "packing": 2}, "game"),
        ({"penalty": "gradient_penalty"}, "torch"),
        ({"penalty": [{"name": "r1"}, {"name": "r2"}]}, "torch"),
        ({"penalty": "spectral_norm"}, "torch"),
        ({"pairing": "relativistic"}, "torch"),
        ({"instance_noise": 0.1}, "torch"),
        ({"updates": "sga"}, "torch"),
        ({"unroll": 2}, "torch"),
        ({"generator": {"hidden": [8], "batch_norm": True}}, "torch"),
        ({"critic": {"hidden": [8], "activation": "tanh"}}, "torch"),
        ({"generator": {"kind": "affine"}, "latent_dim": 2}, "torch"),
    ],
    ids=str,
)
def test_it_is_known_which_games_the_kernels_play(
    changes: dict[str, Any], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native.available():
        pytest.skip("no C compiler")
    spec = Spec(**{"data": {"name": "ring"}, "steps": 1, "evaluations": 1, "batch_size": 8, **SMALL, **changes})
    training = Training(spec, [0], "cpu")
    model: Any = training.model
    game = model.players.dense is not None and spec.updates != "sga" and not spec.unroll
    monkeypatch.setattr(cost, "SECONDS_PER_FLOP", dict.fromkeys(cost.SECONDS_PER_FLOP, 0.0))
    monkeypatch.setattr(cost, "SECONDS_PER_UPDATE", {"game": 1.0, "torch": 0.0})
    assert cost.step_seconds(spec, 1) == 2 * game == 2 * (way == "game")


@pytest.mark.parametrize("packing", [1, 2])
def test_networks_that_normalise_over_a_batch_have_a_cost(packing: int) -> None:
    normalising = {"hidden": [8], "batch_norm": True}
    assert seconds(generator=normalising, critic=normalising, packing=packing) > 0


def prepared(settings: Any, **evaluation: Any) -> float:
    told = {**evaluator.check({}).__dict__, **evaluation}
    return cost.preparation_seconds(Spec(data=settings, steps=1, evaluations=1, batch_size=8, evaluation=told, **SMALL))


@pytest.mark.usefixtures("operations_alone")
@pytest.mark.parametrize(
    ("settings", "steps"),
    [({"name": "digits"}, 1000), ({"name": "stacked_digits"}, 1000), ({"name": "mnist"}, 2343),
     ({"name": "stacked_mnist"}, 2343), ({"name": "cifar10"}, 2343)],
    ids=str,
)  # fmt: skip
def test_a_classifier_of_labelled_pictures_is_trained_once(
    settings: dict[str, Any], steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of files are taken to be as many as MNIST has where there are none yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost, "SECONDS_PER_CLASSIFIER_FLOP", 1.0)
    found = data.describe(**settings)
    pictures, labels = torch.zeros(2, *found.shape), torch.zeros(2, dtype=torch.int64)
    pair = data.DataSet("pair", pictures, labels, pictures, labels, found.classes)
    classifier = train_classifier(pair, seed=0, steps=1)
    with FlopCounterMode(display=False) as counter:
        classifier(pictures)
    singles = 2 * found.shape[0] if classifier.identity.stacked else 2
    assert prepared(settings) == 3 * 128 * steps * counter.get_total_flops() / singles
    assert prepared(settings, classifier="mine.pt") == prepared({"name": "ring"}) == 0


@pytest.mark.usefixtures("operations_alone")
def test_features_of_the_floors_draws_count() -> None:
    few = prepared({"name": "ring"}, features="inception", samples=100)
    assert few == 5 * 100 * cost.FEATURES["inception"]
    labelled = prepared({"name": "digits"}, features="inception", samples=100, classifier="mine.pt")
    assert labelled == 7 * 100 * cost.FEATURES["inception"]  # two of five are made again
