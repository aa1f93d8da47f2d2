"""All pairs of arms: the probability that the row's arm does better than the column's."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from analysis.colours import BLUE, INK, MUTED, VERMILION
from analysis.figures.marks import keep_colours
from analysis.figures.style import COLUMN, PAGE, new, shortened, styled
from analysis.results.compare import Comparison
from analysis.wording import percent

MARKED = 14  # arms up to which every cell has its number


@styled
def pairwise_matrix(comparison: Comparison, columns: int = 1) -> Figure:
    """The matrix of probabilities of improvement; bold with a star where Holm's correction leaves the pair told apart.

    Raises ValueError with fewer than two arms.
    """
    arms = list(comparison.planned)
    if len(arms) < 2:
        raise ValueError(f"pairwise_matrix: expected at least two arms, got {len(arms)}")
    chance = comparison.matrix("effect").loc[arms, arms].to_numpy(np.float64)
    p = comparison.matrix("p_holm").loc[arms, arms].to_numpy(np.float64)
    width = PAGE if columns > 1 else COLUMN
    figure = new(columns, min(width, 1.1 + 0.27 * len(arms)) + 0.55)
    axes = figure.subplots()
    colours = LinearSegmentedColormap.from_list("balance", [VERMILION, "#ffffff", BLUE])
    shown = axes.imshow(chance, cmap=colours, vmin=0, vmax=1, aspect="auto")
    if len(arms) <= MARKED:
        for row, column in zip(*np.nonzero(np.isfinite(chance)), strict=True):
            told = p[row, column] <= comparison.alpha
            dark = abs(chance[row, column] - 0.5) > 0.33
            said = axes.text(
                column, row, percent(chance[row, column]).removesuffix("\u00a0%") + ("*" if told else ""), ha="center",
                va="center", fontweight="bold" if told else "normal", color="white" if dark else INK,
            )  # fmt: skip
            keep_colours(said)
    names = shortened(arms, 18 * columns)
    axes.set_xticks(range(len(arms)), names, rotation=38, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(arms)), names)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    bar = figure.colorbar(shown, ax=axes, shrink=0.85, aspect=22, pad=0.02, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["0 %", "50 %", "100 %"])
    bar.set_label("row better than column", color=MUTED, fontsize=7)
    bar.outline.set_visible(False)
    return figure
