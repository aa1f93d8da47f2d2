"""Residual networks of square images, as SNGAN has them (Miyato et al. 2018), resampled bilinearly (R3GAN, Huang 2024).

A block adds two ways from one side to the next: activation, 3x3 convolution, activation, 3x3 convolution; and a 1x1
convolution. In a generator sides double before the convolutions, in a critic they halve after them. Bilinear
interpolation to half the side is the mean of 2x2 pixels. What blocks add to a channel everywhere passes on through 1x1
convolutions alone, until the last batch normalisation takes it off, where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainables import native
from trainables.networks.convolutional import square
from trainables.networks.layers import LayerBuilder


def generator(builder: LayerBuilder, inputs: int, shape: Sequence[int]) -> None:
    """Layers from (R, B, inputs) to images (R, B, *shape) in [-1, 1]."""
    depth, width = builder.values["depth"], builder.values["width"]
    channels, side = square("generator", shape, depth, "resnet")
    small, here, biased = side // 2**depth, width * 2 ** (depth - 1), not builder.values["batch_norm"]
    builder.dense(inputs, here * small * small)
    builder.add(0, lambda _, x: native.unflatten(x, (-1, small, small)))
    for level in range(depth):
        there, large = width * 2 ** max(depth - 2 - level, 0), small * 2 ** (level + 1)
        branch, skip = builder.part(f"block{level}"), builder.part(f"block{level}")
        branch.nonlinear(here)
        branch.add(0, lambda _, x: doubled(x))
        branch.same(here, there, 3, large, biased=biased)
        branch.nonlinear(there)
        branch.same(there, there, 3, large, biased=biased)
        skip.same(here, there, 1, large // 2, kind="skip", biased=biased)
        skip.add(0, lambda _, x: doubled(x))
        builder.added([branch, skip])
        here = there
    builder.nonlinear(here)
    builder.same(here, channels, 3, side)
    builder.add(0, lambda _, x: torch.tanh(x))


def critic(builder: LayerBuilder, shape: Sequence[int], joined: int) -> int:
    """Layers from images (R, B, *shape), with so many planes joined, to features (R, B, n), sums over positions;
    returns n.

    The first block sees the image itself, and nothing in it is normalised.
    """
    depth, width = builder.values["depth"], builder.values["width"]
    channels, side = square("critic", shape, depth, "resnet")
    here, biased = channels + joined, not builder.values["batch_norm"]
    for level in range(depth):
        there, large = width * 2**level, side // 2**level
        branch, skip = builder.part(f"block{level}"), builder.part(f"block{level}")
        if level:
            branch.nonlinear(here)
        normalise = builder.values["batch_norm"] and level > 0
        branch.same(here, there, 3, large, biased=not normalise)
        branch.nonlinear(there, normalise)
        branch.same(there, there, 3, large, biased=biased)
        branch.add(0, lambda _, x: halved(x))
        skip.add(0, lambda _, x: halved(x))
        skip.same(here, there, 1, large // 2, kind="skip", biased=biased)
        builder.added([branch, skip])
        here = there
    builder.nonlinear(here)
    builder.add(0, lambda _, x: x.sum((3, 4)))
    return int(here)


def doubled(x: Tensor) -> Tensor:
    """Images (R, B, C, H, W) at twice the side, by bilinear interpolation."""
    made = functional.interpolate(x.flatten(0, 1), scale_factor=2, mode="bilinear", align_corners=False)
    large: Tensor = made.unflatten(0, x.shape[:2])
    return large


def halved(x: Tensor) -> Tensor:
    """Images (R, B, C, H, W) at half the side."""
    small: Tensor = functional.avg_pool2d(x.flatten(0, 1), 2).unflatten(0, x.shape[:2])
    return small
