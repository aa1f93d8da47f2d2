"""Generators and critics by the kind that their settings name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainables.networks import convolutional, own, residual
from trainables.networks.layered import Join, LayeredNetwork
from trainables.networks.layers import DrawnWeight, Layer, LayerBuilder
from trainables.networks.network import Network


def generator(values: Mapping[str, Any], latent_dim: int, shape: Sequence[int], classes: int = 0) -> Network:
    """A generator from latents (R, B, latent_dim) to samples (R, B, *shape); images end in tanh.

    `values` are checked settings, `classes` > 0 joins a one-hot label to the latent. Raises `ValueError` where they do
    not fit the latents or samples.
    """
    if "module" in values:
        return own.generator(values, latent_dim, shape, classes)
    if values["kind"] == "affine":
        return _affine_generator(latent_dim, shape, classes)
    builder = LayerBuilder(values)
    dense = None
    join: Join | None = (lambda z, hot: torch.cat([z, hot], -1)) if classes else None
    image = len(shape) == 3
    if values["kind"] == "mlp":
        dense = builder.perceptron(latent_dim + classes, values["hidden"], math.prod(shape))
        builder.add(0, lambda _, x: (torch.tanh(x) if image else x).unflatten(-1, tuple(shape)))
    else:
        (residual if values["kind"] == "resnet" else convolutional).generator(builder, latent_dim + classes, shape)
    return LayeredNetwork.built(builder, classes, join, dense=None if image else dense)


def translator(values: Mapping[str, Any], shape: Sequence[int]) -> Network:
    """A generator from samples (R, B, *shape) to samples of the same shape; images end in tanh.

    `values` are checked settings. Raises `ValueError` where they do not fit the samples.
    """
    builder, image = LayerBuilder(values), len(shape) == 3
    if values["kind"] == "mlp":
        builder.add(0, lambda _, x: x.flatten(2))
        builder.perceptron(math.prod(shape), values["hidden"], math.prod(shape))
        builder.add(0, lambda _, x: (torch.tanh(x) if image else x).unflatten(-1, tuple(shape)))
    else:
        convolutional.translator(builder, shape)
    return LayeredNetwork.built(builder, 0)


def _affine_generator(latent_dim: int, shape: Sequence[int], classes: int) -> Network:
    """G(z) = mu + sigma z, coordinate by coordinate, from mu = 0 and sigma = 1: its density is known exactly."""
    if len(shape) != 1:
        raise ValueError(f"generator.kind: affine makes points, got samples of shape {tuple(shape)}")
    if latent_dim != shape[0]:
        raise ValueError(f"latent_dim: expected the data's dimension {shape[0]} with kind affine, got {latent_dim}")
    if classes:
        raise ValueError("generator.kind: expected another with cgan, as affine takes no label, got affine")
    layer: Layer = lambda w, z: torch.addcmul(w[0].to(z.dtype)[:, None], w[1].to(z.dtype)[:, None], z)  # noqa: E731
    weights = DrawnWeight("shift", (latent_dim,)), DrawnWeight("scale", (latent_dim,), fill=1.0)
    return LayeredNetwork(weights, ((2, layer),))


def critic(
    values: Mapping[str, Any], shape: Sequence[int], classes: int = 0, conditioning: str = "join", outputs: int = 1
) -> Network:
    """A critic from samples (R, B, *shape) to raw outputs (R, B), before the objective's link, or to (R, B, outputs).

    With `classes` > 0 the label is joined to the input or, with `conditioning` projection (Miyato & Koyama 2018),
    enters as an inner product of its embedding with the last hidden layer. A module of the user's own has one output,
    and is told the label in its own way.
    """
    if "module" in values:
        return own.critic(values, shape, classes)
    builder = LayerBuilder(values)
    projected = bool(classes) and conditioning == "projection"
    joined = 0 if projected else classes

    def squeezed(x: Tensor) -> Tensor:
        return x.squeeze(-1) if outputs == 1 else x

    embedding = None
    if values["kind"] == "mlp":
        inputs = math.prod(shape) + joined
        join: Join = lambda x, hot: torch.cat([x.flatten(2), hot], -1)  # noqa: E731
        builder.add(0, lambda _, x: x.flatten(2) if x.dim() > 3 else x)
        if not projected:
            dense = builder.perceptron(inputs, values["hidden"], outputs)
            builder.add(0, lambda _, x: squeezed(x))
            return LayeredNetwork.built(builder, classes, join if joined else None, dense=dense)
        width = builder.hidden(inputs, values["hidden"])
    else:
        width = (residual if values["kind"] == "resnet" else convolutional).critic(builder, shape, joined)
        join = convolutional.join_planes
    builder.dense(width, outputs, after=squeezed)
    if projected:
        embedding = len(builder.weights)
        std = values["weight_std"] or 1 / math.sqrt(width)
        builder.weights.append(DrawnWeight("embedding", (classes, width), std=std))
    return LayeredNetwork.built(builder, classes, join if joined else None, embedding)
