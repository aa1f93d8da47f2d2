"""Critics' estimates and the truth over training, one panel per arm, and their errors at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.colours import INK, MUTED
from analysis.figures.axes import scale_axis, scale_clock, scale_signed
from analysis.figures.parts import HEIGHT, draw_band, panel_grid, strips
from analysis.figures.style import ArmStyle, Palette, legend_above, new, shortened, styled
from analysis.results.critic_bound import GAP, RATIO, ArmCriticBound, BoundCurve
from analysis.wording import CLOCKS

TALLEST = 8.2  # inches, of all panels
TRUE, SAID = "true divergence", "the critic's estimate"


@styled
def bound_curves(curves: Sequence[BoundCurve], palette: Palette, columns: int = 2) -> Figure:
    """One panel per arm, each with its own axis: the truth in black, the critic's estimate in the arm's style.

    Raises ValueError without an arm.
    """
    if not curves:
        raise ValueError("bound_curves: expected at least one arm, got none")
    across = min(len(curves), 2 if columns == 1 else min((3, 2), key=lambda most: -len(curves) % most))
    down = math.ceil(len(curves) / across)
    figure = new(columns, 0.3 + min(1.25, TALLEST / down) * down, [TRUE, SAID])
    panels = panel_grid(figure, len(curves), across, CLOCKS[curves[0].clock])
    names = shortened([curve.arm for curve in curves], 46 * columns // across)
    for panel, curve, name in zip(panels, curves, names, strict=True):
        _panel(panel, curve, palette[curve.arm])
        panel.set_title(name)
    legend_above(figure, panels[0])
    return figure


def _panel(axes: Axes, curve: BoundCurve, look: ArmStyle) -> None:
    bands = (curve.truth, curve.estimate)
    seen = np.concatenate([np.r_[band.low, band.estimate, band.high] for band in bands])
    scale_axis(axes, "y", seen)
    scale_clock(axes, curve.clock)
    draw_band(axes, curve.truth, ArmStyle(INK, "-", ""), TRUE, seen, alpha=0.12)
    draw_band(axes, curve.estimate, look, SAID, seen, alpha=0.2)
    axes.grid(axis="y")


@styled
def bound_errors(results: Sequence[ArmCriticBound], palette: Palette, columns: int = 2) -> Figure:
    """Truth less estimate, and the error of the density ratio that is read from the critic, at the end of training:
    one mark per replica, above them the median with its interval. Raises ValueError without an arm.
    """
    if not results:
        raise ValueError("bound_errors: expected at least one arm, got none")
    arms = [one.arm for one in results]
    known = [name for name in (GAP, RATIO) if any(name in one.medians for one in results)]
    rows = {
        name: {one.arm: (one.values[name], one.medians[name]) for one in results if name in one.medians}
        for name in known
    }
    stacked = columns == 1
    figure = new(columns, (0.65 + HEIGHT * len(arms)) * (len(known) if stacked else 1))
    shape = (len(known), 1) if stacked else (1, len(known))
    panels = figure.subplots(*shape, squeeze=False, sharey=True).ravel()
    for axes, name in zip(panels, known, strict=True):
        ends = [(middle.low, middle.estimate, middle.high) for _, middle in rows[name].values()]
        scale_signed(axes, "x", np.concatenate([*(values for values, _ in rows[name].values()), np.ravel(ends)]))
        axes.axvline(0, color=MUTED, linewidth=0.9)
        strips(axes, arms, rows[name], palette, 22 if stacked else 30)
        words = "truth less the critic's estimate" if name == GAP else "error of the critic's p / (p + q)"
        axes.set_xlabel(f"{words} (0: the best critic)" if not stacked else words)
    return figure
