"""Weights at the start: as torch's, normal, orthogonal and LeCun's, of each replica its own."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from plain_networks import CONVS, LATENT, drawn
from scipy.stats import ks_2samp, kstest
from torch import Tensor, nn

from trainables import networks
from trainables.networks.layers import DrawnWeight
from trainables.population import StackedParameters, generators


def test_dense_layers_start_as_torchs_linear() -> None:
    network = networks.critic(networks.settings("critic", {"hidden": [200]}), (50,))
    torch.manual_seed(0)
    linear = [nn.Linear(50, 200), nn.Linear(200, 1)]
    for i, layer in enumerate(linear):
        bound = 1 / math.sqrt(layer.in_features)
        for ours, theirs in zip(drawn(network)[2 * i : 2 * i + 2], (layer.weight, layer.bias), strict=True):
            assert ours.abs().max() <= bound
            assert theirs.abs().max() <= bound
            assert ks_2samp(ours.flatten().numpy(), theirs.detach().flatten().numpy()).pvalue > 0.01
    assert float(drawn(network)[0].abs().max()) == pytest.approx(1 / math.sqrt(50), rel=1e-3)


@pytest.mark.parametrize("up", [False, True])
def test_convolutions_start_as_torchs(up: bool) -> None:
    torch.manual_seed(0)
    if up:
        network = networks.generator(networks.settings("generator", CONVS[1] | {"width": 16}), LATENT, (3, 8, 8))
        layer: nn.Module = nn.ConvTranspose2d(32, 16, 4, 2, 1)
    else:
        network = networks.critic(networks.settings("critic", CONVS[1] | {"width": 16}), (3, 8, 8))
        layer = nn.Conv2d(16, 32, 4, 2, 1)
    index = next(i for i, weight in enumerate(network.weights) if weight.shape == layer.weight.shape)
    for ours, theirs in zip(drawn(network)[index : index + 2], (layer.weight, layer.bias), strict=True):
        weight = network.weights[index]
        assert isinstance(weight, DrawnWeight)
        bound = weight.bound
        assert isinstance(theirs, Tensor)
        assert theirs.abs().max() <= bound
        assert ks_2samp(ours.flatten().numpy(), theirs.detach().flatten().numpy()).pvalue > 0.01
    assert float(layer.weight.detach().abs().max()) == pytest.approx(bound, rel=1e-3)  # type: ignore[operator]


def test_weight_std_draws_normal_weights_and_zero_biases() -> None:
    values = networks.settings("generator", {"hidden": [100, 100], "weight_std": 0.02, "batch_norm": True})
    weights = drawn(networks.generator(values, 10, (2,)), seeds=2)
    matrices = torch.cat([w.flatten() for w in weights if w.dim() == 3])
    assert float(matrices.std()) == pytest.approx(0.02, rel=0.02)
    assert float(matrices.mean()) == pytest.approx(0, abs=5e-4)
    assert float((matrices.abs() > 0.04).double().mean()) == pytest.approx(0.0455, abs=0.005)
    vectors = [w for w in weights if w.dim() == 2]
    assert [float(v[0, 0]) for v in vectors] == [
        0,
        1,
        0,
        0,
        1,
        0,
        0,
    ]  # bias, gain, shift of each layer; bias of the last
    assert all((v == v[0, 0]).all() for v in vectors)


@pytest.mark.parametrize("gain", [1.0, 0.3])
@pytest.mark.parametrize(
    ("role", "given", "shape"),
    [
        ("generator", {"hidden": [40, 7], "batch_norm": True}, (2,)),
        ("critic", {"kind": "conv", "width": 4}, (2, 8, 8)),
        ("generator", {"kind": "resnet", "width": 4}, (2, 8, 8)),
    ],
)
def test_orthogonal_weights_have_orthonormal_rows_or_columns_times_the_gain(
    role: str, given: dict[str, Any], shape: tuple[int, ...], gain: float
) -> None:
    values = networks.settings(role, {**given, "init": "orthogonal", "gain": gain})
    network = networks.generator(values, 10, shape) if role == "generator" else networks.critic(values, shape)
    for weight, stacked in zip(network.weights, drawn(network), strict=True):
        if len(weight.shape) == 1:
            assert (stacked == (1 if "norm" in weight.name and "weight" in weight.name else 0)).all()
            continue
        for one in stacked.flatten(2).double():
            wide = one if one.shape[0] <= one.shape[1] else one.T
            torch.testing.assert_close(
                wide @ wide.T, gain**2 * torch.eye(len(wide), dtype=torch.float64), rtol=0, atol=1e-5
            )


@pytest.mark.parametrize("gain", [1.0, 0.88])
@pytest.mark.parametrize(
    ("role", "given", "shape", "fans"),
    [
        ("generator", {"hidden": [400, 100]}, (30,), [90, 400, 100]),
        ("critic", {"hidden": [300], "activation": "maxout", "pieces": 2}, (40,), [40, 300]),
        ("critic", {"kind": "conv", "width": 16}, (2, 8, 8), [2 * 16, 16 * 16, 32 * 2 * 2]),
    ],
)
def test_lecuns_weights_are_normal_with_a_variance_of_one_over_fan_in(
    role: str, given: dict[str, Any], shape: tuple[int, ...], fans: list[int], gain: float
) -> None:
    values = networks.settings(role, {**given, "init": "lecun", "gain": gain})
    network = networks.generator(values, 90, shape) if role == "generator" else networks.critic(values, shape)
    stacks = drawn(network, seeds=8)
    assert all((stack == 0).all() for stack in stacks if stack.dim() == 2)
    for stack, fan in zip((stack for stack in stacks if stack.dim() > 2), fans, strict=True):
        scaled = stack.flatten().double() * math.sqrt(fan) / gain
        assert kstest(scaled.numpy(), "norm").pvalue > 0.01


def test_orthogonal_weights_are_torchs() -> None:
    stream = torch.Generator().manual_seed(3)
    expected = nn.init.orthogonal_(torch.empty(5, 3), gain=0.7, generator=stream)
    ours = DrawnWeight("w", (5, 3), gain=0.7).draw(torch.Generator().manual_seed(3))
    assert torch.equal(ours.view(5, 3), expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"init": "xavier"}, "critic.init: unknown name 'xavier'; expected one of orthogonal, lecun"),
        ({"init": "orthogonal", "weight_std": 0.02}, "critic.weight_std: expected null with init orthogonal, got 0.02"),
        ({"init": "lecun", "weight_std": 0.02}, "critic.weight_std: expected null with init lecun, got 0.02"),
        ({"init": "orthogonal", "gain": 0}, r"critic.gain: expected a number in \(0, inf\), got 0"),
        ({"gain": 2.0}, "critic.gain: expected only with init orthogonal or lecun, got 2.0"),
        ({"kind": "resnet", "activation": "maxout"}, "critic.activation: unknown name 'maxout'; expected one of relu"),
        ({"kind": "resnet", "hidden": [3]}, "critic.hidden: unknown setting"),
    ],
)
def test_starts_and_kinds_that_do_not_go_together(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        networks.settings("critic", given)


def test_torchs_start_is_what_null_stands_for() -> None:
    assert networks.settings("critic", {"init": None}) == networks.settings("critic", {})
    assert networks.settings("critic", {"init": "orthogonal"})["gain"] == 1.0


def test_batch_norm_starts_as_the_identity_after_standardising() -> None:
    values = networks.settings("generator", {"hidden": [5], "activation": "tanh", "batch_norm": True})
    network = networks.generator(values, LATENT, (2,))
    gain, shift = drawn(network)[2:4]
    assert (gain == 1).all()
    assert (shift == 0).all()


def test_every_replica_draws_its_own_weights() -> None:
    network = networks.critic(networks.settings("critic", {"hidden": [3]}), (2,))
    together = StackedParameters.drawn(network, generators([5, 6, 7], 0, "cpu")).flat
    alone = StackedParameters.drawn(network, generators([6], 0, "cpu")).flat
    assert torch.equal(together[1], alone[0])
    assert len(together.unique(dim=0)) == 3


@pytest.mark.parametrize(
    ("weight", "low", "high"),
    [
        (DrawnWeight("w", (3, 50), bound=0.3), -0.3, 0.3),
        (DrawnWeight("w", (3, 50), fill=1.0), 1, 1),
        (DrawnWeight("w", (3, 50)), 0, 0),
    ],
)
def test_draws_keep_their_range(weight: DrawnWeight, low: float, high: float) -> None:
    values = weight.draw(torch.Generator().manual_seed(0))
    assert values.shape == (weight.size,) == (150,)
    assert low <= float(values.min())
    assert float(values.max()) <= high
