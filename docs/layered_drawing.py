"""A layered drawing of boxes and arrows as SVG: every arrow points down, the same for the same content.

Sugiyama's method (1981): boxes on levels by their longest way down, way points where an arrow passes a level, and
sweeps that order each level by the middle of its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from textwrap import wrap

Edges = Mapping[str, set[str]]

WIDTH, HEIGHT, GAP, RISE = 182, 66, 12, 34  # of a box, and between boxes and between levels, in pixels
PASSAGE = 6  # width of a way point
SWEEPS = 24
LETTERS, LINES = 30, 3  # of a box's description


@dataclass(frozen=True)
class Point:
    """A box, or the place where an arrow passes a level: its middle and its width."""

    x: float
    y: float
    width: float


def levels(edges: Edges) -> list[list[str]]:
    """Names on levels from the top, each below all that point to it and as low as can be; no circles."""
    depth: dict[str, int] = {}

    def below(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((below(target) for target in sorted(edges[name])), default=-1)
        return depth[name]

    height = max(map(below, edges))
    return [sorted(name for name in edges if depth[name] == level) for level in range(height, -1, -1)]


def reduced(edges: Edges) -> dict[str, set[str]]:
    """The arrows that no longer way of arrows says already (the transitive reduction)."""
    reach: dict[str, set[str]] = {}

    def reached(name: str) -> set[str]:
        if name not in reach:
            reach[name] = edges[name].union(*(reached(target) for target in edges[name]))
        return reach[name]

    return {
        name: {one for one in targets if not any(one in reached(other) for other in targets)}
        for name, targets in edges.items()
    }


def panel(edges: Edges, described: Mapping[str, str], x: float, y: float, width: float) -> tuple[list[str], float]:
    """The boxes of `edges` and the arrows between them within `width` pixels from (x, y): SVG, and its height."""
    rows, ways = _routed(levels(edges), reduced(edges))
    places = _placed(_ordered(rows, ways), x, y, width)
    arrows = [_arrow(way, ways, places) for way in ways]
    boxes = [_box(name, described[name], places[name]) for name in edges]
    return [*arrows, *boxes], len(rows) * (HEIGHT + RISE) - RISE


def _routed(rows: Sequence[Sequence[str]], edges: Edges) -> tuple[list[list[str]], list[list[str]]]:
    """Levels with way points in them, and each arrow as the names it runs through."""
    level = {name: place for place, row in enumerate(rows) for name in row}
    full, ways = [list(row) for row in rows], []
    for source in sorted(edges):
        for target in sorted(edges[source]):
            passed = [f"{source}>{target}@{place}" for place in range(level[source] + 1, level[target])]
            for place, name in enumerate(passed, level[source] + 1):
                full[place].append(name)
            ways.append([source, *passed, target])
    return full, ways


def _ordered(rows: list[list[str]], ways: Sequence[Sequence[str]]) -> list[list[str]]:
    """Each level in the order of its neighbours' middles, of those above and those below in turn."""
    near: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for way in ways:
        for one, other in pairwise(way):
            near[one].append(other)
            near[other].append(one)
    best, fewest = rows, _crossings(rows, ways)
    for sweep in range(SWEEPS):
        rows = [list(row) for row in rows]
        down = sweep % 2 == 0
        for place in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            beside = rows[place - 1 if down else place + 1]
            share = {name: (spot + 0.5) / len(beside) for spot, name in enumerate(beside)}
            here = {name: (spot + 0.5) / len(rows[place]) for spot, name in enumerate(rows[place])}
            rows[place].sort(key=lambda name: _middle([share[one] for one in near[name] if one in share], here[name]))
        if (found := _crossings(rows, ways)) < fewest:
            best, fewest = rows, found
    return best


def _middle(shares: Sequence[float], otherwise: float) -> float:
    return sum(shares) / len(shares) if shares else otherwise


def _crossings(rows: Sequence[Sequence[str]], ways: Sequence[Sequence[str]]) -> int:
    spot = {name: place for row in rows for place, name in enumerate(row)}
    level = {name: place for place, row in enumerate(rows) for name in row}
    steps = [(level[one], spot[one], spot[other]) for way in ways for one, other in pairwise(way)]
    return sum(
        first[0] == second[0] and (first[1] - second[1]) * (first[2] - second[2]) < 0
        for place, first in enumerate(steps)
        for second in steps[:place]
    )


def _placed(rows: Sequence[Sequence[str]], x: float, y: float, width: float) -> dict[str, Point]:
    places = {}
    for level, row in enumerate(rows):
        widths = [PASSAGE if ">" in name else WIDTH for name in row]
        free = width - sum(widths)
        gap = min(4 * GAP, free / (len(row) + 1))
        left = x + (width - sum(widths) - gap * (len(row) - 1)) / 2
        for name, wide in zip(row, widths, strict=True):
            places[name] = Point(left + wide / 2, y + level * (HEIGHT + RISE) + HEIGHT / 2, wide)
            left += wide + gap
    return places


def _arrow(way: Sequence[str], ways: Sequence[Sequence[str]], places: Mapping[str, Point]) -> str:
    """A curve from the lower edge of the first box to the upper edge of the last, upright where it meets a level."""
    leaving = sorted((places[other[1]].x, other[1], other[-1]) for other in ways if other[0] == way[0])
    arriving = sorted((places[other[-2]].x, other[-2], other[0]) for other in ways if other[-1] == way[-1])
    first, *passed, last = (places[name] for name in way)
    start = _port(first, leaving.index((places[way[1]].x, way[1], way[-1])), len(leaving))
    end = _port(last, arriving.index((places[way[-2]].x, way[-2], way[0])), len(arriving))
    middle = [(point.x, point.y + side * HEIGHT / 2) for point in passed for side in (-1, 1)]
    corners = [(start, first.y + HEIGHT / 2), *middle, (end, last.y - HEIGHT / 2 - 4)]
    path = f"M{corners[0][0]:.1f} {corners[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(corners):
        bend = (y1 - y0) / 2
        path += f"C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
    return f'<path class="arrow" d="{path}"/>'


def _port(box: Point, place: int, count: int) -> float:
    """Where the arrow `place` of `count` meets a box's edge."""
    return box.x + (place + 0.5 - count / 2) * min(26, box.width / (count + 1))


def fitted(described: str, letters: int, lines: int = 1) -> str:
    """As many whole clauses of a description as there is room for, the first in any case."""
    clauses = re.split(r"(?<=[:;,]) (?![^(]*\))", described)
    texts = [" ".join(clauses[:count]).rstrip(":;,") for count in range(1, len(clauses) + 1)]
    return ([text for text in texts if len(wrap(text, letters)) <= lines] or texts[:1])[-1]


def _box(name: str, described: str, at: Point) -> str:
    lines = wrap(fitted(described, LETTERS, LINES), LETTERS, max_lines=LINES, placeholder=" …")
    left, top = at.x - at.width / 2, at.y - HEIGHT / 2
    words = "".join(
        f'<text class="small" x="{left + 8:.1f}" y="{top + 31 + 13 * place:.1f}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{at.width}" height="{HEIGHT}" rx="5"/>'
        f'<text class="name" x="{left + 8:.1f}" y="{top + 16:.1f}">{escape(name)}</text>{words}'
    )
