"""The style of all figures: sizes in print, fonts, colours, and one style per arm.

Figures are as wide as one column (3.3 in) or two (6.8 in) of a page and are not to be scaled: text is 7 points there.
Colours are Okabe and Ito's (2008), told apart by colour-blind readers; each arm also has a dash and a marker, to
be distinguishable in grey. Fonts are embedded (Type 42 in PDF, outlines in SVG), text is never parsed as mathematics,
and a figure's files depend on its content only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from analysis.colours import BLUE, CYCLE, FAINT, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILION
from analysis.figures import own_style
from analysis.figures.marks import POINTS, Marked
from analysis.figures.vector import UNDATED, drawn, letters_alone

P = ParamSpec("P")
COLUMN, PAGE = 3.3, 6.8  # inches: one column, two
COLOURS = CYCLE
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.4, 1.2, 1.4)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")
OUTCOME_LOOKS: Mapping[str, tuple[str, str]] = {  # colour and hatch; lightness differs too
    "converged": (GREEN, ""),
    "stalled": ("#8a909d", ""),
    "learning": ("#9fd3b8", ""),
    "oscillating": (SKY, "///"),
    "hopping": (BLUE, "---"),
    "collapsed": (ORANGE, ".."),
    "frozen": (PURPLE, "xxx"),
    "diverged": (VERMILION, "\\\\\\"),
    "truncated": ("#e3e4e8", ""),
}
FORMATS = ("pdf", "svg")
RC: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 7.5,
    "axes.titlepad": 4,
    "axes.titley": 1.0,  # not looked for anew, above ticks that no figure has there, whenever it is drawn
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that pictures are the same everywhere
    "font.size": 7,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "image.composite_image": False,
    "legend.borderaxespad": 0.3,
    "legend.columnspacing": 1.2,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.labelspacing": 0.35,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.6,
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "svg.fonttype": "path",
    "svg.hashsalt": "ganstudy",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.minor.size": 1.5,
    "ytick.minor.width": 0.4,
}


@dataclass(frozen=True)
class ArmStyle:
    """How one arm is drawn in every figure; `dash` as matplotlib's `linestyle`."""

    colour: str
    dash: Any
    marker: str


Palette = Mapping[str, ArmStyle]


def palette(arms: Iterable[str]) -> dict[str, ArmStyle]:
    """A style for each arm by its index, so that arms added at the end do not change the others.

    The cycles of colours, dashes and markers have lengths without a common divisor, so that 385 arms differ; with the
    colours of a style of one's own it may be fewer.
    """
    colours = own_style.colours(COLOURS)
    return {
        arm: ArmStyle(colours[k % len(colours)], DASHES[k % len(DASHES)], MARKERS[k % len(MARKERS)])
        for k, arm in enumerate(dict.fromkeys(arms))
    }


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Decorator: draw in this style, whatever matplotlib's present settings."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update({**RC, **own_style.settings()})
            return draw(*args, **kwargs)

    return drawn


class Drawing(Marked):
    """A figure that a notebook shows by itself, as SVG, whatever matplotlib's backend is."""

    def _repr_svg_(self) -> str:
        return rendered(self).decode()


def new(columns: int, height: float, legend: Sequence[str] = ()) -> Figure:
    """An empty figure, one or two columns wide and `height` inches high, with room for a legend of these labels above.

    To be called within a `styled` function. Raises ValueError for another number of columns.
    """
    if columns not in (1, 2):
        raise ValueError(f"columns: expected 1 or 2 of a page, got {columns!r}")
    width = (COLUMN, PAGE)[columns - 1]
    rows = math.ceil(len(legend) / _abreast(legend, width)) if legend else 0
    return Drawing(figsize=(width, height + 0.145 * rows), layout="constrained")


def _abreast(labels: Sequence[str], width: float) -> int:
    """The number of columns of a legend."""
    return max(1, min(len(labels), int(width / (0.5 + 0.056 * max(len(label) for label in labels)))))


def rendered(figure: Figure, kind: str = "svg", dpi: float = RC["savefig.dpi"]) -> bytes:
    """A figure's file, byte for byte the same for the same content.

    `kind` is pdf, svg or png; `dpi` are the pixels per inch of a png, and of what is rasterised in the others.
    """
    buffer = BytesIO()
    with mpl.rc_context({**RC, **own_style.settings()}):
        if kind != "png":
            _lay_out(figure)
        with letters_alone() if kind == "pdf" else nullcontext():
            figure.savefig(buffer, format=kind, dpi=dpi, metadata=UNDATED.get(kind))
    return buffer.getvalue()


def vector_files(figure: Figure) -> tuple[bytes, bytes]:
    """A figure's SVG and PDF, drawn at once: the SVG that `rendered` gives, and letters of the PDF within a tenth of a
    point of where it has them."""
    with mpl.rc_context({**RC, **own_style.settings()}):
        _lay_out(figure)
        return drawn(figure, RC["savefig.dpi"])


class Box(NamedTuple):
    """A part of a figure, in points from its left upper corner."""

    left: float
    top: float
    right: float
    bottom: float


def panels(figure: Figure) -> list[Box]:
    """What each panel of a figure that was written as SVG takes, with its labels."""
    height, dpi = POINTS * figure.get_figheight(), figure.dpi
    with mpl.rc_context({**RC, **own_style.settings()}):  # sizes of ticks that are made now
        figure.dpi = POINTS  # as an SVG has it
        found = [one.get_tightbbox() for one in figure.axes]
        figure.dpi = dpi
    boxes = [box.extents for box in found if box is not None]
    return [Box(*map(float, (left, height - high, right, height - low))) for left, low, right, high in boxes]


def _lay_out(figure: Figure) -> None:
    """Compute the layout as for an SVG, once; `savefig` draws everything once more while a figure has an engine for it,
    though it be one that does nothing, as after `set_layout_engine("none")`."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    FigureCanvasSVG(figure)
    engine.execute(figure)
    figure.set_layout_engine(None)


def save(figure: Figure, folder: str | Path, name: str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a figure as `folder/name.pdf` and `.svg`; the folder is made. Returns the paths."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = [Path(folder) / f"{name}.{kind}" for kind in formats]
    for path, kind in zip(paths, formats, strict=True):
        path.write_bytes(rendered(figure, kind))
    return paths


def legend_above(figure: Figure, axes: Axes) -> None:
    """One legend of these axes over the whole figure, in as many columns as its width holds."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper left", ncols=_abreast(labels, figure.get_figwidth()))


def shade(bands: int) -> float:
    """The opacity of each of so many bands, lower for more of them."""
    return 0.14 if bands <= 4 else max(0.04, 0.56 / bands)


def shortened(names: Sequence[str], longest: int) -> list[str]:
    """Names of at most `longest` letters, ellipses for what is left out: the middle, or, where two names would then be
    the same, what all begin and end with."""
    found = [_short(name, longest) for name in names]
    if len(set(found)) == len(set(names)):
        return found
    begins = _alike(names)
    ends = _alike([name[begins:][::-1] for name in names])
    widest = max(len(name) - begins - ends for name in names)
    begins = max(0, begins - max(0, longest - widest - 2))  # as much before what differs as there is room for
    return [
        _short(f"{'…' * (begins > 0)}{name[begins : len(name) - ends]}{'…' * (ends > 0)}", longest) for name in names
    ]


def _alike(names: Sequence[str]) -> int:
    """With how many same letters all names begin."""
    unlike = (place for place, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1)
    return next(unlike, min(map(len, names)))


def _short(name: str, longest: int) -> str:
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"
