"""Batch normalisation of a whole population and the activation after it, in one call, and their gradient.

Each replica is worked on alone. Features are axis 2, and last in memory: others are copied.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trainables.native.layout import features_last
from trainables.native.library import address, kernels, over_replicas, usable

EPSILON = 1e-5  # is added to variances, as torch does
# Activations (R, B, C, ...), gains and shifts (R, C) to activations.
Plain = Callable[[Tensor, Tensor, Tensor], Tensor]


def normalise(x: Tensor, gain: Tensor, shift: Tensor, slope: float, plain: Plain) -> Tensor:
    """Normalise each feature of x (R, B, C, ...) over a replica's batch and positions, multiply by gains (R, C), add
    shifts (R, C), and multiply by `slope` what is below 0. `plain` does the same in torch."""
    if not usable(x, gain, shift):
        return plain(x, gain, shift)
    out: Tensor = _Normalised.apply(slope, plain, x, gain, shift)
    return out


class _Normalised(torch.autograd.Function):
    """Activations, gains and shifts to activations."""

    @staticmethod
    def forward(ctx: Any, slope: float, plain: Plain, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        kept, gains, shifts = features_last(x), gain.contiguous(), shift.contiguous()
        y, mean, scale = torch.empty_like(kept), torch.empty_like(gains), torch.empty_like(gains)
        over_replicas(
            kernels().normalise, len(x), *_sizes(x), address(kept), address(gains), address(shifts),
            ctypes.c_float(EPSILON), ctypes.c_float(slope), address(y), address(mean), address(scale),
        )  # fmt: skip
        ctx.slope, ctx.plain, ctx.kept, ctx.mean, ctx.scale = slope, plain, kept, mean, scale
        ctx.save_for_backward(x, gain, shift, y)
        return y

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, shift, y = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient is to be differentiated: by torch
            wanted = ctx.needs_input_grad[2:]
            asked = [part for part, want in zip((x, gain, shift), wanted, strict=True) if want]
            out = ctx.plain(x, gain, shift)
            found = iter(torch.autograd.grad(out, asked, upstream, create_graph=True))
            return None, None, *(next(found) if want else None for want in wanted)
        upstream, gains = features_last(upstream), gain.contiguous()
        of_x, of_gain, of_shift = torch.empty_like(ctx.kept), torch.empty_like(gains), torch.empty_like(gains)
        over_replicas(
            kernels().normalise_backward, len(x), *_sizes(x), address(ctx.kept), address(y), address(upstream),
            address(gains), address(ctx.mean), address(ctx.scale), ctypes.c_float(ctx.slope),
            address(of_x), address(of_gain), address(of_shift),
        )  # fmt: skip
        return None, None, of_x, of_gain, of_shift


def _sizes(x: Tensor) -> tuple[int, int]:
    return x[0, :, 0].numel(), x.shape[2]
