"""The best Gaussian: moments for KL, a mode for reverse KL, and stationary for every divergence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from trainables.data.mixture import Mixture, gaussian
from trainables.metrics.best_fit import Fit, best_fit
from trainables.metrics.divergences import DIVERGENCES, of_mixtures


def mixture(weights: list[float], means: list[float], variances: list[float]) -> Mixture:
    parts = (torch.tensor(values, dtype=torch.float64) for values in (weights, means, variances))
    w, m, v = parts
    return Mixture(w, m[:, None], v)


FGAN = mixture([0.33, 0.67], [-1.0, 2.0], [0.065, 2.0])  # Nowozin et al. 2016, the experiment of section 4
APART = mixture([0.4, 0.6], [-4.0, 4.0], [0.25, 0.16])


@pytest.fixture(scope="module")
def fits() -> dict[str, Fit]:
    return {name: best_fit(name, FGAN) for name in DIVERGENCES}


@pytest.mark.golden
def test_kl_matches_the_moments(fits: dict[str, Fit]) -> None:
    """E x = 1.01 and the variance .33 .065 + .67 2 + .33 .67 3^2: the maximum of the likelihood."""
    assert fits["kl"].mean == pytest.approx(1.01, abs=1e-6)
    assert fits["kl"].std == pytest.approx(math.sqrt(0.33 * 0.065 + 0.67 * 2 + 0.33 * 0.67 * 9), abs=1e-6)


@pytest.mark.golden
def test_reverse_kl_has_the_stationary_points_of_its_gradient(fits: dict[str, Fit]) -> None:
    """E_z[s(mu + sigma z)] = 0 and E_z[z s] = -1/sigma with p's score s, over z ~ N(0, 1)."""
    fit = fits["reverse_kl"]
    z = np.linspace(-9, 9, 200_001)
    x = torch.tensor(fit.mean + fit.std * z).unsqueeze(-1).requires_grad_()
    (score,) = torch.autograd.grad(FGAN.log_density(x).sum(), x)
    weighted = score.squeeze(-1).numpy() * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    assert np.trapezoid(weighted, z) == pytest.approx(0, abs=1e-6)
    assert np.trapezoid(z * weighted, z) == pytest.approx(-1 / fit.std, abs=1e-6)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_no_neighbour_is_better(fits: dict[str, Fit], name: str) -> None:
    fit = fits[name]
    assert fit.divergence == pytest.approx(of_mixtures(name, FGAN, gaussian(fit.mean, fit.std)), rel=1e-12)
    for mean, std in ((1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3), (1.0, 0.5), (-1.5, -0.5)):
        assert of_mixtures(name, FGAN, gaussian(fit.mean + mean, fit.std + std)) > fit.divergence


@pytest.mark.golden
def test_the_divergence_decides_between_covering_and_seeking() -> None:
    covering, seeking = best_fit("kl", APART), best_fit("reverse_kl", APART)
    assert covering.mean == pytest.approx(0.8, abs=1e-5)
    assert covering.std > 3.5
    # One mode alone: its own mean and std, at the price of -log of its weight.
    assert seeking.mean == pytest.approx(4.0, abs=1e-3)
    assert seeking.std == pytest.approx(0.4, abs=1e-3)
    assert seeking.divergence == pytest.approx(-math.log(0.6), rel=1e-3)


@pytest.mark.golden
@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_gaussian_is_its_own_best_fit(name: str) -> None:
    fit = best_fit(name, gaussian(3.0, 0.25))
    # total_variation grows linearly from 0, the others quadratically.
    assert fit.mean == pytest.approx(3.0, abs=1e-5)
    assert fit.std == pytest.approx(0.25, abs=1e-5)
    assert fit.divergence == pytest.approx(0, abs=1e-5)


def test_pearson_stays_where_it_is_finite(fits: dict[str, Fit]) -> None:
    assert 2 * fits["pearson_chi2"].std ** 2 > 2.0  # the widest mode's variance
    assert math.isfinite(fits["pearson_chi2"].divergence)


def test_order_of_the_fits(fits: dict[str, Fit]) -> None:
    """From covering to seeking the mean moves to the heavier mode and the std shrinks."""
    order = ["pearson_chi2", "kl", "jensen_shannon", "reverse_kl", "neyman_chi2"]
    assert sorted(order, key=lambda name: fits[name].mean) == order
    assert sorted(order, key=lambda name: -fits[name].std) == order


def test_an_unknown_divergence_is_refused() -> None:
    with pytest.raises(ValueError, match="divergence: unknown name 'wasserstein'; expected one of kl, reverse_kl"):
        best_fit("wasserstein", FGAN)
