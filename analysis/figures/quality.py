"""Final quality: every replica as a point, above them the median and the interquartile mean with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.colours import INK, MUTED
from analysis.figures.axes import scale_metric
from analysis.figures.marks import mark
from analysis.figures.parts import crowd, spread, whisker
from analysis.figures.style import ArmStyle, Palette, new, shortened, styled
from analysis.results.compare import ArmQuality
from analysis.wording import counted, named, number, spoken


@styled
def quality_strips(results: Sequence[ArmQuality], palette: Palette, columns: int = 1) -> Figure:
    """One row per arm: its replicas, the median with its interval (line), the interquartile mean's interval (bar).

    Replicas that diverged, or whose score is infinite or could not be measured, cannot be drawn on the axis and are
    counted at its edge; an interval with an infinite end has an arrow there.

    Raises ValueError without an arm.
    """
    if not results:
        raise ValueError("quality_strips: expected at least one arm, got none")
    figure = new(columns, 0.6 + 0.36 * len(results))
    axes = figure.subplots()
    floor = results[0].floor
    seen = np.concatenate([*(result.values for result in results), [floor]])
    scale_metric(axes, seen, results[0].metric)
    for row, result in enumerate(results):
        _row(axes, row, result, palette[result.arm])
    if np.isfinite(floor):
        axes.axvline(floor, color=MUTED, linewidth=0.9, linestyle=(0, (1, 1)))
        axes.annotate(
            "real data", (floor, 1), xycoords=("data", "axes fraction"), xytext=(2, 1), textcoords="offset points",
            color=MUTED,
        )  # fmt: skip
    axes.set_yticks(range(len(results)), shortened([result.arm for result in results], 22 * columns))
    axes.set_ylim(len(results) - 0.5, -0.55)
    axes.grid(axis="x")
    axes.set_xlabel(named(results[0].metric))
    return figure


def _row(axes: Axes, row: int, result: ArmQuality, look: ArmStyle) -> None:
    finite = np.isfinite(result.values)
    values = result.values[finite]
    if len(values):
        places = row + 0.13 + 0.2 * spread(len(values))
        crowd(axes, values, places, look)
        whose = [replica for replica, seen in zip(result.whose, finite, strict=True) if seen]
        said = [f"{result.arm}: {number(score)}\n{who}" for score, who in zip(values, whose, strict=True)]
        mark(axes, values, places, said, result.arm)
    middle = result.median
    box = [end for end in (result.iqm.low, result.iqm.high) if np.isfinite(end)]
    if len(box) == 2:
        axes.barh(row - 0.2, box[1] - box[0], left=box[0], height=0.17, color=look.colour, alpha=0.28, linewidth=0)
    whisker(axes, middle, row - 0.2, INK)
    if np.isfinite(middle.estimate):
        said = [f"{result.arm}, {counted(result.n, 'replica')}\nmedian {spoken(middle)}\nIQM {spoken(result.iqm)}"]
        mark(axes, [middle.estimate], [row - 0.2], said, result.arm)
        axes.plot(
            middle.estimate, row - 0.2, marker=look.marker, color=look.colour, markeredgecolor=INK, markersize=4.5
        )
    counts = {"diverged": result.diverged, "overflowed": result.overflowed, "not measured": result.unmeasured}
    if any(counts.values()):
        note = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        axes.annotate(
            note, (1, row + 0.12), xycoords=("axes fraction", "data"), ha="right", va="center", color=INK,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
