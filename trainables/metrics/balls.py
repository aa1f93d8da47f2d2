"""Balls around points of few dimensions, and which points of another set lie in them, found by trees.

In the plane this takes from a quarter to a half of the time of all distances; from four dimensions on it takes longer,
and so it does where balls hold so many points that to list them is the work, which `Balls.overlap` leaves to others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

DIMENSIONS = 3  # in which trees are faster
LISTED = 32  # points of a ball, on average, whose lists are faster
CLOSED = 1 + 4 * np.finfo(np.float64).eps  # a ball reaches the point that gave it its radius, despite rounding

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Balls:
    """A closed ball around each of the points (m, d), m > k, that reaches its k-th nearest neighbour among them."""

    def __init__(self, points: Floats, k: int) -> None:
        self.points, self.k, self._tree = points, k, KDTree(points)
        reach, _ = self._tree.query(points, [k + 1])
        self.reach: Floats = np.ravel(reach) * CLOSED

    def overlap(self, samples: Floats) -> tuple[float, float, float, float] | None:
        """Precision, recall, density and coverage of samples (n, d), n > k, as `trainables.metrics.neighbours` has
        them; None where balls hold too many points."""
        theirs = Balls(samples, self.k)
        held, holding = self._counts(theirs), theirs._counts(self)
        if held.sum() + holding.sum() > LISTED * (len(self.points) + len(samples)):
            return None
        precision, recall = self._reached(theirs, held), theirs._reached(self, holding)
        return precision, recall, float(held.sum()) / (self.k * len(samples)), float((held > 0).mean())

    def _counts(self, others: Balls) -> Counts:
        """How many of the others' points lie in each ball, (m,)."""
        counts: Counts = others._tree.query_ball_point(self.points, self.reach, return_length=True)
        return counts

    def _reached(self, others: Balls, counts: Counts) -> float:
        """The fraction of the others' points that lie in some ball; `counts` are those of the balls."""
        some = counts > 0
        lists = others._tree.query_ball_point(self.points[some], self.reach[some], return_sorted=False)
        reached = np.zeros(len(others.points), bool)
        reached[np.fromiter((place for places in lists for place in places), np.int64, counts.sum())] = True
        return float(reached.mean())
