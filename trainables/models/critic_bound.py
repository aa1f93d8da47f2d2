"""How far a critic is from the optimum: its bound from the divergence, its density ratio from the true one.

For any critic F = E_p f(d) + E_q g(d) is at most sup F = E_q phi(p/q) (Nowozin et al. 2016), the `induced_divergence`;
`bound_gap` is the divergence less F, `ratio_error` the mean of |r(d)/(1 + r(d)) - p/(p + q)| over held-out and
generated points, with r(d) = -g'(d)/f'(d). The density q is known exactly for an affine generator in one dimension with
normal latents; otherwise p and q are smoothed as `trainables.metrics.densities` says, which lowers the divergence.
Because F is a mean over finitely many points, `bound_gap` of an optimal critic is slightly negative about half the
time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.data.mixture import Mixture
from trainables.metrics.densities import Grid, Pair, Weigh, integral
from trainables.objectives import Game
from trainables.objectives.expression import Expression, parse
from trainables.objectives.optimum import derivatives, optimum
from trainables.objectives.pairing import critic_value

KNOTS = torch.linspace(-40, 40, 1001, dtype=torch.float64)  # log ratios at which phi of a custom pair is computed
LARGEST = 700.0  # log ratio whose exponential is still finite
TAIL = 14.0  # standard deviations about every mean that a quadrature covers
NODES = 8  # of the Gauss-Legendre rule on each panel, half a standard deviation wide


def weigher(game: Game) -> Weigh | None:
    """phi(r)/(1 + r) as a function of log r; None where the pair has no pointwise optimum, as `wasserstein`.

    From the row's formula where it has one, else interpolated between exact values.
    """
    if isinstance(game.objective.phi, str):
        phi = parse(game.objective.phi, ("r",), game.parameters)
        return lambda t: _over(phi, t.clamp(-LARGEST, LARGEST).exp())
    ratios = KNOTS.exp().numpy()
    best = np.concatenate([optimum(game, some).value for some in np.array_split(ratios, 20)]) / (1 + ratios)
    if not np.isfinite(best).all():
        return None
    values = torch.as_tensor(best)
    return lambda t: _interpolated(t.clamp(-LARGEST, LARGEST), values.to(t.device))


def _over(phi: Expression, r: Tensor) -> Tensor:
    return phi(r=r) / (1 + r)


def _interpolated(t: Tensor, values: Tensor) -> Tensor:
    """The function with these values at `KNOTS`, linear between them and beyond."""
    place = (t - float(KNOTS[0])) / float(KNOTS[1] - KNOTS[0])
    left = place.floor().clamp(0, len(values) - 2).long()
    return torch.lerp(values[left], values[left + 1], place - left)


def reads_ratios(game: Game) -> bool:
    """Whether the ratio can be recovered from the critic's output: not if f' and -g' are proportional everywhere."""
    with torch.enable_grad():
        share = readout(game, game.link(torch.linspace(-5, 5, 101, dtype=torch.float64)))
    return bool((share - share[0]).abs().nan_to_num().max() > 1e-9)


def readout(game: Game, d: Tensor) -> Tensor:
    """The critic's own p/(p + q) = r/(1 + r) with r = -g'(d)/f'(d), in the shape of d; NaN where both slopes are 0."""
    slopes = []
    with torch.enable_grad():
        for function in (game.f, game.g):
            slopes.append(derivatives(function, d.double())[0])
    return (-slopes[1] / (slopes[0] - slopes[1])).clamp(0, 1)


def share(pair: Pair) -> Tensor:
    """The true p/(p + q) in the shape of the pair; NaN where both are 0."""
    return (pair.log_p - pair.log_q).sigmoid()


