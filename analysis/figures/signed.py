"""Axes for numbers of both signs: linear where they are alike in size, else linear about 0 and logarithmic beyond."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from analysis.figures.style import number, scale_axis

ALIKE = 30.0  # times the middle size up to which the largest leaves an axis linear
DECADES = 4  # at most, beyond the part about 0
APART = 0.1  # of the axis, between 0 and the first tick beside it
TICKS = 3  # at most, on each side of 0


def signed_axis(axes: Axes, which: str, values: NDArray[np.float64] | Sequence[float]) -> None:
    """Scale, limit and label the axis `which` ("x" or "y") for all finite values, 0 among them."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    sizes = np.abs(finite[finite != 0])
    limit = axes.set_xlim if which == "x" else axes.set_ylim
    if not len(sizes) or sizes.max() <= ALIKE * np.median(sizes):
        scale_axis(axes, which, finite, log=False)
        room = 0.06 * (high - low) or 1.0
        limit(low - room, high + room)
        return
    top = int(np.floor(np.log10(sizes.max())))
    unit = 10.0 ** max(int(np.floor(np.log10(np.median(sizes)))), top - DECADES)
    (axes.set_xscale if which == "x" else axes.set_yscale)("asinh", linear_width=unit)
    ends = np.arcsinh(np.array([low, high]) / unit)
    powers = range(round(np.log10(unit)), top + 1)
    every = -(-len(powers) // TICKS)
    sizes = 10.0 ** np.array(powers[::-1][::every])
    shown = sizes[np.arcsinh(sizes / unit) > APART * (ends[1] - ends[0])]
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(np.sort([*-shown, 0.0, *shown]).tolist()))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 1)))
    room = 0.06 * float(ends[1] - ends[0])
    limit(*(unit * np.sinh(ends + np.array([-room, room]))))
