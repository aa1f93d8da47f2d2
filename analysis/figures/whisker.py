"""Intervals as lines along the horizontal axis; an end that is infinite runs to the rim and points over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.figures.style import scale_axis
from analysis.statistics.intervals import Interval
from analysis.wording import log_scaled

ROOM = 0.06  # share of the axis beyond the outermost value


def scale_for(axes: Axes, values: NDArray[np.float64] | Sequence[float], metric: str) -> None:
    """Scale and limit the horizontal axis for all finite values of a metric."""
    seen = np.asarray(values, np.float64)
    finite = seen[np.isfinite(seen)]
    if scale_axis(axes, "x", finite, log_scaled(metric)):
        low, high = np.log10([finite.min(), finite.max()])
        room = ROOM * (high - low)
        axes.set_xlim(10 ** (low - room), 10 ** (high + room))
    elif len(finite):
        low, high = float(finite.min()), float(finite.max())
        room = ROOM * (high - low) or abs(high) or 1.0
        axes.set_xlim(low - room, high + room)


def whisker(axes: Axes, interval: Interval, row: float, colour: str) -> None:
    """A line from end to end within the axis' limits; nothing where there is no interval."""
    if np.isnan(interval.low) or np.isnan(interval.high):
        return
    left, right = axes.get_xlim()
    low, high = np.clip([interval.low, interval.high], left, right)
    axes.plot([low, high], [row, row], color=colour, linewidth=0.9, clip_on=False)
    if np.isneginf(interval.low):
        axes.plot(left, row, "<", color=colour, markersize=3, clip_on=False)
    if np.isposinf(interval.high):
        axes.plot(right, row, ">", color=colour, markersize=3, clip_on=False)
