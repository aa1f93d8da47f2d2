"""Generated images side by side, one row per class where they have labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analysis.pictures.canvas import OUTSIDE, SIDE, Array, paper, write

CELLS, SPACE = 20, 3  # most rows of a grid; pixels between images


def grid(images: Array, labels: NDArray[np.int64] | None) -> Array:
    """Images (n, channels, height, width) in [-1, 1] side by side; labels (n,) give one row per class, its number in
    front.

    An image that is not finite is an orange cell. Images are enlarged by whole factors without smoothing.
    """
    rows = _rows(len(images), labels)
    columns = max(len(row) for _, row in rows)
    height, width = images.shape[2:]
    margin = 0 if labels is None else 26
    zoom = max(1, (SIDE - margin) // (columns * (width + 1)))
    cells = np.repeat(np.repeat(_rgb(images), zoom, axis=1), zoom, axis=2)
    step_y, step_x = height * zoom + SPACE, width * zoom + SPACE
    panel = paper(len(rows) * step_y - SPACE, margin + columns * step_x - SPACE)
    for place, (_, row) in enumerate(rows):
        for column, index in enumerate(row):
            x = margin + column * step_x
            panel[place * step_y : place * step_y + height * zoom, x : x + width * zoom] = cells[index]
    if margin:
        centre = height * zoom / 2
        write(panel, [(margin - 7, n * step_y + centre, str(name), "rm") for n, (name, _) in enumerate(rows)], 13)
    return panel


def _rows(count: int, labels: NDArray[np.int64] | None) -> list[tuple[int, list[int]]]:
    """Which images stand in which row: nearly square, or one row per class."""
    if labels is None:
        columns = math.ceil(math.sqrt(count))
        starts = range(0, count, columns)
        rows = [(row, list(range(start, min(start + columns, count)))) for row, start in enumerate(starts)]
    else:
        rows = [(int(name), np.flatnonzero(labels == name).tolist()) for name in np.unique(labels)]
    return rows[:CELLS]


def _rgb(images: Array) -> Array:
    """Images (n, channels, h, w) in [-1, 1] as (n, h, w, 3) in [0, 255]; orange where anything is not finite."""
    finite = np.isfinite(images).all(axis=(1, 2, 3))
    pixels = np.clip(np.nan_to_num(images) * 127.5 + 127.5, 0, 255).transpose(0, 2, 3, 1)
    coloured = pixels if pixels.shape[3] == 3 else np.repeat(pixels[..., :1], 3, axis=3)
    coloured[~finite] = OUTSIDE
    return coloured
