"""Convolutions of a whole population: one function, computed in the way that was found best for its device and shape.

A convolution ties large images (R, B, C, H, W), small images (R, B, K, h, w) and kernels (R, K, C, side, side)
together, by the sum of products of numbers that meet. Each of the three is made of the two others: small images by
convolving, large ones by the transposed convolution, kernels as gradients; and what is made has the other two as
gradients, however often one differentiates.

Between layers images stay as the last layer left them in memory, so that nothing is copied: beside each other,
(B, R C, H, W), by grouped convolutions, channels last by the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional, grad

from trainables import native

Shape = tuple[int, ...]


class Geometry(NamedTuple):
    """How large and small images meet: the shapes of large images, small ones and kernels, the step and the margin."""

    shapes: tuple[Shape, Shape, Shape]
    stride: int
    padding: int


THIN = 4  # channels of large images that are faster made by products than by torch's transposed convolution
LARGE, SMALL, KERNEL = 0, 1, 2  # what a product makes, and what it is made of, in this order
# Makes one of the three of the two others, adds a bias, and multiplies what is below 0 by a slope.
Way = Callable[[int, Geometry, Tensor, Tensor, Tensor | None, float], Tensor]
_chosen: str | None = None


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None, stride: int, padding: int, transposed: bool = False,
    slope: float = 1.0,
) -> Tensor:  # fmt: skip
    """Convolve images x (R, B, C, H, W) by kernels (R, K, C, side, side) and add a bias (R, K), if there is one.

    What is below 0 is then multiplied by `slope`. `transposed`: kernels (R, C, K, side, side) and the transposed
    convolution.
    """
    side, replicas, batch, *sides = kernel.shape[3], *x.shape[:2], *x.shape[3:]
    if transposed:
        sides = [(side_ - 1) * stride - 2 * padding + side for side_ in sides]
    else:
        sides = [(side_ + 2 * padding - side) // stride + 1 for side_ in sides]
    made = (replicas, batch, kernel.shape[2 if transposed else 1], *sides)
    shapes = (made, tuple(x.shape)) if transposed else (tuple(x.shape), made)
    geometry = Geometry((*shapes, tuple(kernel.shape)), stride, padding)
    out: Tensor = _Layer.apply(LARGE if transposed else SMALL, geometry, slope, x, kernel, bias)
    return out


@contextmanager
def by(way: str) -> Iterator[None]:
    """Within the block all convolutions are computed in one of the `WAYS`, for comparisons."""
    global _chosen
    before, _chosen = _chosen, way
    try:
        yield
    finally:
        _chosen = before


def best(part: int, geometry: Geometry, first: Tensor, second: Tensor) -> str:
    """The name of the way to make a part of the two others.

    On a processor as measured (benchmarks/results.md, "Convolutions on a processor"). On a card not measured yet: HFTA
    (Wang et al. 2021) fuses jobs by grouped convolutions; `python -m benchmarks.gpu` compares the ways there.
    """
    if _chosen is not None:
        return _chosen
    if first.is_cuda:
        return "grouped"
    if native.usable(first, second) and native.wide(geometry.shapes[LARGE], geometry.shapes[KERNEL]):
        return "compiled"
    # Folded back in less than float32 the sums would be, too.
    thin = part == LARGE and geometry.shapes[LARGE][2] <= THIN and first.dtype != torch.bfloat16
    return "unfolded" if thin else "separate"


def _make(
    part: int, geometry: Geometry, first: Tensor, second: Tensor, bias: Tensor | None = None, slope: float = 1.0
) -> Tensor:
    return WAYS[best(part, geometry, first, second)](part, geometry, first, second, bias, slope)


def _gradients(
    part: int, geometry: Geometry, known: Sequence[Tensor], upstream: Tensor, wanted: Sequence[bool],
    output: Tensor | None = None, slope: float = 1.0,
) -> list[Tensor | None]:  # fmt: skip
    """The gradients of the two that a part was made of, and of a bias if that is one of those `wanted`. Where `output`
    is below 0 it was multiplied by `slope`."""
    final = part != KERNEL and not torch.is_grad_enabled()  # not to be differentiated
    if final and best(part, geometry, upstream, known[1]) == "compiled":
        return native.convolution_gradients(part, *geometry, known[0], known[1], output, upstream, slope, wanted)
    if output is not None:
        upstream = torch.ops.aten.leaky_relu_backward(upstream, output, slope, True)
    trio = [*known[:part], upstream, *known[part:]]
    found: list[Tensor | None] = []
    for other, want in zip([i for i in range(3) if i != part], wanted, strict=False):
        rest = [trio[i] for i in range(3) if i != other]
        found.append(_Product.apply(other, geometry, *rest) if want else None)
    return [*found, *(upstream.sum((1, 3, 4)) if want else None for want in wanted[2:])]


class _Product(torch.autograd.Function):
    """One of the three, made of the two others."""

    @staticmethod
    def forward(ctx: Any, part: int, geometry: Geometry, first: Tensor, second: Tensor) -> Tensor:
        ctx.part, ctx.geometry = part, geometry
        ctx.save_for_backward(first, second)
        return _make(part, geometry, first, second)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *_gradients(ctx.part, ctx.geometry, ctx.saved_tensors, upstream, ctx.needs_input_grad[2:])


class _Layer(torch.autograd.Function):
    """Images and kernels to images, with slope and any bias."""

    @staticmethod
    def forward(
        ctx: Any, part: int, geometry: Geometry, slope: float, x: Tensor, kernel: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.part, ctx.geometry, ctx.slope = part, geometry, slope
        out = _make(part, geometry, x, kernel, bias, slope)
        ctx.save_for_backward(x, kernel, None if slope == 1 else out.detach())
        return out

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, kernel, out = ctx.saved_tensors
        wanted = ctx.needs_input_grad[3:]
        return None, None, None, *_gradients(ctx.part, ctx.geometry, (x, kernel), upstream, wanted, out, ctx.slope)


def _together(x: Tensor) -> Tensor:
    """(R, B, C, H, W) as (B, R C, H, W)."""
    return x.transpose(0, 1).flatten(1, 2)


def _activated(x: Tensor, slope: float) -> Tensor:
    return x if slope == 1 else functional.leaky_relu_(x, slope)


def _margin(geometry: Geometry) -> list[int]:
    """What a transposed convolution adds to its result's sides, where several have the same small ones."""
    large, small, kernel = geometry.shapes
    least = [(side - 1) * geometry.stride - 2 * geometry.padding + kernel[3] for side in small[3:]]
    return [side - other for side, other in zip(large[3:], least, strict=True)]


