"""Where features lie in memory: values, layouts and gradients beside torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainables.native import disabled, flatten, unflatten
from trainables.native.layout import features_last

SHAPES = [(3, 4, 9, 5, 7), (2, 3, 64, 7, 7), (2, 3, 1, 2, 2), (2, 5, 8)]


def given(shape: tuple[int, ...], last: bool, dtype: torch.dtype = torch.float32) -> Tensor:
    """Drawn activations (R, B, C, ...), with their features last in memory or not."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return x.movedim(2, -1).contiguous().movedim(-1, 2) if last else x


@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_features_last_are_the_same_numbers(shape: tuple[int, ...], last: bool) -> None:
    x = given(shape, last)
    made = features_last(x)
    assert torch.equal(made, x)
    assert made.movedim(2, -1).is_contiguous()
    assert torch.equal(features_last(x[:, 1:]), x[:, 1:])  # what is not whole in memory
    with disabled():
        assert torch.equal(features_last(x), x)


@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_are_torchs_and_turn_back(shape: tuple[int, ...], last: bool) -> None:
    x = given(shape, last)
    assert torch.equal(flatten(x), x.flatten(2))
    assert torch.equal(unflatten(flatten(x), shape[2:]), x)


def test_gradients_are_torchs_twice() -> None:
    x = given((2, 2, 3, 2, 2), last=True, dtype=torch.float64).requires_grad_()
    rows = given((2, 2, 12), last=False, dtype=torch.float64).requires_grad_()
    for function, inputs in ((flatten, x), (lambda x: unflatten(x, (3, 2, 2)), rows)):
        torch.autograd.gradcheck(function, inputs)
        torch.autograd.gradgradcheck(function, inputs)


def test_a_gradient_in_single_precision_is_turned_back() -> None:
    x = given(SHAPES[1], last=True).requires_grad_()
    weights = given((2, 3, 64 * 49), last=False)
    (gradient,) = torch.autograd.grad((flatten(x) * weights).sum(), x)
    assert torch.equal(gradient, weights.unflatten(2, SHAPES[1][2:]))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_autograd_only_notes_to_be_zero_gets_numbers(shape: tuple[int, ...]) -> None:
    nothing, zeros = torch._efficientzerotensor(shape), torch.zeros(shape)
    made = features_last(nothing)
    assert made.data_ptr()
    assert torch.equal(made, zeros)
    last = torch._efficientzerotensor((*shape[:2], *shape[3:], shape[2])).movedim(-1, 2)
    assert torch.equal(flatten(last), zeros.flatten(2))
