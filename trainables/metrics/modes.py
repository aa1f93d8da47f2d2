"""Mode coverage: how many modes of the data a replica's samples reach, and how evenly.

Of a mixture each sample belongs to its nearest mean; it is of *high quality* if within 3 standard deviations of it
(Mahalanobis distance), and a mode is *captured* if at least one high-quality sample belongs to it, as is usual in the
literature. One lucky sample captures a mode, so two counts ask for a fair part, a tenth, of what a mode should have:

- a mode is *held* if at least a tenth of the samples it should have belong to it;
- a mode is *covered* if it has at least a tenth of the high-quality samples it should have.

Of labelled images a sample belongs to the class a classifier predicts, a mode is captured by any sample, and held and
covered are the same. In both

- `reverse_kl` = Σ q log(q/w), the divergence of the mode histogram q from the true weights w, in nats; a perfect
  sampler has about (K − 1)/2n;
- `mode_js`, the Jensen–Shannon divergence of the two, in nats, at most log 2.

Neither sees the quality of samples. `mass_js`, of mixtures, does: the Jensen–Shannon divergence, in nats, between where
the samples lie and where the data do, over 4K + 1 bins: the high-quality samples of each mode in four shells about its
mean, which hold equal parts of its mass, and the samples of no mode. The shells tell a mode that is shrunken, or beside
its place. Of the data, each of mode k's shells has the share w_k P(χ²_d ≤ 9)/4 and no mode the rest, exactly so where
modes are apart by more than six standard deviations. A perfect sampler has about K/2n.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from scipy.special import gammaincinv
from torch import Tensor

from trainables.metrics.distances import squared_distances
from trainables.metrics.finite import finite_only
from trainables.metrics.sampling_error import in_blocks, standard_error

# Within 3 standard deviations lie 99.73 % of a Gaussian in 1-D, 1 - exp(-9/2) = 98.89 % in 2-D.
HIGH_QUALITY = 3.0

SHELLS = 4  # of equal mass, in which a mode's high-quality samples are counted

# The part of the samples a mode should have that it must have to be held or covered.
FAIR_PART = 0.1


@finite_only
def mixture_modes(samples: Tensor, weights: Tensor, means: Tensor, variances: Tensor) -> dict[str, Tensor]:
    """Coverage of a mixture with weights (K,), means (K, d) and isotropic variances (K,) by samples (R, n, d).

    Returns `modes`, `modes_held`, `modes_covered`, `high_quality` (a fraction), `reverse_kl`, `mode_js`, `mass_js` and
    its standard error `mass_js_error` (`trainables.metrics.sampling_error`), each (R,) float64, and `mode_histogram`
    (R, K) int64, which counts every sample. For a replica with samples that are not finite NaN, and a histogram of 0;
    of fewer than 5 samples the error is NaN.
    """
    nearest, squared = nearest_mode(samples, means)
    good = squared <= HIGH_QUALITY**2 * variances.double()[nearest]
    every, fine = histogram(nearest, len(weights)), histogram(nearest, len(weights), good)
    shares = weights.double() * high_quality_share(samples.shape[-1])
    shell = torch.bucketize(squared / variances.double()[nearest], shell_bounds(samples.shape[-1], squared.device))
    place, bins, part = nearest * SHELLS + shell, len(weights) * SHELLS, shares.repeat_interleave(SHELLS) / SHELLS
    in_shells, of_blocks = histogram(place, bins, good), histogram(in_blocks(place), bins, in_blocks(good))
    return {
        "modes": (fine > 0).sum(1).double(),
        "modes_held": _having_fair_part(every, samples.shape[1] * weights),
        "modes_covered": _having_fair_part(fine, samples.shape[1] * shares),
        "high_quality": good.double().mean(1),
        "mass_js": mass_js(in_shells, samples.shape[1], part),
        "mass_js_error": standard_error(mass_js(of_blocks, in_blocks(place).shape[1], part)),
        **histogram_divergences(every, weights),
    }


def class_modes(predicted: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """Coverage of classes with weights (K,) by the predicted classes (R, n), int64, of a replica's samples.

    Returns `modes`, `modes_held` and the equal `modes_covered`, `reverse_kl`, `mode_js`, each (R,) float64, and
    `mode_histogram` (R, K) int64.
    """
    counts = histogram(predicted, len(weights))
    held = _having_fair_part(counts, predicted.shape[1] * weights)
    return {
        "modes": (counts > 0).sum(1).double(),
        "modes_held": held,
        "modes_covered": held,
        **histogram_divergences(counts, weights),
    }


def nearest_mode(samples: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """The mode (R, n), int64, whose mean (K, d) is nearest to each sample (R, n, d), and its squared distance."""
    means = means.double()
    centre = means.mean(0)
    squared, nearest = squared_distances(samples.double() - centre, means - centre).min(-1)
    return nearest, squared.clamp_min(0)


def histogram(modes: Tensor, count: int, counted: Tensor | None = None) -> Tensor:
    """How many of the samples (R, n) belong to each of `count` modes, (R, count) int64; all, or those in a mask."""
    ones = torch.ones_like(modes) if counted is None else counted.long()
    return torch.zeros(len(modes), count, dtype=torch.int64, device=modes.device).scatter_add_(1, modes, ones)


@cache
def high_quality_share(dimensions: int) -> float:
    """P(χ²_d ≤ 9), the share of a Gaussian in d dimensions that is of high quality."""
    half = torch.tensor([dimensions / 2, HIGH_QUALITY**2 / 2], dtype=torch.float64)
    return float(torch.special.gammainc(half[0], half[1]))


@cache
def shell_bounds(dimensions: int, device: torch.device) -> Tensor:
    """The bounds (SHELLS - 1,) between the shells, as squared Mahalanobis distances from a mode's mean."""
    share = high_quality_share(dimensions)
    return 2 * torch.from_numpy(gammaincinv(dimensions / 2, share * np.arange(1, SHELLS) / SHELLS)).to(device)


def mass_js(good: Tensor, count: int, shares: Tensor) -> Tensor:
    """`mass_js` (R,) of the high-quality samples (R, B) in B bins, int64, of `count`; the data have shares (B,)."""
    return _js(_with_rest(good.double() / count), _with_rest(shares.double()))


def histogram_divergences(counts: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """`reverse_kl` and `mode_js` (R,) of mode histograms (R, K) from true weights (K,), and `mode_histogram` itself.

    A sample in a mode of weight 0 makes `reverse_kl` infinite.
    """
    q, w = counts.double() / counts.sum(1, keepdim=True), weights.double()
    return {"reverse_kl": _kl(q, w), "mode_js": _js(q, w), "mode_histogram": counts}


def _having_fair_part(counts: Tensor, expected: Tensor) -> Tensor:
    """How many modes (R,), float64, have a fair part of the samples expected in each (K,); one of weight 0 never."""
    least = FAIR_PART * expected.double() * (1 - 1e-9)  # a count that is exactly a tenth is enough, despite rounding
    return ((counts >= least) & (least > 0)).sum(1).double()


def _with_rest(shares: Tensor) -> Tensor:
    """Shares (..., K) and, as one more, what they lack of 1."""
    return torch.cat([shares, (1 - shares.sum(-1, keepdim=True)).clamp_min(0)], -1)


def _js(p: Tensor, q: Tensor) -> Tensor:
    """The Jensen–Shannon divergence over the last axis."""
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """Σ p log(p/q) over the last axis, with 0 log 0 = 0."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1).clamp_min(0)
