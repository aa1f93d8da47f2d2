from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm

from trainables.inspection.one_dimensional import curves
from trainables.spec import Spec
from trainables.training import Training

GAUSSIAN: dict[str, Any] = {"name": "gaussian", "mean": 4.0, "std": 0.5, "points": 1000, "heldout": 200}


def training(seeds: tuple[int, ...] = (1, 2), **changes: Any) -> Training:
    values: dict[str, Any] = {
        "data": GAUSSIAN, "steps": 10, "evaluations": 1, "batch_size": 32, "latent_dim": 1,
        "generator": {"kind": "affine"}, "critic": {"hidden": [8]},
        "evaluation": {"samples": 100, "neighbour_samples": 50}, **changes,
    }  # fmt: skip
    return Training(Spec(**values), seeds)


def put(run: Training, *weights: float) -> Training:
    run.average.copy_(torch.tensor(weights).expand_as(run.average))
    return run


@pytest.mark.parametrize("sigma", [0.7, -0.7])
def test_an_affine_generator_has_its_gaussian_density_and_quantiles(sigma: float) -> None:
    found = curves(put(training(), 3.5, sigma), 200)
    x = found["x"]
    assert found["generator_density"].shape == (2, 200)
    assert found["generator_density"][1] == pytest.approx(norm.pdf(x, 3.5, 0.7), rel=1e-5)
    assert found["learned"][0] == pytest.approx(norm.ppf(found["levels"], 3.5, 0.7), rel=1e-6)


def test_the_truth_is_scipys() -> None:
    found = curves(training(), 100)
    assert found["data_density"] == pytest.approx(norm.pdf(found["x"], 4.0, 0.5))
    assert found["quantile"] == pytest.approx(norm.ppf(found["levels"], 4.0, 0.5))
    assert (found["x"][0], found["x"][-1]) == pytest.approx((2.0, 6.0))


def test_uniform_latents_make_a_box() -> None:
    found = curves(put(training(latent="uniform"), 4.0, 0.5), 400)
    inside = np.abs(found["x"] - 4) < 0.499
    assert found["generator_density"][0][inside] == pytest.approx(1.0, rel=1e-5)
    assert found["generator_density"][0][np.abs(found["x"] - 4) > 0.501] == pytest.approx(0.0)
    assert found["learned"][0] == pytest.approx(3.5 + found["levels"], abs=1e-6)


def test_a_curved_monotone_generator_integrates_to_one_and_agrees_with_its_samples() -> None:
    """tanh units of positive weights rise; the density comes from G', the check from samples."""
    run = training(generator={"hidden": [4], "activation": "tanh"})
    flat = torch.tensor([1.0, 0.5, 2.0, 0.3, 0.1, -0.4, 0.2, 0.0, 0.2, 0.3, 0.1, 0.4, 4.0])
    found = curves(put(run, *flat.tolist()), 1000)
    density, x = found["generator_density"][0], found["x"]
    assert np.trapezoid(density, x) == pytest.approx(1, abs=0.01)
    samples = run.samples(100_000)[0][0].flatten().double().numpy()
    for low, high in ((3.4, 3.8), (3.8, 4.1), (4.1, 4.6)):
        chosen = (x >= low) & (x <= high)
        expected = ((samples > low) & (samples < high)).mean()
        assert np.trapezoid(density[chosen], x[chosen]) == pytest.approx(expected, abs=0.02)


def test_a_folding_generator_is_estimated_from_samples() -> None:
    """G(z) = 4 + |z|/2 from two rectified units: a half normal."""
    run = training(generator={"hidden": [2], "activation": "relu"})
    found = curves(put(run, 1.0, -1.0, 0.0, 0.0, 0.5, 0.5, 4.0), 200)
    x, density = found["x"], found["generator_density"][0]
    middle = (x > 4.3) & (x < 5.5)
    assert density[middle] == pytest.approx(2 * norm.pdf(x[middle], 4, 0.5), abs=0.12)
    assert found["learned"][0] == pytest.approx(4 + norm.ppf(0.5 + found["levels"] / 2) / 2, abs=0.15)


@pytest.mark.parametrize("changes", [{"model": "oracle"}, {"generator": {"hidden": [4]}, "latent_dim": 3}])
def test_other_generators_have_an_estimate(changes: dict[str, Any]) -> None:
    found = curves(training(**changes), 100)
    assert np.isfinite(found["generator_density"]).all()
    assert (np.diff(found["learned"]) >= 0).all()


def test_the_critics_curve_is_its_output() -> None:
    run = training(critic={"hidden": []})
    run.model.stacks[1].flat.copy_(torch.tensor([[2.0, -8.0], [0.0, 0.0]]))
    found = curves(run, 50)
    assert found["critic"][0] == pytest.approx(2 * found["x"] - 8, abs=1e-5)
    assert found["critic_share"][0] == pytest.approx(1 / (1 + np.exp(8 - 2 * found["x"])), abs=1e-5)
    assert found["critic_share"][1] == pytest.approx(0.5)
    assert np.isnan(curves(training(objective="wasserstein"), 50)["critic_share"]).all()


def test_where_no_critic_judges_single_samples_there_is_no_curve() -> None:
    for changes in ({"packing": 2}, {"model": "matching"}):
        assert "critic" not in curves(training(**changes), 50)


def test_a_replica_that_is_not_finite_is_nan_alone() -> None:
    run = put(training(), 4.0, 1.0)
    run.average[0, 0] = math.nan
    found = curves(run, 50)
    assert np.isnan(found["generator_density"][0]).all()
    assert np.isnan(found["learned"][0]).all()
    assert np.isfinite(found["generator_density"][1]).all()


def test_only_the_asked_replicas_and_only_on_a_line() -> None:
    found = curves(training(), 50, replicas=1)
    assert found["generator_density"].shape == found["critic"].shape == (1, 50)
    with pytest.raises(ValueError, match="expected a mixture in one dimension, got 'ring'"):
        curves(training(data={"name": "ring", "points": 100, "heldout": 50}, generator={"hidden": [4]}))
