"""Data in one dimension: densities of data and generator, the critic's curve, and the transform that was learned.

The generator's density is exact by change of variables, q(G(z)) = n(z)/|G'(z)|, where its only latent is mapped
monotonically, else a Gaussian kernel estimate with half of Silverman's (1986) bandwidth. The transform a perfect
generator learns is the data's quantile function (the inverse transform method), up to a reflection of its latent.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.models.critic_bound import readout, reads_ratios
from trainables.models.gan import GAN
from trainables.population import views
from trainables.training import Training

Array = NDArray[np.float64]

MARGIN = 4.0  # standard deviations of the data's outermost modes that are shown
FINE = 4001  # latents at which the generator is evaluated to invert it
REACH = {"normal": 6.0, "uniform": 1.0}
DRAWN = 5000  # samples of a kernel estimate, and of empirical quantiles


def curves(training: Training, points: int = 400, replicas: int | None = None) -> dict[str, NDArray[Any]]:
    """Curves, as plain arrays, of the first `replicas` (default all) replicas of a training on a known 1-D mixture.

    `x` (N,), `data_density` (N,), `generator_density` (R, N); for an unconditional GAN without packing
    also `critic` (R, N), its output d(x) after the link, and `critic_share` (R, N), its own p/(p + q), NaN where the
    objective does not determine it.
    `levels` (N,) are probabilities, `quantile` (N,) the data's quantiles there and `learned` (R, N) the generator's,
    exact where G is monotone. NaN for a replica that is not finite. Raises `ValueError` for other data.
    """
    mixture = training.data.mixture
    if mixture is None or mixture.dimensions != 1:
        raise ValueError(f"expected a mixture in one dimension, got '{training.data.name}'")
    spread = mixture.variances.sqrt()
    low = float((mixture.means.squeeze(1) - MARGIN * spread).min())
    high = float((mixture.means.squeeze(1) + MARGIN * spread).max())
    x = torch.linspace(low, high, points, dtype=torch.float64, device=spread.device)
    levels = (torch.arange(points, dtype=torch.float64, device=spread.device) + 0.5) / points
    made = [_generator(training, i, x, levels) for i in range(len(training.seeds))[:replicas]]
    arrays = {
        "x": x.cpu().numpy(),
        "data_density": mixture.density(x.unsqueeze(1)).cpu().numpy(),
        "generator_density": np.stack([density for density, _ in made]),
        "levels": levels.cpu().numpy(),
        "quantile": mixture.quantile(levels).squeeze(1).cpu().numpy(),
        "learned": np.stack([learned for _, learned in made]),
    }
    model = training.model
    if isinstance(model, GAN) and model.players.packing == 1 and not training.classes:
        arrays |= _critic(model, x, replicas)
    return arrays


@torch.no_grad()
def _critic(model: GAN, x: Tensor, replicas: int | None) -> dict[str, NDArray[Any]]:
    players = model.players
    weights = players.critic_weights(players.critic.constants)
    places = x.float().view(1, -1, 1).expand(len(players.critic.flat), -1, -1)
    d = players.score(weights, places, None)[:replicas].double()
    told = players.pairing == "independent" and reads_ratios(players.game)
    share = readout(players.game, d) if told else torch.full_like(d, math.nan)
    return {"critic": d.cpu().numpy(), "critic_share": share.cpu().numpy()}


def _generator(training: Training, replica: int, x: Tensor, levels: Tensor) -> tuple[Array, Array]:
    """The density of one replica's generator at x (N,) and its quantiles at levels (N,)."""
    scalar = training.model.latent_dim == 1 and not training.classes
    if scalar and not training.model.stacks[0].network.normalises:
        reach = REACH[training.spec.latent]
        z = torch.linspace(-reach, reach, FINE, dtype=torch.float64, device=x.device)
        steps = _mapped(training, replica, z)[0].diff()
        if bool((steps > 0).all()) or bool((steps < 0).all()):
            return _transformed(training, replica, x, levels, z)
    samples = training.samples(DRAWN)[0][replica].flatten().double().cpu().numpy()
    if not np.isfinite(samples).all():
        return np.full(len(x), np.nan), np.full(len(x), np.nan)
    return kernel_density(samples, x.cpu().numpy()), np.quantile(samples, levels.cpu().numpy())


def kernel_density(samples: Array, x: Array) -> Array:
    """Density (M,) at evenly spaced x (M,) estimated from finite samples (n,) by a Gaussian kernel.

    Its standard deviation is h = 0.45 min(s, IQR / 1.34) n^(-1/5), half of Silverman's (1986, eq. 3.31), which is for
    one mode; at least half a step of x, so that a collapsed generator is a peak.
    """
    deviation = float(samples.std(ddof=1))
    quartiles = np.quantile(samples, (0.25, 0.75))
    spread = min(deviation, float(quartiles[1] - quartiles[0]) / 1.34) or deviation
    width = max(0.45 * spread * len(samples) ** -0.2, (x[1] - x[0]) / 2)
    kernels = np.exp(-0.5 * ((x[:, None] - samples) / width) ** 2)
    density: Array = kernels.sum(axis=1) / (len(samples) * width * math.sqrt(2 * math.pi))
    return density


def _transformed(training: Training, replica: int, x: Tensor, levels: Tensor, z: Tensor) -> tuple[Array, Array]:
    """Density and quantiles of a monotone generator, from its latents z in order."""
    made = _mapped(training, replica, z)[0]
    rising = bool(made[-1] > made[0])
    order = slice(None, None, 1 if rising else -1)
    ends = made.cpu().numpy()[order]
    inverse = np.interp(x.cpu().numpy(), ends, z.cpu().numpy()[order])
    at = torch.as_tensor(inverse, device=x.device)
    _, slope = _mapped(training, replica, at)
    prior = _prior(at, training.spec.latent) / slope.abs()
    inside = (x >= float(ends[0])) & (x <= float(ends[-1]))
    latents = torch.special.ndtri(levels) if training.spec.latent == "normal" else 2 * levels - 1
    learned = _mapped(training, replica, latents if rising else -latents)[0]
    return prior.where(inside, 0.0).cpu().numpy(), learned.cpu().numpy()


def _prior(z: Tensor, latent: str) -> Tensor:
    if latent == "uniform":
        return torch.full_like(z, 0.5)
    return (-z.square() / 2).exp() / math.sqrt(2 * math.pi)


def _mapped(training: Training, replica: int, z: Tensor) -> tuple[Tensor, Tensor]:
    """G(z) and G'(z), (N,) float64, of one replica's generator at scalar latents (N,)."""
    network = training.model.stacks[0].network
    weights = views(network, training.average[replica : replica + 1].double())
    with torch.enable_grad():
        latents = z.detach().clone().requires_grad_()
        made = network(weights, latents.view(1, -1, 1), None).flatten()
        (slope,) = torch.autograd.grad(made.sum(), latents)
    return made.detach(), slope
