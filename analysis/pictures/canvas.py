"""Drawing on a panel, a float array (height, width, 3) of RGB in [0, 255]: discs, rings, curves and text.

Everything is rasterised in numpy with analytic coverage (a pixel's share of a disc, a ring or a curve is its distance
from the edge, clipped to one pixel), which is antialiased and takes milliseconds. matplotlib would take a second, and
the driver draws a picture after every evaluation.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from analysis import colours

Array = NDArray[np.float64]
Colour = tuple[int, ...]

SIDE = 400  # pixels
DOT = 1.7  # radius of a sample, pixels
REACH = 2  # pixels about its own that a sample may touch
BEYOND = REACH + 1  # pixels past an edge that it may touch


def rgb(name: str) -> Colour:
    """A colour as RGB in 0..255."""
    return ImageColor.getrgb(name)


PAPER, INK, MUTED, FAINT = (255, 255, 255), rgb(colours.INK), rgb(colours.MUTED), rgb(colours.FAINT)
CONVERGED, NEARER, AS_FAR, FARTHER = map(rgb, colours.DISTANCES.values())
INSIDE, DENSE, OUTSIDE, CRITIC = rgb(colours.SKY), CONVERGED, FARTHER, rgb(colours.VERMILION)
TRUTH, PALE, WARNING, FRAME = (90, 90, 90), (213, 232, 244), (184, 84, 0), (205, 205, 205)


@lru_cache(maxsize=8)
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, so that pictures are the same on every machine."""
    return ImageFont.load_default(size)


def as_image(panel: Array) -> Image.Image:
    """A panel as a Pillow image."""
    return Image.fromarray((panel + 0.5).astype(np.uint8))


def paper(height: int, width: int) -> Array:
    """A white panel, pixels."""
    return np.full((height, width, 3), 255.0)


def framed(panel: Array) -> Array:
    """The panel with a thin grey frame."""
    panel[[0, -1]] = panel[:, [0, -1]] = FRAME
    return panel


def blend(region: Array, coverage: Array, colour: Colour | Array) -> None:
    """Blend a colour into a region (h, w, 3) in place, with opacity coverage (h, w)."""
    region += coverage[..., None] * (np.asarray(colour, dtype=float) - region)


def _distance(panel: Array, x: float, y: float, reach: float) -> tuple[Array, Array]:
    """The part of a panel within `reach` of (x, y), and its pixels' distances from there."""
    rows = slice(max(0, int(y - reach)), max(0, min(len(panel), int(y + reach) + 1)))
    columns = slice(max(0, int(x - reach)), max(0, min(panel.shape[1], int(x + reach) + 1)))
    ys = np.arange(rows.start, rows.stop)[:, None] + 0.5 - y
    xs = np.arange(columns.start, columns.stop)[None] + 0.5 - x
    return panel[rows, columns], np.hypot(xs, ys)


def disc(panel: Array, x: float, y: float, radius: float, colour: Colour) -> None:
    """A filled disc about (x, y)."""
    region, distance = _distance(panel, x, y, radius + 2)
    blend(region, np.clip(radius + 0.5 - distance, 0, 1), colour)


def ring(panel: Array, x: float, y: float, radius: float, colour: Colour, width: float = 1.3) -> None:
    """A circle about (x, y)."""
    region, distance = _distance(panel, x, y, radius + width + 2)
    blend(region, np.clip(width / 2 + 0.5 - np.abs(distance - radius), 0, 1), colour)


def dots(panel: Array, pixels: Array, colour: Colour, dense: Colour) -> None:
    """Translucent discs at pixels (n, 2) of the panel: where many overlap the colour turns to `dense`."""
    first = np.floor(pixels).astype(int) - REACH
    across = first[:, 0, None] + np.arange(2 * REACH + 1)
    down = first[:, 1, None] + np.arange(2 * REACH + 1)
    squared = (
        np.square(down + 0.5 - pixels[:, 1, None])[:, :, None] + np.square(across + 0.5 - pixels[:, 0, None])[:, None]
    )
    coverage = np.clip(DOT + 0.5 - np.sqrt(squared), 0, 1)
    side = SIDE + 2 * BEYOND
    cells = ((down + BEYOND) * side)[:, :, None] + (across + BEYOND)[:, None]
    padded = np.bincount(cells.ravel(), coverage.ravel(), minlength=side * side).reshape(side, side)
    weight = padded[BEYOND:-BEYOND, BEYOND:-BEYOND].ravel()
    touched = np.flatnonzero(weight)
    depth, every = weight[touched, None], panel.reshape(-1, 3)
    tint = np.asarray(dense) + np.exp(-depth / 5) * (np.asarray(colour) - np.asarray(dense))
    every[touched] += (1 - np.exp(-1.2 * depth)) * (tint - every[touched])


def curve(panel: Array, heights: Array, colour: Colour, width: float = 1.8) -> None:
    """A line through heights (width,) in pixels from the top, NaN where it has none; distances are taken across its
    slope."""
    across = np.cos(np.arctan(np.gradient(heights)))
    distance = np.abs(np.arange(len(panel))[:, None] + 0.5 - heights) * across
    blend(panel, np.nan_to_num(np.clip(width / 2 + 0.5 - distance, 0, 1)), colour)


def write(panel: Array, texts: list[tuple[float, float, str, str]], size: float, colour: Colour = MUTED) -> None:
    """Write (x, y, text, anchor) onto a panel."""
    for x, y, text, anchor in texts:
        rows, columns, coverage = _lettering(x, y, text, anchor, size, panel.shape[:2])
        blend(panel[rows, columns], coverage, colour)


@lru_cache(maxsize=256)  # a view's ticks are written on every panel
def _lettering(
    x: float, y: float, text: str, anchor: str, size: float, shape: tuple[int, int]
) -> tuple[slice, slice, Array]:
    """The rows and columns of a panel of a shape that a text touches, and its coverage of them."""
    image = Image.new("L", shape[::-1])
    ImageDraw.Draw(image).text((x, y), text, fill=255, font=font(size), anchor=anchor)
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    rows, columns = slice(top, bottom), slice(left, right)
    return rows, columns, np.asarray(image)[rows, columns] / 255
