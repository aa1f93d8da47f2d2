"""The script that stands for a careful user measures what we measure, so that the two studies are the same study."""

import numpy as np
import pytest
import torch

pytest.importorskip("ray")

from benchmarks import plain_study
from trainables.data import load
from trainables.metrics.frechet import frechet_distance, gaussian_from_samples
from trainables.metrics.modes import mixture_modes


@pytest.fixture
def samples():
    """Three of the eight modes, and a tenth of the points far out."""
    rng = np.random.default_rng(3)
    chosen = plain_study.centres()[rng.integers(3, size=1000)] + plain_study.STD * rng.standard_normal((1000, 2))
    chosen[:100] *= 0.5
    return chosen


def test_its_ring_is_our_ring():
    mixture = load(name="ring", modes=plain_study.MODES, radius=plain_study.RADIUS, std=plain_study.STD).mixture
    np.testing.assert_allclose(plain_study.centres(), mixture.means, atol=1e-12)
    drawn = plain_study.ring(20_000, seed=0)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), mixture.covariance, atol=0.05)


def test_its_fid_is_ours(samples):
    reference = plain_study.ring(2000, seed=1)
    ours = frechet_distance(torch.from_numpy(samples)[None], gaussian_from_samples(torch.from_numpy(reference)))
    assert plain_study.fid(samples, reference) == pytest.approx(float(ours), rel=1e-9)


def test_its_coverage_is_ours(samples):
    mixture = load(name="ring", modes=plain_study.MODES, radius=plain_study.RADIUS, std=plain_study.STD).mixture
    ours = mixture_modes(torch.from_numpy(samples)[None], mixture.weights, mixture.means, mixture.variances)
    modes, high_quality = plain_study.coverage(samples)
    assert modes == 3 == int(ours["modes"])
    assert high_quality == pytest.approx(float(ours["high_quality"]))


@pytest.mark.parametrize("objective", plain_study.OBJECTIVES)
def test_its_losses_are_ours(objective):
    from trainables.objectives import resolve

    game = resolve({"name": objective}, "default")
    real, fake = torch.randn(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = -(game.f(real).mean() + game.g(fake).mean())
    torch.testing.assert_close(plain_study.critic_loss(objective, real, fake), expected)
    torch.testing.assert_close(plain_study.generator_loss(objective, fake), game.loss(fake).mean())
