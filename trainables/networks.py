"""Generators and critics of a whole population: R networks of one shape evaluated in one call.

A `Network` holds no weights. It declares its weights' shapes and maps stacked weights (R, *shape) and stacked inputs
(R, B, ...) to stacked outputs; replica i uses weights i and inputs i only, so that a non-finite replica affects no
other. What its layers do is in `trainables.layers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from trainables.checks import choice, flag, interval, only, whole
from trainables.layers import ACTIVATIONS, Layer, LayerBuilder, Weight

KINDS = {"generator": ("mlp", "conv", "affine"), "critic": ("mlp", "conv")}
DEFAULTS: dict[str, dict[str, Any]] = {
    "generator": {"activation": "relu"},
    "critic": {"activation": "leaky_relu"},
}
COMMON = {"kind": "mlp", "batch_norm": False, "weight_std": None}
OF_KIND: dict[str, dict[str, Any]] = {"mlp": {"hidden": [128, 128]}, "conv": {"width": 64, "depth": 2}}
DEEPEST = 100  # hidden layers
PIECES = 5  # of a maxout unit when `pieces` is not set


Joint = Callable[[Tensor, Tensor], Tensor]  # joins one-hot labels (R, B, K) to inputs


@dataclass(frozen=True)
class Network:
    """R networks of one architecture. `matrices` are the weights that spectral normalisation divides."""

    weights: tuple[Weight, ...]
    layers: tuple[tuple[int, Layer], ...]  # number of weights each layer takes, in order
    classes: int
    join: Joint | None  # joins a label to the input
    projection: int | None  # index of the class embedding of a projection critic

    @property
    def matrices(self) -> tuple[int, ...]:
        """Indices of the weights with two or more axes."""
        return tuple(i for i, weight in enumerate(self.weights) if len(weight.shape) > 1)

    def __call__(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map inputs (R, B, ...) with labels (R, B) to outputs (R, B, ...); a critic's outputs are (R, B)."""
        if self.join is not None and labels is not None:
            x = self.join(x, functional.one_hot(labels, self.classes).to(x.dtype))
        start = 0
        for number, (taken, layer) in enumerate(self.layers):
            if self.projection is not None and labels is not None and number == len(self.layers) - 1:
                embedding = weights[self.projection]
                chosen = embedding.gather(1, labels[..., None].expand(*labels.shape, embedding.shape[-1]))
                return layer(weights[start : start + taken], x) + (x * chosen).sum(-1)
            x = layer(weights[start : start + taken], x)
            start += taken
        return x


def settings(role: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a network's settings and fill in the defaults; `role` is generator or critic.

    Raises `ValueError` or `TypeError` naming the setting.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"{role}: expected a mapping of network settings, got {given!r}")
    kind = given.get("kind", "mlp")
    choice(f"{role}.kind", kind, KINDS[role])
    if kind == "affine":
        return _affine_settings(role, given)
    values = {**COMMON, **OF_KIND[kind], **DEFAULTS[role], **given}
    only(role, given, [*COMMON, *OF_KIND[kind], "activation", "pieces"])
    choice(f"{role}.activation", values["activation"], [*ACTIVATIONS, "maxout"])
    flag(f"{role}.batch_norm", values["batch_norm"])
    if values["weight_std"] is not None:
        interval(f"{role}.weight_std", values["weight_std"], 0, math.inf)
    if values["activation"] == "maxout":
        values.setdefault("pieces", PIECES)
        whole(f"{role}.pieces", values["pieces"], low=2)
    elif "pieces" in given:
        raise ValueError(f"{role}.pieces: expected only with activation maxout, got activation {values['activation']}")
    if kind == "mlp":
        if not isinstance(values["hidden"], Sequence) or isinstance(values["hidden"], str):
            raise TypeError(f"{role}.hidden: expected a list of widths, got {values['hidden']!r}")
        values["hidden"] = list(values["hidden"])
        if len(values["hidden"]) > DEEPEST:
            raise ValueError(f"{role}.hidden: expected at most {DEEPEST} layers, got {len(values['hidden'])}")
        for width in values["hidden"]:
            whole(f"{role}.hidden", width, low=1)
        return values
    whole(f"{role}.width", values["width"], low=1)
    whole(f"{role}.depth", values["depth"], low=1)
    return values


