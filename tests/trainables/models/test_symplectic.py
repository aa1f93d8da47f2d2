"""Symplectic gradient adjustment of games whose Jacobian is known: quadratic ones, with losses of each player's own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from trainables import networks, objectives
from trainables.batches import Batch
from trainables.models import symplectic
from trainables.models.players import Players, Weights
from trainables.population import StackedParameters

REPLICAS = 40


class Quadratic(Players):
    """l_g = theta' S theta/2 + theta' B psi and l_c = psi' T psi/2 + psi' C theta, other matrices in each replica."""

    matrices: Sequence[Tensor]

    def critic_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        theta, psi = (torch.cat([w.flatten(1) for w in weights], 1) for weights in (generator, critic))
        _, _, t, c = self.matrices
        return form(psi, t, psi) / 2 + form(psi, c, theta)

    def generator_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        theta, psi = (torch.cat([w.flatten(1) for w in weights], 1) for weights in (generator, critic))
        s, b, _, _ = self.matrices
        return form(theta, s, theta) / 2 + form(theta, b, psi)


def form(left: Tensor, matrix: Tensor, right: Tensor) -> Tensor:
    return torch.einsum("ri,rij,rj->r", left, matrix, right)


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.golden
def test_a_quadratic_game_is_adjusted_by_its_antisymmetric_part() -> None:
    generator = networks.generator(networks.settings("generator", {"hidden": []}), 1, (1,))
    critic = networks.critic(networks.settings("critic", {"hidden": []}), (3,))
    p, q = generator.size, critic.size
    weights = [drawn(REPLICAS, size, seed=size) for size in (p, q)]
    game = Quadratic(
        objectives.resolve({"name": "wasserstein"}),
        StackedParameters(generator, weights[0].clone()),
        StackedParameters(critic, weights[1].clone()),
    )
    s, t = (x + x.mT for x in (drawn(REPLICAS, p, p, seed=5), drawn(REPLICAS, q, q, seed=6)))
    b, c = drawn(REPLICAS, p, q, seed=7), drawn(REPLICAS, q, p, seed=8)
    game.matrices = (s, b, t, c)
    found = symplectic.of_both(game, None)  # type: ignore[arg-type]
    jacobian = torch.cat([torch.cat([s, b], 2), torch.cat([c, t], 2)], 1)
    theta, psi = weights
    expected, signs = [], []
    for h, w in zip(jacobian, torch.cat([theta, psi], 1), strict=True):
        xi, antisymmetric = h @ w, (h - h.T) / 2
        adjustment, slope = antisymmetric.T @ xi, h.T @ xi
        signs.append(float(torch.sign((xi @ slope) * (adjustment @ slope) / len(w) + 0.1)))
        expected.append(xi + signs[-1] * adjustment)
    assert set(signs) == {-1.0, 1.0}
    torch.testing.assert_close(
        torch.cat([found.generator, found.critic], 1), torch.stack(expected), rtol=1e-12, atol=1e-12
    )
    torch.testing.assert_close(found.critic_loss, game.critic_loss(None, [theta], [psi]))  # type: ignore[arg-type]
    torch.testing.assert_close(found.generator_loss, game.generator_loss(None, [theta], [psi]))  # type: ignore[arg-type]
    assert not any(values.requires_grad for values in found)


@pytest.mark.golden
def test_a_potential_game_is_left_as_it_is() -> None:
    """Its Jacobian is symmetric: A = 0."""
    generator = networks.generator(networks.settings("generator", {"hidden": []}), 1, (1,))
    critic = networks.critic(networks.settings("critic", {"hidden": []}), (3,))
    weights = [drawn(2, network.size, seed=1) for network in (generator, critic)]
    stacks = [StackedParameters(n, w) for n, w in zip((generator, critic), weights, strict=True)]
    game = Quadratic(objectives.resolve({"name": "wasserstein"}), *stacks)
    b = drawn(2, generator.size, critic.size, seed=2)
    nothing, one = drawn(2, generator.size, generator.size, seed=3) * 0, torch.eye(critic.size).double()
    game.matrices = (nothing, b, one.expand(2, -1, -1), b.mT)
    found = symplectic.of_both(game, None)  # type: ignore[arg-type]
    torch.testing.assert_close(found.generator, torch.einsum("rij,rj->ri", b, weights[1]), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        found.critic, weights[1] + torch.einsum("rij,ri->rj", b, weights[0]), rtol=1e-12, atol=1e-12
    )
