"""Densities in one dimension over training: the data's as a grey area, the generator's as a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.colours import MUTED, RULE
from analysis.figures.axes import scale_axis
from analysis.figures.style import Palette, legend_above, new, shortened, styled
from analysis.record.snapshots import evenly
from analysis.results.density import Densities
from analysis.wording import percent, whole


@styled
def density_pictures(rows: Sequence[Densities], palette: Palette, columns: int = 2, most: int = 4) -> Figure:
    """One row per arm, one column per step; the true density fixes the vertical scale. Raises ValueError without a
    row."""
    if not rows:
        raise ValueError("density_pictures: expected at least one row, got none")
    across = max(min(most if columns > 1 else 2, len(row.steps)) for row in rows)
    figure = new(columns, 0.55 + 1.05 * len(rows))
    panels = figure.subplots(len(rows), across, squeeze=False, sharex=True)
    for line, row, name in zip(panels, rows, shortened([row.arm for row in rows], 18), strict=True):
        for axes in line:
            axes.set_axis_off()
        for axes, place in zip(line, evenly(row.steps, across), strict=False):
            draw_densities(axes, row, place, palette[row.arm].colour)
        line[0].set_ylabel(name, fontsize=7)
    handles, labels = panels[0][0].get_legend_handles_labels()
    if len(rows) == 1:
        legend_above(figure, panels[0][0])
    else:
        figure.legend(handles[:1], labels[:1], loc="outside upper left")
    return figure


def draw_densities(axes: Axes, row: Densities, place: int, colour: str) -> None:
    """The densities of one step under its number; the vertical scale is the same at all steps."""
    top = 1.6 * np.nanmax(row.truth if np.isfinite(row.truth).any() else row.generated, initial=0.0) or 1.0
    axes.set_axis_on()
    axes.fill_between(row.x, row.truth, color=RULE, linewidth=0, label="data")
    axes.plot(row.x, row.generated[place], color=colour, linewidth=1.1, label="generator")
    axes.set(ylim=(0, top), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_title(f"step {whole(row.steps[place])}", fontsize=7, color=MUTED, pad=2, loc="center")
    scale_axis(axes, "x", row.x, log=False)
    if row.outside[place] > 0:
        words = f"{percent(row.outside[place])} outside"
        axes.text(0.98, 0.9, words, transform=axes.transAxes, ha="right")
