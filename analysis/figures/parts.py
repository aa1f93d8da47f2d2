"""Parts that several figures share: layouts of panels, bands, intervals, strips of marks, the floor of real data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from analysis.colours import INK, MUTED, RULE, on_dark
from analysis.figures.marks import belong, mark
from analysis.figures.style import ArmStyle, Palette, shade, shortened
from analysis.statistics.intervals import Band, Floats, Interval

TOGETHER = 6  # arms that share one panel; more get a panel each, with the others in grey
PANEL = 1.15  # inches, the height of a panel of its own
BEHIND = ArmStyle(RULE, "-", "")
FLOOR = "real data (floor)"
MANY = 2000  # points above which they are rasterised in vector files
HEIGHT = 0.3  # inches of a row of strips


class Panel(NamedTuple):
    """Axes, and the arm that they are for; None where they are for all arms."""

    axes: Axes
    arm: str | None

    def look(self, arm: str, palette: Palette) -> ArmStyle:
        """How an arm is drawn here."""
        return palette[arm] if self.arm in (None, arm) else BEHIND

    def shade(self, arm: str, arms: int) -> float:
        """The opacity of an arm's band, of `arms` in all; 0 for arms in the background."""
        if self.arm is None:
            return shade(arms)
        return shade(1) if self.arm == arm else 0.0


def panels_height(arms: int, columns: int, single: float) -> float:
    """Height in inches of the panels of `arms` arms; `single` is that of one panel for all."""
    return single if arms <= TOGETHER else 0.35 + PANEL * math.ceil(arms / _across(arms, columns))


def arm_panels(figure: FigureBase, arms: Sequence[str], columns: int) -> list[Panel]:
    """One panel for all arms, or a grid of one for each, with shared axes and the arm's name above."""
    if len(arms) <= TOGETHER:
        return [Panel(figure.subplots(), None)]
    across = _across(len(arms), columns)
    down = math.ceil(len(arms) / across)
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(arms) :]:
        axes.set_axis_off()
    for place, (axes, name) in enumerate(zip(grid, shortened(arms, 26), strict=False)):
        axes.set_title(name, fontsize=7)
        axes.tick_params(labelbottom=place + across >= len(arms))
    return [Panel(axes, arm) for axes, arm in zip(grid, arms, strict=False)]


def drawing_order(arms: Sequence[str], panel: Panel) -> Iterator[int]:
    """Indices of the arms in drawing order: the panel's own arm last, on top."""
    yield from sorted(range(len(arms)), key=lambda place: arms[place] == panel.arm)


def label_panels(figure: FigureBase, drawn: Sequence[Panel], x: str, y: str) -> None:
    """Label the axes of a single panel, or the whole figure for a grid."""
    if len(drawn) == 1:
        drawn[0].axes.set_xlabel(x)
        drawn[0].axes.set_ylabel(y)
        return
    figure.supxlabel(x, fontsize=7.5)
    figure.supylabel(y, fontsize=7.5)


def _across(arms: int, columns: int) -> int:
    return min(arms, 2 * columns)


