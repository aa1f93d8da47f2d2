"""Stacked optimisers against torch.optim, one optimiser per replica with its own hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables.optimizers import EPSILON, OPTIMIZERS, READ_BY, Optimizer

LR = torch.tensor([1e-3, 3e-2, 1e-4, 1e-2, 0.3], dtype=torch.float64)
BETA1 = torch.tensor([0.5, 0.0, 0.9, 0.99, 0.7], dtype=torch.float64)
BETA2 = torch.tensor([0.999, 0.9, 0.0, 0.99, 0.5], dtype=torch.float64)
STEPS, SIZE = 50, 11


class OptimisticAdam(torch.optim.Adam):
    """Twice torch's Adam step less the step before; Adam's steps depend on the gradients alone."""

    before: Tensor | float = 0.0

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        (parameter,) = self.param_groups[0]["params"]
        start = parameter.clone()
        super().step(closure)
        now = parameter - start
        parameter.copy_(start + 2 * now - self.before)
        self.before = now


class Lion(torch.optim.Optimizer):
    """As algorithm 2 of Chen et al. 2023 has it, without weight decay."""

    def __init__(self, parameter: Tensor, lr: float, beta1: float, beta2: float) -> None:
        super().__init__([parameter], {})
        self.numbers, self.momentum = (lr, beta1, beta2), torch.zeros_like(parameter)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        (parameter,) = self.param_groups[0]["params"]
        lr, beta1, beta2 = self.numbers
        parameter -= lr * torch.sign(beta1 * self.momentum + (1 - beta1) * parameter.grad)
        self.momentum = beta2 * self.momentum + (1 - beta2) * parameter.grad


class OptimisticSGD(torch.optim.SGD):
    """x - 2 lr g + lr g', g' being the gradient of the step before (Daskalakis et al. 2018)."""

    before: Tensor | float = 0.0

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        (parameter,) = self.param_groups[0]["params"]
        parameter -= self.param_groups[0]["lr"] * (2 * parameter.grad - self.before)
        self.before = parameter.grad.clone()


DECAY = 0.3
PEERS: dict[str, Callable[[Tensor, float, float, float], torch.optim.Optimizer]] = {
    "adam": lambda p, lr, beta1, beta2: torch.optim.Adam([p], lr, (beta1, beta2), EPSILON),
    "optimistic_adam": lambda p, lr, beta1, beta2: OptimisticAdam([p], lr, (beta1, beta2), EPSILON),
    "adamw": lambda p, lr, beta1, beta2: torch.optim.AdamW([p], lr, (beta1, beta2), EPSILON, weight_decay=DECAY),
    "lion": lambda p, lr, beta1, beta2: Lion(p, lr, beta1, beta2),
    "nesterov": lambda p, lr, beta1, _: torch.optim.SGD([p], lr, momentum=beta1, nesterov=beta1 > 0),
    "optimistic_sgd": lambda p, lr, *_: OptimisticSGD([p], lr),
    "rmsprop": lambda p, lr, _, beta2: torch.optim.RMSprop([p], lr, beta2, EPSILON),
    "sgd": lambda p, lr, beta1, _: torch.optim.SGD([p], lr, momentum=beta1),
}


def start(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(len(LR), SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def slope(weights: Tensor, step: int) -> Tensor:
    """The gradient of a rough landscape: smooth, not symmetric, changing from step to step."""
    return weights.sin() * 3 + weights + math.cos(step)


def optimizer(rule: str, weights: Tensor) -> Optimizer:
    decay = torch.full_like(LR, DECAY) if rule == "adamw" else None
    return Optimizer.zero(rule, weights, LR, BETA1, BETA2, decay)


def test_every_rule_has_a_peer() -> None:
    assert set(PEERS) == set(OPTIMIZERS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_fifty_steps_are_torchs(rule: str, dtype: torch.dtype) -> None:
    weights = start(dtype)
    ours = optimizer(rule, weights)
    parameters = [row.clone().requires_grad_() for row in weights]
    theirs = [PEERS[rule](p, float(LR[i]), float(BETA1[i]), float(BETA2[i])) for i, p in enumerate(parameters)]
    alive = torch.ones(len(LR), dtype=torch.bool)
    for step in range(STEPS):
        ours.update(weights, slope(weights, step), alive)
        for parameter, peer in zip(parameters, theirs, strict=True):
            parameter.grad = slope(parameter.detach(), step)
            peer.step()
    expected = torch.stack([p.detach() for p in parameters])
    tolerance = 5e-5 if dtype == torch.float32 else 1e-11
    torch.testing.assert_close(weights, expected, rtol=tolerance, atol=tolerance)
    assert ((weights - start(dtype)).abs().amax(1) > LR).all()


@pytest.mark.golden
def test_first_steps_in_closed_form() -> None:
    gradient, alive = torch.tensor([[2.0], [-0.01]]), torch.ones(2, dtype=torch.bool)
    lr, beta1, beta2 = torch.tensor([0.1, 0.2]), torch.tensor([0.5, 0.9]), torch.tensor([0.99, 0.75])
    expected = {
        "adam": -lr * gradient[:, 0].sign(),
        "optimistic_adam": -2 * lr * gradient[:, 0].sign(),
        "rmsprop": -lr * gradient[:, 0].sign() / (1 - beta2).sqrt(),
        "sgd": -lr * gradient[:, 0],
        "nesterov": -lr * (1 + beta1) * gradient[:, 0],
        "optimistic_sgd": -2 * lr * gradient[:, 0],
        "lion": -lr * gradient[:, 0].sign(),
        "adamw": -lr * gradient[:, 0].sign(),
    }
    for rule, step in expected.items():
        weights = torch.zeros(2, 1)
        Optimizer.zero(rule, weights, lr, beta1, beta2).update(weights, gradient, alive)
        torch.testing.assert_close(weights[:, 0], step, rtol=1e-4, atol=0)


@pytest.mark.golden
def test_ogda_reaches_the_equilibrium_of_a_bilinear_game_and_descent_ascent_leaves_it() -> None:
    """min_x max_y x y from (1, 1), Daskalakis et al. 2018: radius to 0, and (1 + lr²)^(t/2) for plain steps."""
    lr, none, alive = torch.tensor([0.1]), torch.zeros(1), torch.ones(1, dtype=torch.bool)
    for rule, expected in (("optimistic_sgd", 0.0), ("sgd", 2**0.5 * 1.01**500)):
        x, y = torch.ones(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
        both = [Optimizer.zero(rule, weights, lr, none, none) for weights in (x, y)]
        for _ in range(1000):
            gradients = y.clone(), -x.clone()
            for one, weights, gradient in zip(both, (x, y), gradients, strict=True):
                one.update(weights, gradient, alive)
        assert math.hypot(float(x), float(y)) == pytest.approx(expected, rel=1e-4, abs=0.02)


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_foresight_is_the_updates_that_follow(rule: str, moves: bool) -> None:
    weights, alive = start(torch.float64), torch.ones(len(LR), dtype=torch.bool)
    ours = optimizer(rule, weights)
    for step in range(3):
        ours.update(weights, slope(weights, step), alive)
    if moves:
        ours.moves = True
        ours.beta2.mul_(0.9)  # as a schedule does between updates
    before, kept = [x.clone() for x in (weights, *ours.state)], [weights, *ours.state]
    foreseen, later = weights, ours
    for step in range(3, 6):
        foreseen, later = later.foresee(foreseen, slope(foreseen, step))
    assert all(torch.equal(one, other) for one, other in zip(kept, before, strict=True))
    for step in range(3, 6):
        ours.update(weights, slope(weights, step), alive)
    torch.testing.assert_close(foreseen, weights, rtol=1e-13, atol=1e-13)
    for one, other in zip(later.state, ours.state, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("rule", [rule for rule in OPTIMIZERS if rule != "lion"])
def test_foresight_has_the_slope_that_differences_have(rule: str) -> None:
    ours = optimizer(rule, start(torch.float64))

    def after(weights: Tensor) -> Tensor:
        later = ours
        for step in range(3):
            weights, later = later.foresee(weights, slope(weights, step))
        return weights

    assert torch.autograd.gradcheck(after, start(torch.float64).requires_grad_(), eps=1e-7, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_foresight_of_a_weight_without_a_gradient_has_a_slope(rule: str) -> None:
    weights = torch.zeros(len(LR), 2, requires_grad=True)
    after, later = optimizer(rule, weights.detach()).foresee(weights, weights * torch.tensor([0.0, 1.0]))
    after, _ = later.foresee(after, after * torch.tensor([0.0, 1.0]))
    (slopes,) = torch.autograd.grad(after.sum(), weights)
    assert slopes.isfinite().all()
    assert torch.equal(after, torch.zeros_like(after))


def test_lion_shrinks_weights_by_the_decay() -> None:
    weights, alive = torch.tensor([[2.0], [2.0]]), torch.tensor([True, False])
    lion = Optimizer.zero(
        "lion", weights, *torch.tensor([[0.1, 0.1], [0.9, 0.9], [0.99, 0.99]]), torch.tensor([0.5, 0.5])
    )
    lion.update(weights, torch.tensor([[3.0], [3.0]]), alive)
    torch.testing.assert_close(weights[:, 0], torch.tensor([2 * (1 - 0.05) - 0.1, 2.0]))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e38])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_frozen_replica_keeps_its_weights_bit_for_bit(rule: str, bad: float) -> None:
    weights = start()
    weights[1, 0], weights[1, 1] = math.nan, math.inf  # it fell badly
    ours = optimizer(rule, weights)
    alive = torch.ones(len(LR), dtype=torch.bool)
    for step in range(3):
        ours.update(weights, slope(weights, step).nan_to_num(0, 0, 0), alive)
    fallen, alive[1], alive[3] = weights.clone(), False, False
    for step in range(5):
        gradient = slope(weights, step)
        gradient[1], gradient[3] = bad, bad
        ours.update(weights, gradient, alive)
    frozen = [1, 3]
    assert torch.equal(weights[frozen].view(torch.int32), fallen[frozen].view(torch.int32))
    assert weights[[0, 2, 4]].isfinite().all()
    assert (weights[[0, 2, 4]] != fallen[[0, 2, 4]]).any(1).all()


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_frozen_replica_changes_nothing_for_the_others(rule: str) -> None:
    together, alone = start(), start()[[0]]
    ours, single = optimizer(rule, together), Optimizer.zero(rule, alone, LR[[0]], BETA1[[0]], BETA2[[0]])
    single.decay = None if ours.decay is None else ours.decay[[0]]
    for step in range(10):
        gradient = slope(together, step)
        gradient[1:] = math.nan
        ours.update(together, gradient, torch.tensor([True, False, False, False, False]))
        single.update(alone, slope(alone, step), torch.ones(1, dtype=torch.bool))
    assert torch.equal(together[0], alone[0])
    assert torch.equal(together[1:], start()[1:])


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_saved_state_goes_on_bit_for_bit(rule: str) -> None:
    weights, alive = start(), torch.ones(len(LR), dtype=torch.bool)
    ours = optimizer(rule, weights)
    for step in range(5):
        ours.update(weights, slope(weights, step), alive)
    copy = weights.clone()
    resumed = optimizer(rule, copy)
    resumed.load_state_dict({k: v.clone() if isinstance(v, Tensor) else v for k, v in ours.state_dict().items()})
    for step in range(5, 10):
        ours.update(weights, slope(weights, step), alive)
        resumed.update(copy, slope(copy, step), alive)
    assert torch.equal(weights, copy)
    assert resumed.count == 10


def test_infinite_learning_rates_freeze_too() -> None:
    weights = torch.zeros(1, 2)
    huge = Optimizer.zero("sgd", weights, torch.tensor([math.inf]), torch.tensor([0.0]), torch.tensor([0.0]))
    huge.update(weights, torch.ones(1, 2), torch.tensor([False]))
    assert torch.equal(weights, torch.zeros(1, 2))


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_weights_change_in_place(rule: str) -> None:
    weights = start()
    memory = weights.data_ptr()
    ours = optimizer(rule, weights)
    ours.update(weights, slope(weights, 0), torch.ones(len(LR), dtype=torch.bool))
    assert weights.data_ptr() == memory
    assert ours.count == 1


@pytest.mark.parametrize("name", READ_BY)
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_rule_reads_the_hyperparameters_that_it_is_said_to(rule: str, name: str) -> None:
    ends = []
    for value in (0.25, 0.75):
        given = {"beta1": torch.tensor([0.5]), "beta2": torch.tensor([0.5]), name: torch.tensor([value])}
        weights = torch.tensor([[1.0, -2.0, 0.5]])
        optimizer = Optimizer.zero(rule, weights, torch.tensor([0.1]), given["beta1"], given["beta2"])
        for gradient in ([[3.0, -1.0, 0.2]], [[-2.0, 0.5, 0.1]], [[0.4, -0.7, -2.0]]):
            optimizer.update(weights, torch.tensor(gradient), torch.ones(1, dtype=torch.bool))
        ends.append(weights)
    assert torch.equal(*ends) != (rule in READ_BY[name])
