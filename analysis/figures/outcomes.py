"""Outcome bars: how the replicas of each arm ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.colours import INK
from analysis.figures.axes import percent_ticks
from analysis.figures.marks import few, mark_bar
from analysis.figures.style import OUTCOME_LOOKS, new, shortened, styled
from analysis.results.compare import ArmOutcomes
from analysis.wording import counted, percent, spoken_share


@styled
def outcome_bars(outcomes: Sequence[ArmOutcomes], columns: int = 1) -> Figure:
    """One bar per arm, split by outcome; the line below is the interval of the share that converged.

    Raises ValueError without an arm.
    """
    if not outcomes:
        raise ValueError("outcome_bars: expected at least one arm, got none")
    figure = new(columns, 0.7 + 0.29 * len(outcomes))
    axes = figure.subplots()
    for row, arm in enumerate(outcomes):
        _bar(axes, row, arm, columns)
    axes.set_yticks(range(len(outcomes)), shortened([arm.arm for arm in outcomes], 22 * columns))
    axes.set_ylim(len(outcomes) - 0.45, -0.55)
    axes.set_xlim(0, 1)
    percent_ticks(axes.xaxis)
    axes.set_xlabel("share of replicas")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    seen = [name for name in OUTCOME_LOOKS if any(arm.probabilities[name].estimate > 0 for arm in outcomes)]
    handles = [
        Patch(facecolor=OUTCOME_LOOKS[n][0], hatch=OUTCOME_LOOKS[n][1], edgecolor="white", label=n) for n in seen
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3 * columns, handlelength=1.4)
    return figure


def _bar(axes: Axes, row: int, arm: ArmOutcomes, columns: int) -> None:
    start = 0.0
    for name, (colour, hatch) in OUTCOME_LOOKS.items():
        share = arm.probabilities[name].estimate
        if not share > 0:
            continue
        mark_bar(axes, start, share, row - 0.1, _said(arm, name), arm.arm)
        axes.barh(row - 0.1, share, left=start, height=0.6, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5)
        if share >= 0.13 / columns:
            box = {"facecolor": "white", "alpha": 0.86, "edgecolor": "none", "boxstyle": "round,pad=0.14"}
            where = (start + share / 2 if name != "converged" else start + 0.012, row - 0.1)
            side = "center" if name != "converged" else "left"
            axes.text(*where, percent(share), ha=side, va="center", color=INK, bbox=box)
        start += share
    good = arm.probabilities["converged"]
    if good.high > good.low:
        around = [[good.estimate - good.low], [good.high - good.estimate]]
        look: Any = {"color": INK, "capsize": 1.6, "linewidth": 0.8, "markersize": 4}
        axes.errorbar(good.estimate, row + 0.33, xerr=around, fmt="|", **look)


def _said(arm: ArmOutcomes, outcome: str) -> str:
    """What is known of one outcome of an arm, and which replicas had it."""
    share = f"{spoken_share(arm.probabilities[outcome])} of {counted(arm.n, 'replica')}"
    return "\n".join([f"{arm.arm}, {outcome}: {share}", *few(arm.whose.get(outcome, ()))])