def _of_one(part: int, geometry: Geometry, first: Tensor, second: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """Torch's own convolutions of images (B, C, H, W)."""
    stride, padding = geometry.stride, geometry.padding
    if part == SMALL:
        made: Tensor = functional.conv2d(first, second, bias, stride, padding, 1, groups)
    elif part == LARGE:
        made = functional.conv_transpose2d(first, second, bias, stride, padding, _margin(geometry), groups)
    else:
        _, features, *rest = geometry.shapes[KERNEL]
        made = grad.conv2d_weight(first, (groups * features, *rest), second, stride, padding, 1, groups)
    return made


def grouped(part: int, geometry: Geometry, first: Tensor, second: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """One convolution, of which every group is a replica."""
    replicas, other = len(first), _together(second) if part == KERNEL else second.flatten(0, 1)
    made = _of_one(part, geometry, _together(first), other, None if bias is None else bias.flatten(), replicas)
    if part == KERNEL:
        return made.view(geometry.shapes[KERNEL])
    apart: Tensor = _activated(made, slope).unflatten(1, (replicas, -1))
    return apart.transpose(0, 1)


def separate(part: int, geometry: Geometry, first: Tensor, second: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """A convolution for each replica, channels last."""
    biases = [None] * len(first) if bias is None else list(bias)
    made = []
    for one, other, its_bias in zip(first, second, biases, strict=True):
        one_last, other_last = (x.contiguous(memory_format=torch.channels_last) for x in (one, other))
        made.append(_of_one(part, geometry, one_last, other_last, its_bias, 1))
    if part == KERNEL:
        return torch.stack(made)
    return _activated(torch.stack([x.permute(0, 2, 3, 1) for x in made]), slope).permute(0, 1, 4, 2, 3)


def unfolded(part: int, geometry: Geometry, first: Tensor, second: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """Batched products with what each position sees, spread out."""
    (replicas, batch, *_, height, width), small, (*_, side, _) = geometry.shapes
    how = {"kernel_size": side, "padding": geometry.padding, "stride": geometry.stride}
    if part == LARGE:
        seen = torch.matmul(second.flatten(2).mT[:, None], first.flatten(3))
        made = functional.fold(seen.flatten(0, 1), (height, width), **how).unflatten(0, (replicas, batch))
    else:
        seen = functional.unfold(first.flatten(0, 1), **how).unflatten(0, (replicas, batch))
        if part == KERNEL:
            gradient: Tensor = torch.matmul(second.flatten(3), seen.mT).sum(1).view(geometry.shapes[KERNEL])
            return gradient
        made = torch.matmul(second.flatten(2)[:, None], seen).view(small)
    return _activated(made if bias is None else made + bias[:, None, :, None, None], slope)


def compiled(part: int, geometry: Geometry, first: Tensor, second: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """In C, replica by replica, channels last (`trainables.native`)."""
    return native.convolve(part, *geometry, first, second, bias, slope)


WAYS: dict[str, Way] = {"grouped": grouped, "separate": separate, "unfolded": unfolded, "compiled": compiled}
