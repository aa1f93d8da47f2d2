"""Data sets from arrays that are in memory already: points, or images in either order of axes.

NumPy arrays and torch tensors are taken alike. Images are (n, channels, height, width), or (n, height, width, channels)
where only the last axis has 1 or 3 entries; bytes stay bytes, which `floats` reads as -1..1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.checks import interval
from trainables.data.dataset import DataSet
from trainables.data.heldout import split

Array = Tensor | NDArray[Any]

CHANNELS = (1, 3)
SLACK = 1e-3  # of images beyond [-1, 1], for rounding


def from_arrays(
    points: Array, labels: Array | None = None, *, heldout: float = 0.1, seed: int = 0, name: str = "arrays"
) -> DataSet:
    """A data set of points (n, d), or of images with numbers in [-1, 1] or bytes, and their labels (n,) from 0 on.

    A share `heldout` of them, or of each class, is drawn with `seed` and held out; whoever has a split of their own
    makes a `DataSet`. The classes are those up to the largest label.

    Raises:
        ValueError: an array of a wrong shape, not finite, or images beyond [-1, 1]; the message names it.
    """
    every = as_points("points", points)
    require_images_in_range("points", every)
    interval("heldout", heldout, 0, 1)
    classes = None if labels is None else as_labels("labels", labels, len(every))
    held = split(len(every), classes, heldout, seed)
    if classes is None:
        return DataSet(name, every[~held], None, every[held], None, classes=0)
    return DataSet(name, every[~held], classes[~held], every[held], classes[held], classes=int(classes.max()) + 1)


def as_points(key: str, values: Array) -> Tensor:
    """Points (n, d) or images (n, c, h, w) on the CPU, float32 or bytes. Raises `ValueError` naming the `key`."""
    array = _tensor(key, values)
    expected = "points (n, d) or images (n, channels, height, width) or (n, height, width, channels)"
    if array.ndim not in (2, 4) or not array.numel():
        raise ValueError(f"{key}: expected {expected}, got shape {tuple(array.shape)}")
    if array.ndim == 4 and array.shape[1] not in CHANNELS and array.shape[3] in CHANNELS:
        array = array.permute(0, 3, 1, 2).contiguous()
    if array.dtype == torch.uint8 and array.ndim == 4:
        return array
    if not array.is_floating_point():
        what = "floating-point numbers, or bytes of images"
        raise ValueError(f"{key}: expected {what}, got {array.dtype} of shape {tuple(array.shape)}")
    wrong = int((~array.flatten(1).isfinite().all(1)).sum())
    if wrong:
        raise ValueError(f"{key}: expected finite numbers, got {wrong} of {len(array)} rows with others")
    return array.to(torch.float32)


def as_labels(key: str, values: Array, count: int) -> Tensor:
    """`count` whole numbers from 0 on as an int64 tensor on the CPU. Raises `ValueError` naming the `key`."""
    array = _tensor(key, values)
    expected, got = (
        f"{count} whole numbers from 0 on, one for each point",
        f"{array.dtype} of shape {tuple(array.shape)}",
    )
    if array.shape != (count,) or array.is_floating_point() or array.is_complex():
        raise ValueError(f"{key}: expected {expected}, got {got}")
    array = array.to(torch.int64)
    if int(array.min()) < 0:
        raise ValueError(f"{key}: expected {expected}, got {int(array.min())}")
    return array


def _tensor(key: str, values: Array) -> Tensor:
    """On the CPU; numpy's arrays may be of another byte order than this machine's, and of wider floats than torch's."""
    if isinstance(values, Tensor):
        return values.detach().cpu()
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{key}: expected numbers, got {array.dtype} of shape {array.shape}")
    wide = array.dtype.kind == "f" and array.dtype.itemsize > 8
    return torch.as_tensor(array.astype(np.float64 if wide else array.dtype.newbyteorder("="), copy=False))


def require_images_in_range(key: str, points: Tensor) -> None:
    """Refuse images with numbers beyond [-1, 1]; points of other shapes may be anywhere."""
    low, high = points.min().item(), points.max().item()
    if points.ndim == 4 and points.dtype != torch.uint8 and (low < -1 - SLACK or high > 1 + SLACK):
        raise ValueError(
            f"{key}: expected images with numbers in [-1, 1], or bytes, got some from {low:.4g} to {high:.4g}"
        )
