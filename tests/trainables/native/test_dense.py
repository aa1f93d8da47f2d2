"""Dense layers in C against the same layers in torch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables import native
from trainables.native import DenseLayers

pytestmark = pytest.mark.skipif(not native.available(), reason="needs a C compiler")
REPLICAS = 3
Make = Callable[[tuple[int, ...], float], DenseLayers]
Shape = tuple[tuple[int, ...], int, float]  # widths, samples, slope


def drawn(widths: tuple[int, ...], samples: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    size = sum((i + 1) * o for i, o in pairwise(widths))
    flat = torch.randn(REPLICAS, size, generator=generator) / max(widths) ** 0.5
    return flat.requires_grad_(), torch.randn(REPLICAS, samples, widths[0], generator=generator, requires_grad=True)


shapes = st.tuples(
    st.lists(st.integers(1, 70), min_size=2, max_size=5).map(tuple),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.2, 0.01]),
)


@settings(max_examples=25, deadline=None)
@given(shapes)
@pytest.mark.property
def test_outputs_and_gradients_are_those_of_torch(layers_of: Make, shape: Shape) -> None:
    widths, samples, slope = shape
    layers, (flat, x) = layers_of(widths, slope), drawn(widths, samples)
    ours, theirs = layers(flat, x), layers.plain(flat, x)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    upstream = torch.randn_like(theirs)
    for mine, other in zip(*(torch.autograd.grad(y, (flat, x), upstream) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(shapes)
@pytest.mark.property
def test_slopes_and_their_gradients_are_those_of_torch(
    layers_of: Make, shape: tuple[tuple[int, ...], int, float]
) -> None:
    (*front, _), samples, slope = shape
    widths = (*front, 1)
    layers, (flat, x) = layers_of(widths, slope), drawn(widths, samples)
    ours = layers.input_gradient(flat, x.detach())
    assert ours is not None
    (theirs,) = torch.autograd.grad(layers.plain(flat, x).sum(), x, create_graph=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    mine, other = (torch.autograd.grad(s.square().sum(), flat)[0] for s in (ours, theirs))
    torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_gradients_of_slopes_can_be_differentiated(layers_of: Make) -> None:
    layers, (flat, x) = layers_of((2, 16, 16, 1), 0.2), drawn((2, 16, 16, 1), 6)
    ours = layers.input_gradient(flat, x.detach())
    assert ours is not None
    (theirs,) = torch.autograd.grad(layers.plain(flat, x).sum(), x, create_graph=True)
    found = []
    for slopes in (ours, theirs):
        (gradient,) = torch.autograd.grad(slopes.square().sum(), flat, create_graph=True)
        found.append(torch.autograd.grad(gradient.square().sum(), flat)[0])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-3)
    assert found[0].abs().max() > 1


def test_only_single_outputs_have_slopes(layers_of: Make) -> None:
    layers, (flat, x) = layers_of((2, 8, 2), 0.2), drawn((2, 8, 2), 4)
    assert layers.input_gradient(flat, x) is None


@pytest.mark.parametrize(("of_weights", "of_inputs"), [(True, False), (False, True)])
def test_only_what_is_asked_for(layers_of: Make, of_weights: bool, of_inputs: bool) -> None:
    layers, (flat, x) = layers_of((2, 20, 3), 0.0), drawn((2, 20, 3), 5)
    flat, x = flat.detach().requires_grad_(of_weights), x.detach().requires_grad_(of_inputs)
    asked = flat if of_weights else x
    mine, other = (torch.autograd.grad(y.sum(), asked)[0] for y in (layers(flat, x), layers.plain(flat, x)))
    torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)


def test_gradients_can_be_differentiated(layers_of: Make) -> None:
    layers, (flat, x) = layers_of((2, 16, 16, 1), 0.2), drawn((2, 16, 16, 1), 6)
    found = []
    for y in (layers(flat, x), layers.plain(flat, x)):
        (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), flat)[0])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(shapes, st.sampled_from([(True, True), (True, False), (False, True)]))
@pytest.mark.property
def test_gradients_of_gradients_are_those_of_torch(layers_of: Make, shape: Shape, wanted: tuple[bool, bool]) -> None:
    widths, samples, slope = shape
    layers, (flat, x) = layers_of(widths, slope), drawn(widths, samples)
    upstream = torch.randn(REPLICAS, samples, widths[-1], requires_grad=True)
    parts, found = [part for part, want in zip((flat, x), wanted, strict=True) if want], []
    along = [torch.randn_like(part) / len(part[0]) ** 0.5 for part in parts]
    for y in (layers(flat, x), layers.plain(flat, x)):
        first = torch.autograd.grad(y, parts, upstream, create_graph=True)
        found.append(torch.autograd.grad(first, (flat, x, upstream), along, materialize_grads=True))
    for mine, other in zip(*found, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4 * max(1.0, float(other.abs().max())))


@pytest.mark.parametrize("order", [2, 3, 4])
def test_gradients_are_differentiated_as_often_as_torchs(layers_of: Make, order: int) -> None:
    """By weights and inputs together, of a loss that is not linear, so that what comes from above depends on both."""
    layers, (flat, x) = layers_of((2, 16, 16, 1), 0.2), drawn((2, 16, 16, 1), 6)
    found = []
    for y in (layers(flat, x), layers.plain(flat, x)):
        value = torch.nn.functional.softplus(y).sum()
        for _ in range(order - 1):
            gradients = torch.autograd.grad(value, (flat, x), create_graph=True)
            value = torch.stack([(gradient * gradient.detach()).sum() for gradient in gradients]).sum()
        found.append(torch.autograd.grad(value, (flat, x)))
    for mine, other in zip(*found, strict=True):
        assert other.abs().max() > 1e-3
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


def test_a_constant_gradient_has_none_of_its_own(layers_of: Make) -> None:
    """Of a single layer, whose gradient by its weights depends on nothing that has a gradient."""
    layers, (flat, x) = layers_of((3, 1), 0.2), drawn((3, 1), 5)
    found = []
    for y in (layers(flat, x.detach()), layers.plain(flat, x.detach())):
        (first,) = torch.autograd.grad(y.sum() + (flat**4).sum(), flat, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), flat, create_graph=True)
        found.append(torch.autograd.grad(second.square().sum(), flat)[0])
    torch.testing.assert_close(*found)


def test_a_gradient_that_is_only_noted_to_be_zero_is_zero(layers_of: Make) -> None:
    """As autograd hands on the second derivative of an absolute value: a tensor without an address."""
    layers, (flat, x) = layers_of((3, 4, 1), 0.2), drawn((3, 4, 1), 5)
    nothing = torch._efficientzerotensor((REPLICAS, 5, 1))
    assert all(bool((g == 0).all()) for g in torch.autograd.grad(layers(flat, x), (flat, x), nothing))
    slopes = layers.input_gradient(flat, x.detach())
    assert slopes is not None
    (of_weights,) = torch.autograd.grad(slopes, flat, torch._efficientzerotensor((REPLICAS, 5, 3)))
    assert bool((of_weights == 0).all())


def test_inputs_that_replicas_share_and_parts_of_wider_rows(layers_of: Make) -> None:
    widths = (2, 24, 1)
    layers, (flat, x) = layers_of(widths, 0.2), drawn(widths, 7)
    shared, wide = x[:1].detach().expand(REPLICAS, 7, 2), torch.cat([torch.zeros(REPLICAS, 1), flat.detach()], 1)
    torch.testing.assert_close(layers(wide[:, 1:], shared), layers.plain(flat, shared), rtol=1e-5, atol=1e-5)
    turned = x.detach().transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(layers(flat, turned), layers.plain(flat, turned), rtol=1e-5, atol=1e-5)


def test_a_replica_is_the_same_bit_for_bit_alone_and_beside_one_that_fell(layers_of: Make) -> None:
    widths = (2, 40, 33, 1)
    layers, (flat, x) = layers_of(widths, 0.2), drawn(widths, 19)
    with torch.no_grad():
        flat[1] = torch.nan

    def everything(flat: Tensor, x: Tensor) -> list[Tensor]:
        y, slope = layers(flat, x), layers.input_gradient(flat, x.detach())
        assert slope is not None
        return [y, *torch.autograd.grad(y.sum(), (flat, x)), slope, *torch.autograd.grad(slope.sum(), flat)]

    company = everything(flat, x)
    for replica in (0, 2):
        one = slice(replica, replica + 1)
        alone = everything(flat[one].detach().requires_grad_(), x[one].detach().requires_grad_())
        assert all(torch.equal(together[one], single) for together, single in zip(company, alone, strict=True))
    assert company[0][1].isnan().all()


def test_threads_change_nothing(layers_of: Make) -> None:
    layers, (flat, x) = layers_of((2, 40, 1), 0.2), drawn((2, 40, 1), 19)
    alone, before = layers(flat, x), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(layers(flat, x), alone)
    finally:
        torch.set_num_threads(before)


def test_many_inputs_take_no_room_for_their_square(layers_of: Make) -> None:
    """A generator of so many latents wanted room for a matrix of as many rows and columns, 160 GB."""
    widths = (200_000, 4, 2)
    layers, (flat, x) = layers_of(widths, 0.2), drawn(widths, 2)
    ours, theirs = (torch.autograd.grad(call(flat, x).sum(), flat)[0] for call in (layers, layers.plain))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
