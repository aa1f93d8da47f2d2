"""Dense layers of a whole population, from inputs to outputs in one call, and their gradients.

Each replica is worked on alone, so that its numbers are the same whoever trains beside it, bit for bit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from trainables.native.library import address, kernels, over_replicas, solid, usable


class _Chain(ctypes.Structure):
    _fields_ = [("layers", ctypes.c_int), ("width", ctypes.c_void_p), ("slope", ctypes.c_float)]


@dataclass(frozen=True)
class DenseLayers:
    """Dense layers with `widths` from inputs to outputs; after each but the last comes the activation z for z > 0 and
    `slope` * z below (0: ReLU). Their weights are one row a replica: of each layer the matrix (in, out), then the bias.
    `plain` does the same in torch."""

    widths: tuple[int, ...]
    slope: float
    plain: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, flat: Tensor, x: Tensor) -> Tensor:
        """Weights (R, P) and inputs (R, B, in) to outputs (R, B, out), differentiable as often as torch's."""
        if not usable(flat, x):
            return self.plain(flat, x)
        outputs: Tensor = _Output.apply(self, flat, x)
        return outputs

    def input_gradient(self, flat: Tensor, x: Tensor) -> Tensor | None:
        """The gradient (R, B, in) of each of R x B single outputs with respect to its input, differentiable by the
        weights alone; None where the kernels cannot be used or there are several outputs."""
        if self.widths[-1] != 1 or not usable(flat, x):
            return None
        slopes: Tensor = _InputGradient.apply(self, flat, x)
        return slopes

    @property
    def layers(self) -> int:
        """How many."""
        return len(self.widths) - 1

    @cached_property
    def hidden(self) -> int:
        """Numbers in all hidden layers of one sample."""
        return sum(self.widths[1:-1])

    @cached_property
    def chain(self) -> Any:
        """What the kernels take."""
        return ctypes.pointer(_Chain(self.layers, ctypes.addressof(self._widths), self.slope))

    @cached_property
    def _widths(self) -> ctypes.Array[ctypes.c_int]:
        return (ctypes.c_int * len(self.widths))(*self.widths)


def _rows(x: Tensor) -> Tensor:
    """The tensor itself, or a copy if what belongs to a replica does not lie together."""
    return x if x[0].is_contiguous() else x.contiguous()


