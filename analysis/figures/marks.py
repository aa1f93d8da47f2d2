"""Marks: what a figure says where a pointer rests on it, and which of its parts are an arm's, for a page that shows it;
and which keep their colours there.

In print they are nothing: a figure's files look the same with them and without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

POINTS = 72.0  # to an inch, the unit of an SVG by matplotlib
PART = "arm-"  # begins the ids of parts in an SVG: `arm-0-3`, the first arm's fourth part
KEPT = "coloured-"  # begins the ids of parts that keep their colours
NAMED = 8  # replicas named at one place


@dataclass(frozen=True)
class Mark:
    """A place in a figure and what is known there, one fact a line; `x` and `y` in the units of the axes.

    `across` is the length of a bar about this place, as high as 1, in the same units; 0 for a point. `arm` is "" for
    what is no arm's.
    """

    axes: Axes
    x: float
    y: float
    words: str
    arm: str
    across: float = 0.0


class Spot(NamedTuple):
    """A mark in points from the left upper corner of its figure: a point, or the left upper corner of a bar."""

    x: float
    y: float
    width: float
    height: float
    words: str
    arm: str


class Marked(Figure):
    """A figure with marks, and the arms that have parts in it, in order of their first part."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.marks: list[Mark] = []
        self.arms: dict[str, int] = {}  # with the number of their parts
        self.coloured = 0  # parts that keep their colours


def mark(axes: Axes, x: ArrayLike, y: ArrayLike, words: Sequence[str], arm: str = "") -> None:
    """Say `words` (n,) where a pointer rests near the points `x` (n,), `y` (n,); those that are not finite are none."""
    figure = axes.get_figure(root=True)
    if isinstance(figure, Marked):
        places = zip(np.asarray(x, np.float64).tolist(), np.asarray(y, np.float64).tolist(), words, strict=True)
        figure.marks += [Mark(axes, a, b, said, arm) for a, b, said in places if np.isfinite([a, b]).all()]


def mark_bar(axes: Axes, left: float, across: float, y: float, words: str, arm: str = "") -> None:
    """Say `words` where a pointer rests on a bar."""
    figure = axes.get_figure(root=True)
    if isinstance(figure, Marked):
        figure.marks.append(Mark(axes, left + across / 2, y, words, arm, across))


def few(replicas: Sequence[str]) -> list[str]:
    """The first `NAMED` of some replicas, and how many more there are, a line each."""
    more = len(replicas) - NAMED
    return [*replicas[:NAMED], *([f"and {more} more"] if more > 0 else [])]


def belong(arm: str, *parts: Artist) -> None:
    """Say of parts of a figure that they are an arm's, so that a page can switch the arm off."""
    for part in parts:
        figure = part.get_figure(root=True)
        if isinstance(figure, Marked):
            count = figure.arms.setdefault(arm, 0)
            part.set_gid(f"{PART}{list(figure.arms).index(arm)}-{count}")
            figure.arms[arm] += 1


def keep_colours(*parts: Artist) -> None:
    """Say of parts of a figure that they keep their colours on a page of any, as what stands on pixels has to."""
    for part in parts:
        figure = part.get_figure(root=True)
        if isinstance(figure, Marked):
            part.set_gid(f"{KEPT}{figure.coloured}")
            figure.coloured += 1


def spots(figure: Figure, most: int) -> list[Spot]:
    """Where the marks of a drawn figure lie, at most `most`, evenly thinned; those beyond its axes are none."""
    if not isinstance(figure, Marked):
        return []
    found, scale = [], POINTS / figure.dpi
    top = figure.get_figheight() * POINTS
    for one in figure.marks[:: max(1, -(-len(figure.marks) // most))]:
        half = one.across / 2
        (left, low), (right, high) = (
            scale * one.axes.transData.transform((one.x + sign * half, one.y + sign * 0.5 * (half > 0)))
            for sign in (-1, 1)
        )
        frame = one.axes.bbox
        if not (
            scale * frame.x0 - 1 <= (left + right) / 2 <= scale * frame.x1 + 1
            and scale * frame.y0 - 1 <= (low + high) / 2 <= scale * frame.y1 + 1
        ):
            continue
        size = abs(right - left), abs(high - low)
        found.append(Spot(min(left, right), top - max(low, high), *size, one.words, one.arm))
    return found
