"""The Gaussian closest to a mixture in 1-D, by each divergence: the optimum of a generator G(z) = mu + sigma z.

f-GAN's experiment (Nowozin et al. 2016, section 4): a Gaussian cannot be a mixture, so that the divergence decides
which Gaussian is best, from `kl`, whose mean and variance are the mixture's own, to `reverse_kl`, which prefers a mode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter
from scipy.optimize import minimize

from trainables.checks import choice
from trainables.data.mixture import Mixture, gaussian
from trainables.metrics.divergences import DIVERGENCES, of_mixtures
from trainables.metrics.overlap import landmarks, log_density
from trainables.metrics.quadrature import KRONROD, NODES, Array

MEANS, STDS = 41, 25  # grid of Gaussians to start from
STARTS = 4  # local minima of the grid that are refined, at most


@dataclass(frozen=True)
class Fit:
    """The best Gaussian N(mean, std^2) and its divergence."""

    mean: float
    std: float
    divergence: float


def best_fit(name: str, p: Mixture) -> Fit:
    """The Gaussian q with the smallest divergence of q from p, a mixture in 1-D; mean and std to about 1e-6.

    A divergence may have several minima, so a coarse grid of Gaussians over p's range is searched first; the best few
    are refined by Nelder and Mead's method on exact quadratures. Raises as `divergences.of_mixtures` does.
    """
    choice("divergence", name, DIVERGENCES)

    def value(place: Array) -> float:
        return of_mixtures(name, p, gaussian(float(place[0]), math.exp(float(place[1]))))

    starts = _starts(name, p)
    finite = [start for start in starts if math.isfinite(value(start))]
    with np.errstate(invalid="ignore"):  # between two infinite values
        found = [
            minimize(value, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-14, "maxiter": 400})
            for start in finite or starts
        ]
    best = min(found, key=lambda fit: float(fit.fun))
    return Fit(float(best.x[0]), math.exp(float(best.x[1])), float(best.fun))


def _starts(name: str, p: Mixture) -> list[Array]:
    """Local minima (2,), STARTS at most, of the divergence over a grid of means and log-stds, the lowest first."""
    spread, narrow = float(p.covariance) ** 0.5, float(p.variances.min()) ** 0.5
    means = np.linspace(float(p.means.min()) - spread, float(p.means.max()) + spread, MEANS)
    stds = np.linspace(math.log(narrow / 2), math.log(3 * spread), STDS)
    x, weights = _rule(p)
    standard = (x - means[:, None, None]) / np.exp(stds)[:, None]
    log_q = -(standard**2) / 2 - stds[:, None] - math.log(2 * math.pi) / 2
    with np.errstate(all="ignore"):
        heights = DIVERGENCES[name].integrand(np.broadcast_to(log_density(p)(x), log_q.shape), log_q)
        values = np.nan_to_num(heights @ weights, nan=np.inf)
    lowest = np.argwhere(values == minimum_filter(values, 3, mode="nearest"))
    order = np.argsort(values[tuple(lowest.T)])[:STARTS]
    return [np.array([means[i], stds[j]]) for i, j in lowest[order]]


def _rule(p: Mixture) -> tuple[Array, Array]:
    """Nodes and weights (n,) of a fixed rule around p's modes."""
    edges = np.unique(landmarks(p))
    half = np.diff(edges)[:, None] / 2
    return ((edges[:-1, None] + half) + half * NODES).ravel(), (half * KRONROD).ravel()