def _forward(layers: DenseLayers, flat: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    replicas, samples, _ = x.shape
    hidden, outputs = x.new_empty(replicas, samples * layers.hidden), x.new_empty(replicas, samples, layers.widths[-1])
    over_replicas(
        kernels().chain_forward, replicas, layers.chain, samples,
        address(flat), ctypes.c_size_t(flat.stride(0)), address(x), ctypes.c_size_t(x.stride(0)),
        address(hidden), address(outputs),
    )  # fmt: skip
    return hidden, outputs


def _backward(
    layers: DenseLayers, flat: Tensor, x: Tensor, hidden: Tensor, upstream: Tensor,
    of_weights: Tensor | None, of_inputs: Tensor | None, signals: Tensor | None = None,
) -> None:  # fmt: skip
    """Write the gradients of weights and inputs where they are asked for, and those of the hidden layers."""
    over_replicas(
        kernels().chain_backward, len(x), layers.chain, x.shape[1],
        address(flat), ctypes.c_size_t(flat.stride(0)), address(x), ctypes.c_size_t(x.stride(0)),
        address(hidden), address(upstream), address(of_weights), address(of_inputs), address(signals),
    )  # fmt: skip


class _Output(torch.autograd.Function):
    """Weights and inputs to outputs."""

    @staticmethod
    def forward(ctx: Any, layers: DenseLayers, flat: Tensor, x: Tensor) -> Tensor:
        hidden, outputs = _forward(layers, _rows(flat), _rows(x))
        ctx.layers, ctx.hidden = layers, hidden
        ctx.save_for_backward(flat, x)
        return outputs

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        flat, x = ctx.saved_tensors
        _, *wanted = ctx.needs_input_grad
        if torch.is_grad_enabled():  # the gradient is to be differentiated
            return None, *_Gradients.apply(ctx.layers, ctx.hidden, wanted, flat, x, upstream)
        of_weights, of_inputs = (
            part.new_empty(part.shape) if want else None for part, want in zip((flat, x), wanted, strict=True)
        )
        _backward(ctx.layers, _rows(flat), _rows(x), ctx.hidden, solid(upstream).contiguous(), of_weights, of_inputs)
        return None, of_weights, of_inputs


class _Gradients(torch.autograd.Function):
    """Weights, inputs and what comes from above to the gradients of the first two, as far as these are `wanted`."""

    @staticmethod
    def forward(
        ctx: Any, layers: DenseLayers, hidden: Tensor, wanted: Sequence[bool], flat: Tensor, x: Tensor, upstream: Tensor
    ) -> tuple[Tensor | None, ...]:
        signals = torch.empty_like(hidden)
        of_weights, of_inputs = (
            part.new_empty(part.shape) if want else None for part, want in zip((flat, x), wanted, strict=True)
        )
        above = solid(upstream).contiguous()
        _backward(layers, _rows(flat), _rows(x), hidden, above, of_weights, of_inputs, signals)
        ctx.layers, ctx.hidden, ctx.signals = layers, hidden, signals
        ctx.save_for_backward(flat, x, upstream)
        ctx.set_materialize_grads(False)
        return of_weights, of_inputs

    @staticmethod
    def backward(ctx: Any, *along: Tensor | None) -> tuple[Tensor | None, ...]:
        parts, wanted = ctx.saved_tensors, ctx.needs_input_grad[3:]
        if along == (None, None):
            return (None,) * (3 + len(parts))
        if torch.is_grad_enabled():  # the gradient's gradient is to be differentiated: by torch
            return None, None, None, *_by_torch(ctx.layers, parts, along, wanted)
        flat, x, above = _rows(parts[0]), _rows(parts[1]), solid(parts[2]).contiguous()
        along = tuple(None if part is None else solid(part).contiguous() for part in along)
        made = [part.new_empty(part.shape) if want else None for part, want in zip(parts, wanted, strict=True)]
        over_replicas(
            kernels().gradient_backward, len(x), ctx.layers.chain, x.shape[1],
            address(flat), ctypes.c_size_t(flat.stride(0)), address(x), ctypes.c_size_t(x.stride(0)),
            address(ctx.hidden), address(above), address(ctx.signals), *map(address, along), *map(address, made),
        )  # fmt: skip
        return None, None, None, *made


def _by_torch(
    layers: DenseLayers, parts: Sequence[Tensor], along: Sequence[Tensor | None], wanted: Sequence[bool]
) -> Sequence[Tensor | None]:
    """The gradients of a product of two, the gradients of weights and inputs and vectors `along` them, by weights,
    inputs and what comes from above, as far as they are `wanted`; to be differentiated."""
    flat, x, upstream = own = [part.view_as(part) for part in parts]  # so that none is a function of another
    pairs = [(part, vector) for part, vector in zip(own, along, strict=False) if vector is not None]
    places, vectors = zip(*pairs, strict=True)
    found = torch.autograd.grad(layers.plain(flat, x), places, upstream, create_graph=True)
    pairs = [(part, vector) for part, vector in zip(found, vectors, strict=True) if part.requires_grad]
    if not pairs:  # of a single layer, whose gradient is constant
        return [torch.zeros_like(part) if want else None for part, want in zip(own, wanted, strict=True)]
    found, vectors = zip(*pairs, strict=True)
    asked = [part for part, want in zip(own, wanted, strict=True) if want]
    gradients = iter(torch.autograd.grad(found, asked, vectors, create_graph=True, materialize_grads=True))
    return [next(gradients) if want else None for want in wanted]


class _InputGradient(torch.autograd.Function):
    """Weights and inputs to the gradient of the outputs with respect to the inputs."""

    @staticmethod
    def forward(ctx: Any, layers: DenseLayers, flat: Tensor, x: Tensor) -> Tensor:
        rows, inputs = _rows(flat), _rows(x)
        hidden, outputs = _forward(layers, rows, inputs)
        slopes, signals = x.new_empty(x.shape), torch.empty_like(hidden)
        _backward(layers, rows, inputs, hidden, torch.ones_like(outputs), None, slopes, signals)
        ctx.layers, ctx.hidden, ctx.signals = layers, hidden, signals
        ctx.save_for_backward(flat, x)
        return slopes

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        flat, x = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient is to be differentiated: by torch
            x = x.detach().requires_grad_()
            (slopes,) = torch.autograd.grad(ctx.layers.plain(flat, x).sum(), x, create_graph=True)
            return None, *torch.autograd.grad(slopes, flat, upstream, create_graph=True, materialize_grads=True), None
        flat, upstream = _rows(flat), solid(upstream).contiguous()
        gradient = flat.new_empty(flat.shape)
        over_replicas(
            kernels().slope_backward, len(flat), ctx.layers.chain, upstream.shape[1],
            address(flat), ctypes.c_size_t(flat.stride(0)),
            address(ctx.hidden), address(ctx.signals), address(upstream), address(gradient),
        )  # fmt: skip
        return None, gradient, None
