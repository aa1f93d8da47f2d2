"""A stack of R networks against R plain torch modules with the same weights: outputs, gradients, double gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from plain_networks import (
    BATCH,
    CONVS,
    LATENT,
    MLPS,
    REPLICAS,
    RESNETS,
    compare,
    drawn,
    load,
    named,
    plain_critic,
    plain_generator,
    randn,
    stack,
)
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from trainables import networks
from trainables.networks.architecture import PIECES
from trainables.networks.network import FlatWeights
from trainables.population import StackedParameters, generators, views


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
@pytest.mark.parametrize("given", MLPS, ids=named)
def test_mlp_generators(given: dict[str, Any], shape: tuple[int, ...]) -> None:
    values = networks.settings("generator", given)
    stacked = stack(networks.generator(values, LATENT, shape))
    modules = [plain_generator(values, LATENT, shape).double() for _ in range(REPLICAS)]
    for i, module in enumerate(modules):
        load(module, stacked.views, i)
    compare(stacked, modules, randn(REPLICAS, BATCH, LATENT))


@pytest.mark.parametrize("shape", [(2,), (2, 4, 4)])
@pytest.mark.parametrize("given", MLPS, ids=named)
def test_mlp_critics(given: dict[str, Any], shape: tuple[int, ...]) -> None:
    values = networks.settings("critic", given)
    stacked = stack(networks.critic(values, shape))
    modules = [plain_critic(values, shape).double() for _ in range(REPLICAS)]
    for i, module in enumerate(modules):
        load(module, stacked.views, i)
    compare(stacked, modules, randn(REPLICAS, BATCH, *shape), read=lambda y: y[:, 0])


@pytest.mark.parametrize("given", [*CONVS, *RESNETS], ids=named)
def test_conv_generators(given: dict[str, Any]) -> None:
    shape = (2, 8, 8)
    values = networks.settings("generator", given)
    stacked = stack(networks.generator(values, LATENT, shape))
    modules = [plain_generator(values, LATENT, shape).double() for _ in range(REPLICAS)]
    for i, module in enumerate(modules):
        load(module, stacked.views, i)
    compare(stacked, modules, randn(REPLICAS, BATCH, LATENT))


@pytest.mark.parametrize("given", [*CONVS, *RESNETS], ids=named)
def test_conv_critics(given: dict[str, Any]) -> None:
    shape = (2, 8, 8)
    values = networks.settings("critic", given)
    stacked = stack(networks.critic(values, shape))
    modules = [plain_critic(values, shape).double() for _ in range(REPLICAS)]
    for i, module in enumerate(modules):
        load(module, stacked.views, i)
    compare(stacked, modules, randn(REPLICAS, BATCH, *shape), read=lambda y: y[:, 0])


LABELS = torch.tensor([[0, 1, 2, 2, 1, 0], [2, 2, 2, 0, 0, 1], [1, 0, 1, 0, 1, 2]])
HOT = torch.eye(3, dtype=torch.float64)[LABELS]


@pytest.mark.parametrize("given", [MLPS[2], CONVS[1], RESNETS[2]], ids=["mlp", "conv", "resnet"])
def test_generators_join_a_one_hot_label_to_the_latent(given: dict[str, Any]) -> None:
    shape = (1, 8, 8)
    values = networks.settings("generator", given)
    stacked, z = stack(networks.generator(values, LATENT, shape, classes=3)), randn(REPLICAS, BATCH, LATENT)
    out = stacked.network(stacked.views, z, LABELS)
    for i in range(REPLICAS):
        module = plain_generator(values, LATENT + 3, shape).double()
        load(module, stacked.views, i)
        torch.testing.assert_close(out[i], module(torch.cat([z[i], HOT[i]], 1)))


@pytest.mark.parametrize(
    ("given", "shape"),
    [(MLPS[2], (2,)), (MLPS[2], (1, 4, 4)), (CONVS[1], (2, 8, 8)), (RESNETS[2], (2, 8, 8))],
    ids=["points", "pixels", "conv", "resnet"],
)
def test_critics_join_a_one_hot_label_to_the_input(given: dict[str, Any], shape: tuple[int, ...]) -> None:
    values = networks.settings("critic", given)
    stacked, x = stack(networks.critic(values, shape, classes=3)), randn(REPLICAS, BATCH, *shape)
    out = stacked.network(stacked.views, x, LABELS)
    for i in range(REPLICAS):
        module = plain_critic(values, shape, joined=3).double()
        load(module, stacked.views, i)
        if values["kind"] == "mlp":
            joined = torch.cat([x[i].flatten(1), HOT[i]], 1)
        else:
            joined = torch.cat([x[i], HOT[i][:, :, None, None] * torch.ones(8, 8)], 1)
        torch.testing.assert_close(out[i], module(joined)[:, 0])


@pytest.mark.parametrize(
    ("given", "shape"),
    [({"hidden": []}, (2,)), (MLPS[2], (1, 4, 4)), (CONVS[1], (2, 8, 8)), (RESNETS[2], (2, 8, 8))],
    ids=["linear", "mlp", "conv", "resnet"],
)
def test_projection_adds_the_labels_embedding_times_the_last_hidden_layer(
    given: dict[str, Any], shape: tuple[int, ...]
) -> None:
    values = networks.settings("critic", given)
    network = networks.critic(values, shape, classes=3, conditioning="projection")
    stacked, x = stack(network), randn(REPLICAS, BATCH, *shape)
    out = stacked.network(stacked.views, x, LABELS)
    gradient = stacked.gradient(out.sum(1), retain=True)
    for i in range(REPLICAS):
        module = plain_critic(values, shape).double()
        load(module, stacked.views[:-1], i)
        embedding = stacked.views[-1][i].detach().clone().requires_grad_()
        hidden = module[:-1](x[i])
        expected = module(x[i])[:, 0] + (hidden * embedding[LABELS[i]]).sum(1)
        torch.testing.assert_close(out[i], expected)
        expected.sum().backward()
        assert embedding.grad is not None
        torch.testing.assert_close(gradient[i, -embedding.numel() :], embedding.grad.flatten())
    # Without labels it is the unconditional part.
    torch.testing.assert_close(stacked.network(stacked.views, x)[-1], module(x[-1])[:, 0])


EVERY_KIND = {
    "generator": [MLPS[6], CONVS[1], CONVS[2], CONVS[4], *RESNETS[1:]],
    "critic": [MLPS[3], MLPS[6], CONVS[1], CONVS[2], CONVS[4], *RESNETS[1:]],
}


@pytest.mark.parametrize("spoiled", [math.nan, math.inf])
@pytest.mark.parametrize(
    ("role", "given"), [(role, given) for role, all_given in EVERY_KIND.items() for given in all_given]
)
def test_a_spoiled_replica_leaves_the_others_bit_for_bit(role: str, given: dict[str, Any], spoiled: float) -> None:
    shape = (2, 16, 16)
    values = networks.settings(role, given)
    inputs = (LATENT,) if role == "generator" else shape
    network = networks.generator(values, LATENT, shape) if role == "generator" else networks.critic(values, shape)
    flat = StackedParameters.drawn(network, generators(range(4), 0, "cpu")).flat
    x = torch.randn(4, BATCH, *inputs, generator=torch.Generator().manual_seed(0))

    def everything(spoil: bool) -> list[Tensor]:
        weights, points = flat.clone(), x.clone()
        if spoil:
            weights[1], points[1, 0] = spoiled, spoiled
        stacked, points = StackedParameters(network, weights), points.requires_grad_()
        out = network(stacked.views, points)
        (slope,) = torch.autograd.grad(out.sum(), points, create_graph=True)
        first = stacked.gradient(out.flatten(1).square().mean(1), retain=True)
        second = stacked.gradient(slope.flatten(1).square().sum(1))
        return [out.detach(), slope.detach(), first, second]

    others = [0, 2, 3]
    for whole, touched in zip(everything(False), everything(True), strict=True):
        assert whole.isfinite().all()
        assert not touched[1].isfinite().all()
        assert torch.equal(whole[others], touched[others])


@pytest.mark.parametrize(
    ("role", "given"),
    [
        ("generator", MLPS[6]),
        ("generator", CONVS[4]),
        ("critic", CONVS[2]),
        ("generator", RESNETS[1]),
        ("critic", RESNETS[2]),
    ],
)
def test_a_replica_alone_is_the_replica_in_company(role: str, given: dict[str, Any]) -> None:
    shape = (2, 8, 8)
    values = networks.settings(role, given)
    inputs = (LATENT,) if role == "generator" else shape
    network = networks.generator(values, LATENT, shape) if role == "generator" else networks.critic(values, shape)
    stacked, x = stack(network), randn(REPLICAS, BATCH, *inputs)
    together = network(stacked.views, x)
    for i in range(REPLICAS):
        alone = network(views(network, stacked.flat[i : i + 1]), x[i : i + 1])
        torch.testing.assert_close(alone[0], together[i])


@pytest.mark.parametrize("given", [MLPS[4], *CONVS[1:4], *RESNETS], ids=named)
def test_operations_are_what_torch_counts(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.networks.layers.THIN", 0)  # products alone are counted
    shape = (2, 8, 8)
    for network, inputs in (
        (networks.generator(networks.settings("generator", given), LATENT, shape), (LATENT,)),
        (networks.critic(networks.settings("critic", given), shape), shape),
    ):
        with FlopCounterMode(display=False) as counter:
            network(drawn(network, 1), torch.zeros(1, 5, *inputs))
        assert network.operations == counter.get_total_flops() / 5


def test_critics_with_several_outputs() -> None:
    values = networks.settings("critic", {"hidden": [7]})
    stacked, x = stack(networks.critic(values, (2,), outputs=3)), randn(REPLICAS, BATCH, 2)
    out = stacked.network(stacked.views, x)
    assert out.shape == (REPLICAS, BATCH, 3)
    for i in range(REPLICAS):
        module = nn.Sequential(nn.Linear(2, 7), nn.LeakyReLU(0.2), nn.Linear(7, 3)).double()
        load(module, stacked.views, i)
        torch.testing.assert_close(out[i], module(x[i]))


def test_spectral_normalisation_divides_matrices_and_no_biases() -> None:
    shapes = {"mlp": (2,), "conv": (1, 8, 8)}
    for kind, shape in shapes.items():
        values = networks.settings("critic", {"kind": kind, "activation": "relu"})
        network = networks.critic(values, shape, classes=3, conditioning="projection")
        assert [len(network.weights[i].shape) for i in network.matrices] == (
            [2, 2, 2, 2] if kind == "mlp" else [4, 4, 2, 2]
        )
        biases = [w.shape for i, w in enumerate(network.weights) if i not in network.matrices]
        assert all(len(bias) == 1 for bias in biases)
        assert len(biases) == 3


def names(role: str, given: dict[str, Any], shape: tuple[int, ...]) -> list[str]:
    values = networks.settings(role, given)
    made = (
        networks.generator(values, 3, shape) if role == "generator" else networks.critic(values, shape, 3, "projection")
    )
    return [weight.name for weight in made.weights]


def test_weights_are_named_by_their_layers_kind_and_number() -> None:
    normed = {"hidden": [4], "batch_norm": True}
    dense, norm = ["dense0.weight", "dense0.bias"], ["norm0.weight", "norm0.bias"]
    assert names("generator", normed, (2,)) == [*dense, *norm, "dense1.weight", "dense1.bias"]
    assert names("critic", {"kind": "conv", "depth": 1}, (1, 8, 8)) == [
        "conv0.weight", "conv0.bias", *dense, "embedding",
    ]  # fmt: skip
    block = [f"block0.{part}.{kind}" for part in ("conv0", "conv1", "skip0") for kind in ("weight", "bias")]
    assert names("critic", {"kind": "resnet", "depth": 1}, (1, 8, 8)) == [*block, *dense, "embedding"]
    assert names("generator", {"kind": "affine"}, (3,)) == ["shift", "scale"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("role", "given", "unread"),
    [
        ("generator", {"hidden": [6, 5]}, ["dense0", "dense1"]),
        ("critic", {"hidden": [6], "activation": "maxout"}, ["dense0"]),
        ("generator", {"kind": "conv", "width": 3, "depth": 3}, ["conv0", "conv1"]),
        ("critic", {"kind": "conv", "width": 3, "depth": 3}, ["conv1", "conv2"]),
        ("generator", {"kind": "resnet", "width": 2, "depth": 1}, ["block0.conv0", "block0.conv1", "block0.skip0"]),
        ("critic", {"kind": "resnet", "width": 2, "depth": 1}, ["block0.conv1", "block0.skip0"]),
    ],
)
def test_biases_that_batch_normalisation_takes_off_are_not_read(
    role: str, given: dict[str, Any], unread: Sequence[str], dtype: torch.dtype
) -> None:
    """Their gradient is 0 and not a rounding error."""
    values, shape = networks.settings(role, {**given, "batch_norm": True}), (1, 8, 8) if "kind" in given else (2,)
    network = networks.generator(values, LATENT, shape) if role == "generator" else networks.critic(values, shape)
    x = torch.randn(2, 9, *((LATENT,) if role == "generator" else shape), dtype=dtype)
    flat = torch.cat([weight.flatten(1) for weight in drawn(network, 2)], 1).to(dtype).requires_grad_()
    network(FlatWeights(network.weights, flat), x).square().sum().backward()
    assert flat.grad is not None
    gradients = zip(network.weights, FlatWeights(network.weights, flat.grad), strict=True)
    assert [w.name for w, gradient in gradients if not gradient.any()] == [f"{layer}.bias" for layer in unread]


def test_images_end_in_tanh_and_points_do_not() -> None:
    z = 100 * torch.randn(2, 50, LATENT)
    for given in ({}, {"kind": "conv", "width": 4}):
        network = networks.generator(networks.settings("generator", given), LATENT, (1, 8, 8))
        pictures = network(drawn(network, 2), z)
        assert pictures.shape == (2, 50, 1, 8, 8)
        assert pictures.abs().max() <= 1
    network = networks.generator(networks.settings("generator", {}), LATENT, (2,))
    points = network(drawn(network, 2), z)
    assert points.shape == (2, 50, 2)
    assert points.abs().max() > 1


@pytest.mark.parametrize("role", ["generator", "critic"])
@pytest.mark.parametrize(
    ("shape", "depth", "message"),
    [
        ((2,), 2, r"{role}.kind: {kind} needs square images, got samples of shape \(2,\)"),
        ((1, 8, 4), 2, r"{role}.kind: {kind} needs square images, got samples of shape \(1, 8, 4\)"),
        ((1, 28, 28), 3, "{role}.depth: expected at most 2, as 3 halvings do not divide images of side 28, got 3"),
        ((1, 8, 8), 4, "{role}.depth: expected at most 3, as 4 halvings do not divide images of side 8, got 4"),
        ((1, 27, 27), 1, "{role}.kind: expected mlp for images of side 27, which is odd, got {kind}"),
    ],
)
def test_convolutions_need_images_they_can_halve(role: str, shape: tuple[int, ...], depth: int, message: str) -> None:
    for kind in ("conv", "resnet"):
        values = networks.settings(role, {"kind": kind, "depth": depth})
        with pytest.raises(ValueError, match=message.format(role=role, kind=kind)):
            networks.generator(values, LATENT, shape) if role == "generator" else networks.critic(values, shape)


def test_settings_fill_in_defaults_and_leave_what_was_given_alone() -> None:
    given = {"hidden": (3, 4), "activation": "maxout"}
    values = networks.settings("critic", given)
    assert given == {"hidden": (3, 4), "activation": "maxout"}
    assert values["hidden"] == [3, 4]
    assert values["pieces"] == PIECES
    assert networks.settings("critic", values) == values
    assert networks.settings("generator", {"kind": "conv"})["activation"] == "relu"
    assert "hidden" not in networks.settings("generator", {"kind": "conv"})
