"""One replica's generator as an ordinary torch module, for use without the population and, exported, without ganstudy.

The parts bear the names of the population's weights (`dense0`, `norm0`, `block0.conv1`), so that one's weights fit the
other; a dense weight of the population is (inputs, outputs), torch's the transposed. Batch normalisation uses the batch
at hand, as it did in training, whatever the module's mode.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.networks import own
from trainables.networks.convolutional import square

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
}


class PlainGenerator(nn.Sequential):
    """Maps latents (n, latent_dim), and with `classes` labels (n,) from 0 to classes - 1, to samples (n, *shape)."""

    def __init__(self, latent_dim: int, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        self.latent_dim, self.shape, self.classes = latent_dim, tuple(shape), classes

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Samples, replica by replica what the population generates from the same latents."""
        if labels is not None and self.classes:
            z = torch.cat([z, functional.one_hot(labels, self.classes).to(z.dtype)], -1)
        for part in self:
            z = part(z)
        return z


class Maxout(nn.Module):
    """The maximum of each unit's linear pieces, which stand next to each other along axis 1."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """Activations (n, units * pieces, ...) become (n, units, ...)."""
        largest: Tensor = x.unflatten(1, (-1, self.pieces)).amax(2)
        return largest


class PlainAffine(nn.Module):
    """mu + sigma z, coordinate by coordinate, from latents (n, latent_dim)."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim, self.shape, self.classes = latent_dim, (latent_dim,), 0
        self.shift, self.scale = nn.Parameter(torch.zeros(latent_dim)), nn.Parameter(torch.ones(latent_dim))

    def forward(self, z: Tensor) -> Tensor:
        """Samples (n, latent_dim)."""
        return torch.addcmul(self.shift, self.scale, z)


class PlainBlock(nn.Module):
    """A residual block of a generator, from images (n, inputs, side, side) to (n, outputs, 2 side, 2 side)."""

    def __init__(self, values: Mapping[str, Any], inputs: int, outputs: int) -> None:
        super().__init__()
        self.act = ACTIVATIONS[values["activation"]]()
        self.norm0 = nn.BatchNorm2d(inputs, track_running_stats=False) if values["batch_norm"] else nn.Identity()
        self.conv0 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(outputs, track_running_stats=False) if values["batch_norm"] else nn.Identity()
        self.conv1 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip0 = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways."""
        branch = self.conv0(_doubled(self.act(self.norm0(x))))
        both: Tensor = self.conv1(self.act(self.norm1(branch))) + _doubled(self.skip0(x))
        return both


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class _Builder:
    """Collects a generator's parts in order; `values` are its checked settings."""

    def __init__(self, made: PlainGenerator, values: Mapping[str, Any]) -> None:
        self.made, self.values = made, values
        self.pieces = values["pieces"] if values["activation"] == "maxout" else 1
        self._named: Counter[str] = Counter()

    def add(self, kind: str, part: nn.Module) -> None:
        """Append a part, named by its kind and its number among those of its kind."""
        self.made.add_module(f"{kind}{self._named[kind]}", part)
        self._named[kind] += 1

    def nonlinear(self, width: int, norm: type[nn.Module] | None) -> None:
        """Batch normalisation where asked, then the activation."""
        if self.values["batch_norm"] and norm is not None:
            self.add("norm", norm(width * self.pieces, track_running_stats=False))
        activation = self.values["activation"]
        self.add(activation, Maxout(self.pieces) if activation == "maxout" else ACTIVATIONS[activation]())


def generator(values: Mapping[str, Any], latent_dim: int, shape: Sequence[int], classes: int = 0) -> nn.Module:
    """The module of a generator's checked settings, with some initial weights; one of the user's own is itself.

    Raises what `own_code.attribute` raises, and `own.Unfit`.
    """
    if "module" in values:
        return own.generator(values, latent_dim, shape, classes).module
    if values["kind"] == "affine":
        return PlainAffine(latent_dim)
    made = PlainGenerator(latent_dim, shape, classes)
    parts = {"mlp": _mlp, "conv": _convolutions, "resnet": _blocks}[values["kind"]]
    parts(_Builder(made, values), latent_dim + classes, shape)
    return made


