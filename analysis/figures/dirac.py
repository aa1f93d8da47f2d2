"""Maps of Dirac-GANs: where gradient descent converged, and where the eigenvalues predict it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.colours import DISTANCES, MUTED
from analysis.figures.marks import keep_colours
from analysis.figures.style import COLUMN, new, shortened, styled
from analysis.results.dirac import ENDS, DiracMap
from analysis.statistics.intervals import Floats
from analysis.wording import number

COLOURS = tuple(DISTANCES.values())  # of `ENDS`
WRONG = "not as predicted"
TALLEST = 7.0  # inches, of all panels
GAP = 0.06  # between arms, of a panel's width
MARK: dict[str, Any] = {"marker": "D", "color": "black", "edgecolors": "white", "linewidths": 0.5}
MOST = 15  # maps in a figure of two columns, 5 in one of one column


@styled
def dirac_maps(maps: Sequence[DiracMap], columns: int = 2) -> Figure:
    """Two panels per arm, over step and gamma: the outcome and the prediction; marks where they differ.

    Raises ValueError without a map, and with more than a page holds.
    """
    most, across = (MOST, 3) if columns > 1 else (MOST // 3, 1)
    if not 0 < len(maps) <= most:
        raise ValueError(f"dirac_maps: expected between 1 and {most} maps, got {len(maps)}")
    across = min(across, len(maps))
    down = math.ceil(len(maps) / across)
    side = min(1.45 if columns == 1 else 6.2 / (2 * max(across, 2)), TALLEST / down)
    figure = new(columns, 0.75 + (side + 0.2) * down)
    panels = figure.subplots(down, 3 * across - 1, squeeze=False, width_ratios=([1, 1, GAP] * across)[:-1])
    for axes in panels.ravel():
        axes.set_axis_off()
    names = shortened([one.arm for one in maps], 99 // across if columns > 1 else 44)
    for place, one in enumerate(maps):
        row, column = place // across, place % across
        _pair(
            panels[row, 3 * column],
            panels[row, 3 * column + 1],
            one,
            first=column == 0,
            last=place + across >= len(maps),
        )
        panels[row, 3 * column].set_title(names[place])
    _legend(figure)
    return figure


def _pair(happened: Axes, predicted: Axes, one: DiracMap, *, first: bool, last: bool) -> None:
    for axes, ends, words in ((happened, one.ends, "happened"), (predicted, one.predicted, "predicted")):
        axes.set_axis_on()
        _panel(axes, one, ends)
        axes.tick_params(labelbottom=last, labelleft=first and axes is happened)
        axes.set_xlabel(f"step\n({words})" if last else "")
    happened.set_ylabel("gamma" if first else "")
    step, gamma = np.nonzero(one.wrong)
    wrong = happened.scatter(_exponents(one.steps)[step], _exponents(one.gammas)[gamma], s=5, **MARK)
    keep_colours(wrong)


def _panel(axes: Axes, one: DiracMap, ends: np.ndarray) -> None:
    steps, gammas = _exponents(one.steps), _exponents(one.gammas)
    extent = (*_edges(steps), *_edges(gammas))
    axes.imshow(
        ends.T, cmap=ListedColormap(COLOURS), vmin=-0.5, vmax=len(ENDS) - 0.5, origin="lower", aspect="auto",
        interpolation="nearest", extent=extent,
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(3, integer=True))
        axis.set_major_formatter(FuncFormatter(lambda power, _: number(10.0**power, 1)))
    for side in axes.spines.values():
        side.set(visible=True, color=MUTED, linewidth=0.5)


def _exponents(places: Floats) -> Floats:
    found: Floats = np.log10(places)
    return found


def _edges(exponents: Floats) -> tuple[float, float]:
    half = (exponents[-1] - exponents[0]) / (2 * (len(exponents) - 1)) if len(exponents) > 1 else 0.5
    return float(exponents[0] - half), float(exponents[-1] + half)


def _legend(figure: Figure) -> None:
    words = ("converged", "nearer than at first", "about as far", "farther, or lost")
    handles: list[Patch | Line2D] = [
        Patch(facecolor=colour, edgecolor=MUTED, linewidth=0.4, label=label)
        for colour, label in zip(COLOURS, words, strict=True)
    ]
    edge: Any = {"markeredgecolor": MARK["edgecolors"], "markeredgewidth": MARK["linewidths"]}
    handles.append(Line2D([], [], linestyle="none", marker="D", color="black", markersize=3.5, label=WRONG, **edge))
    across = 5 if figure.get_figwidth() > COLUMN else 2
    legend = figure.legend(handles=handles, loc="outside upper left", ncols=across, handlelength=1.2)
    keep_colours(*(one for one in legend.legend_handles if one is not None))
