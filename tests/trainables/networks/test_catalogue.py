"""A stack of R networks against R plain torch modules with the same weights: outputs, gradients, double gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from scipy.stats import ks_2samp, kstest
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from trainables import networks
from trainables.networks import Network
from trainables.networks.architecture import PIECES
from trainables.networks.layers import DrawnWeight
from trainables.population import StackedParameters, generators, views

REPLICAS, BATCH, LATENT = 3, 6, 4
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}

MLPS: list[dict[str, Any]] = [
    {"hidden": []},
    {"hidden": [7]},
    {"hidden": [7, 5], "activation": "relu"},
    {"hidden": [7, 5], "activation": "leaky_relu"},
    {"hidden": [7, 5], "activation": "tanh"},
    {"hidden": [7, 5], "activation": "maxout"},
    {"hidden": [7, 5], "activation": "maxout", "pieces": 2, "batch_norm": True},
    {"hidden": [7, 5], "activation": "tanh", "batch_norm": True},
    {"hidden": [7], "weight_std": 0.5},
]
CONVS: list[dict[str, Any]] = [
    {"kind": "conv", "width": 3, "depth": 1},
    {"kind": "conv", "width": 2, "depth": 2, "activation": "leaky_relu"},
    {"kind": "conv", "width": 2, "depth": 2, "activation": "tanh", "batch_norm": True},
    {"kind": "conv", "width": 2, "depth": 2, "activation": "maxout", "pieces": 3},
    {"kind": "conv", "width": 2, "depth": 3, "activation": "maxout", "pieces": 2, "batch_norm": True},
]

RESNETS: list[dict[str, Any]] = [
    {"kind": "resnet", "width": 3, "depth": 1},
    {"kind": "resnet", "width": 2, "depth": 2, "activation": "tanh", "batch_norm": True},
    {"kind": "resnet", "width": 2, "depth": 3, "activation": "leaky_relu"},
]


class Block(nn.Module):
    """A residual block that doubles (`up`) or halves the side; `first` begins with its convolution."""

    def __init__(self, values: dict[str, Any], inputs: int, outputs: int, up: bool, first: bool = False) -> None:
        super().__init__()
        normalise = values["batch_norm"] and not first
        bilinear = lambda scale: nn.Upsample(scale_factor=scale, mode="bilinear")  # noqa: E731
        convs = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)]
        before = [] if first else nonlinear(values, inputs, normalise, image=True)
        between = nonlinear(values, outputs, normalise, image=True)
        self.branch = nn.Sequential(
            *before, *([bilinear(2)] if up else []), convs[0], *between, convs[1], *([] if up else [bilinear(0.5)])
        )
        self.skip = nn.Sequential(bilinear(2 if up else 0.5), nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.branch(x) + self.skip(x)
        return out


def plain_resnet_generator(values: dict[str, Any], inputs: int, shape: Sequence[int]) -> nn.Sequential:
    depth = values["depth"]
    widths = [values["width"] * 2**i for i in (*reversed(range(depth)), 0)]
    side = shape[1] // 2**depth
    blocks = [Block(values, widths[i], widths[i + 1], up=True) for i in range(depth)]
    last = [*nonlinear(values, widths[-1], values["batch_norm"], image=True), nn.Conv2d(widths[-1], shape[0], 3, 1, 1)]
    return nn.Sequential(
        nn.Linear(inputs, widths[0] * side**2), nn.Unflatten(1, (-1, side, side)), *blocks, *last, nn.Tanh()
    )


class Summed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


def plain_resnet_critic(values: dict[str, Any], shape: Sequence[int], joined: int) -> nn.Sequential:
    widths = [shape[0] + joined, *(values["width"] * 2**i for i in range(values["depth"]))]
    blocks = [Block(values, widths[i], widths[i + 1], up=False, first=i == 0) for i in range(values["depth"])]
    last = nonlinear(values, widths[-1], values["batch_norm"], image=True)
    return nn.Sequential(*blocks, *last, Summed(), nn.Linear(widths[-1], 1))


class Maxout(nn.Module):
    """The largest of every `pieces` neighbouring features."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x[:, i :: self.pieces] for i in range(self.pieces)]).amax(0)