def translator(values: Mapping[str, Any], shape: Sequence[int]) -> nn.Module:
    """The same of a generator from samples (n, *shape) to samples."""
    made = PlainGenerator(math.prod(shape), shape, 0)
    builder = _Builder(made, values)
    if values["kind"] == "mlp":
        builder.add("flatten", nn.Flatten())
        _mlp(builder, math.prod(shape), shape)
        return made
    here = shape[0]
    for level in range(values["depth"]):
        width = values["width"] * 2**level
        builder.add("conv", nn.Conv2d(here, width * builder.pieces, 4, stride=2, padding=1))
        builder.nonlinear(width, nn.BatchNorm2d if level else None)
        here = width
    _enlarge(builder, shape[0])
    return made


def fitted(module: nn.Module, named: Mapping[str, Tensor]) -> nn.Module:
    """The module with the weights of one replica, by their names in the population."""
    layers, ours = dict(module.named_modules()), isinstance(module, PlainGenerator)
    for name, parameter in module.named_parameters():
        transposed = ours and isinstance(layers[name.rpartition(".")[0]], nn.Linear) and parameter.dim() == 2
        parameter.data = (named[name].mT if transposed else named[name]).clone(memory_format=torch.contiguous_format)
    return module


def _mlp(builder: _Builder, inputs: int, shape: Sequence[int]) -> None:
    for width in builder.values["hidden"]:
        builder.add("dense", nn.Linear(inputs, width * builder.pieces))
        builder.nonlinear(width, nn.BatchNorm1d)
        inputs = width
    builder.add("dense", nn.Linear(inputs, math.prod(shape)))
    if len(shape) == 3:
        builder.add("tanh", nn.Tanh())
    builder.add("reshape", nn.Unflatten(1, tuple(shape)))


def _convolutions(builder: _Builder, inputs: int, shape: Sequence[int]) -> None:
    depth, width, pieces = builder.values["depth"], builder.values["width"], builder.pieces
    channels, side = square("generator", shape, depth)
    widest, small = width * 2 ** (depth - 1), side // 2**depth
    builder.add("dense", nn.Linear(inputs, widest * pieces * small * small))
    builder.add("reshape", nn.Unflatten(1, (widest * pieces, small, small)))
    builder.nonlinear(widest, nn.BatchNorm2d)
    _enlarge(builder, channels)


def _enlarge(builder: _Builder, channels: int) -> None:
    depth, width, pieces = builder.values["depth"], builder.values["width"], builder.pieces
    widths = [width * 2 ** (depth - 1 - level) for level in range(depth)]
    for here, there in zip(widths, [*widths[1:], None], strict=True):
        builder.add("conv", nn.ConvTranspose2d(here, there * pieces if there else channels, 4, stride=2, padding=1))
        if there:
            builder.nonlinear(there, nn.BatchNorm2d)
    builder.add("tanh", nn.Tanh())


def _blocks(builder: _Builder, inputs: int, shape: Sequence[int]) -> None:
    depth, width = builder.values["depth"], builder.values["width"]
    channels, side = square("generator", shape, depth, "resnet")
    small, here = side // 2**depth, width * 2 ** (depth - 1)
    builder.add("dense", nn.Linear(inputs, here * small * small))
    builder.add("reshape", nn.Unflatten(1, (here, small, small)))
    for level in range(depth):
        there = width * 2 ** max(depth - 2 - level, 0)
        builder.add("block", PlainBlock(builder.values, here, there))
        here = there
    builder.nonlinear(here, nn.BatchNorm2d)
    builder.add("conv", nn.Conv2d(here, channels, 3, padding=1))
    builder.add("tanh", nn.Tanh())
