from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from trainables.inspection.optimal_critic import optimal_critic
from trainables.metrics.divergences import by_quadrature
from trainables.spec import Spec
from trainables.training import Training

GAUSSIAN: dict[str, Any] = {"name": "gaussian", "mean": 0.0, "std": 1.0, "points": 50_000, "heldout": 10_000}


def frozen(seeds: tuple[int, ...] = (5,), **changes: Any) -> Training:
    """Data N(0, 1); a generator N(1, 1.2^2) that has not been trained."""
    values: dict[str, Any] = {
        "data": GAUSSIAN, "steps": 1, "evaluations": 1, "batch_size": 512, "latent_dim": 1,
        "generator": {"kind": "affine"}, "critic": {"hidden": [32], "activation": "tanh"},
        "objective": "jensen_shannon", "critic_lr": 1e-2, "evaluation": {"samples": 100, "neighbour_samples": 50},
        **changes,
    }  # fmt: skip
    run = Training(Spec(**values), seeds)
    if run.spec.generator["kind"] == "affine":
        for flat in (run.model.stacks[0].flat, run.average):
            flat.copy_(torch.tensor([[1.0, 1.2]]).expand(len(seeds), 2))
    return run


def density(mean: float, std: float) -> Any:
    return lambda x: np.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))


SCALE = {"jensen_shannon": 2.0, "kl": 1.0, "squared_hellinger": 1.0}


@pytest.mark.parametrize("name", SCALE)
def test_the_bound_rises_to_the_divergence_by_quadrature(name: str) -> None:
    truth = SCALE[name] * by_quadrature(name, density(0.0, 1.0), density(1.0, 1.2), -12.0, 14.0)
    ascent = optimal_critic(frozen(objective=name), 600, 300)
    assert ascent.steps.tolist() == [0, 300, 600]
    assert ascent.bound.shape == (1, 3)
    assert ascent.bound[0, 0] < truth - 0.05
    assert ascent.last[0] == pytest.approx(truth, abs=0.04)


def test_a_critic_of_bounded_slope_estimates_the_wasserstein_distance() -> None:
    """N(0, 1) and N(1, 1): W1 = 1 for slopes of at most 1."""
    run = frozen(objective="wasserstein", penalty={"name": "lipschitz_penalty", "weight": 50.0})
    for flat in (run.model.stacks[0].flat, run.average):
        flat.copy_(torch.tensor([[1.0, 1.0]]))
    assert optimal_critic(run, 400, 400).last[0] == pytest.approx(1.0, abs=0.1)


def test_the_training_stays_as_it_was() -> None:
    run, untouched = frozen((5, 6), penalty="spectral_norm"), frozen((5, 6), penalty="spectral_norm")
    optimal_critic(run, 4, 2)
    assert run.advance() == untouched.advance()


def test_a_replicas_ascent_is_its_own_and_a_fallen_one_is_nan() -> None:
    company, hurt = frozen((5, 6)), frozen((5, 6))
    hurt.alive[0] = False
    together, alone = optimal_critic(company, 20, 10), optimal_critic(frozen((6,)), 20, 10)
    assert together.bound[1] == pytest.approx(alone.bound[0], rel=1e-4, abs=1e-5)
    spoilt = optimal_critic(hurt, 20, 10)
    assert np.isnan(spoilt.bound[0]).all()
    assert (spoilt.bound[1] == together.bound[1]).all()


def test_fresh_weights_start_elsewhere() -> None:
    assert optimal_critic(frozen(), 1, 1, fresh=True).bound[0, 0] != optimal_critic(frozen(), 1, 1).bound[0, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "cgan", "data": {"name": "ring", "points": 500, "heldout": 200}, "generator": {"hidden": [8]}},
        {"packing": 4}, {"penalty": {"name": "clip", "bound": 0.1}}, {"instance_noise": 0.5},
    ],
)  # fmt: skip
def test_every_game_has_one(changes: dict[str, Any]) -> None:
    assert np.isfinite(optimal_critic(frozen(**changes), 4, 2).bound).all()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="model: expected one with one critic, gan or cgan, got matching"):
        optimal_critic(frozen(model="matching"))
    with pytest.raises(ValueError, match="every: expected a divisor of steps = 10, got 3"):
        optimal_critic(frozen(), 10, 3)
    with pytest.raises(ValueError, match="steps: expected at least 1, got 0"):
        optimal_critic(frozen(), 0)
