"""Precision, recall, density and coverage by k nearest neighbours, per replica.

Around every point lies a ball that reaches its k-th nearest neighbour within its own set. With real points x and
generated points y:

- precision, recall (Kynkäänniemi et al. 2019): the fraction of y in some ball of x; of x in some ball of y;
- density, coverage (Naeem et al. 2020): balls of x around a y, counted and divided by k (may exceed 1); the fraction of
  x whose own ball holds some y.

Points of few dimensions are found in C where there is a compiler (`trainables.native.neighbours`), others by all
distances, with the same result.
A ball is closed: duplicated points have balls of radius 0, which a strict `<` would leave empty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from trainables import native
from trainables.metrics.distances import blocks, squared_distances
from trainables.metrics.finite import finite_only


@dataclass(frozen=True)
class Neighbourhood:
    """Real points (m, d) relative to their `centre` (d,), the squared radii (m,) of their balls, and k."""

    points: Tensor
    centre: Tensor
    radii: Tensor
    k: int

    @cached_property
    def balls(self) -> native.Balls:
        """The same of few dimensions, sorted."""
        return native.balls(self.points.unsqueeze(0), self.k)


def neighbourhood(points: Tensor, k: int) -> Neighbourhood:
    """The balls around real points (m, d), m > k."""
    points = points.double()
    centre = points.mean(0)
    points = points - centre
    return Neighbourhood(points, centre, squared_radii(points.unsqueeze(0), k).squeeze(0), k)


def squared_radii(points: Tensor, k: int) -> Tensor:
    """Squared distance (R, m) of each point of a stack (R, m, d) to its k-th nearest neighbour, itself not counted."""
    replicas, count, _ = points.shape
    if count <= k:
        raise ValueError(f"{k} neighbours need at least {k + 1} points, got {count}")
    radii = points.new_empty(replicas, count)
    for rows in blocks(count, replicas * count, points.device):
        near = squared_distances(points[:, rows], points).topk(k + 1, dim=-1, largest=False).values
        radii[:, rows] = near.amax(-1).clamp_min(0)
    return radii


def expected_coverage(samples: int, real: int, k: int) -> float:
    """The mean coverage of `real` points by so many `samples` of the same continuous distribution, whichever it is.

    A point is not covered if of all others, real and generated, the k nearest to it are real (Naeem et al. 2020).
    """
    return 1 - math.prod((real - 1 - j) / (real - 1 + samples - j) for j in range(k))


def covered(samples: Tensor, real: Neighbourhood) -> Tensor:
    """The coverage alone, a float64 scalar, of one set of finite samples (n, d)."""
    hit = torch.zeros(len(real.points), dtype=torch.bool, device=samples.device)
    moved = samples.double() - real.centre
    for rows in blocks(len(samples), len(real.points), samples.device):
        hit |= (squared_distances(moved[rows], real.points, slack=True) <= real.radii).any(0)
    return hit.double().mean()


@finite_only
def prdc(samples: Tensor, real: Neighbourhood) -> dict[str, Tensor]:
    """Precision, recall, density and coverage of each replica's samples (R, n, d), n > k, each (R,) float64.

    NaN for a replica with samples that are not finite.
    """
    names, centred = ("precision", "recall", "density", "coverage"), samples.double() - real.centre
    if native.few_dimensions(centred) and centred.shape[1] > real.k:
        return dict(zip(names, _of_few_dimensions(centred, real), strict=True))
    replicas, count, _ = samples.shape
    measured = {name: torch.empty(replicas, dtype=torch.float64, device=samples.device) for name in names}
    for some in blocks(replicas, count * max(count, len(real.points)), samples.device):
        for name, values in zip(names, _prdc(centred[some], real), strict=True):
            measured[name][some] = values
    return measured


def _of_few_dimensions(samples: Tensor, real: Neighbourhood) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    theirs, count, every = native.balls(samples, real.k), samples.shape[1], len(real.points)
    covered, pairs, precise = (counts.double() for counts in native.held(real.balls, theirs))
    recalled = native.held(theirs, real.balls)[2].double()
    return precise / count, recalled / every, pairs / (real.k * count), covered / every


def _prdc(samples: Tensor, real: Neighbourhood) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    replicas, count, _ = samples.shape
    radii = squared_radii(samples, real.k)
    precise, balls = samples.new_zeros(replicas), samples.new_zeros(replicas)
    covered = torch.zeros(replicas, len(real.points), dtype=torch.bool, device=samples.device)
    recalled = torch.zeros_like(covered)
    for rows in blocks(count, replicas * len(real.points), samples.device):
        apart = squared_distances(samples[:, rows], real.points, slack=True)
        inside = apart <= real.radii
        precise += inside.any(2).sum(1)
        balls += inside.sum((1, 2))
        covered |= inside.any(1)
        recalled |= (apart <= radii[:, rows, None]).any(1)
    return precise / count, recalled.double().mean(1), balls / (real.k * count), covered.double().mean(1)
