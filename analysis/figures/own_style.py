"""A style of one's own for all figures: matplotlib's settings from a file, as an .mplstyle, and its cycle of colours.

What a figure sets itself, as the colour of an outcome or the sizes of a page's columns, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties, findfont

from analysis import text_files

LOOKS = (  # beginnings of the settings that a file may have: how figures look, not how and where files are written
    "axes.", "font.", "grid.", "hatch.", "legend.", "lines.", "markers.", "mathtext.", "patch.", "scatter.",
    "text.color", "xaxis.", "yaxis.", "xtick.", "ytick.",
)  # fmt: skip
COMMENT = re.compile(r'("[^"]*")|#.*')  # a colour as "#0072b2" is none
CYCLE = "axes.prop_cycle"

_IN_USE: ContextVar[Mapping[str, Any]] = ContextVar("style of one's own", default={})  # noqa: B039 (never changed)


@contextmanager
def in_style(settings: Mapping[str, Any]) -> Iterator[None]:
    """Within the block figures are drawn with these of matplotlib's settings over their own."""
    token = _IN_USE.set(settings)
    try:
        yield
    finally:
        _IN_USE.reset(token)


def settings() -> Any:
    """The settings in use, a mapping; empty outside of `in_style`."""
    return _IN_USE.get()


def has_colours() -> bool:
    """Whether the style in use sets other colours than the cycle of arms', as those of text, axes or grid."""
    return any("color" in name.rpartition(".")[2] for name in settings())


def colours(otherwise: Sequence[str]) -> Sequence[str]:
    """The cycle of arms' colours, as `#rrggbb`: that of the style in use, where it has one."""
    cycle = settings().get(CYCLE)
    return tuple(map(to_hex, cycle.by_key()["color"])) if cycle else otherwise


def read_style(path: str | Path) -> dict[str, Any]:
    """The settings in a file with a line `name: value` for each, as matplotlib's style sheets have.

    Raises:
        ValueError: there is no such file, or a line is none, or its name or value is not matplotlib's, or says not how
            figures look, or none of the fonts is installed; the message names file and line.
    """
    found: dict[str, Any] = {}
    lines = text_files.read(path, "a file of matplotlib's settings").splitlines()
    for number, line in enumerate(lines, 1):
        told = COMMENT.sub(lambda match: match[1] or "", line).strip()
        name, colon, value = (part.strip() for part in told.partition(":"))
        if not told:
            continue
        where = f"{path}, line {number}"
        if not colon:
            raise ValueError(f"{where}: expected “name: value”, got {told!r}")
        if name not in mpl.rcParams or not name.startswith(LOOKS):
            raise ValueError(f"{where}: expected one of matplotlib's settings of how figures look, got {name}")
        try:
            checked: Any = mpl.RcParams({name: value.strip('"')})
            found[name] = checked[name]
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if name == CYCLE and "color" not in found[name].by_key():
            raise ValueError(f"{where}: {name}: expected a cycle of color, got {value}")
    _check_fonts(path, found)
    return found


def _check_fonts(path: str | Path, found: Mapping[str, Any]) -> None:
    given: Any = dict(found)
    names = [name for name in found if name == "font.family" or name in ("font.serif", "font.sans-serif")]
    if not names:
        return
    with mpl.rc_context(given):
        try:
            findfont(FontProperties(), fallback_to_default=False)
        except ValueError:
            families = ", ".join(", ".join(found[name]) for name in names)
            raise ValueError(f"{path}: expected a font that is installed, got {families}") from None
