"""Changes of samples that leave them what they are, differentiable, each sample's by uniform numbers of its own.

    translation    by -m … m whole pixels along either side, m = ⌊share · side + 1/2⌋, zeros from outside
    mirroring      left to right, with a given probability
    jitter         of points: x + n, n uniform with a standard deviation of `noise` times that of the real batch
    colour, cutout of images, as DiffAugment has them (Zhao et al. 2020), in images from -1 to 1 whose grey is 0

Images are (R, B, c, h, w), points (R, B, dim); numbers of a replica are (R,).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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


def coloured(images: Tensor, uniform: Tensor) -> Tensor:
    """Brightness shifted by -1/2 … 1/2, saturation scaled by 0 … 2 and contrast by 1/2 … 3/2; `uniform` (R, B, 3)."""
    brightness, saturation, contrast = (_over(number, images) for number in uniform.unbind(2))
    images = images + (brightness - 0.5)
    grey = images.mean(2, keepdim=True)
    images = grey + (images - grey) * (2 * saturation)
    level = images.mean((2, 3, 4), keepdim=True)
    return level + (images - level) * (contrast + 0.5)


def cut_out(images: Tensor, uniform: Tensor) -> Tensor:
    """Grey in a rectangle of half either side, which may reach beyond the edge; `uniform` (R, B, 2)."""
    gone: Tensor | None = None
    for axis, number in zip((3, 4), uniform.unbind(2), strict=True):
        side = images.shape[axis]
        width = side // 2 + side % 2
        first = uniformly(number, 0, side - width % 2) - width // 2
        place = torch.arange(side, device=images.device) - first[..., None]
        shape = [1] * 5
        shape[0], shape[1], shape[axis] = place.shape
        within = ((place >= 0) & (place < width)).view(shape)
        gone = within if gone is None else gone & within
    assert gone is not None
    return images * ~gone


@dataclass(frozen=True)
class Augmentation:
    """A change of images (R, B, c, h, w) by so many uniform `numbers` (R, B, numbers), and in words."""

    change: Callable[[Tensor, Tensor], Tensor]
    numbers: int
    means: str


AUGMENTATIONS = {  # applied in this order
    "colour": Augmentation(coloured, 3, "brightness +-1/2, saturation x 0 to 2, contrast x 1/2 to 3/2"),
    "translation": Augmentation(lambda x, u: translated(x, u, 0.125), 2, "up to an eighth of a side"),
    "cutout": Augmentation(cut_out, 2, "a rectangle of half of either side is 0"),
}


def numbers_of(names: Sequence[str]) -> int:
    """How many uniform numbers `augmented` takes for an image."""
    return sum(AUGMENTATIONS[name].numbers for name in names)


def augmented(images: Tensor, uniform: Tensor, names: Sequence[str]) -> Tensor:
    """DiffAugment (Zhao et al. 2020), by names of `AUGMENTATIONS` in its order; `uniform` is (R, B, numbers of all)."""
    parts = uniform.split([AUGMENTATIONS[name].numbers for name in names], 2)
    for name, part in zip(names, parts, strict=True):
        images = AUGMENTATIONS[name].change(images, part)
    return images
