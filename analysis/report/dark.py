"""Colours of the page's figures, which follow its colour scheme; a figure's files keep those that they were drawn in.

Ink, axes, grid and paper become variables of the style sheet. Any other colour stays what it is where it has a contrast
of 3 to a dark page's paper, which WCAG 2.2 asks of graphics (1.4.11); one that has less is mixed with as much white as
it takes to have it.

What `analysis.figures.marks.keep_colours` was told keeps its colours everywhere: what stands on pixels has to.
"""

from __future__ import annotations

import math
import re

from analysis.colours import FAINT, INK, MUTED, RULE, STABLE

PAPER = "#17181c"  # of a dark page
CONTRAST = 3.0
THEMED = {
    INK: "--ink", MUTED: "--muted", RULE: "--line", FAINT: "--grid", STABLE: "--stable", "#ffffff": "--paper",
    "#000000": "--black",
}  # fmt: skip
PAINT = re.compile(r"(?<=fill: |roke: )#[0-9a-f]{6}")
ATTRIBUTE = re.compile(r'(?<= )fill="(#[0-9a-f]{6})"')  # of a hatch's ground
USED = re.compile(r"var\(--on-([0-9a-f]{6}),")


def followed(markup: str) -> str:
    """An SVG by matplotlib whose colours are those of the page that it becomes a part of."""
    return PAINT.sub(lambda found: painted(found[0]), ATTRIBUTE.sub(r'style="fill: \1"', markup))


def painted(colour: str) -> str:
    """A colour `#rrggbb` as the page's markup has it."""
    plain = colour.lower()
    if plain in THEMED:
        return f"var({THEMED[plain]})"
    return colour if contrast(plain) >= CONTRAST else f"var(--on-{plain[1:]}, {plain})"


def rules(markup: str) -> str:
    """The style sheet's rules for the colours in a page's markup that a dark page has otherwise."""
    used = sorted(set(USED.findall(markup)))
    if not used:
        return ""
    light = "".join(f" --on-{one}: {on_dark(f'#{one}')};" for one in used)
    drawn = "".join(f" --on-{one}: initial;" for one in used)
    return f"@media screen and (prefers-color-scheme: dark) {{ :root {{{light} }} .drawn {{{drawn} }} }}\n"


def on_dark(colour: str) -> str:
    """A colour `#rrggbb` as it is on a dark page."""
    own, wanted = _luminance(colour), CONTRAST * (_luminance(PAPER) + 0.05) - 0.05
    white = max(0.0, (wanted - own) / (1 - own)) if own < 1 else 0.0
    mixed = (_encoded(one + white * (1 - one)) for one in _linear(colour))
    return "#" + "".join(f"{math.ceil(255 * one - 1e-6):02x}" for one in mixed)


def contrast(colour: str, paper: str = PAPER) -> float:
    """The contrast of two colours `#rrggbb` by WCAG 2.2, from 1 to 21."""
    low, high = sorted((_luminance(colour), _luminance(paper)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: str) -> tuple[float, float, float]:
    """Red, green and blue in amounts of light (IEC 61966-2-1)."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return _decoded(red), _decoded(green), _decoded(blue)


def _decoded(one: float) -> float:
    return one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4


def _encoded(one: float) -> float:
    return one * 12.92 if one <= 0.0031308 else 1.055 * one ** (1 / 2.4) - 0.055
