"""Mode coverage: how many modes of the data a replica's samples reach, and how evenly.

Of a mixture each sample belongs to its nearest mean; it is of *high quality* if within 3 standard deviations of it
(Mahalanobis distance), and a mode is *captured* if at least one high-quality sample belongs to it. Of labelled images a
sample belongs to the class a classifier predicts, and a mode is captured by any sample. In both

- `reverse_kl` = Σ q log(q/w), the divergence of the mode histogram q from the true weights w, in nats; a perfect
  sampler has about (K − 1)/2n;
- `mode_js`, the Jensen–Shannon divergence of the two, in nats, at most log 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.metrics.distances import squared_distances
from trainables.metrics.finite import finite_only

# Within 3 standard deviations lie 99.73 % of a Gaussian in 1-D, 1 - exp(-9/2) = 98.89 % in 2-D.
HIGH_QUALITY = 3.0


@finite_only
def mixture_modes(samples: Tensor, weights: Tensor, means: Tensor, variances: Tensor) -> dict[str, Tensor]:
    """Coverage of a mixture with weights (K,), means (K, d) and isotropic variances (K,) by samples (R, n, d).

    Returns `modes`, `high_quality` (a fraction), `reverse_kl`, `mode_js`, each (R,) float64, and `mode_histogram`
    (R, K) int64, which counts every sample. For a replica with samples that are not finite NaN, and a histogram of 0.
    """
    nearest, squared = nearest_mode(samples, means)
    good = squared <= HIGH_QUALITY**2 * variances.double()[nearest]
    captured = histogram(nearest, len(weights), good) > 0
    return {
        "modes": captured.sum(1).double(),
        "high_quality": good.double().mean(1),
        **histogram_divergences(histogram(nearest, len(weights)), weights),
    }


def class_modes(predicted: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """Coverage of classes with weights (K,) by the predicted classes (R, n), int64, of a replica's samples.

    Returns `modes`, `reverse_kl`, `mode_js`, each (R,) float64, and `mode_histogram` (R, K) int64.
    """
    counts = histogram(predicted, len(weights))
    return {"modes": (counts > 0).sum(1).double(), **histogram_divergences(counts, weights)}


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


def histogram_divergences(counts: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """`reverse_kl` and `mode_js` (R,) of mode histograms (R, K) from true weights (K,), and `mode_histogram` itself.

    A sample in a mode of weight 0 makes `reverse_kl` infinite.
    """
    q = counts.double() / counts.sum(1, keepdim=True)
    w = weights.double().expand_as(q)
    middle = (q + w) / 2
    return {
        "reverse_kl": _kl(q, w),
        "mode_js": (_kl(q, middle) + _kl(w, middle)) / 2,
        "mode_histogram": counts,
    }


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """Σ p log(p/q) over the last axis, with 0 log 0 = 0."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1).clamp_min(0)
