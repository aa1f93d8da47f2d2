"""Compiled batch normalisation against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables.native import EPSILON, available, normalise

pytestmark = pytest.mark.skipif(not available(), reason="needs a C compiler")

SHAPES = [(3, 70, 7), (2, 9, 33, 4, 5), (1, 2, 1, 3, 3)]


def plain(slope: float, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    made = [
        functional.batch_norm(one, None, None, g, b, training=True, eps=EPSILON)
        for one, g, b in zip(x, gain, shift, strict=True)
    ]
    return functional.leaky_relu(torch.stack(made), slope)


def given(shape: tuple[int, ...], mean: float = 0.0) -> list[Tensor]:
    random = torch.Generator().manual_seed(0)
    x, flat = torch.randn(shape, generator=random), torch.randn(shape[0], 3 * shape[2], generator=random)
    _, gain, shift = flat.requires_grad_().split(shape[2], 1)  # in the middle of a row, as in a population
    return [(x + mean).requires_grad_(), gain, shift]


@pytest.mark.parametrize("slope", [1.0, 0.2, 0.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_outputs_and_gradients_are_torchs(shape: tuple[int, ...], slope: float) -> None:
    inputs = given(shape)
    ours = normalise(*inputs, slope, lambda *args: plain(slope, *args))
    theirs = plain(slope, *inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    upstream = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = torch.autograd.grad(theirs, inputs, upstream)
    for our, their in zip(torch.autograd.grad(ours, inputs, upstream), expected, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-4)


def test_a_large_mean_costs_no_digits() -> None:
    inputs = given((2, 64, 16, 4, 4), mean=1000.0)
    exact = plain(1.0, *(x.detach().double() for x in inputs))
    ours = normalise(*inputs, 1.0, lambda *args: plain(1.0, *args))
    torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-4)


def test_gradients_can_be_differentiated() -> None:
    inputs = given(SHAPES[1])

    def second(out: Tensor) -> tuple[Tensor, ...]:
        first = torch.autograd.grad(out.pow(3).sum(), inputs, create_graph=True)
        return torch.autograd.grad(sum(g.pow(2).sum() for g in first), inputs)

    ours = second(normalise(*inputs, 0.2, lambda *args: plain(0.2, *args)))
    for our, their in zip(ours, second(plain(0.2, *inputs)), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-4 * float(their.abs().max()))


def test_each_replica_is_worked_on_alone() -> None:
    inputs = given(SHAPES[0])
    with torch.no_grad():
        company = normalise(*inputs, 0.2, plain)  # type: ignore[arg-type]
        inputs[0][0, 0, 0] = torch.nan
        spoiled = normalise(*inputs, 0.2, plain)  # type: ignore[arg-type]
        alone = normalise(*(x[2:] for x in inputs), 0.2, plain)  # type: ignore[arg-type]
    assert spoiled[0, :, 0].isnan().all()
    assert torch.equal(spoiled[1:], company[1:])
    assert torch.equal(alone, company[2:])
