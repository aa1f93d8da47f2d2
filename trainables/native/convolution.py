"""Convolutions of a whole population in one call: each of images, their convolution and kernels made of the two others.

Images are (R, B, C, H, W) and lie in memory with their channels last, (R, B, H, W, C), as these functions leave them;
others are copied. All tensors must be `usable`. Each replica is worked on alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from trainables.native.library import address, kernels, over_replicas
from trainables.native.normalization import features_last

KERNELS = 2  # the part that has the two kinds of images before it
WIDEST = 16  # lanes of a vector: narrower products are left to torch


class _Shape(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "batch", "height", "width", "channels", "rows", "cols", "features", "side", "stride", "padding",
        )
    ]  # fmt: skip


def wide(big: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Whether the products of large images and kernels (R, K, C, side, side) fill a vector."""
    return min(kernel[1], big[2] * kernel[3] * kernel[4]) >= WIDEST


def convolve(
    part: int, shapes: Sequence[tuple[int, ...]], first: Tensor, second: Tensor, bias: Tensor | None, slope: float,
    stride: int, padding: int,
) -> Tensor:  # fmt: skip
    """Make one of large images (R, B, C, H, W), small ones (R, B, K, h, w) and kernels (R, K, C, side, side), of these
    `shapes` and the `part`-th of them, of the two others. Images get a bias (R, C) or (R, K), and what is then below 0
    is multiplied by `slope`."""
    large, small, kernel = shapes
    made = first.new_empty(kernel) if part == KERNELS else _empty(first, shapes[part])
    known = [features_last(first), features_last(second) if part == KERNELS else _rows(second)]
    trio = [*known[:part], made, *known[part:]]
    described = _Shape(*large[1:2], *large[3:], large[2], *small[3:], small[2], kernel[3], stride, padding)
    over_replicas(
        partial(kernels().convolve, part), len(made), ctypes.byref(described), *map(address, trio),
        _step(trio[KERNELS]), address(bias), _step(bias), ctypes.c_float(slope),
    )  # fmt: skip
    return made


def _empty(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    replicas, batch, channels, height, width = shape
    return like.new_empty(replicas, batch, height, width, channels).permute(0, 1, 4, 2, 3)


def _rows(x: Tensor) -> Tensor:
    """The tensor itself, or a copy if what belongs to a replica does not lie together."""
    return x if x[0].is_contiguous() else x.contiguous()


def _step(x: Tensor | None) -> ctypes.c_size_t:
    return ctypes.c_size_t(0 if x is None else x.stride(0))
