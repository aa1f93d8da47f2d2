"""Kinds of networks written plainly in PyTorch, and comparisons of a stack of networks with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainables.networks import Network
from trainables.population import StackedParameters, generators

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


def drawn(network: Network, seeds: int = 4) -> tuple[Tensor, ...]:
    return StackedParameters.drawn(network, generators(range(seeds), 0, "cpu")).constants
