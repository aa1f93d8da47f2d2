"""Figures inside the page: matplotlib's SVG as part of it, so that marks tell their values where a pointer rests.

The marks lie over the drawing as elements of their own, each with its words as its title, which a browser shows without
any script. What is an arm's bears the arm's number, by which the page's script switches it off.

On a narrow page a figure must not be scaled down, as its text is small already. One with several columns of panels is
cut between them, and the columns wrap; any other is drawn a second time, a column of print wide.

Colours follow the page's (`analysis.report.dark`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from analysis.figures.marks import KEPT, PART, POINTS, Spot, spots
from analysis.figures.style import panels
from analysis.report.dark import followed
from analysis.report.page import ENLARGED, Html, tag

MOST = 2000  # marks in a figure
EDGE = 5  # points above or below all panels in which no text stands
WIDEST = 250  # points of a column, whose text is then 10 pixels high on a page of 390
NEAR = 5  # points from a mark at which it is pointed at
UNSEEN = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
EMBEDDED = re.compile(r'(?<=base64,)[^"]*')
ARM = re.compile(rf'<g id="{PART}(\d+)-\d+"')
COLOURED = re.compile(rf'<g id="{KEPT}\d+"')
GROUP = re.compile(r'<g id="[^"]*"')
Window = tuple[float, float, float, float]  # x, y, width and height in points, from the left upper corner


class Columns(NamedTuple):
    """Where the columns of a figure's panels end, and where the panels begin and end from above, all in points from its
    left upper corner."""

    ends: list[float]
    top: float
    bottom: float


def drawing(
    svg: bytes, figure: Figure, name: str, alternative: str, cut: Columns | None = None, narrow: bool = False
) -> Html:
    """A figure that was written as `svg`, with its marks, as an element of the page.

    Args:
        svg: by matplotlib, text as outlines.
        figure: the same, laid out.
        name: begins the ids in it, of which a page has each once.
        alternative: describes it.
        cut: where it is cut on a narrow page, if it is.
        narrow: whether it is for such a page alone.
    """
    arms, seen = list(getattr(figure, "arms", ())), spots(figure, MOST)
    whole, copy = tag("g", _inside(svg, name), id=f"{name}-all"), tag("use", href=f"#{name}-all")
    width, height = (float(POINTS * size) for size in figure.get_size_inches())
    said = {"role": "img", "aria-label": alternative}
    if cut is None:
        return _view((0, 0, width, height), whole, seen, arms, **said, **({"class_": "narrow"} if narrow else {}))
    ends, top, bottom = cut
    parts = [
        _view((left, top, right - left, bottom - top), copy if left else whole, seen, arms)
        for left, right in zip([0.0, *ends[:-1]], ends, strict=True)
    ]
    above, below = (
        _view(window, copy, class_=where, preserveAspectRatio=f"{side} slice") if window[3] > 0 else ""
        for window, where, side in (
            ((0.0, 0.0, width, top), "above", "xMinYMid"),
            ((0.0, bottom, width, height - bottom), "below", "xMidYMid"),
        )
    )
    within = tag("div", *parts, class_="panels")
    return tag("div", above, within, below, class_="cut", style=_size(width, height), **said)


def columns(figure: Figure) -> Columns | None:
    """The columns of a drawn figure's panels; None where there is one, or one that is wider than `WIDEST`."""
    boxes = panels(figure)
    ends: list[float] = []
    for box in sorted(boxes, key=lambda box: box.left):
        if ends and box.left < ends[-1]:
            ends[-1] = max(ends[-1], box.right)
        else:
            ends[-1:] = [(end + box.left) / 2 for end in ends[-1:]]  # amid the gap: lines reach beyond what they bound
            ends.append(box.right)
    if len(ends) < 2:
        return None
    ends[-1] = float(POINTS * figure.get_figwidth())
    if max(right - left for left, right in zip([0.0, *ends[:-1]], ends, strict=True)) > WIDEST:
        return None
    height = float(POINTS * figure.get_figheight())
    top, bottom = min(box.top for box in boxes), max(box.bottom for box in boxes)
    return Columns(ends, top if top > EDGE else 0.0, bottom if bottom < height - EDGE else height)


def switches(arms: Sequence[str]) -> Html:
    """A button for each arm of a figure, in the order of their numbers, which the page's script makes work."""
    buttons = [
        tag("button", name, type="button", disabled="", **{"aria-pressed": "true", "data-arm": str(place)})
        for place, name in enumerate(arms)
    ]
    return tag("div", *buttons, class_="switches", role="group", **{"aria-label": "arms shown"})


def _inside(svg: bytes, name: str) -> Html:
    """What an SVG draws, its ids beginning with `name`."""
    markup = svg.decode()
    start = markup.find(">", markup.find("<svg")) + 1
    inside = UNSEEN.sub("", markup[start : max(start, markup.rfind("</svg>"))])
    inside = EMBEDDED.sub(lambda found: re.sub(r"\s", "", found[0]), inside)
    inside = COLOURED.sub('<g class="drawn"', ARM.sub(r'<g data-arm="\1"', followed(inside)))
    inside = GROUP.sub("<g", inside)
    inside = inside.replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
    inside = inside.replace('xlink:href="#', f'href="#{name}-').replace("xlink:href=", "href=")
    return Html(re.sub(r"> <", "><", re.sub(r"\s+", " ", inside)))  # text is outlines there, and no comment is left


def _view(
    window: Window, drawn: Html, seen: Sequence[Spot] = (), arms: Sequence[str] = (), /, **attributes: str
) -> Html:
    """What of a figure, and of its marks, lies in a window."""
    x, _, width, height = window
    over = [_mark(one, arms) for one in seen if x <= one.x + one.width / 2 < x + width]
    size = _size(width, height)
    box = " ".join(f"{one:.2f}" for one in window)
    marks = tag("g", *over, class_="marks") if over else ""
    return tag("svg", drawn, marks, viewBox=box, style=size, **attributes)


def _size(width: float, height: float) -> str:
    """What the style sheet knows of a drawing's size, given in points: as it is on a wide page."""
    inches = (ENLARGED * one / POINTS for one in (width, height))
    return "--width:{:.3f}in;--height:{:.3f}in;".format(*inches) + f"--ratio:{width / height:.3f}"


def _mark(spot: Spot, arms: Sequence[str]) -> Html:
    owner = {"data-arm": str(arms.index(spot.arm))} if spot.arm in arms else {}
    words = tag("title", spot.words)
    if spot.width:
        size = {"width": f"{spot.width:.1f}", "height": f"{spot.height:.1f}"}
        return tag("rect", words, x=f"{spot.x:.1f}", y=f"{spot.y:.1f}", **size, **owner)
    return tag("circle", words, cx=f"{spot.x:.1f}", cy=f"{spot.y:.1f}", r=str(NEAR), **owner)
