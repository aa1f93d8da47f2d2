"""Average ranks over data sets on a line, arms that cannot be told apart joined by bars: Demšar's diagram (2006)."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.colours import INK, MUTED
from analysis.figures.style import new, shortened, styled
from analysis.results.standings import OverDataSets
from analysis.wording import number

ROW = 0.19  # inches, of a name
BAR = 0.09  # inches, between bars
SIDES = (0.36, 0.27)  # share of one column's and of two columns' width on each side of the line, for names
TICKS = 7  # at most, by column


@styled
def average_ranks(result: OverDataSets, columns: int = 1) -> Figure:
    """The average rank of each arm, 1 the best and on the left; a bar joins arms, marked by dots, no two of which the
    corrected tests of pairs tell apart.
    """
    arms, ranks = result.arms, result.test.average_ranks
    below = (len(arms) + 1) // 2  # names on the left
    bars = len(result.groups)
    deep = 0.12 + BAR * bars + ROW * below
    figure = new(columns, 0.42 + deep)
    axes = figure.subplots()
    _line(axes, len(arms), 1 + (len(arms) - 1) // (TICKS * columns))
    for row, group in enumerate(result.groups):
        places = [float(ranks[arms.index(arm)]) for arm in group]
        height = -0.09 - BAR * row
        axes.plot([places[0], places[-1]], [height, height], color=INK, linewidth=2.2, solid_capstyle="round")
        axes.plot(places, [height] * len(places), "o", color=INK, markersize=3.4)
    side = SIDES[columns - 1]
    room = side * (len(arms) - 1) / (1 - 2 * side)
    names = shortened(arms, 12 * columns + 4)
    for place, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        left = place < below
        row = place if left else len(arms) - 1 - place
        height = -0.12 - BAR * bars - ROW * (row + 0.5)
        edge = 1 - 0.06 * room if left else len(arms) + 0.06 * room
        axes.plot([rank, rank, edge], [0, height, height], color=MUTED, linewidth=0.7, zorder=1)
        named = f" {name}  {number(float(rank))} "
        axes.text(edge, height, named, ha="right" if left else "left", va="center")
    axes.set_xlim(1 - room, len(arms) + room)
    axes.set_ylim(-deep, 0.3)
    return figure


def _line(axes: Axes, arms: int, every: int) -> None:
    axes.axis("off")
    axes.plot([1, arms], [0, 0], color=INK, linewidth=0.8)
    for tick in range(1, arms + 1, every):
        axes.plot([tick, tick], [0, 0.05], color=INK, linewidth=0.8)
        axes.text(tick, 0.08, str(tick), ha="center", va="bottom", color=MUTED)
    axes.text((1 + arms) / 2, 0.3, "average rank, 1 the best", ha="center", va="top", color=MUTED)
