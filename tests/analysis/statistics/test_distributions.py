from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import distributions

LEVELS = np.r_[1e-9, 0.001, np.linspace(0.02, 0.98, 17), 0.999, 1 - 1e-9][:, None]
FREEDOM = np.r_[0.5, 1.0:12.0, 40.3, 1e4]
PLACES = np.r_[-np.inf, np.linspace(-6, 6, 21), np.inf][:, None]
SHARES = np.r_[0.0, 1e-6, np.linspace(0.05, 0.95, 13), 1.0]


def _same(found: object, expected: object) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


def test_chi_squared_is_scipys() -> None:
    _same(distributions.chi2_sf(np.exp(PLACES), FREEDOM), stats.chi2.sf(np.exp(PLACES), FREEDOM))
    _same(distributions.chi2_ppf(LEVELS, FREEDOM), stats.chi2.ppf(LEVELS, FREEDOM))


def test_f_is_scipys() -> None:
    _same(distributions.f_sf(np.exp(PLACES), 3, FREEDOM), stats.f.sf(np.exp(PLACES), 3, FREEDOM))
    _same(distributions.f_ppf(LEVELS, FREEDOM, 7), stats.f.ppf(LEVELS, FREEDOM, 7))


def test_students_t_is_scipys() -> None:
    freedom = np.r_[FREEDOM, np.inf]
    _same(distributions.t_sf(PLACES, freedom), stats.t.sf(PLACES, freedom))
    _same(distributions.t_isf(LEVELS, freedom), stats.t.isf(LEVELS, freedom))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33, 200])
def test_the_binomials_chances_are_scipys(n: int) -> None:
    k = np.arange(-1, n + 1)[:, None]
    _same(distributions.binomial_sf(k, n, SHARES), stats.binom.sf(k, n, SHARES))
    _same(distributions.binomial_cdf(k, n, SHARES), stats.binom.cdf(k, n, SHARES))
    _same(distributions.binomial_pmf(k[1:], n, SHARES), stats.binom.pmf(k[1:], n, SHARES))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33, 200, 3000])
@pytest.mark.parametrize("level", [0.005, 0.025, 0.05, 0.95, 0.975, 0.995])
def test_the_binomials_quantiles_are_scipys(n: int, level: float) -> None:
    share = -np.expm1(-np.log(2) / np.arange(1, n + 1))
    np.testing.assert_array_equal(distributions.binomial_ppf(level, n, share), stats.binom.ppf(level, n, share))
