"""Where features lie in memory: last, as convolutions and normalisation want them, or first, as dense layers do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trainables.native.library import address, kernels, over_replicas, solid, usable


def features_last(x: Tensor) -> Tensor:
    """The same activations (R, B, C, ...), if need be copied so that features are last in memory."""
    x = solid(x)
    last = x.movedim(2, -1)
    if last.is_contiguous() or not x.is_contiguous() or not usable(x):
        return last.contiguous().movedim(-1, 2)
    return _turned(x, last.shape, x.shape[2], x[0, 0, 0].numel()).movedim(-1, 2)


def flatten(x: Tensor) -> Tensor:
    """Activations (R, B, C, ...) as (R, B, n), features first; differentiable as often as torch's."""
    flat: Tensor = _Flat.apply(x)
    return flat


def unflatten(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The reverse: (R, B, n) as (R, B, *shape)."""
    images: Tensor = _Unflat.apply(x, shape)
    return images


class _Flat(torch.autograd.Function):
    """Activations to rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.shape = x.shape[2:]
        last = x.movedim(2, -1)
        if x.is_contiguous() or not last.is_contiguous() or not usable(x):
            return x.flatten(2)
        return _turned(last, x.shape, x[0, 0, 0].numel(), x.shape[2]).flatten(2)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:
        return unflatten(upstream, ctx.shape)


class _Unflat(torch.autograd.Function):
    """Rows to activations."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:  # noqa: ARG004
        return x.reshape(*x.shape[:2], *shape)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return flatten(upstream), None


def _turned(x: Tensor, shape: torch.Size, rows: int, cols: int) -> Tensor:
    """x (R, B, ...), each sample of which is a matrix (rows, cols), with these transposed and of another shape."""
    x = solid(x)
    made = x.new_empty(shape)
    over_replicas(kernels().turn, len(x), x.shape[1], rows, cols, address(x), address(made))
    return made