def at_nodes(p: Mixture, q: Mixture) -> Pair:
    """Two mixtures in one dimension at the nodes of a quadrature that resolves every mode of both."""
    means = torch.cat([p.means, q.means]).squeeze(-1)
    stds = torch.cat([p.variances, q.variances]).sqrt()
    offsets = torch.arange(-TAIL, TAIL + 0.5, 0.5, dtype=torch.float64, device=means.device)
    breaks = (means[:, None] + stds[:, None] * offsets).flatten().unique()
    nodes, weights = (torch.as_tensor(part).to(means.device) for part in np.polynomial.legendre.leggauss(NODES))
    half = breaks.diff()[:, None] / 2
    x = ((breaks[:-1] + breaks[1:])[:, None] / 2 + half * nodes).flatten()
    return at(p, q, x.unsqueeze(-1), (half * weights).flatten())


def at(p: Mixture, q: Mixture, points: Tensor, volume: Tensor | None = None) -> Pair:
    """Two mixtures at points (..., d)."""
    log_p = p.log_density(points)
    return Pair(log_p, q.log_density(points), torch.ones_like(log_p) if volume is None else volume)


def on_line(p: Mixture, q: Mixture, weigh: Weigh) -> Tensor:
    """sup F of two mixtures in one dimension by quadrature; infinite where its integrand does not decay in the
    tails."""
    pair = at_nodes(p, q)
    total = integral(pair, weigh)
    ends = [Pair(pair.log_p[some], pair.log_q[some], pair.volume[some]) for some in (slice(NODES), slice(-NODES, None))]
    left = torch.stack([integral(end, weigh).abs() for end in ends]).sum()
    return total.where((left <= 1e-6 * total.abs() + 1e-12) & total.isfinite(), math.inf)


class CriticBound:
    """Compares critics with the optimal critic of a game on a known mixture; the module describes the columns."""

    def __init__(self, game: Game, mixture: Mixture) -> None:
        """Analyse the pair once; the grid is made later, as it depends on the number of samples."""
        self.game, self.mixture = game, mixture
        self.weigh, self.reads = weigher(game), reads_ratios(game)
        self._grid: tuple[int, Grid] | None = None

    def columns(
        self, heldout: Tensor, samples: Tensor, d: tuple[Tensor, Tensor], known: Sequence[Mixture | None]
    ) -> dict[str, Tensor]:
        """Columns (R,), float64, from held-out points (m, d), samples (R, n, d), and the critic's outputs `d`: (R, m)
        on the points, (R, k) on the first k samples. `known` holds each generator's distribution where it is a mixture.

        NaN for a replica whose samples are not finite.
        """
        rows = [
            self._replica(heldout, samples[i], (d[0][i].double(), d[1][i].double()), known[i])
            for i in range(len(samples))
        ]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def _replica(
        self, heldout: Tensor, samples: Tensor, d: tuple[Tensor, Tensor], q: Mixture | None
    ) -> dict[str, Tensor]:
        found = {}
        finite, samples = samples.isfinite().all(), samples.nan_to_num(0.0, 0.0, 0.0)
        if self.weigh is not None:
            divergence = self._divergence(samples, q, self.weigh)
            found["induced_divergence"], found["bound_gap"] = (
                divergence,
                divergence - critic_value(self.game, "independent", *d),
            )
        if self.reads:
            found["ratio_error"] = self._ratio_error(heldout, samples, d, q)
        return {name: value.where(finite, math.nan) for name, value in found.items()}

    def _divergence(self, samples: Tensor, q: Mixture | None, weigh: Weigh) -> Tensor:
        if q is not None:
            return on_line(self.mixture, q, weigh)
        return integral(self._cells(len(samples)).pair(samples), weigh)

    def _ratio_error(self, heldout: Tensor, samples: Tensor, d: tuple[Tensor, Tensor], q: Mixture | None) -> Tensor:
        judged = samples[: len(d[1])]
        if q is not None:
            pairs = [at(self.mixture, q, points) for points in (heldout, judged)]
        else:
            grid = self._cells(len(samples))
            pairs = [grid.at(samples, heldout), grid.at(samples, judged, own=True)]
        wrong = [(readout(self.game, said) - share(pair)).abs() for said, pair in zip(d, pairs, strict=True)]
        return torch.cat(wrong).nanmean()

    def _cells(self, count: int) -> Grid:
        if self._grid is None or self._grid[0] != count:
            self._grid = count, Grid(self.mixture, count)
        return self._grid[1]