def nonlinear(values: dict[str, Any], features: int, normalise: bool, image: bool) -> list[nn.Module]:
    pieces = values.get("pieces", 1)
    layers: list[nn.Module] = []
    if normalise:
        layers.append((nn.BatchNorm2d if image else nn.BatchNorm1d)(features * pieces, track_running_stats=False))
    if values["activation"] == "maxout":
        return [*layers, Maxout(pieces)]
    return [*layers, ACTIVATIONS.get(values["activation"], lambda: nn.LeakyReLU(0.2))()]


def plain_mlp(values: dict[str, Any], inputs: int, outputs: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for width in values["hidden"]:
        layers.append(nn.Linear(inputs, width * values.get("pieces", 1)))
        layers += nonlinear(values, width, values["batch_norm"], image=False)
        inputs = width
    return [*layers, nn.Linear(inputs, outputs)]


def plain_generator(values: dict[str, Any], inputs: int, shape: Sequence[int]) -> nn.Sequential:
    if values["kind"] == "mlp":
        squash = [nn.Tanh()] if len(shape) == 3 else []
        return nn.Sequential(*plain_mlp(values, inputs, math.prod(shape)), *squash, nn.Unflatten(1, tuple(shape)))
    if values["kind"] == "resnet":
        return plain_resnet_generator(values, inputs, shape)
    pieces, depth, normalise = values.get("pieces", 1), values["depth"], values["batch_norm"]
    widths = [values["width"] * 2**i for i in reversed(range(depth))]
    side = shape[1] // 2**depth
    layers: list[nn.Module] = [nn.Linear(inputs, widths[0] * pieces * side**2), nn.Unflatten(1, (-1, side, side))]
    layers += nonlinear(values, widths[0], normalise, image=True)
    for i, width in enumerate(widths[1:]):
        layers.append(nn.ConvTranspose2d(widths[i], width * pieces, 4, 2, 1))
        layers += nonlinear(values, width, normalise, image=True)
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], shape[0], 4, 2, 1), nn.Tanh())


