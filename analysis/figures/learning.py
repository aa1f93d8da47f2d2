"""Learning curves with bands: one panel per measurement, one line per arm, and the floor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.axes import scale_axis, scale_clock
from analysis.figures.parts import FLOOR, TOGETHER, draw_band, mark_floor, panel_grid
from analysis.figures.style import Palette, legend_above, new, shade, styled
from analysis.results.learning import LearningCurve
from analysis.wording import CLOCKS, clock_time, counted, log_scaled, named, spoken


@styled
def learning_curves(curves: Sequence[LearningCurve], palette: Palette, columns: int = 2) -> Figure:
    """Median and quartiles over training of each measurement in `curves`; `columns` of the page, 1 or 2, is its width.

    Where more arms share a panel than `TOGETHER` their quartiles are left out.

    Raises ValueError without a curve, and KeyError where an arm has no style.
    """
    if not curves:
        raise ValueError("learning_curves: expected at least one curve, got none")
    metrics = list(dict.fromkeys(curve.metric for curve in curves))
    across = min(len(metrics), columns + (columns > 1 and len(metrics) % 3 == 0))
    down = math.ceil(len(metrics) / across)
    labels = [*dict.fromkeys(curve.arm for curve in curves), FLOOR]
    figure = new(columns, 0.1 + 1.8 * down, labels)
    panels = panel_grid(figure, len(metrics), across, CLOCKS[curves[0].clock])
    for panel, metric in zip(panels, metrics, strict=True):
        _panel(panel, [curve for curve in curves if curve.metric == metric], palette)
    legend_above(figure, panels[0])
    return figure


def _panel(axes: Axes, curves: Sequence[LearningCurve], palette: Palette) -> None:
    seen = np.concatenate([np.r_[c.band.low, c.band.estimate, c.band.high, c.floor] for c in curves])
    log = scale_axis(axes, "y", seen, log_scaled(curves[0].metric))
    scale_clock(axes, curves[0].clock)
    axes.set_title(named(curves[0].metric, curves[0].unit))
    axes.grid(axis="y")
    for place, curve in enumerate(curves):
        alpha = shade(len(curves)) if len(curves) <= TOGETHER else 0.0  # many bands hide each other and all lines
        look = palette[curve.arm]
        draw_band(axes, curve.band, look, curve.arm, seen, offset=place, alpha=alpha, said=_said(curve))
    mark_floor(axes, curves[0].floor)
    if not log:
        axes.margins(y=0.06)


def _said(curve: LearningCurve) -> list[str]:
    """What is known at each evaluation."""
    return [
        f"{curve.arm}, {clock_time(curve.clock, at)}\nmedian and quartiles {spoken(curve.band.interval(place))}"
        f"\n{counted(int(going), 'replica')}"
        for place, (at, going) in enumerate(zip(curve.band.x.tolist(), curve.going, strict=True))
    ]
