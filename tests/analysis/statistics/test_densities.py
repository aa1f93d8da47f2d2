import numpy as np
import pytest
from scipy.stats import norm

from analysis.statistics.densities import kernel_density, mixture_density


def test_the_mixtures_density_is_scipys() -> None:
    x = np.linspace(-3, 3, 50)
    means, stds, weights = np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.array([0.3, 0.7])
    expected = 0.3 * norm.pdf(x, 0, 0.5) + 0.7 * norm.pdf(x, 1, 1)
    assert mixture_density(x, means, stds, weights) == pytest.approx(expected)
    assert mixture_density(x, means, stds).sum() * (x[1] - x[0]) == pytest.approx(1, abs=0.05)


def test_the_estimate_approaches_the_truth():
    x = np.linspace(-5, 5, 401)
    samples = np.random.default_rng(0).normal(0, 1, 20_000)
    assert np.abs(kernel_density(samples, x) - norm.pdf(x)).max() < 0.03
    assert np.trapezoid(kernel_density(samples, x), x) == pytest.approx(1, abs=1e-3)
