"""Losses and gradients of a game from the kernels against autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables import native
from trainables.native import DenseGame, DenseLayers, formula

pytestmark = pytest.mark.skipif(not native.available(), reason="needs a C compiler")
REPLICAS, SAMPLES, LATENT, SIZE = 3, 18, 3, 2
Parts = dict[str, Tensor]
Make = Callable[..., DenseGame]


def value(d: Tensor) -> Tensor:
    return functional.logsigmoid(d)


def loss(d: Tensor) -> Tensor:
    return (1 - d).square()


def cost(squared: Tensor) -> Tensor:
    return squared.sqrt()


@pytest.fixture
def game(layers_of: Callable[[tuple[int, ...], float], DenseLayers]) -> Make:
    """Makes the game of packs of so many samples."""
    real, fake, generators = formula(value), formula(lambda d: -d), formula(loss)
    assert real is not None
    assert fake is not None
    assert generators is not None

    def make(packing: int = 1) -> DenseGame:
        critic = layers_of((SIZE * packing, 33, 20, 1), 0.2)
        return DenseGame(layers_of((LATENT, 24, SIZE), 0.0), critic, real, fake, generators, None, packing)

    return make


def drawn(one: DenseGame) -> Parts:
    random = torch.Generator().manual_seed(0)
    sizes = [sum((i + 1) * o for i, o in pairwise(layers.widths)) for layers in (one.generator, one.critic)]
    return {
        "generator": torch.randn(REPLICAS, sizes[0], generator=random) / 4,
        "critic": torch.randn(REPLICAS, sizes[1], generator=random) / 4,
        "data": torch.randn(50, SIZE, generator=random),
        "indices": torch.randint(50, (REPLICAS, SAMPLES), generator=random),
        "latents": torch.randn(REPLICAS, SAMPLES, LATENT, generator=random),
        "weight": torch.tensor([0.5, 2.0, 0.0]),
    }


def played(one: DenseGame, parts: Parts) -> list[Tensor]:
    """Losses and gradients of the critic and of the generator."""
    shared = (parts["generator"], parts["critic"])
    of_critic = one.of_critic(*shared, parts["data"], parts["indices"], parts["latents"], parts["weight"])
    return [*of_critic, *one.of_generator(*shared, parts["latents"])]


def by_autograd(one: DenseGame, parts: Parts) -> list[Tensor]:
    generator, critic = (parts[name].clone().requires_grad_() for name in ("generator", "critic"))
    made = one.generator.plain(generator, parts["latents"])

    def judged(samples: Tensor) -> Tensor:
        packs = samples.reshape(REPLICAS, SAMPLES // one.packing, -1)
        return one.critic.plain(critic, packs).squeeze(2)

    real = parts["data"][parts["indices"]].reshape(REPLICAS, SAMPLES // one.packing, -1)
    of_critic = -(value(judged(real)).mean(1) + (-judged(made.detach())).mean(1))
    if one.cost is not None:
        points = (made.detach() if one.at_fake else real).reshape(real.shape).requires_grad_()
        (slope,) = torch.autograd.grad(judged(points).sum(), points, create_graph=True)
        of_critic = of_critic + parts["weight"] * cost(slope.square().sum(2)).mean(1)
    of_generator = loss(judged(made)).mean(1)
    gradients = [
        torch.autograd.grad(one.sum(), leaf, retain_graph=True)[0]
        for one, leaf in ((of_critic, critic), (of_generator, generator))
    ]
    return [of_critic.detach(), gradients[0], of_generator.detach(), gradients[1]]


@pytest.mark.parametrize("at_fake", [None, False, True])
@pytest.mark.parametrize("packing", [1, 3])
def test_losses_and_gradients_are_those_of_autograd(game: Make, packing: int, at_fake: bool | None) -> None:
    one = game(packing)
    parts = drawn(one)
    if at_fake is not None:
        one = replace(one, cost=formula(cost), at_fake=at_fake)
    for ours, theirs in zip(played(one, parts), by_autograd(one, parts), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_replica_is_the_same_bit_for_bit_alone_and_beside_one_that_fell(game: Make) -> None:
    one = replace(game(), cost=formula(cost))
    parts = drawn(one)
    parts["critic"][1] = torch.nan
    company = played(one, parts)
    for replica in (0, 2):
        own = {name: part if name == "data" else part[replica : replica + 1] for name, part in parts.items()}
        for together, single in zip(company, played(one, own), strict=True):
            assert torch.equal(together[replica], single[0])
    assert company[0][1].isnan()
    assert company[3][1].isnan().any()


def test_threads_change_nothing(game: Make) -> None:
    one = game()
    parts = drawn(one)
    alone, before = played(one, parts), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert all(torch.equal(x, y) for x, y in zip(played(one, parts), alone, strict=True))
    finally:
        torch.set_num_threads(before)


def test_tensors_that_do_not_lie_together(game: Make) -> None:
    one = game()
    parts = drawn(one)
    turned = {name: x.t().contiguous().t() if x.dim() == 2 else x for name, x in parts.items()}
    for x, y in zip(played(one, parts), played(one, turned), strict=True):
        assert torch.equal(x, y)
