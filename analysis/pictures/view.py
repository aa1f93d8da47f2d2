"""The square of data space that a panel shows, its ticks, and the count of samples outside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.pictures.canvas import FAINT, SIDE, WARNING, Array, write

WITHIN = 3.0  # standard deviations from its mean within which a sample counts as high quality


@dataclass(frozen=True)
class View:
    """The square of data space that a scatter shows; the same for all panels and steps, so that pictures can be
    compared."""

    x: float
    y: float
    half: float

    def pixels(self, points: Array) -> Array:
        """Data (n, 2) to pixel coordinates (n, 2), y downwards."""
        scale = SIDE / (2 * self.half)
        return np.stack(
            [(points[:, 0] - self.x + self.half) * scale, (self.y + self.half - points[:, 1]) * scale], axis=1
        )


def view_of(means: Array, stds: Array) -> View:
    """The view of all modes (K, 1 or 2) out to three of their standard deviations (K,), with a margin of a quarter."""
    low = (means - WITHIN * stds[:, None]).min(axis=0)
    high = (means + WITHIN * stds[:, None]).max(axis=0)
    centre = (low + high) / 2
    return View(float(centre[0]), float(centre[-1]), 1.25 * float((high - low).max()) / 2 or 1.0)


def view_around(points: Array) -> View:
    """The view of 98 % of the finite points (n, 1 or 2), for data without known modes."""
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return View(0.0, 0.0, 1.0)
    centre = np.median(points, axis=0)
    bulk = float(np.quantile(np.abs(points - centre).max(axis=1), 0.98))
    return View(float(centre[0]), float(centre[-1]), 1.2 * bulk or 1.0)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) strictly between two ends, five at most."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.floor(low / step) + 1
    return [round(index * step, 12) for index in range(first, math.ceil(high / step)) if low < index * step < high]


def grid_lines(panel: Array, view: View) -> None:
    """Faint lines at the ticks of both axes."""
    for value in ticks(view.x - view.half, view.x + view.half):
        panel[:, int((value - view.x + view.half) / (2 * view.half) * SIDE)] = FAINT
    for value in ticks(view.y - view.half, view.y + view.half):
        panel[int((view.y + view.half - value) / (2 * view.half) * SIDE)] = FAINT


def label_ticks(panel: Array, view: View) -> None:
    """The numbers of both axes, below and at the left."""
    label_below(panel, view.x - view.half, view.x + view.half)
    low, high = view.y - view.half, view.y + view.half
    marks = [(value, (high - value) / (high - low) * SIDE) for value in ticks(low, high)]
    write(panel, [(6, y, f"{value:g}", "lm") for value, y in marks if 12 < y < SIDE - 30], 11)


def label_below(panel: Array, low: float, high: float) -> None:
    """The numbers of the horizontal axis from `low` to `high`."""
    marks = [(value, (value - low) / (high - low) * SIDE) for value in ticks(low, high)]
    write(panel, [(x, SIDE - 12, f"{value:g}", "mm") for value, x in marks if 12 < x < SIDE - 12], 11)


def count_missing(panel: Array, total: int, finite: int, shown: int) -> None:
    """How many of `total` samples are not finite, and how many of the finite ones are not shown, in a corner."""
    notes = [
        f"{count:,} of {total:,} {what}"
        for count, what in ((total - finite, "not finite"), (finite - shown, "out of view"))
        if count
    ]
    write(panel, [(SIDE - 8, 12 + 15 * line, note, "rm") for line, note in enumerate(notes)], 12, WARNING)
