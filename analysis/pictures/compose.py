"""Panels under a heading with a legend and captions, and the thumbnail of the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from analysis.pictures.canvas import INK, MUTED, PAPER, Array, Colour, as_image, font

EDGE, GAP, CAPTION, TITLE, LEGEND = 20, 20, 26, 28, 20  # pixels
THUMBNAIL = 256  # longest side, as MLflow's own thumbnails
Legend = list[tuple[Colour, str, str]]  # colour, mark (dot, ring, line, bar), words


def compose(panels: list[Array], title: str, legend: Legend, captions: Sequence[str]) -> Image.Image:
    """Panels in two columns; captions above the first panels, in order."""
    columns = min(len(panels), 2)
    height, width = max(len(panel) for panel in panels), max(panel.shape[1] for panel in panels)
    heading = TITLE if title else 0
    top = EDGE + heading + (LEGEND if legend else 0)
    caption = CAPTION if captions else 0
    size = (
        2 * EDGE + columns * width + (columns - 1) * GAP,
        top + math.ceil(len(panels) / columns) * (height + caption + GAP) - GAP + EDGE,
    )
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((EDGE, EDGE - 6), _fitted(title, 16, size[0] - 2 * EDGE), fill=INK, font=font(16))
    _draw_legend(image, legend, EDGE + heading - 4)
    for index, panel in enumerate(panels):
        x = EDGE + index % columns * (width + GAP)
        y = top + index // columns * (height + caption + GAP)
        if index < len(captions):
            draw.text((x, y + 4), _fitted(captions[index], 13, width), fill=INK, font=font(13))
        image.paste(as_image(panel), (x, y + caption))
    return image


def _draw_legend(image: Image.Image, legend: Legend, y: int) -> None:
    draw = ImageDraw.Draw(image)
    x = float(EDGE)
    for colour, mark, words in legend:
        stamp = _stamp(mark, colour)
        image.paste(stamp, (round(x), y + 1))
        draw.text((x + stamp.width + 5, y), words, fill=MUTED, font=font(12))
        x += stamp.width + 5 + draw.textlength(words, font=font(12)) + 18


@lru_cache(maxsize=16)
def _stamp(mark: str, colour: Colour) -> Image.Image:
    """A small mark for a legend, drawn large and reduced so that its edge is smooth."""
    large = Image.new("RGB", (4 * 14, 4 * 14), PAPER)
    draw = ImageDraw.Draw(large)
    if mark == "dot":
        draw.ellipse((10, 10, 46, 46), fill=colour)
    elif mark == "ring":
        draw.ellipse((8, 8, 48, 48), outline=colour, width=6)
    elif mark == "line":
        draw.rectangle((0, 24, 56, 31), fill=colour)
    else:
        draw.rectangle((6, 6, 50, 50), fill=colour)
    return large.reduce(4)


def _fitted(text: str, size: float, width: float) -> str:
    """The text, or as much of it as fits into `width` pixels with an ellipsis."""
    face = font(size)
    while len(text) > 1 and face.getlength(text) > width:
        text = text[:-2].rstrip() + "…"
    return text


def thumbnail(image: Image.Image) -> Image.Image:
    """The picture scaled to at most 256 × 256 pixels, aspect ratio kept."""
    scale = THUMBNAIL / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING)
