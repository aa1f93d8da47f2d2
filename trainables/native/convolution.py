"""Convolutions of a whole population in one call: what a kernel makes of images, and both gradients.

Images are (R, B, C, H, W) and lie in memory with their channels last, (R, B, H, W, C), as these functions leave them;
others are copied. All tensors must be `usable`. Each replica is worked on alone.
"""

from __future__ import annotations

import ctypes
from typing import Any

from torch import Tensor

from trainables.native.library import address, kernels, over_replicas
from trainables.native.normalization import features_last

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
    x: Tensor, kernel: Tensor, bias: Tensor | None, slope: float, out: tuple[int, ...], stride: int, padding: int
) -> Tensor:
    """Convolve x (R, B, C, H, W) by kernels (R, K, C, side, side), add `bias` (R, K), and multiply by `slope` what is
    below 0; `out` is the result's shape."""
    x, kernel, y = features_last(x), _rows(kernel), _empty(x, out)
    over_replicas(
        kernels().convolve, len(x), _shape(x, y, kernel, stride, padding),
        address(x), address(kernel), _step(kernel), address(bias), _step(bias), ctypes.c_float(slope), address(y),
    )  # fmt: skip
    return y


def convolve_transposed(
    y: Tensor, kernel: Tensor, bias: Tensor | None, slope: float, out: tuple[int, ...], stride: int, padding: int
) -> Tensor:
    """The transposed convolution of y (R, B, K, h, w) to images (R, B, C, H, W), with `bias` (R, C) and `slope`."""
    y, kernel, x = features_last(y), _rows(kernel), _empty(y, out)
    over_replicas(
        kernels().convolve_transposed, len(x), _shape(x, y, kernel, stride, padding),
        address(y), address(kernel), _step(kernel), address(bias), _step(bias), ctypes.c_float(slope), address(x),
    )  # fmt: skip
    return x


def convolve_kernels(x: Tensor, y: Tensor, out: tuple[int, ...], stride: int, padding: int) -> Tensor:
    """The gradient (R, K, C, side, side) of kernels that take x (R, B, C, H, W) to what has the gradient y."""
    x, y, kernel = features_last(x), features_last(y), x.new_empty(out)
    over_replicas(
        kernels().convolve_kernels, len(x), _shape(x, y, kernel, stride, padding),
        address(x), address(y), address(kernel),
    )  # fmt: skip
    return kernel


def _empty(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    replicas, batch, channels, height, width = shape
    return like.new_empty(replicas, batch, height, width, channels).permute(0, 1, 4, 2, 3)


def _rows(x: Tensor) -> Tensor:
    """The tensor itself, or a copy if what belongs to a replica does not lie together."""
    return x if x[0].is_contiguous() else x.contiguous()


def _step(x: Tensor | None) -> ctypes.c_size_t:
    return ctypes.c_size_t(0 if x is None else x.stride(0))


def _shape(x: Tensor, y: Tensor, kernel: Tensor, stride: int, padding: int) -> Any:
    _, batch, channels, height, width = x.shape
    return ctypes.byref(
        _Shape(batch, height, width, channels, *y.shape[3:], y.shape[2], kernel.shape[3], stride, padding)
    )
