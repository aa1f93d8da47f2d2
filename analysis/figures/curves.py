"""Learning curves with bands: one panel a measurement, one line an arm, the floor drawn in."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.crowd import CROWD
from analysis.figures.style import MUTED, ArmStyle, Palette, legend_above, new, scale_axis, shade, styled
from analysis.results.learning import LearningCurve
from analysis.statistics.intervals import Band
from analysis.wording import log_scaled, named

FLOOR = "real data (floor)"


@styled
def learning_curves(curves: Sequence[LearningCurve], palette: Palette, columns: int = 2) -> Figure:
    """Median and quartiles over training of each measurement in `curves`; `columns` of the page, 1 or 2, is its width.

    Where more arms share a panel than `CROWD` their quartiles are left out.

    Raises ValueError without a curve, and KeyError where an arm has no style.
    """
    if not curves:
        raise ValueError("learning_curves: expected at least one curve, got none")
    metrics = list(dict.fromkeys(curve.metric for curve in curves))
    across = min(len(metrics), columns + (columns > 1 and len(metrics) % 3 == 0))
    down = math.ceil(len(metrics) / across)
    labels = [*dict.fromkeys(curve.arm for curve in curves), FLOOR]
    figure = new(columns, 0.1 + 1.8 * down, labels)
    panels = figure.subplots(down, across, sharex=True, squeeze=False).ravel()
    for panel, metric in zip(panels, metrics, strict=False):
        _panel(panel, [curve for curve in curves if curve.metric == metric], palette)
    for panel in panels[len(metrics) :]:
        panel.set_axis_off()
    for panel in panels[max(0, len(metrics) - across) : len(metrics)]:
        panel.set_xlabel("generator updates")
        panel.xaxis.set_tick_params(labelbottom=True)
    legend_above(figure, panels[0])
    return figure


def _panel(axes: Axes, curves: Sequence[LearningCurve], palette: Palette) -> None:
    seen = np.concatenate([np.r_[c.band.low, c.band.estimate, c.band.high, c.floor] for c in curves])
    log = scale_axis(axes, "y", seen, log_scaled(curves[0].metric))
    scale_axis(axes, "x", curves[0].band.x, log=False)
    axes.set_title(named(curves[0].metric, curves[0].unit))
    axes.grid(axis="y")
    for place, curve in enumerate(curves):
        alpha = shade(len(curves)) if len(curves) <= CROWD else 0.0  # many bands hide each other and all lines
        draw_band(axes, curve.band, palette[curve.arm], curve.arm, seen, offset=place, alpha=alpha)
    if np.isfinite(curves[0].floor):
        axes.axhline(curves[0].floor, color=MUTED, linewidth=0.9, linestyle=(0, (1, 1)), label=FLOOR)
    if not log:
        axes.margins(y=0.06)


def draw_band(
    axes: Axes,
    band: Band,
    look: ArmStyle,
    label: str,
    seen: np.ndarray,
    *,
    offset: int = 0,
    bounded: str = "",
    alpha: float = 0.14,
) -> None:
    """A line with its band; `seen` are all values of the axis, `offset` shifts the markers.

    Where an end of the band is infinite the band runs off the picture. `bounded` ("min" or "max", which is better) is
    for bands whose better end is infinite where nothing is known of it: there they end at the line.
    """
    finite = seen[np.isfinite(seen)]
    top, bottom = (finite.max(), finite.min()) if len(finite) else (1.0, 0.0)
    away = (top - bottom) or abs(top) or 1.0
    estimate = np.where(np.isfinite(band.estimate), band.estimate, np.nan)
    low = np.where(np.isneginf(band.low), estimate if bounded == "min" else bottom - away, band.low)
    high = np.where(np.isposinf(band.high), estimate if bounded == "max" else top + 100 * away, band.high)
    if axes.get_yscale() == "log":
        low = np.clip(low, bottom / 100, None)
    if alpha:
        axes.fill_between(band.x, low, high, color=look.colour, alpha=alpha, linewidth=0)
    every = max(1, len(band.x) // 6)
    axes.plot(
        band.x, estimate, color=look.colour, linestyle=look.dash, marker=look.marker,
        markevery=(offset % every, every), label=label,
    )  # fmt: skip
    if len(finite):
        pad = 0.05 * away
        limits = (bottom / 1.3, top * 1.3) if axes.get_yscale() == "log" else (bottom - pad, top + pad)
        axes.set_ylim(*limits)