def plain_critic(values: dict[str, Any], shape: Sequence[int], joined: int = 0) -> nn.Sequential:
    if values["kind"] == "mlp":
        return nn.Sequential(nn.Flatten(1), *plain_mlp(values, math.prod(shape) + joined, 1))
    if values["kind"] == "resnet":
        return plain_resnet_critic(values, shape, joined)
    pieces, depth = values.get("pieces", 1), values["depth"]
    layers: list[nn.Module] = []
    channels = shape[0] + joined
    for level in range(depth):
        width = values["width"] * 2**level
        layers.append(nn.Conv2d(channels, width * pieces, 4, 2, 1))
        layers += nonlinear(values, width, values["batch_norm"] and level > 0, image=True)
        channels = width
    return nn.Sequential(*layers, nn.Flatten(1), nn.Linear(channels * (shape[1] // 2**depth) ** 2, 1))


def load(module: nn.Module, weights: Sequence[Tensor], replica: int) -> None:
    """Copy one replica's weights into the module's parameters, in order; torch's Linear is the transpose."""
    slots = [(m, name) for m in module.modules() for name, _ in m.named_parameters(recurse=False)]
    assert len(slots) == len(weights)
    for (layer, name), weight in zip(slots, weights, strict=True):
        value = weight[replica].detach()
        value = value.T if isinstance(layer, nn.Linear) and name == "weight" else value
        assert getattr(layer, name).shape == value.shape
        setattr(layer, name, nn.Parameter(value.clone()))


def saved(module: nn.Module) -> list[Tensor]:
    """Gradients of a module's parameters, in the stack's layout."""
    found = []
    for layer in module.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            assert parameter.grad is not None
            linear = isinstance(layer, nn.Linear) and name == "weight"
            found.append(parameter.grad.T if linear else parameter.grad)
    return found


def stack(network: Network, seed: int = 0) -> StackedParameters:
    """Random float64 weights; noise on top of the initialisation, so that biases and gains are not constants."""
    flat = StackedParameters.drawn(network, generators(range(REPLICAS), seed, "cpu")).flat.double()
    noise = torch.Generator().manual_seed(seed)
    return StackedParameters(network, flat + 0.1 * torch.randn(flat.shape, dtype=torch.float64, generator=noise))


def randn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def compare(stacked: StackedParameters, modules: Sequence[nn.Module], x: Tensor, read: Any = lambda y: y) -> None:
    """Outputs, weight gradients and weight gradients of the squared input gradient of every replica."""
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    out = stacked.network(stacked.views, ours)
    plain_out = torch.stack([read(module(theirs[i])) for i, module in enumerate(modules)])
    torch.testing.assert_close(out, plain_out)
    weights = randn(*out.shape, seed=2)
    first = stacked.gradient((out * weights).flatten(1).sum(1), retain=True)
    (slope,) = torch.autograd.grad((out * weights).sum(), ours, create_graph=True)
    second = stacked.gradient(slope.flatten(1).square().sum(1))
    for double, stacked_gradient in ((False, first), (True, second)):
        for module in modules:
            module.zero_grad()
        loss = (plain_out * weights).sum()
        if double:
            (plain_slope,) = torch.autograd.grad(loss, theirs, create_graph=True)
            loss = plain_slope.square().sum()
            for module in modules:  # a last bias has no second gradient: zero, not None
                for parameter in module.parameters():
                    parameter.grad = torch.zeros_like(parameter)
        loss.backward(retain_graph=True)
        expected = torch.stack([torch.cat([g.flatten() for g in saved(module)]) for module in modules])
        torch.testing.assert_close(stacked_gradient, expected)


def named(values: dict[str, Any]) -> str:
    return "-".join(f"{k}={v}" for k, v in values.items()).replace(" ", "")


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


def drawn(network: Network, seeds: int = 4) -> tuple[Tensor, ...]:
    return StackedParameters.drawn(network, generators(range(seeds), 0, "cpu")).constants


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


AFFINE = networks.settings("generator", {"kind": "affine"})


def test_an_affine_generator_starts_as_the_identity_and_scales_each_coordinate() -> None:
    network = networks.generator(AFFINE, 2, (2,))
    z = randn(REPLICAS, BATCH, 2)
    assert torch.equal(network([w.double() for w in drawn(network, REPLICAS)], z), z)
    mean, scale = randn(REPLICAS, 2), randn(REPLICAS, 2)
    out = network([mean, scale], z)
    for i in range(REPLICAS):
        torch.testing.assert_close(out[i], mean[i] + z[i] @ torch.diag(scale[i]))
    assert network.matrices == ()


def test_an_affine_generators_slopes_are_one_and_the_latent() -> None:
    stacked, z = stack(networks.generator(AFFINE, 1, (1,))), randn(REPLICAS, BATCH, 1)
    gradient = stacked.gradient(stacked.network(stacked.views, z).sum((1, 2)))
    torch.testing.assert_close(gradient, torch.stack([torch.full_like(z[:, 0, 0], BATCH), z.sum((1, 2))], 1))


@pytest.mark.parametrize(
    ("latent_dim", "shape", "classes", "message"),
    [
        (2, (1,), 0, "latent_dim: expected the data's dimension 1 with kind affine, got 2"),
        (4, (1, 2, 2), 0, r"generator.kind: affine makes points, got samples of shape \(1, 2, 2\)"),
        (2, (2,), 3, "generator.kind: expected another with cgan"),
    ],
)
def test_an_affine_generator_refuses_what_it_cannot_make(
    latent_dim: int, shape: tuple[int, ...], classes: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        networks.generator(AFFINE, latent_dim, shape, classes)


@pytest.mark.parametrize(
    ("role", "given", "message"),
    [
        ("critic", {}, "critic.kind: unknown name 'affine'"),
        ("generator", {"batch_norm": True}, "generator.batch_norm: expected false with kind affine, got true"),
        ("generator", {"hidden": [3]}, "generator.hidden: unknown setting"),
    ],
)
def test_an_affine_map_is_a_generator_without_settings(role: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        networks.settings(role, {"kind": "affine", **given})
    assert networks.settings("generator", AFFINE) == AFFINE


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
        ((1, 28, 28), 3, "{role}.depth: 3 halvings do not divide images of side 28"),
        ((1, 8, 8), 4, "{role}.depth: 4 halvings do not divide images of side 8"),
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
