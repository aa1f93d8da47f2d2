"""Tails and quantiles of the usual distributions, element by element, as `scipy.stats` has them.

They are written by `scipy.special`: what makes a distribution of `scipy.stats` takes each command 0.7 s to import. The
normal's are `scipy.special.ndtr` and `ndtri` themselves. `sf` is the probability above x, `ppf` the x up to which a
probability lies, `isf` the x above which it does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.intervals import Floats

Numbers = Floats | NDArray[np.int64] | float


def chi2_sf(x: Numbers, freedom: Numbers) -> Floats:
    """Chi-squared of these degrees of freedom."""
    return np.asarray(special.chdtrc(freedom, x), np.float64)


def chi2_ppf(p: Numbers, freedom: Numbers) -> Floats:
    """Chi-squared of these degrees of freedom."""
    found: Floats = 2 * special.gammaincinv(np.divide(freedom, 2), p)
    return found


def f_sf(x: Numbers, numerator: Numbers, denominator: Numbers) -> Floats:
    """F of these degrees of freedom."""
    return np.asarray(special.fdtrc(numerator, denominator, x), np.float64)


def f_ppf(p: Numbers, numerator: Numbers, denominator: Numbers) -> Floats:
    """F of these degrees of freedom."""
    return np.asarray(special.fdtri(numerator, denominator, p), np.float64)


def t_sf(x: Numbers, freedom: Numbers) -> Floats:
    """Student's t of these degrees of freedom, which may be infinite."""
    return np.asarray(special.stdtr(freedom, np.negative(x)), np.float64)


def t_isf(p: Numbers, freedom: Numbers) -> Floats:
    """Student's t of these degrees of freedom, which may be infinite."""
    return np.asarray(-special.stdtrit(freedom, p), np.float64)


def binomial_pmf(k: Numbers, n: Numbers, share: Numbers) -> Floats:
    """The probability of k successes, a whole number from 0 to n."""
    k, n, share = np.asarray(k, np.float64), np.asarray(n, np.float64), np.asarray(share, np.float64)
    ways = -special.betaln(k + 1, n - k + 1) - np.log1p(n)
    found: Floats = np.exp(ways + special.xlogy(k, share) + special.xlog1py(n - k, -share))
    return found


def binomial_sf(k: Numbers, n: Numbers, share: Numbers) -> Floats:
    """The probability of more than k successes, k being a whole number from -1 to n."""
    first, second, inside = _beta(k, n)
    return np.where(inside, special.betainc(first, second, share), np.where(np.less(k, 0), 1.0, 0.0))


def binomial_cdf(k: Numbers, n: Numbers, share: Numbers) -> Floats:
    """The probability of at most k successes, k being a whole number from -1 to n."""
    first, second, inside = _beta(k, n)
    return np.where(inside, special.betaincc(first, second, share), np.where(np.less(k, 0), 0.0, 1.0))


def binomial_ppf(p: Numbers, n: int, share: Numbers) -> Floats:
    """The least number of successes up to which the probability is at least p."""
    near = np.clip(np.ceil(np.nan_to_num(special.bdtrik(p, n, share))), 0, n)  # by rounding, one off at most
    near = np.where(binomial_cdf(near - 1, n, share) >= p, near - 1, near)
    found: Floats = np.where(binomial_cdf(near, n, share) < p, near + 1, near)
    return found


def _beta(k: Numbers, n: Numbers) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The parameters of the beta distribution that has the binomial's tails, and where there is one."""
    inside = np.greater_equal(k, 0) & np.less(k, n)
    return np.where(inside, np.add(k, 1.0), 1.0), np.where(inside, np.subtract(n, k), 1.0), inside
