"""The best of k configurations, performance profiles, and the bias of selection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.colours import INK, RULE
from analysis.figures.axes import percent_ticks, scale_axis, scale_metric
from analysis.figures.parts import (
    FLOOR,
    TOGETHER,
    arm_panels,
    draw_band,
    draw_steps,
    drawing_order,
    label_panels,
    mark_floor,
    panels_height,
    whisker,
)
from analysis.figures.style import Palette, legend_above, new, shortened, styled
from analysis.results.best_of_k import BestOfK
from analysis.results.profiles import Profile
from analysis.results.selection_bias import SelectionBias
from analysis.statistics.intervals import Band
from analysis.wording import SPENDINGS, counted, log_scaled, named, number, spoken, spoken_share


@styled
def best_of_k(curves: Sequence[BestOfK], palette: Palette, columns: int = 1, statistic: str = "median") -> Figure:
    """The `median` or `mean` best score after k configurations of each arm, as if these had been drawn independently,
    which a TPE search does not do; raises ValueError without an arm.

    Where the curves say so (`analysis.results.spending`) what k configurations spend stands in place of k. Nothing is
    drawn where the best is infinite, as when too few configurations have a finite score.
    """
    if not curves:
        raise ValueError("best_of_k: expected at least one arm, got none")
    bands = [curve.median if statistic == "median" else curve.mean for curve in curves]
    arms, floor, over = [curve.arm for curve in curves], curves[0].floor, curves[0].over
    spent = SPENDINGS.get(over, over)
    seen = np.concatenate([np.r_[b.low, b.estimate, b.high, c.floor] for b, c in zip(bands, curves, strict=True)])
    figure = new(columns, panels_height(len(arms), columns, 2.1), [] if len(arms) > TOGETHER else [*arms, FLOOR])
    drawn = arm_panels(figure, arms, columns)
    for panel in drawn:
        axes = panel.axes
        scale_axis(axes, "y", seen, log_scaled(curves[0].metric))
        scale_axis(axes, "x", [1.0], log=False)
        for place in drawing_order(arms, panel):
            look, alpha = panel.look(arms[place], palette), panel.shade(arms[place], len(arms))
            draw_band(
                axes, bands[place], look, arms[place], seen, offset=place, bounded=curves[place].mode, alpha=alpha,
                said=_best_said(arms[place], bands[place], spent) if panel.arm in (None, arms[place]) else (),
            )  # fmt: skip
        mark_floor(axes, floor)
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(8 if panel.arm is None else 4, integer=over == "configurations"))
    best = f"{'median' if statistic == 'median' else 'expected'} best\n{named(curves[0].metric)}"
    label_panels(figure, drawn, "configurations tried, k" if over == "configurations" else f"{spent} of search", best)
    if drawn[0].arm is None:
        legend_above(figure, drawn[0].axes)
    return figure


def _best_said(arm: str, band: Band, spent: str) -> list[str]:
    """What is known at each k."""
    return [f"{arm}, {number(at)} {spent}\n{spoken(band.interval(k))}" for k, at in enumerate(band.x.tolist())]


@styled
def profiles(curves: Sequence[Profile], palette: Palette, columns: int = 1) -> Figure:
    """The share of each arm's replicas that reach at least the quality τ; raises ValueError without an arm."""
    if not curves:
        raise ValueError("profiles: expected at least one arm, got none")
    arms, sign = [curve.arm for curve in curves], "≤" if curves[0].mode == "min" else "≥"
    figure = new(columns, panels_height(len(arms), columns, 2.1), [] if len(arms) > TOGETHER else [*arms, FLOOR])
    drawn = arm_panels(figure, arms, columns)
    for panel in drawn:
        axes = panel.axes
        scale_axis(axes, "x", np.concatenate([curve.band.x for curve in curves]), log_scaled(curves[0].metric))
        for place in drawing_order(arms, panel):
            band, look = curves[place].band, panel.look(arms[place], palette)
            draw_steps(panel, band, look, arms[place], len(arms), [
                f"{arms[place]}\n{spoken_share(band.interval(at))} of {counted(band.n, 'replica')} {sign} {number(tau)}"
                for at, tau in enumerate(band.x.tolist())
            ])  # fmt: skip
        mark_floor(axes, curves[0].floor, "x")
        axes.set_ylim(0, 1.02)
        percent_ticks(axes.yaxis)
        axes.grid()
    if curves[0].mode == "max":
        drawn[0].axes.invert_xaxis()  # shared by all
    label_panels(figure, drawn, f"τ, a bound on the {named(curves[0].metric)}", f"replicas {sign} τ")
    if drawn[0].arm is None:
        legend_above(figure, drawn[0].axes)
    return figure


@styled
def selection_bias(results: Sequence[SelectionBias], palette: Palette, columns: int = 1) -> Figure:
    """Each winner's score in the search that chose it (open), this corrected for the choice (pale), and its score on
    fresh seeds (filled), with their intervals.

    Raises ValueError without a winner.
    """
    if not results:
        raise ValueError("selection_bias: expected at least one winner, got none")
    figure = new(columns, 0.6 + 0.36 * len(results), ["in the search", "corrected", "on fresh seeds"])
    axes = figure.subplots()
    shown = [part for result in results for part in (result.search, result.corrected, result.confirmed)]
    scale_metric(axes, np.ravel([(part.low, part.estimate, part.high) for part in shown]), results[0].metric)
    for row, result in enumerate(results):
        look = palette[result.arm]
        for part, shift, fill, name in (
            (result.search, -0.22, "white", "in the search"),
            (result.corrected, 0.0, RULE, "corrected"),
            (result.confirmed, 0.22, look.colour, "on fresh seeds"),
        ):
            label = None if row else name
            whisker(axes, part, row + shift, look.colour)
            axes.plot(
                part.estimate, row + shift, marker=look.marker, color=look.colour, markerfacecolor=fill, label=label,
                linestyle="none", markersize=4.5,
            )  # fmt: skip
        if result.biased:
            axes.annotate("biased", (1, row), xycoords=("axes fraction", "data"), ha="right", color=INK)
    several = any(result.repeat for result in results)
    names = [f"{one.arm}{f', search {one.repeat}' if several else ''} #{one.index}" for one in results]
    axes.set_yticks(range(len(results)), shortened(names, 22 * columns))
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.set_xlabel(f"median {named(results[0].metric)}")
    legend_above(figure, axes)
    return figure
