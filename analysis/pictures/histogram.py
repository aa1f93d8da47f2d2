"""One-dimensional samples as a histogram, with the true and the generator's density and the critic's p/(p + q)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.pictures.canvas import (
    CRITIC,
    DENSE,
    INK,
    INSIDE,
    MUTED,
    OUTSIDE,
    PALE,
    SIDE,
    Array,
    curve,
    framed,
    paper,
    write,
)
from analysis.pictures.view import View, count_missing, label_below
from analysis.statistics.densities import mixture_density


@dataclass(frozen=True)
class Lines:
    """Curves over a histogram: at points x (N,) the generator's density and the critic's own p/(p + q), which has a
    separate axis from 0 to 1. NaN: not drawn."""

    x: Array
    density: Array
    share: Array | None = None


def histogram(
    values: Array,
    means: Array | None,
    stds: Array | None,
    weights: Array | None,
    view: View,
    lines: Lines | None = None,
) -> Array:
    """The density of values (n,) as bars, with the mixture's own density as a curve where it is known.

    The vertical scale is fixed by the truth, so bars of a collapsed generator end at the top with an orange cap. With
    `lines` the bars are faint, and the generator's density and the critic's curve lie over them.
    """
    panel = paper(SIDE, SIDE)
    base = SIDE - 24
    finite = values[np.isfinite(values)]
    low, high = view.x - view.half, view.x + view.half
    counts, edges = np.histogram(finite, bins=64, range=(low, high))
    bars = counts / max(len(values), 1) / (edges[1] - edges[0])
    grid = low + (np.arange(SIDE) + 0.5) * (high - low) / SIDE
    truth = None if means is None or stds is None else mixture_density(grid, means[:, 0], stds, weights)
    top = (1.5 * truth.max()) if truth is not None else (1.2 * bars.max() or 1.0)
    left = np.round(np.linspace(0, SIDE, len(bars) + 1)).astype(int)
    for index, height in enumerate(np.minimum(bars / top, 1.0) * base):
        columns = slice(left[index], left[index + 1] - 1)
        panel[base - round(height) : base, columns] = INSIDE if lines is None else PALE
        if bars[index] > top:
            panel[:5, columns] = OUTSIDE
    if lines is not None:
        _overlay(panel, lines, grid, base, top)
    if truth is not None:
        curve(panel, base - truth / top * base, INK)
    panel[base] = MUTED
    label_below(panel, low, high)
    count_missing(panel, len(values), len(finite), int(counts.sum()))
    return framed(panel)


def _overlay(panel: Array, lines: Lines, grid: Array, base: int, top: float) -> None:
    """The generator's density, and the critic's share on its axis at the right with a mark at 1/2."""
    if lines.share is not None and np.isfinite(lines.share).any():
        panel[base // 2, ::6] = panel[base // 2, 1::6] = CRITIC
        curve(panel, base - np.interp(grid, lines.x, lines.share, np.nan, np.nan) * base, CRITIC)
        write(panel, [(SIDE - 6, base // 2 - 9, "D = 1/2", "rm")], 12, CRITIC)
    if np.isfinite(lines.density).any():
        heights = np.minimum(np.interp(grid, lines.x, lines.density, 0.0, 0.0) / top, 1.0)
        curve(panel, base - heights * base, DENSE)
