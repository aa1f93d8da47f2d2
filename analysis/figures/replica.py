"""A replica's card: all that a person labels its outcome by, and neither its name nor a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from analysis.colours import BLUE, FAINT, VERMILION
from analysis.figures.axes import percent_ticks, scale_axis, scale_signed
from analysis.figures.density import draw_densities
from analysis.figures.parts import mark_floor
from analysis.figures.samples import draw_samples
from analysis.figures.style import new, styled
from analysis.record.schema import RANGES, SHARE
from analysis.record.snapshots import Snapshots, evenly
from analysis.results.density import Densities
from analysis.results.replica import Measured, ReplicaCurves
from analysis.statistics.intervals import Floats
from analysis.wording import named

CURVES, PICTURES = 1.3, 1.6  # inches: the height of a row
LEAST = 20.0  # times its lower end that a logarithmic axis ends at, so that noise does not fill it


@styled
def replica_card(
    curves: ReplicaCurves, samples: Snapshots | Densities | None = None, title: str = "", columns: int = 2
) -> Figure:
    """One replica's quality on a logarithmic axis, coverage, gradient, share of every mode, and samples, in two halves
    that nothing crosses, so that a narrow page can show them one under the other.

    The tail, which is judged, is shaded. Bars are two standard errors of an evaluation, the dotted line is what fresh
    real samples score, a red line stands where the replica had diverged.

    Raises ValueError without a measurement.
    """
    if not curves.quality or not curves.others:
        raise ValueError("replica_card: expected a replica with measurements, got none")
    drawn: list[Callable[[SubFigure], None]] = [
        partial(_draw_measured, curves=curves, one=one) for one in (*curves.quality, *curves.others)
    ]
    if curves.relative is not None:
        drawn.append(partial(_draw_modes, curves=curves, relative=curves.relative))
    heights = [CURVES] * math.ceil(len(drawn) / 2) + [PICTURES] * (samples is not None)
    figure = new(columns, sum(heights) + 0.2 * bool(title))
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    cells = figure.subfigures(len(heights), 2, squeeze=False, height_ratios=heights)
    for part, draw in zip(cells.ravel(), drawn, strict=False):
        draw(part)
    if samples is not None:
        _draw_pictures(cells[-1], samples)
    return figure


@styled
def typical_curves(examples: Mapping[str, ReplicaCurves], columns: int = 2) -> Figure:
    """One panel for each name and its replica: the share of high-quality samples (precision, where data are no mixture)
    over training, and the share of every mode below.

    Raises ValueError without an example.
    """
    if not examples:
        raise ValueError("typical_curves: expected at least one replica, got none")
    rows = math.ceil(len(examples) / columns)
    figure = new(columns, 1.75 * rows)
    parts = figure.subfigures(rows, columns, squeeze=False).ravel()
    for part, (name, curves) in zip(parts, examples.items(), strict=False):
        part.suptitle(name, x=0.02, ha="left", fontsize=8, fontweight="bold")
        top, bottom = part.subfigures(2, 1, height_ratios=(1.0, 0.62))
        _draw_measured(top, curves, curves.others[0])
        if curves.relative is not None:
            _draw_modes(bottom, curves, curves.relative)
    return figure


def _draw_measured(part: SubFigure, curves: ReplicaCurves, one: Measured) -> None:
    axes = part.subplots()
    axes.set_title(named(one.metric, one.unit), fontsize=7)
    axes.axvspan(_tail(curves), curves.steps[-1], color=FAINT, linewidth=0, zorder=0)
    mark_floor(axes, one.floor)
    bars = np.where(np.isfinite(one.error), 2 * one.error, 0.0)
    axes.errorbar(
        curves.steps, one.values, bars, color=BLUE, ecolor=BLUE, elinewidth=0.7, linewidth=0.9, marker="o", markersize=2
    )
    if curves.diverged is not None:
        axes.axvline(curves.diverged, color=VERMILION, linewidth=0.9)
    _scale(axes, one, curves)
    axes.grid(axis="y")
    _scale_steps(axes, curves)


def _scale(axes: Axes, one: Measured, curves: ReplicaCurves) -> None:
    """The vertical scale: shares from 0 to 1, modes from 0 to all, others logarithmic where they are positive."""
    seen = np.r_[one.values, one.floor]
    seen = seen[np.isfinite(seen)]
    if RANGES.get(one.metric) == SHARE:
        axes.set_ylim(-0.03, 1.03)
        percent_ticks(axes.yaxis)
    elif one.metric == "modes":
        top = seen.max() if curves.relative is None else curves.relative.shape[1]
        axes.set_ylim(-0.03 * top, 1.03 * top)
        scale_axis(axes, "y", seen, log=False)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
        axes.set_title(f"modes captured, of {top:.0f}", fontsize=7)
    elif (seen > 0).all():
        scale_axis(axes, "y", seen, log=True)
        room = max(1.4, math.sqrt(LEAST * seen.min() / seen.max()))
        axes.set_ylim(seen.min() / room, seen.max() * room)
    else:
        scale_signed(axes, "y", seen)


def _scale_steps(axes: Axes, curves: ReplicaCurves) -> None:
    axes.set_xlim(0, 1.015 * curves.steps[-1])  # the last evaluation, which is judged, is drawn whole
    scale_axis(axes, "x", [], log=False)


def _edges(curves: ReplicaCurves) -> Floats:
    """Where each evaluation's share of training begins and ends (T + 1,): halfway to its neighbours."""
    steps = curves.steps.astype(np.float64)
    between = (steps[1:] + steps[:-1]) / 2
    edges: Floats = np.concatenate([[0.0], between, steps[-1:]])
    return edges


def _tail(curves: ReplicaCurves) -> float:
    """The step at which the tail begins."""
    return float(_edges(curves)[:-1][curves.tail][0])


def _draw_modes(part: SubFigure, curves: ReplicaCurves, relative: Floats) -> None:
    axes, modes = part.subplots(), relative.shape[1]
    cells = axes.pcolormesh(
        _edges(curves), np.arange(modes + 1) + 0.5, relative.T, cmap="Greys", vmin=0, vmax=3, rasterized=True
    )
    axes.invert_yaxis()
    axes.set_yticks([])
    _scale_steps(axes, curves)
    axes.axvline(_tail(curves), color=BLUE, linewidth=0.8)
    axes.set_ylabel("modes", fontsize=7)
    bar = part.colorbar(cells, ax=axes, aspect=7, pad=0.01, ticks=[0, 1, 2, 3])
    bar.ax.set_yticklabels(["0", "1 ×", "2 ×", "≥ 3 ×"])
    bar.outline.set_visible(False)


def _draw_pictures(halves: Sequence[SubFigure], samples: Snapshots | Densities) -> None:
    """Pictures of at most four steps, two in each half."""
    panels = [axes for half in halves for axes in half.subplots(1, 2)]
    for axes in panels:
        axes.set_axis_off()
    for axes, place in zip(panels, evenly(samples.steps, len(panels)), strict=False):
        if isinstance(samples, Densities):
            draw_densities(axes, samples, place, BLUE)
        else:
            draw_samples(axes, samples, place)