def panel_grid(figure: Figure, count: int, across: int, label: str) -> list[Axes]:
    """`count` panels in rows of `across` that share the horizontal axis; the lowest of each column is labelled."""
    grid = figure.subplots(math.ceil(count / across), across, sharex=True, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    for axes in grid[max(0, count - across) : count]:
        axes.set_xlabel(label)
        axes.xaxis.set_tick_params(labelbottom=True)
    return list(grid[:count])


def mark_floor(axes: Axes, floor: float, which: str = "y") -> None:
    """A dotted line across the axis `which` at what fresh real samples score; nothing where that is unknown."""
    if np.isfinite(floor):
        line = axes.axhline if which == "y" else axes.axvline
        line(floor, color=MUTED, linewidth=0.9, linestyle=(0, (1, 1)), label=FLOOR)


def draw_band(
    axes: Axes,
    band: Band,
    look: ArmStyle,
    label: str,
    seen: np.ndarray,
    *,
    offset: int = 0,
    bounded: str = "",
    alpha: float = 0.14,
    said: Sequence[str] = (),
) -> None:
    """A line with its band; `seen` are all values of the axis, `offset` shifts the markers.

    Where an end of the band is infinite the band leaves the picture. `bounded` ("min" or "max", which is better) is
    for bands whose better end is infinite where nothing is known of it: there they end at the line. `said` is what is
    known at each x, for readers of a page; with it the band is the arm's of that label.
    """
    finite = seen[np.isfinite(seen)]
    top, bottom = (finite.max(), finite.min()) if len(finite) else (1.0, 0.0)
    away = (top - bottom) or abs(top) or 1.0
    estimate = np.where(np.isfinite(band.estimate), band.estimate, np.nan)
    low = np.where(np.isneginf(band.low), estimate if bounded == "min" else bottom - away, band.low)
    high = np.where(np.isposinf(band.high), estimate if bounded == "max" else top + 100 * away, band.high)
    if axes.get_yscale() == "log":
        low = np.clip(low, bottom / 100, None)
    drawn: list[Artist] = []
    if alpha:
        drawn.append(axes.fill_between(band.x, low, high, color=look.colour, alpha=alpha, linewidth=0))
    every = max(1, len(band.x) // 6)
    drawn += axes.plot(
        band.x, estimate, color=look.colour, linestyle=look.dash, marker=look.marker,
        markevery=(offset % every, every), label=label,
    )  # fmt: skip
    if said:
        belong(label, *drawn)
        mark(axes, band.x, estimate, said, label)
    if len(finite):
        pad = 0.05 * away
        limits = (bottom / 1.3, top * 1.3) if axes.get_yscale() == "log" else (bottom - pad, top + pad)
        axes.set_ylim(*limits)


def draw_steps(panel: Panel, band: Band, look: ArmStyle, arm: str, arms: int, said: Sequence[str]) -> None:
    """A band of an arm, of `arms` in all, each value of which holds until the next x; `said` as of `draw_band`."""
    axes = panel.axes
    drawn: list[Artist] = []
    if alpha := panel.shade(arm, arms):
        between = axes.fill_between(
            band.x, band.low, band.high, step="post", color=look.colour, alpha=alpha, linewidth=0
        )
        drawn.append(between)
    drawn += axes.step(band.x, band.estimate, where="post", color=look.colour, linestyle=look.dash, label=arm)
    if panel.arm in (None, arm):
        belong(arm, *drawn)
        mark(axes, band.x, band.estimate, said, arm)


def whisker(axes: Axes, interval: Interval, row: float, colour: str) -> None:
    """A line from end to end within the axis' limits; nothing where there is no interval."""
    if np.isnan(interval.low) or np.isnan(interval.high):
        return
    left, right = axes.get_xlim()
    low, high = np.clip([interval.low, interval.high], left, right)
    axes.plot([low, high], [row, row], color=colour, linewidth=0.9, clip_on=False)
    if np.isneginf(interval.low):
        axes.plot(left, row, "<", color=colour, markersize=3, clip_on=False)
    if np.isposinf(interval.high):
        axes.plot(right, row, ">", color=colour, markersize=3, clip_on=False)


def strips(
    axes: Axes, arms: Sequence[str], rows: Mapping[str, tuple[Floats, Interval]], palette: Palette, longest: int
) -> None:
    """Draw the values and the median of every arm in `rows`, arms from the top down; the horizontal axis is scaled
    already, and names are cut to `longest` letters."""
    for row, arm in enumerate(arms):
        if arm not in rows:
            continue
        (values, middle), look = rows[arm], palette[arm]
        seen = values[np.isfinite(values)]
        crowd(axes, seen, row + 0.16 + 0.14 * spread(len(seen)), look)
        whisker(axes, middle, row - 0.2, INK)
        if np.isfinite(middle.estimate):
            axes.plot(
                middle.estimate, row - 0.2, marker=look.marker, color=look.colour, markeredgecolor=INK, markersize=4
            )
    axes.set_yticks(range(len(arms)), shortened(arms, longest))
    axes.set_ylim(len(arms) - 0.5, -0.55)
    axes.grid(axis="x")


def crowd(axes: Axes, x: Floats, y: Floats, look: ArmStyle) -> None:
    """An arm's replicas as points. Many of them become pixels, which do not follow a page's colours, in a colour that
    light and dark paper show."""
    many = len(x) > MANY
    colour = on_dark(look.colour) if many else look.colour
    axes.scatter(x, y, s=5, color=colour, alpha=0.6, linewidths=0, marker=look.marker, rasterized=many)


def spread(count: int) -> np.ndarray:
    """Deterministic offsets (count,) in [-1, 1], consecutive ones far apart (golden ratio sequence)."""
    places: np.ndarray = 2 * np.mod(np.arange(1, count + 1) * 0.6180339887498949, 1) - 1
    return places
