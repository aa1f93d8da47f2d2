"""Orders of updates on a bilinear game, where each turns as is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from games import doubled
from torch import Tensor

from trainables import networks, objectives
from trainables.batches import Batch, BatchSampler, BatchShape
from trainables.data import DataSet
from trainables.models.players import Players
from trainables.models.updates import PerPlayer, batches_per_step, step
from trainables.optimizers import Optimizer
from trainables.population import StackedParameters, generators

STEPS = 200  # of a bilinear game


@pytest.mark.golden
@pytest.mark.parametrize(
    ("updates", "squared"),
    [
        ("simultaneous", lambda h: 1 + h**2),
        ("alternating", None),
        ("extragradient", lambda h: 1 - h**2 + h**4),
        ("sga", lambda h: (1 - h) ** 2 + h**2),
    ],
)
def test_orders_turn_as_known_on_a_bilinear_game(updates: str, squared: Callable[[float], float] | None) -> None:
    """The Dirac-GAN with linear f: simultaneous steps spiral out by sqrt(1 + h^2) a step, extragradient steps in by
    sqrt(1 - h^2 + h^4), alternating steps keep an ellipse (Mescheder et al. 2018; Gidel et al. 2019). Of SGA the
    adjustment is (theta, psi) itself, which adds -h to the map's diagonal."""
    h = 0.1
    distances = [math.hypot(*place) for place in bilinear(h, updates).tolist()]
    if squared is None:
        assert 0.9 < min(distances) <= max(distances) < 1.1
    else:
        assert distances[-1] == pytest.approx(squared(h) ** (STEPS / 2), rel=1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("unroll", [1, 5])
@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
def test_an_unrolled_critic_damps_a_bilinear_game(updates: str, unroll: int) -> None:
    """psi_K = psi - K h theta in l_g = -theta psi_K, whose slope is 2 K h theta - psi: a map with the determinant
    1 - 2 K h^2 + h^2 of simultaneous and 1 - 2 K h^2 of alternating steps, whose root a step takes the orbit in by."""
    h = 0.1
    own = torch.tensor([[1 - 2 * unroll * h**2, h], [-h, 1.0]], dtype=torch.float64)
    if updates == "alternating":
        own[0, 0] -= h**2
    place, expected = torch.tensor([1.0, 0.0], dtype=torch.float64), []
    for _ in range(STEPS):
        place = own @ place
        expected.append(place)
    torch.testing.assert_close(bilinear(h, updates, unroll), torch.stack(expected), rtol=1e-6, atol=1e-7)
    assert float(torch.linalg.det(own)) == pytest.approx(1 - 2 * unroll * h**2 + h**2 * (updates == "simultaneous"))


def bilinear(h: float, updates: str, unroll: int = 0) -> Tensor:
    """Places (STEPS, 2) of (theta, psi) from (1, 0) in the game l_c = theta psi = -l_g."""
    point = torch.zeros(1, 1)
    data = DataSet("dirac", point, None, point, None, classes=0)
    # G(z) = theta as the bias of a linear layer, d(x) = psi x as the weight of one.
    generator = networks.generator(networks.settings("generator", {"hidden": []}), 1, (1,))
    critic = networks.critic(networks.settings("critic", {"hidden": []}), (1,))
    stacks = [
        StackedParameters(n, torch.tensor(w, dtype=torch.float64))
        for n, w in ((generator, [[0.0, 1.0]]), (critic, [[0.0, 0.0]]))
    ]
    players = Players(objectives.resolve({"name": "wasserstein"}), *stacks, unroll=unroll)
    zero, alive = torch.zeros(1), torch.ones(1, dtype=torch.bool)
    made = [Optimizer.zero("sgd", stack.flat, torch.tensor([h], dtype=torch.float64), zero, zero) for stack in stacks]
    optimizers = PerPlayer(critic=made[1], generator=made[0])
    batch_shape = BatchShape(batches_per_step(updates, 1), 1, 1, "normal", 0)
    places = []
    for batches in BatchSampler(data, batch_shape, generators([0], 0, "cpu"), conditional=False).draw(STEPS):
        step(players, optimizers, [still(batch) for batch in batches], alive, updates, 1e6)
        places.append(torch.stack([stacks[0].flat[0, 1], stacks[1].flat[0, 0]]))
    return torch.stack(places)


def still(batch: Batch) -> Batch:
    """The batch in float64, its latents 0."""
    made = doubled(batch)
    made.latents = torch.zeros_like(made.latents)
    return made
