"""Changes of samples that leave them what they are, differentiable, each sample's by uniform numbers of its own.

    translation    by -m … m whole pixels along either side, m = ⌊share · side + 1/2⌋, zeros from outside
    mirroring      left to right, with a given probability
    jitter         of points: x + n, n uniform with a standard deviation of `noise` times that of the real batch

Images are (R, B, c, h, w), points (R, B, dim); numbers of a replica are (R,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor


def numbers(shape: tuple[int, ...]) -> int:
    """How many uniform numbers `changed` takes for a sample of a shape."""
    return 3 if len(shape) == 3 else math.prod(shape)


def changed(samples: Tensor, uniform: Tensor, settings: Mapping[str, Tensor], spread: Tensor) -> Tensor:
    """Images translated by a share `shift` of their sides and mirrored with the probability `flip`; points jittered by
    `noise` times `spread`. `uniform` is (R, B, numbers); settings and `spread` are (R,)."""
    if samples.dim() == 5:
        moved = translated(samples, uniform[..., :2], settings["shift"])
        return mirrored(moved, uniform[..., 2], settings["flip"])
    width = settings["noise"] * spread * math.sqrt(3)
    return samples + _over(width, samples) * (2 * uniform.view_as(samples) - 1)


def translated(images: Tensor, uniform: Tensor, share: Tensor | float) -> Tensor:
    """By numbers of pixels that follow from `uniform` (R, B, 2), for the height and for the width."""
    for axis, number in zip((3, 4), uniform.unbind(2), strict=True):
        most = whole(share, images.shape[axis])
        images = _shifted(images, uniformly(number, -most, most), axis)
    return images


def mirrored(images: Tensor, uniform: Tensor, probability: Tensor) -> Tensor:
    """Where `uniform` (R, B) falls below the replica's probability."""
    return images.flip(4).where(_over(uniform < probability[:, None], images), images)


def whole(share: Tensor | float, side: int) -> Tensor | float:
    """So many pixels of a side, rounded, (R, 1) or a number."""
    return (share * side + 0.5).floor()[:, None] if isinstance(share, Tensor) else math.floor(share * side + 0.5)


def uniformly(uniform: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Whole numbers (R, B) from low to high, both included, of numbers uniform on [0, 1)."""
    return (uniform * (high - low + 1) + low).floor().long()


def _shifted(images: Tensor, by: Tensor, axis: int) -> Tensor:
    """Each by its number of pixels (R, B) along an axis."""
    side = images.shape[axis]
    source = torch.arange(side, device=images.device) - by[..., None]
    shape = [1] * 5
    shape[0], shape[1], shape[axis] = source.shape
    inside = ((source >= 0) & (source < side)).view(shape)
    taken = images.gather(axis, source.clamp(0, side - 1).view(shape).expand_as(images))
    return taken * inside


def _over(values: Tensor, samples: Tensor) -> Tensor:
    """Values (R,) or (R, B) spread over samples."""
    return values.view(*values.shape, *([1] * (samples.dim() - values.dim())))
