"""Kaplan-Meier curves with their bands, marks where replicas were censored, and the number at risk below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.colours import MUTED
from analysis.figures.axes import percent_ticks, scale_clock
from analysis.figures.marks import belong, few
from analysis.figures.parts import TOGETHER, Panel, arm_panels, draw_steps, drawing_order, label_panels, panels_height
from analysis.figures.style import ArmStyle, Palette, legend_above, new, shortened, styled
from analysis.results.clock import Clock
from analysis.results.survival import Survival, SurvivalCurve
from analysis.wording import CLOCKS, EVENTS, clock_time, counted, spoken_share, whole


@styled
def survival_curves(result: Survival, palette: Palette, columns: int = 1) -> Figure:
    """The share of each arm's replicas that have not met the event; raises ValueError without an arm."""
    if not result.curves:
        raise ValueError("survival_curves: expected at least one arm, got none")
    arms = [curve.arm for curve in result.curves]
    tall, low = panels_height(len(arms), columns, 2.0), 0.3 + 0.13 * len(arms)
    figure = new(columns, tall + low, [] if len(arms) > TOGETHER else arms)
    above, below = np.ravel(figure.subfigures(2, 1, squeeze=False, height_ratios=(tall, low)))
    drawn = arm_panels(above, arms, columns)
    longest = max(float(np.max(curve.band.x, initial=0.0)) for curve in result.curves)
    end = max(longest, *(float(np.max(curve.censored, initial=0.0)) for curve in result.curves)) or 1.0
    for panel in drawn:
        for place in drawing_order(arms, panel):
            curve = result.curves[place]
            _step(panel, curve, panel.look(curve.arm, palette), len(arms), _said(curve, result))
        _scales(panel.axes, end, result.clock, 5 * columns if panel.arm is None else 3)
    label_panels(above, drawn, CLOCKS[result.clock], f"without {EVENTS.get(result.event, result.event)}")
    whole = result.clock == "updates"
    ticks = np.asarray(MaxNLocator(5 * columns, integer=whole).tick_values(0, end))
    _at_risk(below.subplots(), result, ticks[(ticks >= 0) & (ticks <= end)], end, palette, columns)
    if drawn[0].arm is None:
        legend_above(figure, drawn[0].axes)
    return figure


def _scales(axes: Axes, end: float, clock: Clock, ticks: int) -> None:
    axes.set_xlim(0, end)
    axes.set_ylim(0, 1.03)
    percent_ticks(axes.yaxis)
    axes.grid(axis="y")
    scale_clock(axes, clock, ticks)


def _step(panel: Panel, curve: SurvivalCurve, look: ArmStyle, arms: int, said: Sequence[str]) -> None:
    axes, band = panel.axes, curve.band
    draw_steps(panel, band, look, curve.arm, arms, said)
    if len(curve.censored) and panel.arm in (None, curve.arm):
        at = np.unique(curve.censored)
        height = band.estimate[np.clip(np.searchsorted(band.x, at, side="right") - 1, 0, None)]
        ticks = axes.plot(at, height, "|", color=look.colour, markersize=5, markeredgewidth=0.9, clip_on=False)
        belong(curve.arm, *ticks)


def _said(curve: SurvivalCurve, result: Survival) -> list[str]:
    """What is known at each step of a curve, and which replicas met the event there."""
    found = []
    for place, at in enumerate(curve.band.x.tolist()):
        share, left = spoken_share(curve.band.interval(place)), counted(int(curve.at_risk[place]), "replica")
        met = [replica for time, replica in result.met.get(curve.arm, ()) if time == at]
        lines = [f"{curve.arm}, {clock_time(result.clock, at)}", f"without: {share}, {left} at risk"]
        found.append("\n".join([*lines, *few(met)]))
    return found


def _at_risk(axes: Axes, result: Survival, ticks: np.ndarray, end: float, palette: Palette, columns: int) -> None:
    axes.set_xlim(0, end)
    for row, curve in enumerate(result.curves):
        for tick in ticks:
            place = np.clip(np.searchsorted(curve.band.x, tick, side="left"), 0, len(curve.at_risk) - 1)
            side = "left" if tick == 0 else "right" if tick == end else "center"
            left = 0 if tick > curve.band.x[-1] else int(curve.at_risk[place])
            axes.text(tick, row, whole(left), ha=side, va="center")
    axes.set_yticks(range(len(result.curves)), shortened([curve.arm for curve in result.curves], 16 * columns))
    for label, curve in zip(axes.get_yticklabels(), result.curves, strict=True):
        label.set_color(palette[curve.arm].colour)
    axes.set_ylim(len(result.curves) - 0.4, -0.6)
    axes.set_title("replicas at risk", fontsize=7, color=MUTED, pad=2)
    axes.xaxis.set_ticks(ticks)
    scale_clock(axes, result.clock)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
