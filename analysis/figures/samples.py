"""Samples over time, one row per arm and one column per step, to show collapse, mode hopping and loss of modes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from analysis.colours import BLUE, INK, MUTED, RULE
from analysis.figures.marks import keep_colours
from analysis.figures.style import COLUMN, PAGE, new, shortened, styled
from analysis.pictures.view import WITHIN, View, view_around, view_of
from analysis.record.snapshots import Snapshots, evenly
from analysis.results.learning import ModeShares
from analysis.wording import whole

SHOWN = 900  # points in a panel
SIDE = 5  # images along a panel's side


@styled
def samples_over_time(rows: Sequence[Snapshots], columns: int = 2, most: int = 6) -> Figure:
    """Points of the plane over the true modes (circles of three standard deviations) or real ones, or grids of images.

    Raises ValueError without a row, or with samples that are neither.
    """
    if not rows:
        raise ValueError("samples_over_time: expected at least one row, got none")
    for row in rows:
        if row.kind not in ("plane", "images"):
            raise ValueError(f"samples_over_time: expected points of the plane or images, got {row.samples.shape[2:]}")
    across = max(min(most if columns > 1 else 3, len(row.steps)) for row in rows)
    width = PAGE if columns > 1 else COLUMN
    side = min(1.5, (width - 0.3) / max(across, 3))
    figure = new(columns, (side + 0.16) * len(rows) + 0.1)
    panels = figure.subplots(len(rows), across, squeeze=False)
    for line, row, name in zip(panels, rows, shortened([row.arm for row in rows], 22), strict=True):
        places = evenly(row.steps, across)
        for axes in line:
            axes.set_axis_off()
        for axes, place in zip(line, places, strict=False):
            draw_samples(axes, row, place)
        line[0].text(
            -0.06,
            0.5,
            name,
            rotation=90,
            ha="right",
            va="center",
            transform=line[0].transAxes,
        )
    return figure


def draw_samples(axes: Axes, row: Snapshots, place: int) -> None:
    """The samples of one step, points of the plane or images, under the step's number."""
    axes.set_axis_on()
    axes.set_title(f"step {whole(row.steps[place])}", fontsize=7, color=MUTED, pad=2, loc="center")
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set(visible=True, color=RULE, linewidth=0.6)
    keep_colours(axes.patch)
    if row.kind == "images":
        axes.imshow(tiles(row.samples[place]), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        return
    points = row.samples[place][:SHOWN]
    points = points[np.isfinite(points).all(axis=1)]
    square = view(row)
    x, y, half = square.x, square.y, square.half
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
    if row.means is not None and row.stds is not None:
        for mean, std in zip(row.means, row.stds, strict=True):
            circle = Circle(tuple(mean), max(WITHIN * std, 0.035 * half), fill=False, color=MUTED, linewidth=0.5)
            keep_colours(axes.add_patch(circle))
    axes.scatter(points[:, 0], points[:, 1], s=1.1, color=BLUE, alpha=0.55, linewidths=0, rasterized=True)
    if row.real is not None:
        real = row.real[:SHOWN]
        axes.scatter(real[:, 0], real[:, 1], s=1.1, color=RULE, linewidths=0, rasterized=True, zorder=0)
    beyond = len(row.samples[place][:SHOWN]) - int((np.abs(points - (x, y)) <= half).all(axis=1).sum())
    if beyond:
        words = f"{beyond} outside"
        outside = axes.text(0.97, 0.03, words, transform=axes.transAxes, ha="right", color=INK)
        keep_colours(outside)


def view(row: Snapshots) -> View:
    """The square that all steps of a row are shown in."""
    if row.means is not None and row.stds is not None:
        return view_of(row.means, row.stds)
    return view_around(row.samples[-1] if row.real is None else row.real)


def tiles(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first images (n, channels, h, w) in [-1, 1] as one square picture in [0, 1], (H, W) or (H, W, 3)."""
    side = min(SIDE, math.isqrt(len(images)))
    chosen = np.clip(np.nan_to_num(images[: side * side]) / 2 + 0.5, 0, 1)
    framed = np.pad(chosen, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    _, channels, height, width = framed.shape
    grid = framed.reshape(side, side, channels, height, width).transpose(0, 3, 1, 4, 2)
    picture: NDArray[np.float64] = grid.reshape(side * height, side * width, channels)[:-1, :-1]
    return picture[..., 0] if channels == 1 else picture


@styled
def mode_shares(rows: Sequence[ModeShares], columns: int = 2) -> Figure:
    """The share of samples in every mode over training, over the share that it should have: one row per arm, one panel
    per replica, one line of cells per mode.

    A generator that covers has even grey lines, one that collapses a single dark line, one that hops a line that breaks
    off where another begins. Raises ValueError without a row.
    """
    if not rows:
        raise ValueError("mode_shares: expected at least one row, got none")
    across = min(max(len(row.seeds) for row in rows), 4 if columns > 1 else 2)
    figure = new(columns, 0.45 + (0.72 if columns > 1 else 0.6) * len(rows))
    panels = figure.subplots(len(rows), across, squeeze=False, sharey="row")
    shown = None
    for line, row, name in zip(panels, rows, shortened([row.arm for row in rows], 16), strict=True):
        modes = row.relative.shape[2]
        for axes in line[len(row.seeds) :]:
            axes.set_axis_off()
        for axes, seed, relative in zip(line, row.seeds, row.relative, strict=False):
            shown = axes.imshow(
                relative.T, cmap="Greys", vmin=0, vmax=3, aspect="auto", interpolation="nearest",
                extent=(0.5, len(row.steps) + 0.5, modes + 0.5, 0.5),
            )  # fmt: skip
            axes.set_title(f"seed {seed}", fontsize=7, color=MUTED, pad=2, loc="center")
            axes.set_xticks([1, len(row.steps)], [whole(row.steps[0]), whole(row.steps[-1])])
        line[0].set_yticks([1, modes], ["0", str(modes - 1)])  # all panels of a row share the axis
        line[0].set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")
    figure.supxlabel("generator updates", fontsize=7)
    if shown is not None:
        bar = figure.colorbar(
            shown, ax=panels, shrink=min(1.0, 1.6 / len(rows)), aspect=14, pad=0.015, ticks=[0, 1, 2, 3]
        )
        bar.ax.set_yticklabels(["0", "1 ×", "2 ×", "≥ 3 ×"])
        bar.set_label("samples of its share", fontsize=7)
        bar.outline.set_visible(False)
    return figure
