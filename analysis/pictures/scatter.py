"""Two-dimensional samples as a scatter over the modes of the true mixture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.pictures.canvas import (
    DENSE,
    FAINT,
    FRAME,
    INSIDE,
    OUTSIDE,
    SIDE,
    TRUTH,
    Array,
    disc,
    dots,
    framed,
    paper,
    ring,
)
from analysis.pictures.view import WITHIN, View, count_missing, grid_lines, label_ticks


def scatter(
    points: Array,
    labels: NDArray[np.int64] | None,
    means: Array | None,
    stds: Array | None,
    view: View,
    real: Array | None = None,
) -> Array:
    """Points (n, 2) over the true modes, each mode a circle of three standard deviations, or over `real` points (m, 2).

    With modes given, points within three deviations of their own mode (the one `labels` (n,) asks for, else the
    nearest) are blue and the others orange. Points that are not finite or lie outside the view are counted in a corner.
    """
    panel = paper(SIDE, SIDE)
    grid_lines(panel, view)
    if real is not None:
        dots(panel, view.pixels(real[np.abs(real - (view.x, view.y)).max(axis=1) < view.half]), FRAME, TRUTH)
    finite = np.asarray(np.isfinite(points).all(axis=1))
    seen = np.flatnonzero(np.abs(np.nan_to_num(points) - (view.x, view.y)).max(axis=1) < view.half)
    seen = seen[finite[seen]]
    good = np.ones(len(seen), dtype=bool)
    if means is not None and stds is not None:
        centres, radii = view.pixels(means), WITHIN * stds * SIDE / (2 * view.half)
        for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True):
            disc(panel, x, y, radius, FAINT)
        good = within(points[seen], None if labels is None else labels[seen], means, stds)
        dots(panel, view.pixels(points[seen[~good]]), OUTSIDE, OUTSIDE)
    dots(panel, view.pixels(points[seen[good]]), INSIDE, DENSE)
    if means is not None:
        for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True):
            ring(panel, x, y, max(radius, 2.5), TRUTH)
    label_ticks(panel, view)
    count_missing(panel, len(points), int(finite.sum()), len(seen))
    return framed(panel)


def within(points: Array, labels: NDArray[np.int64] | None, means: Array, stds: Array) -> NDArray[np.bool_]:
    """Whether each point (n, d) lies within three standard deviations of its mode: its label's, else the nearest."""
    distances = np.linalg.norm(points[:, None] - means[None], axis=2)
    mode = distances.argmin(axis=1) if labels is None else labels
    nearest: NDArray[np.bool_] = distances[np.arange(len(points)), mode] <= WITHIN * stds[mode]
    return nearest
