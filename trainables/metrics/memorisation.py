"""Memorisation of training data: distances of samples to their nearest training points, compared with those of
held-out real points (the statistic of Meehan, Chaudhuri & Dasgupta 2020, not standardised).

    memorisation = P(D(sample) < D(held-out)) + P(D(sample) = D(held-out)) / 2,    D(x) = min over training t |x - t|

1/2 where samples are as near to the training data as fresh real points are, 1 where each is a copy, below 1/2 where
they are further from it than real points are. In few dimensions the neighbour is found by a k-d tree, otherwise by
products of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainables.metrics.distances import blocks, squared_distances
from trainables.metrics.finite import finite_only

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

CHUNK = 8192  # training points that are turned to float64 at once
FLAT = 8  # dimensions up to which a k-d tree on the CPU is faster than matrix products


@dataclass(frozen=True)
class TrainingPoints:
    """Training points (N, d), their `centre`, a tree of them relative to it where that helps, and the sorted distances
    (m,) of held-out points to the nearest of them."""

    points: Tensor
    centre: Tensor
    tree: cKDTree | None
    heldout: Tensor


def prepared(points: Tensor, heldout: Tensor) -> TrainingPoints:
    """Prepare training points (N, d) and held-out ones (m, d)."""
    from scipy.spatial import cKDTree  # which costs workers that do not measure this a tenth of a second to import

    centre = points.mean(0).double()
    flat = points.shape[1] <= FLAT and points.device.type == "cpu"
    tree = cKDTree((points.double() - centre).numpy()) if flat else None
    distances, _ = nearest(heldout, TrainingPoints(points, centre, tree, centre.new_empty(0)))
    return TrainingPoints(points, centre, tree, distances.sort().values)


def nearest(queries: Tensor, reference: TrainingPoints) -> tuple[Tensor, Tensor]:
    """The distance (n,), float64, of each point (n, d) to its nearest training point, and that one's index (n,)."""
    moved = queries.double() - reference.centre
    if reference.tree is not None:
        found = reference.tree.query(moved.numpy())
        return torch.as_tensor(found[0]), torch.as_tensor(found[1])
    least = torch.full((len(moved),), torch.inf, dtype=torch.float64, device=moved.device)
    indices = torch.zeros(len(moved), dtype=torch.int64, device=moved.device)
    for start in range(0, len(reference.points), CHUNK):
        some = reference.points[start : start + CHUNK].double() - reference.centre
        for rows in blocks(len(moved), len(some), moved.device):
            near, which = squared_distances(moved[rows], some).min(1)
            closer = near < least[rows]
            least[rows] = near.where(closer, least[rows])
            indices[rows] = (which + start).where(closer, indices[rows])
    # Recomputed from differences: squared distances from products are not exactly 0 between equal points.
    return (queries.double() - reference.points[indices].double()).norm(dim=1), indices


@finite_only
def memorisation(samples: Tensor, reference: TrainingPoints) -> Tensor:
    """The chance above for each replica's samples (R, n, d): (R,) float64 in [0, 1]; NaN where not finite."""
    chances = torch.empty(len(samples), dtype=torch.float64, device=samples.device)
    for chance, one in zip(chances, samples, strict=True):
        chance.copy_(_chance(nearest(one, reference)[0], reference.heldout))
    return chances


def _chance(distances: Tensor, heldout: Tensor) -> Tensor:
    """The mean over samples of the share of held-out distances above theirs, ties counting half."""
    not_above = torch.searchsorted(heldout, distances, right=True)
    below = torch.searchsorted(heldout, distances)
    return 1 - (not_above + below).double().mean() / (2 * len(heldout))
