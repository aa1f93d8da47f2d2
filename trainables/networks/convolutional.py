"""DCGAN's networks (Radford 2016): 4x4 convolutions that double or halve the side of square images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from trainables import native
from trainables.networks.layers import LayerBuilder


def square(role: str, shape: Sequence[int], depth: int, kind: str = "conv") -> tuple[int, int]:
    """Channels and side of an image that `depth` halvings divide."""
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"{role}.kind: {kind} needs square images, got samples of shape {tuple(shape)}")
    if depth > shape[1].bit_length() or shape[1] % 2**depth:
        most = (shape[1] & -shape[1]).bit_length() - 1  # how often 2 divides the side
        if not most:
            raise ValueError(f"{role}.kind: expected mlp for images of side {shape[1]}, which is odd, got {kind}")
        why = f"{depth} halvings do not divide images of side {shape[1]}"
        raise ValueError(f"{role}.depth: expected at most {most}, as {why}, got {depth}")
    return shape[0], shape[1]


def join_planes(x: Tensor, hot: Tensor) -> Tensor:
    """Labels as planes, one for each class, beside the channels."""
    planes = hot[..., None, None].expand(*hot.shape, *x.shape[-2:])
    return torch.cat([x, planes], 2)


def generator(builder: LayerBuilder, inputs: int, shape: Sequence[int]) -> None:
    """Layers from (R, B, inputs) to images (R, B, *shape) in [-1, 1]."""
    depth, width = builder.values["depth"], builder.values["width"]
    _, side = square("generator", shape, depth)
    widest, small = width * 2 ** (depth - 1), side // 2**depth
    builder.dense(inputs, widest * builder.pieces * small * small)
    builder.add(0, lambda _, x: native.unflatten(x, (-1, small, small)))
    builder.nonlinear(widest)
    _enlarge(builder, shape)


def translator(builder: LayerBuilder, shape: Sequence[int]) -> None:
    """Layers from images (R, B, *shape) to others: a critic's hidden layers, then a generator's but its dense one."""
    depth = builder.values["depth"]
    _, side = square("generator", shape, depth)
    _reduce(builder, shape[0], side)
    _enlarge(builder, shape)


def _enlarge(builder: LayerBuilder, shape: Sequence[int]) -> None:
    """Layers from the smallest and widest images to those of `shape`, in [-1, 1]."""
    depth, width, (channels, side, _) = builder.values["depth"], builder.values["width"], shape
    widths, small = [width * 2 ** (depth - 1 - i) for i in range(depth)], side // 2**depth
    for level, (here, there) in enumerate(pairwise(widths)):
        builder.convolved(here, there, up=True, small=small * 2**level, normalise=builder.values["batch_norm"])
    builder.convolution(widths[-1], channels, up=True, small=side // 2)
    builder.add(0, lambda _, x: torch.tanh(x))


def critic(builder: LayerBuilder, shape: Sequence[int], joined: int) -> int:
    """Layers from images (R, B, *shape), with so many planes joined, to features (R, B, n); returns n."""
    depth, width = builder.values["depth"], builder.values["width"]
    channels, side = square("critic", shape, depth)
    _reduce(builder, channels + joined, side)
    builder.add(0, lambda _, x: native.flatten(x))
    features: int = width * 2 ** (depth - 1) * (side // 2**depth) ** 2
    return features


def _reduce(builder: LayerBuilder, here: int, side: int) -> None:
    """Layers from images of so many channels and a side to the smallest and widest ones."""
    depth, width = builder.values["depth"], builder.values["width"]
    for level in range(depth):
        # As in DCGAN (Radford 2016): no normalisation of the layer that sees the image.
        normalise = builder.values["batch_norm"] and level > 0
        builder.convolved(here, width * 2**level, up=False, small=side // 2 ** (level + 1), normalise=normalise)
        here = width * 2**level
