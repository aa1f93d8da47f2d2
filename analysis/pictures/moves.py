"""Points of the plane and what was made of each, joined by lines."""

from __future__ import annotations

import numpy as np
from PIL import ImageDraw

from analysis.pictures.canvas import DENSE, FRAME, INSIDE, SIDE, TRUTH, Array, as_image, dots, framed, paper, ring
from analysis.pictures.view import WITHIN, View, count_missing, grid_lines, label_ticks


def moves(pairs: Array, means: Array | None, stds: Array | None, view: View) -> Array:
    """Pairs (n, 2, 2) of points as lines from the first, grey, to the second, blue, over the true modes if they are
    given. Pairs that are not finite or not in the view are counted in a corner."""
    panel = paper(SIDE, SIDE)
    grid_lines(panel, view)
    finite = np.asarray(np.isfinite(pairs).all(axis=(1, 2)))
    seen = finite & (np.abs(np.nan_to_num(pairs) - (view.x, view.y)).max(axis=(1, 2)) < view.half)
    starts, ends = view.pixels(pairs[seen, 0]), view.pixels(pairs[seen, 1])
    image = as_image(panel)
    draw = ImageDraw.Draw(image)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        draw.line((*start, *end), fill=FRAME)
    panel[:] = np.asarray(image)
    if means is not None and stds is not None:
        for (x, y), radius in zip(view.pixels(means).tolist(), stds.tolist(), strict=True):
            ring(panel, x, y, max(WITHIN * radius * SIDE / (2 * view.half), 2.5), TRUTH)
    dots(panel, starts, TRUTH, TRUTH)
    dots(panel, ends, INSIDE, DENSE)
    label_ticks(panel, view)
    count_missing(panel, len(pairs), int(finite.sum()), int(seen.sum()))
    return framed(panel)
