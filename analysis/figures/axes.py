"""Scales and ticks of axes: logarithmic, of a metric, of numbers of both signs, in per cent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from analysis.results.clock import Clock
from analysis.wording import log_scaled, number, power_of_ten, separated

ROOM = 0.06  # share of the axis beyond the outermost value
ALIKE = 30.0  # times the middle size up to which the largest leaves an axis linear
DECADES = 4  # at most, beyond the part about 0
APART = 0.1  # of the axis, between 0 and the first tick beside it
TICKS = 3  # at most, on each side of 0
ROUNDING = 1e-6  # of the values' size: a smaller spread is that of computing, and not shown


def scale_axis(axes: Axes, which: str, values: NDArray[np.float64] | Sequence[float], log: bool | None = None) -> bool:
    """Scale an axis for these values, logarithmically where they are positive and span a factor of 20, and label its
    ticks in plain text; returns whether it is logarithmic. Values that are equal but for rounding are drawn as equal.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if log is None:
        log = bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() >= 20)
    limit = axes.set_xlim if which == "x" else axes.set_ylim
    alike = len(finite) > 0 and 0 < np.ptp(finite) <= ROUNDING * np.abs(finite).max()
    if not log:
        if alike:
            limit(*sorted((0.95 * float(finite[0]), 1.05 * float(finite[0]))))
        axis.set_major_formatter(FuncFormatter(_plain))
        return False
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    if alike:
        limit(float(finite[0]) / 10, float(finite[0]) * 10)
    narrow = len(finite) > 0 and finite.max() / finite.min() < 30
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=6))
    axis.set_major_formatter(FuncFormatter(_power))
    axis.set_minor_formatter(NullFormatter())
    return True


def scale_metric(axes: Axes, values: NDArray[np.float64] | Sequence[float], metric: str) -> None:
    """Scale and limit the horizontal axis for all finite values of a metric."""
    seen = np.asarray(values, np.float64)
    finite = seen[np.isfinite(seen)]
    if scale_axis(axes, "x", finite, log_scaled(metric)):
        low, high = np.log10([finite.min(), finite.max()])
        room = ROOM * (high - low) if high - low > ROUNDING else 1.0
        axes.set_xlim(10 ** (low - room), 10 ** (high + room))
    elif len(finite):
        low, high = float(finite.min()), float(finite.max())
        size = max(abs(low), abs(high))
        room = ROOM * (high - low) if high - low > ROUNDING * size else size or 1.0
        axes.set_xlim(low - room, high + room)


def scale_signed(axes: Axes, which: str, values: NDArray[np.float64] | Sequence[float]) -> None:
    """Scale, limit and label the axis `which` ("x" or "y") for all finite values, 0 among them."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    sizes = np.abs(finite[finite != 0])
    limit = axes.set_xlim if which == "x" else axes.set_ylim
    if not len(sizes) or sizes.max() <= ALIKE * np.median(sizes):
        scale_axis(axes, which, finite, log=False)
        room = ROOM * (high - low) or 1.0
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
    room = ROOM * float(ends[1] - ends[0])
    limit(*(unit * np.sinh(ends + np.array([-room, room]))))


def scale_clock(axes: Axes, clock: Clock, ticks: int | None = None) -> None:
    """Label the horizontal axis of times in steps, or in per cent of the budget; `ticks` is how many at most."""
    if ticks is not None:
        axes.xaxis.set_major_locator(MaxNLocator(ticks, integer=clock == "updates"))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    if clock == "budget":
        percent_ticks(axes.xaxis)


def percent_ticks(axis: Axis) -> None:
    """Label the ticks of an axis of shares in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))


def _power(value: float, _: object = None) -> str:
    exponent = round(float(np.log10(value))) if value > 0 else 0
    mantissa = value / 10.0**exponent if value > 0 else 0.0
    if value <= 0:
        return number(value)
    if 1e-3 <= value < 1e4:
        return _plain(value)
    if not np.isclose(mantissa, 1):
        exponent = int(np.floor(np.log10(value) + 1e-9))
        return f"{value / 10.0**exponent:g}·{power_of_ten(exponent)}"
    return power_of_ten(exponent)


def _plain(value: float, _: object = None) -> str:
    return separated(f"{value:,.10g}")
