"""Sensitivity of the arms: importance of each nuisance hyperparameter, and partial dependence on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.colours import MUTED
from analysis.figures.axes import percent_ticks, scale_axis
from analysis.figures.style import Palette, legend_above, new, shade, shortened, styled
from analysis.results.sensitivity import Dependence, Sensitivity

RESPONSES = {"stability": "replicas that do not diverge", "quality": "rank in its arm (1 best)"}


@styled
def importances(results: Sequence[Sensitivity], palette: Palette, columns: int = 1) -> Figure:
    """A point with its interval for each hyperparameter and arm, of one response; arms with a note are left out.

    Raises ValueError where no arm has an importance, or results mix responses.
    """
    results = _of_one_response(results, "importances")
    names = _hyperparameters(results)
    step = 0.12 + 0.11 * len(results)
    figure = new(columns, 0.6 + step * len(names), [result.arm for result in results])
    axes = figure.subplots()
    for place, result in enumerate(results):
        look = palette[result.arm]
        shift = 0.62 * ((place + 0.5) / len(results) - 0.5)
        for one in result.importances:
            row, span = names.index(one.hyperparameter) + shift, one.interval
            axes.plot([span.low, span.high], [row, row], color=look.colour, linewidth=0.9)
            axes.plot(span.estimate, row, marker=look.marker, color=look.colour, linestyle="none", markersize=4)
        axes.plot([], [], marker=look.marker, color=look.colour, label=result.arm)
    axes.axvline(0, color=MUTED, linewidth=0.7)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.set_xlabel("share of variance lost by shuffling")
    axes.set_title(RESPONSES.get(results[0].response, results[0].response))
    legend_above(figure, axes)
    return figure


@styled
def dependence(results: Sequence[Sensitivity], palette: Palette, columns: int = 2) -> Figure:
    """Partial dependence of one response on every hyperparameter: one panel each, one line per arm.

    Raises ValueError where no arm has a dependence, or results mix responses.
    """
    results = _of_one_response(results, "dependence")
    names = _hyperparameters(results)
    across = min(len(names), 3 if columns > 1 else 1)
    figure = new(columns, 0.1 + 1.6 * math.ceil(len(names) / across), [result.arm for result in results])
    panels = figure.subplots(math.ceil(len(names) / across), across, squeeze=False, sharey=True).ravel()
    for panel, name in zip(panels, names, strict=False):
        found = {r.arm: one for r in results for one in r.dependence if one.hyperparameter == name}
        _panel(panel, found, palette)
        panel.set_xlabel(name)
        panel.grid(axis="y")
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    for panel in panels[::across]:
        if results[0].response == "stability":
            percent_ticks(panel.yaxis)
    figure.supylabel(RESPONSES.get(results[0].response, results[0].response), fontsize=7.5)
    legend_above(figure, panels[0])
    return figure


def _panel(axes: Axes, found: Mapping[str, Dependence], palette: Palette) -> None:
    """One hyperparameter's lines, categories at their places in order of first appearance."""
    scales = {one.scale for one in found.values()}
    categories = list(dict.fromkeys(str(value) for one in found.values() for value in one.values))
    if "categorical" in scales:
        axes.set_xticks(range(len(categories)), shortened(categories, 12))
    else:
        scale_axis(axes, "x", np.concatenate([one.band.x for one in found.values()]), log="log" in scales)
        if "log" not in scales:
            axes.xaxis.set_major_locator(MaxNLocator(4))
    for arm, one in found.items():
        look, band, marker = palette[arm], one.band, ""
        x = band.x
        if "categorical" in scales:
            x, marker = (
                np.array([categories.index(str(value)) for value in one.values], np.float64),
                palette[arm].marker,
            )
        axes.fill_between(x, band.low, band.high, color=look.colour, alpha=shade(len(found)), linewidth=0)
        axes.plot(x, band.estimate, color=look.colour, linestyle=look.dash, marker=marker, label=arm)


def _of_one_response(results: Sequence[Sensitivity], figure: str) -> list[Sensitivity]:
    usable = [result for result in results if not result.note and result.importances]
    if not usable:
        raise ValueError(f"{figure}: expected an arm with importances, got none")
    responses = {result.response for result in usable}
    if len(responses) > 1:
        raise ValueError(f"{figure}: expected results of one response, got {', '.join(sorted(responses))}")
    return usable


def _hyperparameters(results: Sequence[Sensitivity]) -> list[str]:
    return list(dict.fromkeys(one.hyperparameter for result in results for one in result.importances))
