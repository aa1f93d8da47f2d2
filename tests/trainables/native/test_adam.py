"""Adam in C against torch's, and replicas that fall."""

from __future__ import annotations

import math

import pytest
import torch

from trainables import native
from trainables.native import adam_update, check_gradients

pytestmark = pytest.mark.skipif(not native.available(), reason="needs a C compiler")


def test_many_updates_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, 37, generator=generator)
    lr, beta1, beta2 = (torch.tensor(x)[:, None] for x in ([1e-3, 1e-2, 0.1], [0.5, 0.0, 0.9], [0.9, 0.99, 0.999]))
    peers = [w.clone().requires_grad_() for w in weights]
    adams = [
        torch.optim.Adam([w], lr=float(lr[r]), betas=(float(beta1[r]), float(beta2[r]))) for r, w in enumerate(peers)
    ]
    first, second, alive = torch.zeros(3, 37), torch.zeros(3, 37), torch.ones(3, dtype=torch.bool)
    for count in range(1, 51):
        gradients = torch.randn(3, 37, generator=generator)
        adam_update(weights, gradients, first, second, lr, beta1, beta2, torch.tensor(count), 1e-8, math.inf, alive)
        for peer, adam, gradient in zip(peers, adams, gradients, strict=True):
            peer.grad = gradient.clone()
            adam.step()
    torch.testing.assert_close(weights, torch.stack(peers).detach(), rtol=1e-5, atol=1e-5)
    assert alive.all()


def test_the_fallen_keep_their_weights_and_those_beyond_the_bound_fall() -> None:
    weights, gradients = torch.ones(3, 20), torch.ones(3, 20)
    gradients[0] = torch.nan
    rates, zeros = torch.tensor([[0.1], [0.1], [9.0]]), torch.zeros(3, 1)
    alive = torch.tensor([False, True, True])
    adam_update(
        weights,
        gradients,
        torch.zeros(3, 20),
        torch.zeros(3, 20),
        rates,
        zeros,
        zeros,
        torch.tensor(1),
        1e-8,
        2.0,
        alive,
    )
    assert torch.equal(weights[0], torch.ones(20))
    assert weights[1].tolist() == pytest.approx([0.9] * 20)
    assert weights[2].tolist() == pytest.approx([-8.0] * 20)
    assert alive.tolist() == [False, True, False]


def test_lengths_of_gradients() -> None:
    gradients = torch.randn(4, 101, generator=torch.Generator().manual_seed(1))
    gradients[2, 100] = math.inf
    loss, alive = torch.tensor([0.0, -3.0, 0.0, 0.0]), torch.tensor([True, True, True, False])
    lengths = check_gradients(gradients, loss, 2.0, alive)
    torch.testing.assert_close(lengths, gradients.norm(dim=1))
    assert alive.tolist() == [True, False, False, False]
