"""A stack's gradient is the stack of its replicas' gradients; its random streams are each replica's own."""

from __future__ import annotations

import pytest
import torch

from trainables import networks
from trainables.population import StackedParameters, generators, views

NETWORK = networks.critic(networks.settings("critic", {"hidden": [6, 5], "activation": "tanh"}), (3,))


def stack(seeds: range = range(4)) -> StackedParameters:
    return StackedParameters.drawn(NETWORK, generators(seeds, 0, "cpu"))


def test_views_are_the_rows_of_one_matrix() -> None:
    stacked = stack()
    assert stacked.flat.shape == (4, sum(weight.size for weight in NETWORK.weights))
    assert [v.shape for v in stacked.views] == [(4, *weight.shape) for weight in NETWORK.weights]
    assert torch.equal(torch.cat([v.flatten(1) for v in stacked.views], 1), stacked.flat)
    stacked.flat[2] += 1
    for view, constant in zip(stacked.views, stacked.constants, strict=True):
        assert torch.equal(view, constant)
        assert view.untyped_storage().data_ptr() == stacked.flat.untyped_storage().data_ptr()


def test_views_come_from_the_leaf_and_constants_are_outside_autograd() -> None:
    stacked = stack()
    assert stacked.leaf.is_leaf
    assert stacked.views.flat is stacked.leaf
    assert all(view.requires_grad for view in stacked.views)
    assert not any(constant.requires_grad for constant in stacked.constants)
    assert not stacked.flat.requires_grad
    assert not any(view.requires_grad for view in views(NETWORK, stacked.flat.clone().requires_grad_()))


def test_gradient_is_each_replicas_own() -> None:
    stacked, x = stack(), torch.randn(4, 7, 3)
    losses = NETWORK(stacked.views, x).square().mean(1)
    gradient = stacked.gradient(losses)
    for i in range(4):
        alone = StackedParameters(NETWORK, stacked.flat[i : i + 1].clone())
        own = alone.gradient(NETWORK(alone.views, x[i : i + 1]).square().mean(1))
        torch.testing.assert_close(gradient[i], own[0])


def test_gradient_agrees_with_finite_differences() -> None:
    stacked = StackedParameters(NETWORK, stack().flat.double())
    x = torch.randn(4, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gradient = stacked.gradient(NETWORK(stacked.views, x).square().mean(1))
    direction = torch.randn_like(stacked.flat)
    nudge = 1e-6

    def losses(flat: torch.Tensor) -> torch.Tensor:
        return NETWORK(views(NETWORK, flat), x).square().mean(1)

    slope = (losses(stacked.flat + nudge * direction) - losses(stacked.flat - nudge * direction)) / (2 * nudge)
    torch.testing.assert_close((gradient * direction).sum(1), slope, rtol=1e-6, atol=1e-8)


def test_a_weight_that_was_not_used_has_gradient_zero() -> None:
    network = networks.critic(networks.settings("critic", {"hidden": [5]}), (3,), classes=4, conditioning="projection")
    stacked = StackedParameters.drawn(network, generators(range(2), 0, "cpu"))
    gradient = stacked.gradient(network(stacked.views, torch.randn(2, 6, 3)).sum(1))
    embedding = network.weights[-1].size
    assert (gradient[:, -embedding:] == 0).all()
    assert (gradient[:, :-embedding] != 0).any()


def test_a_graph_can_be_kept_for_a_second_gradient() -> None:
    stacked = stack()
    losses = NETWORK(stacked.views, torch.randn(4, 7, 3)).sum(1)
    assert torch.equal(stacked.gradient(losses, retain=True), stacked.gradient(losses))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        stacked.gradient(losses)


def test_a_gradient_can_be_kept_differentiable() -> None:
    stacked, x = StackedParameters(NETWORK, stack().flat.double()), torch.randn(4, 7, 3, dtype=torch.float64)

    def gradient(of: StackedParameters, keep: bool) -> torch.Tensor:
        return of.gradient(NETWORK(of.views, x).square().mean(1), keep=keep)

    assert not gradient(stacked, keep=False).requires_grad
    kept = gradient(stacked, keep=True)
    direction = torch.randn_like(kept)
    product = stacked.gradient((kept * direction).sum(1))  # of each replica's Hessian and the direction
    nudge = 1e-6
    ends = [
        gradient(StackedParameters(NETWORK, stacked.flat + sign * nudge * direction), keep=False) for sign in (1, -1)
    ]
    torch.testing.assert_close(product, (ends[0] - ends[1]) / (2 * nudge), rtol=1e-5, atol=1e-7)


def test_weights_may_be_changed_between_a_gradient_and_the_next() -> None:
    stacked, x = stack(), torch.randn(4, 7, 3)
    before = stacked.gradient(NETWORK(stacked.views, x).square().mean(1))
    stacked.flat.sub_(0.1 * before)
    after = stacked.gradient(NETWORK(stacked.views, x).square().mean(1))
    assert not torch.equal(before, after)


def numbers(made: list[torch.Generator]) -> list[int]:
    return [int(torch.randint(2**62, (1,), generator=g)) for g in made]


def test_streams_are_reproducible_and_distinct() -> None:
    assert numbers(generators([3, 4], 1, "cpu", 7)) == numbers(generators([3, 4], 1, "cpu", 7))
    every = [
        number
        for stream in range(6)
        for step in (0, 1, 500)
        for number in numbers(generators(range(20), stream, "cpu", step))
    ]
    assert len(set(every)) == len(every) == 360


def test_a_stream_does_not_depend_on_company() -> None:
    assert numbers(generators([9, 4, 3], 2, "cpu"))[1] == numbers(generators([4], 2, "cpu"))[0]


def test_seeds_may_be_large_and_not_negative() -> None:
    assert len(set(numbers(generators([2**31, 2**32, 2**40 + 1, 2**63], 0, "cpu")))) == 4
    with pytest.raises(ValueError, match="non-negative"):
        generators([-1], 0, "cpu")
