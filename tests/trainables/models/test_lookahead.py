"""Look-ahead in closed form on linear games, and in a GAN's training against a loop by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainables.data import load
from trainables.models.lookahead import LookAhead
from trainables.spec import Spec
from trainables.training import Training

RING = {"name": "ring", "points": 200, "heldout": 50}
SMALL = {"hidden": [8]}
EVERY, ALPHA = 3, (0.3, 0.8)


class Nothing:
    """An evaluator that measures nothing."""

    samples = 4

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


def training(**changes: float) -> Training:
    specs = [
        Spec(RING, 8, 1, 8, generator=SMALL, critic=SMALL, **{"lookahead_alpha": a, **changes})  # type: ignore[arg-type]
        for a in ALPHA
    ]
    return Training(specs, [0, 1], data=load(**RING), evaluator=Nothing())  # type: ignore[arg-type]


@pytest.mark.golden
def test_of_a_linear_map_it_is_a_mixture_of_its_power_and_the_identity() -> None:
    """Simultaneous steps of h on the bilinear game, M = I + h J, spiral out; (1 - a) I + a M^k spirals in."""
    h, k = 0.1, 20
    m = torch.tensor([[1, h], [-h, 1]], dtype=torch.float64)
    alpha = torch.tensor([0.5, 0.2], dtype=torch.float64)
    theta, psi = torch.ones(2, 1, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)
    ahead, alive = LookAhead.start(k, alpha, [theta, psi]), torch.tensor([True, True])
    for _ in range(30 * k):
        both = torch.cat([theta, psi], 1) @ m.T
        theta.copy_(both[:, :1])
        psi.copy_(both[:, 1:])
        ahead.pull([theta, psi], alive)
    for i in range(2):
        whole = (1 - alpha[i]) * torch.eye(2, dtype=torch.float64) + alpha[i] * torch.linalg.matrix_power(m, k)
        expected = torch.linalg.matrix_power(whole, 30) @ torch.tensor([1.0, 0.0], dtype=torch.float64)
        torch.testing.assert_close(torch.cat([theta[i], psi[i]]), expected, rtol=1e-9, atol=1e-12)
        assert expected.norm() < 0.1


def test_a_replica_that_fell_is_not_moved() -> None:
    weights = [torch.ones(2, 3), torch.ones(2, 4)]
    ahead = LookAhead.start(1, torch.tensor([0.5, 0.5]), weights)
    for one in weights:
        one.fill_(3.0)
    ahead.pull(weights, torch.tensor([True, False]))
    for one, slow in zip(weights, ahead.slow, strict=True):
        assert one.tolist() == [[2.0] * one.shape[1], [3.0] * one.shape[1]]
        assert slow.tolist() == [[2.0] * one.shape[1], [1.0] * one.shape[1]]


@pytest.mark.parametrize("updates", ["alternating", "extragradient", "sga"])
def test_a_training_is_a_loop_with_slow_weights_put_in_by_hand(updates: str) -> None:
    changes = {"updates": updates}
    ours, theirs = training(lookahead=EVERY, **changes), training(**changes)  # type: ignore[arg-type]
    stacks = theirs.model.stacks
    slow = [[row.clone() for row in stack.flat] for stack in stacks]
    plain = training(**changes)  # type: ignore[arg-type]
    for step in range(8):
        for one in (ours, theirs, plain):
            one.step = step
            one.take_steps(1)
        if (step + 1) % EVERY == 0:
            for rows, stack in zip(slow, stacks, strict=True):
                for i, a in enumerate(ALPHA):
                    rows[i] = rows[i] + a * (stack.flat[i] - rows[i])
                    stack.flat[i] = rows[i]
    for mine, other in zip(ours.model.stacks, stacks, strict=True):
        torch.testing.assert_close(mine.flat, other.flat, rtol=1e-4, atol=1e-6)
    assert (plain.model.stacks[0].flat - ours.model.stacks[0].flat).abs().max() > 1e-3