def _affine_settings(role: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """An affine map has no settings; `batch_norm` is there because callers ask it of every network."""
    only(role, given, ["kind", "batch_norm"])
    if given.get("batch_norm", False) is not False:
        raise ValueError(f"{role}.batch_norm: expected false with kind affine, got {given['batch_norm']!r}")
    return {"kind": "affine", "batch_norm": False}


def generator(values: Mapping[str, Any], latent_dim: int, shape: Sequence[int], classes: int = 0) -> Network:
    """A generator from latents (R, B, latent_dim) to samples (R, B, *shape); images end in tanh.

    `values` are checked settings, `classes` > 0 joins a one-hot label to the latent. Raises `ValueError` where they do
    not fit the latents or samples.
    """
    if values["kind"] == "affine":
        return _affine_generator(latent_dim, shape, classes)
    builder = LayerBuilder(values)
    join: Joint | None = (lambda z, hot: torch.cat([z, hot], -1)) if classes else None
    image = len(shape) == 3
    if values["kind"] == "mlp":
        width = builder.hidden(latent_dim + classes, values["hidden"])
        builder.dense(width, math.prod(shape))
        builder.add(0, lambda _, x: (torch.tanh(x) if image else x).unflatten(-1, tuple(shape)))
    else:
        _conv_generator(builder, latent_dim + classes, _square("generator", shape, values["depth"]), values)
    return Network(tuple(builder.weights), tuple(builder.layers), classes, join, None)


def _affine_generator(latent_dim: int, shape: Sequence[int], classes: int) -> Network:
    """G(z) = mu + sigma z, coordinate by coordinate, from mu = 0 and sigma = 1: its density is known exactly."""
    if len(shape) != 1:
        raise ValueError(f"generator.kind: affine makes points, got samples of shape {tuple(shape)}")
    if latent_dim != shape[0]:
        raise ValueError(f"latent_dim: expected the data's dimension {shape[0]} with kind affine, got {latent_dim}")
    if classes:
        raise ValueError("generator.kind: expected mlp or conv with cgan, as affine takes no label, got affine")
    layer: Layer = lambda w, z: torch.addcmul(w[0][:, None], w[1][:, None], z)  # noqa: E731
    return Network((Weight((latent_dim,)), Weight((latent_dim,), fill=1.0)), ((2, layer),), 0, None, None)


def critic(
    values: Mapping[str, Any], shape: Sequence[int], classes: int = 0, conditioning: str = "join", outputs: int = 1
) -> Network:
    """A critic from samples (R, B, *shape) to raw outputs (R, B), before the objective's link, or to (R, B, outputs).

    With `classes` > 0 the label is joined to the input or, with `conditioning` projection (Miyato & Koyama 2018),
    enters as an inner product of its embedding with the last hidden layer.
    """
    builder = LayerBuilder(values)
    joined = classes if conditioning == "join" else 0
    if values["kind"] == "mlp":
        builder.add(0, lambda _, x: x.flatten(2) if x.dim() > 3 else x)
        width = builder.hidden(math.prod(shape) + joined, values["hidden"])
        join: Joint = lambda x, hot: torch.cat([x.flatten(2), hot], -1)  # noqa: E731
    else:
        width = _conv_critic(builder, _square("critic", shape, values["depth"]), joined, values)
        join = _join_planes
    embedding = None
    builder.dense(width, outputs, after=lambda x: x.squeeze(-1) if outputs == 1 else x)
    if classes and conditioning == "projection":
        embedding = len(builder.weights)
        builder.weights.append(Weight((classes, width), std=values["weight_std"] or 1 / math.sqrt(width)))
    return Network(tuple(builder.weights), tuple(builder.layers), classes, join if joined else None, embedding)


def _square(role: str, shape: Sequence[int], depth: int) -> tuple[int, int]:
    """Channels and side of an image that `depth` halvings divide."""
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"{role}.kind: conv needs square images, got samples of shape {tuple(shape)}")
    if depth > shape[1].bit_length() or shape[1] % 2**depth:
        raise ValueError(f"{role}.depth: {depth} halvings do not divide images of side {shape[1]}")
    return shape[0], shape[1]


def _join_planes(x: Tensor, hot: Tensor) -> Tensor:
    planes = hot[..., None, None].expand(*hot.shape, *x.shape[-2:])
    return torch.cat([x, planes], 2)


def _conv_generator(builder: LayerBuilder, inputs: int, image: tuple[int, int], values: Mapping[str, Any]) -> None:
    channels, side = image
    depth, width = values["depth"], values["width"]
    widths = [width * 2 ** (depth - 1 - i) for i in range(depth)]
    small = side // 2**depth
    builder.dense(inputs, widths[0] * builder.pieces * small * small)
    builder.add(0, lambda _, x: x.unflatten(-1, (-1, small, small)))
    builder.nonlinear(widths[0])
    for here, there in zip(widths, [*widths[1:], None], strict=True):
        builder.convolution(here, there * builder.pieces if there else channels, up=True)
        if there:
            builder.nonlinear(there)
    builder.add(0, lambda _, x: torch.tanh(x))


def _conv_critic(builder: LayerBuilder, image: tuple[int, int], joined: int, values: Mapping[str, Any]) -> int:
    channels, side = image
    depth, width = values["depth"], values["width"]
    here = channels + joined
    for level in range(depth):
        builder.convolution(here, width * 2**level * builder.pieces, up=False)
        # As in DCGAN (Radford 2016): no normalisation of the layer that sees the image.
        builder.nonlinear(width * 2**level, normalise=values["batch_norm"] and level > 0)
        here = width * 2**level
    builder.add(0, lambda _, x: x.flatten(2))
    small: int = side // 2**depth
    return here * small * small
