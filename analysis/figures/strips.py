"""Strips: a row an arm, a mark a replica, above them the median and its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.quality import spread
from analysis.figures.style import INK, Palette, short
from analysis.figures.whisker import whisker
from analysis.statistics.intervals import Floats, Interval

MANY = 2000  # points over which they are drawn as one picture
HEIGHT = 0.3  # inches a row


def strips(
    axes: Axes, arms: Sequence[str], rows: Mapping[str, tuple[Floats, Interval]], palette: Palette, longest: int
) -> None:
    """Draw the values and the median of every arm in `rows`, arms from the top down; the horizontal axis is scaled
    already, and names are cut to `longest` letters."""
    for row, arm in enumerate(arms):
        if arm not in rows:
            continue
        (values, middle), look = rows[arm], palette[arm]
        seen = values[np.isfinite(values)]
        axes.scatter(
            seen, row + 0.16 + 0.14 * spread(len(seen)), s=5, color=look.colour, alpha=0.6, linewidths=0,
            marker=look.marker, rasterized=len(seen) > MANY,
        )  # fmt: skip
        whisker(axes, middle, row - 0.2, INK)
        if np.isfinite(middle.estimate):
            axes.plot(
                middle.estimate, row - 0.2, marker=look.marker, color=look.colour, markeredgecolor=INK, markersize=4
            )
    axes.set_yticks(range(len(arms)), [short(arm, longest) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.55)
    axes.grid(axis="x")
