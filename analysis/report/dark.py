"""Colours of the page's figures, which follow its colour scheme; a figure's files keep those that they were drawn in.

Ink, axes, grid and paper become variables of the style sheet. Any other colour stays what it is where a dark page's
paper shows it, and becomes one that it does show otherwise (`analysis.colours.on_dark`).

What `analysis.figures.marks.keep_colours` was told keeps its colours everywhere: what stands on pixels has to.
"""

from __future__ import annotations

import re

from analysis.colours import CONTRAST, FAINT, INK, MUTED, RULE, STABLE, contrast, on_dark

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
