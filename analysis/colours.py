"""Colours of figures and pictures: Okabe and Ito's (2008), told apart by colour-blind readers, and greys; and what they
are on a dark page.

`DISTANCES` are those of a Dirac-GAN's map, by how far a cell ends from the equilibrium; their lightness differs too.
"""

from __future__ import annotations

import math

INK, MUTED, RULE, FAINT = "#1b1b1f", "#5d6068", "#c9cbd1", "#eeeff2"
STABLE = "#eef4ee"  # the ground of eigenvalues that decay
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "#000000")  # of arms, in their order
DISTANCES = {"converged": "#004880", "nearer": "#bed8e8", "as far": "#faf7f0", "farther": "#e68200"}
PAPER = "#17181c"  # of a dark page
CONTRAST = 3.0  # to the paper, which WCAG 2.2 asks of graphics (1.4.11)


def on_dark(colour: str) -> str:
    """A colour `#rrggbb` as it is on a dark page, mixed with as much white as it takes to be told from the paper: where
    it takes some, it is told from white paper, too."""
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
