"""Where curves of many arms go: up to six share one panel, more get a panel each, the others grey behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from analysis.figures.style import RULE, ArmStyle, Palette, shade, short

CROWD = 6  # arms that one panel holds
PANEL = 1.15  # inches, the height of a panel of its own
BEHIND = ArmStyle(RULE, "-", "")


class Panel(NamedTuple):
    """Axes, and the arm they are about; None: about all."""

    axes: Axes
    arm: str | None

    def look(self, arm: str, palette: Palette) -> ArmStyle:
        """How an arm is drawn here."""
        return palette[arm] if self.arm in (None, arm) else BEHIND

    def shade(self, arm: str, arms: int) -> float:
        """How opaque an arm's band is here, one of so many; 0 for arms that stand behind."""
        if self.arm is None:
            return shade(arms)
        return shade(1) if self.arm == arm else 0.0


def height(arms: int, columns: int, single: float) -> float:
    """Inches that the panels of so many arms need, `single` being one panel's for all."""
    return single if arms <= CROWD else 0.35 + PANEL * math.ceil(arms / _across(arms, columns))


def panels(figure: FigureBase, arms: Sequence[str], columns: int) -> list[Panel]:
    """One panel for all arms, or a grid of one for each, with shared axes and the arm's name above."""
    if len(arms) <= CROWD:
        return [Panel(figure.subplots(), None)]
    across = _across(len(arms), columns)
    down = math.ceil(len(arms) / across)
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(arms) :]:
        axes.set_axis_off()
    for place, (axes, arm) in enumerate(zip(grid, arms, strict=False)):
        axes.set_title(short(arm, 26), fontsize=6.6)
        axes.tick_params(labelbottom=place + across >= len(arms))
    return [Panel(axes, arm) for axes, arm in zip(grid, arms, strict=False)]


def ordered(arms: Sequence[str], panel: Panel) -> Iterator[int]:
    """The places of the arms in the order in which they are drawn here: what the panel is about comes last."""
    yield from sorted(range(len(arms)), key=lambda place: arms[place] == panel.arm)


def label_outer(figure: FigureBase, drawn: Sequence[Panel], x: str, y: str) -> None:
    """Label the axes: of one panel its own, of a grid the whole's."""
    if len(drawn) == 1:
        drawn[0].axes.set_xlabel(x)
        drawn[0].axes.set_ylabel(y)
        return
    figure.supxlabel(x, fontsize=7.5)
    figure.supylabel(y, fontsize=7.5)


def _across(arms: int, columns: int) -> int:
    return min(arms, 2 * columns)
