"""Incidence: the share of replicas that has met one kind of failure by each step, the other kinds competing."""

from __future__ import annotations

from matplotlib.figure import Figure

from analysis.figures.axes import percent_ticks, scale_clock
from analysis.figures.parts import TOGETHER, arm_panels, draw_steps, drawing_order, label_panels, panels_height
from analysis.figures.style import Palette, legend_above, new, styled
from analysis.results.incidence import Incidences
from analysis.wording import CLOCKS, EVENTS, clock_time, spoken_share


@styled
def incidence_curves(result: Incidences, palette: Palette, columns: int = 1) -> Figure:
    """The share of each arm's replicas that has met the event; raises ValueError without an arm."""
    if not result.curves:
        raise ValueError("incidence_curves: expected at least one arm, got none")
    arms = [curve.arm for curve in result.curves]
    figure = new(columns, panels_height(len(arms), columns, 2.0), [] if len(arms) > TOGETHER else arms)
    drawn = arm_panels(figure, arms, columns)
    for panel in drawn:
        axes = panel.axes
        for place in drawing_order(arms, panel):
            band, look = result.curves[place].band, panel.look(arms[place], palette)
            draw_steps(panel, band, look, arms[place], len(arms), [
                f"{arms[place]}, {clock_time(result.clock, at)}\nwith {EVENTS[result.event]}:"
                f" {spoken_share(band.interval(k))}"
                for k, at in enumerate(band.x.tolist())
            ])  # fmt: skip
        axes.set_xlim(0, result.horizon)
        axes.set_ylim(0, 1.03)
        percent_ticks(axes.yaxis)
        axes.grid(axis="y")
        scale_clock(axes, result.clock, 5 * columns if panel.arm is None else 3)
    label_panels(figure, drawn, CLOCKS[result.clock], f"with {EVENTS[result.event]}")
    if drawn[0].arm is None:
        legend_above(figure, drawn[0].axes)
    return figure
