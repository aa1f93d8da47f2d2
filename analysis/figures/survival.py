"""Kaplan-Meier curves with their bands, marks where replicas were censored, and the number at risk below."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.style import MUTED, ArmStyle, Palette, legend_above, new, scale_axis, shade, short, styled
from analysis.survival import Survival, SurvivalCurve
from analysis.words import EVENTS


@styled
def survival_curves(result: Survival, palette: Palette, columns: int = 1) -> Figure:
    """The share of each arm's replicas that an event has not reached yet; raises ValueError without an arm."""
    if not result.curves:
        raise ValueError("survival_curves: expected at least one arm, got none")
    rows = len(result.curves)
    figure = new(columns, 2.1 + 0.13 * rows, [curve.arm for curve in result.curves])
    axes, below = figure.subplots(2, 1, height_ratios=(1.75, 0.1 + 0.13 * rows), sharex=True)
    for curve in result.curves:
        _step(axes, curve, palette[curve.arm], shade(rows))
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
    axes.set_ylabel(f"without {EVENTS.get(result.event, result.event)}")
    axes.grid(axis="y")
    scale_axis(axes, "x", [0.0], log=False)
    axes.xaxis.set_major_locator(MaxNLocator(5 * columns, integer=True))
    longest = max(float(np.max(curve.band.x, initial=1.0)) for curve in result.curves)
    axes.set_xlim(0, max(longest, *(float(np.max(c.censored, initial=0.0)) for c in result.curves)))
    axes.set_xlabel("generator updates")
    axes.tick_params(axis="x", labelbottom=True)
    _at_risk(below, result, axes.get_xticks(), palette, columns)
    legend_above(figure, axes)
    return figure


def _step(axes: Axes, curve: SurvivalCurve, look: ArmStyle, alpha: float) -> None:
    band = curve.band
    axes.fill_between(band.x, band.low, band.high, step="post", color=look.colour, alpha=alpha, linewidth=0)
    axes.step(band.x, band.estimate, where="post", color=look.colour, linestyle=look.dash, label=curve.arm)
    if len(curve.censored):
        at = np.unique(curve.censored)
        height = band.estimate[np.clip(np.searchsorted(band.x, at, side="right") - 1, 0, None)]
        axes.plot(at, height, "|", color=look.colour, markersize=5, markeredgewidth=0.9, clip_on=False)


def _at_risk(axes: Axes, result: Survival, ticks: np.ndarray, palette: Palette, columns: int) -> None:
    low, high = axes.get_xlim()
    shown = [tick for tick in ticks if low <= tick <= high]
    for row, curve in enumerate(result.curves):
        for tick in shown:
            place = np.clip(np.searchsorted(curve.band.x, tick, side="left"), 0, len(curve.at_risk) - 1)
            side = "left" if tick == low else "right" if tick == high else "center"
            left = 0 if tick > curve.band.x[-1] else int(curve.at_risk[place])
            axes.text(tick, row, f"{left:,}", ha=side, va="center", fontsize=6.2)
    axes.set_yticks(range(len(result.curves)), [short(c.arm, 16 * columns) for c in result.curves], fontsize=6.2)
    for label, curve in zip(axes.get_yticklabels(), result.curves, strict=True):
        label.set_color(palette[curve.arm].colour)
    axes.set_ylim(len(result.curves) - 0.4, -0.6)
    axes.set_title("replicas at risk", fontsize=6.4, color=MUTED, pad=2)
    axes.tick_params(length=0, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
