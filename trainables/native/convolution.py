"""Convolutions of a whole population in one call: each of images, their convolution and kernels made of the two others.

Images are (R, B, C, H, W) and lie in memory with their channels last, (R, B, H, W, C), as these functions leave them;
others are copied. All tensors must be `usable`. Each replica is worked on alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from trainables.native.layout import features_last
from trainables.native.library import address, kernels, over_replicas

Shapes = tuple[
    tuple[int, ...], ...
]  # of large images (R, B, C, H, W), small ones (R, B, K, h, w), kernels (R, K, C, side, side)
LARGE, KERNELS = 0, 2  # parts; small images are between them
WIDEST = 16  # lanes of a vector: narrower products are left to torch


class _Shape(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "batch", "height", "width", "channels", "rows", "cols", "features", "side", "stride", "padding",
        )
    ]  # fmt: skip


class _Task(ctypes.Structure):
    _fields_ = [
        ("part", ctypes.c_int),
        *((name, ctypes.c_void_p)
          for name in ("taken", "outputs", "sums", "others", "gradient", "kernels", "made", "bias")),
        ("stride", ctypes.c_size_t), ("bias_stride", ctypes.c_size_t),
        ("outputs_slope", ctypes.c_float), ("slope", ctypes.c_float),
    ]  # fmt: skip


def wide(big: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Whether the products of large images and kernels (R, K, C, side, side) fill a vector."""
    return min(kernel[1], big[2] * kernel[3] * kernel[4]) >= WIDEST


def convolve(
    part: int, shapes: Shapes, stride: int, padding: int, first: Tensor, second: Tensor, bias: Tensor | None,
    slope: float,
) -> Tensor:  # fmt: skip
    """Make one of large images, small ones and kernels, of these `shapes` and the `part`-th of them, of the two others.
    Images get a bias (R, C) or (R, K), and what is then below 0 is multiplied by `slope`."""
    first = features_last(first)
    if part == KERNELS:
        made, second = first.new_empty(shapes[part]), features_last(second)
        _do(shapes, stride, padding, part=LARGE, taken=first, others=second, gradient=made)
        return made
    made, kernel = _empty(first, shapes[part]), _rows(second)
    _do(shapes, stride, padding, part=1 - part, taken=first, kernels=kernel, made=made, bias=bias, slope=slope)
    return made


def convolution_gradients(
    part: int, shapes: Shapes, stride: int, padding: int, images: Tensor, kernel: Tensor, output: Tensor | None,
    upstream: Tensor, slope: float, wanted: Sequence[bool],
) -> list[Tensor | None]:  # fmt: skip
    """The gradients, as far as they are `wanted`, of the images, kernels and bias of which `convolve` made images, the
    `part`-th of `shapes`: in one pass over the gradient `upstream` of these. Where `output` is not above 0 this is
    first multiplied by `slope`; None: nowhere."""
    images, kernel, upstream = features_last(images), _rows(kernel), features_last(upstream)
    of_images = _empty(images, tuple(images.shape)) if wanted[0] else None
    of_kernel = kernel.new_empty(kernel.shape) if wanted[1] else None
    of_bias = upstream.new_empty(upstream.shape[0], upstream.shape[2]) if any(wanted[2:]) else None
    _do(
        shapes, stride, padding, part=part, taken=upstream, outputs=None if output is None else features_last(output),
        outputs_slope=slope, sums=of_bias, others=images, gradient=of_kernel, kernels=kernel, made=of_images,
    )  # fmt: skip
    return [of_images, of_kernel, of_bias][: len(wanted)]


def _do(shapes: Shapes, stride: int, padding: int, **task: Any) -> None:
    """Let the kernels do a task, in the words of convolution.c."""
    large, small, kernel = shapes
    shape = _Shape(*large[1:2], *large[3:], large[2], *small[3:], small[2], kernel[3], stride, padding)
    given = {name: address(x) if isinstance(x, Tensor) else x for name, x in task.items() if x is not None}
    steps = {"stride": _step(task.get("kernels")), "bias_stride": _step(task.get("bias"))}
    described = _Task(**{"outputs_slope": 1.0, "slope": 1.0, **given, **steps})
    over_replicas(kernels().convolve, kernel[0], ctypes.byref(shape), ctypes.byref(described))


def _empty(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    replicas, batch, channels, height, width = shape
    return like.new_empty(replicas, batch, height, width, channels).permute(0, 1, 4, 2, 3)


def _rows(x: Tensor) -> Tensor:
    """The tensor itself, or a copy if what belongs to a replica does not lie together."""
    return x if x[0].is_contiguous() else x.contiguous()


def _step(x: Tensor | None) -> int:
    return 0 if x is None else x.stride(0)
