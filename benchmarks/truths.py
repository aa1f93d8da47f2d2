"""What a generator is truly worth on a known mixture, from far more samples than a search ever sees.

- `density_js`: JS(p', q') in nats on the finest grid that `trainables.metrics.densities` has, p' and q' being the data
  and the samples smoothed by about a third of a mode's standard deviation. Smoothing lowers it; the finite sample
  raises it, at 50,000 samples of a perfect generator to about 0.001.
- `reverse_kl` = KL(q'' || p'') in nats, smoothed likewise, without a grid, so that it stays true far from the data:
  -E log p'' is a mean over the samples and the entropy of q'' Kozachenko and Leonenko's (1987) by nearest neighbours.
- `high_quality`: the share of samples within 3 standard deviations of a mode.
- `covered`: the share of modes that have at least a tenth of the high-quality samples that they should.
- `balance`: JS in nats of the mode histogram of all samples from the true weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from scipy.spatial import cKDTree
from scipy.special import digamma
from torch import Tensor

from trainables.data import Mixture
from trainables.metrics import densities, modes

SIGNS = {"density_js": 1, "reverse_kl": 1, "high_quality": -1, "covered": -1, "balance": 1}  # 1: less is better
SMOOTHED = 1 / 3  # of the narrowest mode's standard deviation
ENTROPY_SAMPLES, NEIGHBOURS = 20_000, 4


def truths(mixture: Mixture, samples: int) -> Callable[[Tensor], dict[str, Tensor]]:
    """A function of samples (R, n, 2), n about `samples`, that returns the five above, each (R,) float64."""
    grid = densities.Grid(mixture, samples)

    def measure(drawn: Tensor) -> dict[str, Tensor]:
        counted = modes.mixture_modes(drawn, mixture.weights, mixture.means, mixture.variances)
        return {
            "density_js": torch.stack([densities.integral(grid.pair(one), densities.js_weight) for one in drawn]),
            "reverse_kl": torch.tensor([reverse_kl(one, mixture) for one in drawn], dtype=torch.float64),
            "high_quality": counted["high_quality"],
            "covered": counted["modes_covered"] / mixture.modes,
            "balance": counted["mode_js"],
        }

    return measure


def reverse_kl(samples: Tensor, mixture: Mixture) -> float:
    """KL(q'' || p'') of one generator's samples (n, d), of which the first `ENTROPY_SAMPLES` are used."""
    width = SMOOTHED * float(mixture.variances.min().sqrt())
    x = samples[:ENTROPY_SAMPLES].double()
    x = x + width * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    smoothed = Mixture(mixture.weights, mixture.means, mixture.variances + width**2)
    return -entropy(x) - float(smoothed.log_density(x).mean())


def entropy(points: Tensor) -> float:
    """The differential entropy in nats of a density that has been sampled at distinct points (n, d)."""
    count, dimensions = points.shape
    distances, _ = cKDTree(points.numpy()).query(points.numpy(), k=[NEIGHBOURS + 1])  # the nearest is the point itself
    unit_ball = dimensions / 2 * math.log(math.pi) - math.lgamma(dimensions / 2 + 1)
    mean_log = float(torch.from_numpy(distances).log().mean())
    return float(digamma(count) - digamma(NEIGHBOURS)) + unit_ball + dimensions * mean_log
