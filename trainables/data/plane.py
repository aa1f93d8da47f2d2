"""The plane in which points of many dimensions are shown: that of the real data's first two principal axes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SAMPLED = 4000  # points that the axes are computed from


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane through `centre` (d,) along the orthonormal `axes` (2, d), all in float64."""

    centre: Tensor
    axes: Tensor

    def project(self, points: Tensor) -> Tensor:
        """Coordinates (..., 2) in the plane of points (..., d), NaN for points that are not finite."""
        there: Tensor = (points.to(self.centre) - self.centre) @ self.axes.T
        return there.to(points.dtype)


def principal_plane(points: Tensor) -> Plane:
    """The plane of points (n, d), d >= 2, along which they vary most, from the first 4000 of them.

    Each axis points where its largest coordinate is positive, so that the same points give the same picture.
    """
    some = points[:SAMPLED].double()
    centre = some.mean(0)
    _, vectors = torch.linalg.eigh((some - centre).T @ (some - centre))
    axes = vectors.T[-2:].flip(0)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return Plane(centre, axes * largest.sign())
