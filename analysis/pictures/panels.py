"""One replica's generated samples as one panel: a scatter, a histogram, or a grid of images.

Everything is rasterised in numpy with analytic coverage (a pixel's share of a disc, a ring or a curve is its distance
from the edge, clipped to one pixel), which is antialiased and takes milliseconds. A panel is a float array
(height, width, 3) of RGB in [0, 255]. Colours are Okabe and Ito's (2008), told apart by colour-blind readers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Array = NDArray[np.float64]
Colour = tuple[int, int, int]

SIDE = 400  # pixels
PAPER, INK, MUTED, FAINT = (255, 255, 255), (34, 34, 34), (118, 118, 118), (238, 238, 238)
INSIDE, DENSE, OUTSIDE, TRUTH = (86, 180, 233), (0, 72, 128), (230, 130, 0), (90, 90, 90)
PALE, CRITIC = (213, 232, 244), (213, 94, 0)
LINGERING, CIRCLING = (190, 216, 232), (250, 247, 240)
DOT = 1.7  # radius of a sample, pixels
WITHIN = 3.0  # standard deviations from its mean within which a sample counts as high quality
MARGIN, MARGIN_TOP = 52, 10  # of a map, where its axes are written and where not
CELLS, SPACE = 20, 3  # most rows of a grid; pixels between images


@dataclass(frozen=True)
class View:
    """The square of data space that a scatter shows; one for all panels and steps, so that a slider stands still."""

    x: float
    y: float
    half: float

    def pixels(self, points: Array) -> Array:
        """Data (n, 2) to pixel coordinates (n, 2), y downwards."""
        scale = SIDE / (2 * self.half)
        return np.stack(
            [(points[:, 0] - self.x + self.half) * scale, (self.y + self.half - points[:, 1]) * scale], axis=1
        )


def view_of(means: Array, stds: Array) -> View:
    """Show every mode (K, 1 or 2) out to three of its standard deviations (K,), with a margin of a quarter."""
    low = (means - WITHIN * stds[:, None]).min(axis=0)
    high = (means + WITHIN * stds[:, None]).max(axis=0)
    centre = (low + high) / 2
    return View(float(centre[0]), float(centre[-1]), 1.25 * float((high - low).max()) / 2 or 1.0)


def view_around(points: Array) -> View:
    """Show the bulk of points (n, 1 or 2) whose truth is not known; points that are not finite do not count."""
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return View(0.0, 0.0, 1.0)
    centre = np.median(points, axis=0)
    bulk = float(np.quantile(np.abs(points - centre).max(axis=1), 0.98))
    return View(float(centre[0]), float(centre[-1]), 1.2 * bulk or 1.0)


def scatter(
    points: Array, labels: NDArray[np.int64] | None, means: Array | None, stds: Array | None, view: View
) -> Array:
    """Points (n, 2) over the true modes, each mode a circle of three standard deviations.

    With modes given, points within three deviations of their own mode (the one `labels` (n,) asks for, else the
    nearest) are blue and the others orange. Points that are not finite or lie outside the view are counted in a corner.
    """
    panel = _paper(SIDE, SIDE)
    _axes(panel, view)
    finite = np.asarray(np.isfinite(points).all(axis=1))
    seen = np.flatnonzero(np.abs(np.nan_to_num(points) - (view.x, view.y)).max(axis=1) < view.half)
    seen = seen[finite[seen]]
    good = np.ones(len(seen), dtype=bool)
    if means is not None and stds is not None:
        centres, radii = view.pixels(means), WITHIN * stds * SIDE / (2 * view.half)
        for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True):
            _disc(panel, x, y, radius, FAINT)
        good = within(points[seen], None if labels is None else labels[seen], means, stds)
        _dots(panel, view.pixels(points[seen[~good]]), OUTSIDE, OUTSIDE)
    _dots(panel, view.pixels(points[seen[good]]), INSIDE, DENSE)
    if means is not None:
        for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True):
            _ring(panel, x, y, max(radius, 2.5), TRUTH)
    _tick_labels(panel, view)
    _count_missing(panel, len(points), int(finite.sum()), len(seen))
    return _framed(panel)


def within(points: Array, labels: NDArray[np.int64] | None, means: Array, stds: Array) -> NDArray[np.bool_]:
    """Whether each point (n, d) lies within three standard deviations of its mode: its label's, else the nearest."""
    distances = np.linalg.norm(points[:, None] - means[None], axis=2)
    mode = distances.argmin(axis=1) if labels is None else labels
    nearest: NDArray[np.bool_] = distances[np.arange(len(points)), mode] <= WITHIN * stds[mode]
    return nearest


@dataclass(frozen=True)
class Lines:
    """What may be drawn over the values of a line: at places x (N,) the generator's density and the critic's own
    p/(p + q), which has an axis of its own from 0 to 1. NaN: not drawn."""

    x: Array
    density: Array
    share: Array | None = None


def histogram(
    values: Array,
    means: Array | None,
    stds: Array | None,
    weights: Array | None,
    view: View,
    lines: Lines | None = None,
) -> Array:
    """The density of values (n,) as bars, with the mixture's own density as a curve where it is known.

    The vertical scale is fixed by the truth, so bars of a collapsed generator end at the top with an orange cap. With
    `lines` the bars are faint, and the generator's density and the critic's curve lie over them.
    """
    panel = _paper(SIDE, SIDE)
    base = SIDE - 24
    finite = values[np.isfinite(values)]
    low, high = view.x - view.half, view.x + view.half
    counts, edges = np.histogram(finite, bins=64, range=(low, high))
    bars = counts / max(len(values), 1) / (edges[1] - edges[0])
    grid = low + (np.arange(SIDE) + 0.5) * (high - low) / SIDE
    truth = None if means is None or stds is None else mixture_density(grid, means[:, 0], stds, weights)
    top = (1.5 * truth.max()) if truth is not None else (1.2 * bars.max() or 1.0)
    left = np.round(np.linspace(0, SIDE, len(bars) + 1)).astype(int)
    for index, height in enumerate(np.minimum(bars / top, 1.0) * base):
        columns = slice(left[index], left[index + 1] - 1)
        panel[base - round(height) : base, columns] = INSIDE if lines is None else PALE
        if bars[index] > top:
            panel[:5, columns] = OUTSIDE
    if lines is not None:
        _overlay(panel, lines, grid, base, top)
    if truth is not None:
        _curve(panel, base - truth / top * base, INK)
    panel[base] = MUTED
    _below(panel, low, high)
    _count_missing(panel, len(values), len(finite), int(counts.sum()))
    return _framed(panel)


def _overlay(panel: Array, lines: Lines, grid: Array, base: int, top: float) -> None:
    """The generator's density, and the critic's share on its axis at the right with a mark at 1/2."""
    if lines.share is not None and np.isfinite(lines.share).any():
        panel[base // 2, ::6] = panel[base // 2, 1::6] = CRITIC
        _curve(panel, base - np.interp(grid, lines.x, lines.share, np.nan, np.nan) * base, CRITIC)
        _write(panel, [(SIDE - 6, base // 2 - 9, "D = 1/2", "rm")], 12, CRITIC)
    if np.isfinite(lines.density).any():
        heights = np.minimum(np.interp(grid, lines.x, lines.density, 0.0, 0.0) / top, 1.0)
        _curve(panel, base - heights * base, DENSE)


@dataclass(frozen=True)
class Predicted:
    """What the eigenvalues say about every cell of a map: the spectral radius (S, G), and with how many `moves` a
    distance below `tolerance` is to be reached."""

    radius: Array
    moves: float
    tolerance: float


def heat_map(distance: Array, step: Array, gamma: Array, predicted: Predicted) -> Array:
    """Distances (S, G) from the equilibrium relative to the start's, over steps (S,) to the right and gammas (G,)
    upwards, both axes logarithmic. Blue: converged, the darker the nearer; orange: farther than it began.

    The black line is where the spectral radius is 1, the orange one where radius^moves = tolerance.
    """
    panel = _paper(SIDE, SIDE)
    field = panel[MARGIN_TOP : SIDE - MARGIN, MARGIN : SIDE - MARGIN_TOP]
    height, width = field.shape[:2]
    rows = (height - 1 - np.arange(height)) * len(gamma) // height
    columns = np.arange(width) * len(step) // width
    with np.errstate(divide="ignore"):
        depth = np.nan_to_num(np.log10(distance), nan=np.inf)[columns][:, rows].T
        growth = np.log(predicted.radius).T
    field[:] = _shade(depth, math.log10(predicted.tolerance))
    _level(field, growth - math.log(predicted.tolerance) / predicted.moves, CRITIC)
    _level(field, growth, INK)
    field[[0, -1]] = field[:, [0, -1]] = MUTED
    _decades(panel, step, gamma)
    return panel


def _shade(depth: Array, tolerance: float) -> Array:
    """The colours (h, w, 3) of logarithms of distances; where they cross the tolerance there is an edge."""
    places = [tolerance - 6, tolerance, np.nextafter(tolerance, 0), -0.3, 0, 0.3, 2]
    colours = [DENSE, INSIDE, LINGERING, PALE, CIRCLING, (252, 222, 176), OUTSIDE]
    return np.stack([np.interp(depth, places, [colour[c] for colour in colours]) for c in range(3)], axis=-1)


def _level(field: Array, height: Array, colour: Colour, width: float = 2.0) -> None:
    """The line where heights (rows upwards, columns) of cells change their sign, interpolated between their centres.

    Heights within rounding of 0 count as above, so that a plateau at 0 has no line of its own.
    """
    above = np.nan_to_num(height, nan=np.inf) > -1e-9
    height = np.where(np.abs(height) < 1e-9, 1e-9, np.nan_to_num(height, nan=1.0))
    height = height / (np.abs(height) + np.median(np.abs(height)))  # so that a steep side does not push the line away
    mixed = ndimage.maximum_filter(above, 3) & ~ndimage.minimum_filter(above, 3)
    rows, columns = ((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(field.shape, height.shape, strict=False))
    places = np.meshgrid(rows[::-1], columns, indexing="ij")
    smooth = ndimage.map_coordinates(height, places, order=1, mode="nearest")
    near = mixed[np.rint(places[0]).astype(int), np.rint(places[1]).astype(int)]
    slope = np.hypot(*np.gradient(smooth))
    distance = np.abs(smooth) / np.maximum(slope, 1e-12)
    _blend(field, np.where(near, np.clip(width / 2 + 0.5 - distance, 0, 1), 0), colour)


def _decades(panel: Array, step: Array, gamma: Array) -> None:
    """Marks at powers of ten, and what the axes are."""
    long = SIDE - MARGIN - MARGIN_TOP
    for power, share in _powers(step):
        x = MARGIN + round(share * (long - 1))
        panel[SIDE - MARGIN : SIDE - MARGIN + 5, x] = MUTED
        _write(panel, [(x, SIDE - MARGIN + 13, f"{10.0**power:g}", "mm")], 11)
    for power, share in _powers(gamma):
        y = SIDE - MARGIN - 1 - round(share * (long - 1))
        panel[y, MARGIN - 5 : MARGIN] = MUTED
        _write(panel, [(MARGIN - 8, y, f"{10.0**power:g}", "rm")], 11)
    _write(
        panel,
        [(MARGIN + long / 2, SIDE - 10, "step", "mm"), (MARGIN - 8, MARGIN_TOP + long / 6, "gamma", "rm")],
        12,
        INK,
    )


def _powers(axis: Array) -> list[tuple[int, float]]:
    """The powers of ten on a logarithmic axis, each with its share of the way along."""
    low, high = math.log10(axis[0]), math.log10(axis[-1])
    inside = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    return [(power, (power - low) / (high - low)) for power in inside]


def mixture_density(x: Array, means: Array, stds: Array, weights: Array | None = None) -> Array:
    """Density (n,) at x (n,) of Gaussians with means (K,), deviations (K,) and weights (K,), equal by default."""
    weights = np.full(len(means), 1 / len(means)) if weights is None else weights
    standard = (x[:, None] - means) / stds
    density: Array = (np.exp(-0.5 * standard**2) / (stds * math.sqrt(2 * math.pi))) @ weights
    return density


def grid(images: Array, labels: NDArray[np.int64] | None) -> Array:
    """Images (n, channels, height, width) in [-1, 1] side by side; labels (n,) make a row a class, its number in front.

    An image that is not finite is an orange cell. Pixels are enlarged whole, never smoothed.
    """
    rows = _rows(len(images), labels)
    columns = max(len(row) for _, row in rows)
    height, width = images.shape[2:]
    margin = 0 if labels is None else 26
    zoom = max(1, (SIDE - margin) // (columns * (width + 1)))
    cells = np.repeat(np.repeat(_rgb(images), zoom, axis=1), zoom, axis=2)
    step_y, step_x = height * zoom + SPACE, width * zoom + SPACE
    panel = _paper(len(rows) * step_y - SPACE, margin + columns * step_x - SPACE)
    for place, (_, row) in enumerate(rows):
        for column, index in enumerate(row):
            x = margin + column * step_x
            panel[place * step_y : place * step_y + height * zoom, x : x + width * zoom] = cells[index]
    if margin:
        centre = height * zoom / 2
        _write(panel, [(margin - 7, n * step_y + centre, str(name), "rm") for n, (name, _) in enumerate(rows)], 13)
    return panel


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, so that pictures are the same on every machine."""
    return ImageFont.load_default(size)


def as_image(panel: Array) -> Image.Image:
    """A panel as Pillow has it."""
    return Image.fromarray(np.rint(panel).astype(np.uint8))


def ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) strictly between two ends, five at most."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.floor(low / step) + 1
    return [round(index * step, 12) for index in range(first, math.ceil(high / step)) if low < index * step < high]


def _rows(count: int, labels: NDArray[np.int64] | None) -> list[tuple[int, list[int]]]:
    """Which images stand in which row: as square as can be, or a row a class with as many in each."""
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


def _paper(height: int, width: int) -> Array:
    return np.full((height, width, 3), 255.0)


def _framed(panel: Array) -> Array:
    panel[[0, -1]] = panel[:, [0, -1]] = (205, 205, 205)
    return panel


def _blend(region: Array, coverage: Array, colour: Colour | Array) -> None:
    region += coverage[..., None] * (np.asarray(colour, dtype=float) - region)


def _distance(panel: Array, x: float, y: float, reach: float) -> tuple[Array, Array]:
    """The part of a panel within `reach` of (x, y), and its pixels' distances from there."""
    rows = slice(max(0, int(y - reach)), max(0, min(len(panel), int(y + reach) + 1)))
    columns = slice(max(0, int(x - reach)), max(0, min(panel.shape[1], int(x + reach) + 1)))
    ys = np.arange(rows.start, rows.stop)[:, None] + 0.5 - y
    xs = np.arange(columns.start, columns.stop)[None] + 0.5 - x
    return panel[rows, columns], np.hypot(xs, ys)


def _disc(panel: Array, x: float, y: float, radius: float, colour: Colour) -> None:
    region, distance = _distance(panel, x, y, radius + 2)
    _blend(region, np.clip(radius + 0.5 - distance, 0, 1), colour)


def _ring(panel: Array, x: float, y: float, radius: float, colour: Colour, width: float = 1.3) -> None:
    region, distance = _distance(panel, x, y, radius + width + 2)
    _blend(region, np.clip(width / 2 + 0.5 - np.abs(distance - radius), 0, 1), colour)


def _dots(panel: Array, pixels: Array, colour: Colour, dense: Colour) -> None:
    """Translucent discs at pixels (n, 2): where many lie on one another the colour turns to `dense`."""
    reach = np.arange(-2, 3)
    offsets = np.stack(np.meshgrid(reach, reach), axis=-1).reshape(-1, 2)
    corners = np.floor(pixels).astype(int)[:, None] + offsets
    distance = np.linalg.norm(corners + 0.5 - pixels[:, None], axis=2)
    coverage = np.clip(DOT + 0.5 - distance, 0, 1)
    inside = ((corners >= 0) & (corners < SIDE)).all(axis=2)
    flat = (corners[..., 1] * SIDE + corners[..., 0])[inside]
    weight = np.bincount(flat, coverage[inside], minlength=SIDE * SIDE).reshape(SIDE, SIDE)
    touched = weight > 0
    depth = weight[touched][:, None]
    tint = np.asarray(dense) + np.exp(-depth / 5) * (np.asarray(colour) - np.asarray(dense))
    panel[touched] += (1 - np.exp(-1.2 * depth)) * (tint - panel[touched])


def _curve(panel: Array, heights: Array, colour: Colour, width: float = 1.8) -> None:
    """A line through heights (width,) in pixels from the top, NaN where it has none; distances are taken across its
    slope."""
    across = np.cos(np.arctan(np.gradient(heights)))
    distance = np.abs(np.arange(len(panel))[:, None] + 0.5 - heights) * across
    _blend(panel, np.nan_to_num(np.clip(width / 2 + 0.5 - distance, 0, 1)), colour)


def _axes(panel: Array, view: View) -> None:
    for value in ticks(view.x - view.half, view.x + view.half):
        panel[:, int((value - view.x + view.half) / (2 * view.half) * SIDE)] = FAINT
    for value in ticks(view.y - view.half, view.y + view.half):
        panel[int((view.y + view.half - value) / (2 * view.half) * SIDE)] = FAINT


def _tick_labels(panel: Array, view: View) -> None:
    _below(panel, view.x - view.half, view.x + view.half)
    low, high = view.y - view.half, view.y + view.half
    marks = [(value, (high - value) / (high - low) * SIDE) for value in ticks(low, high)]
    _write(panel, [(6, y, f"{value:g}", "lm") for value, y in marks if 12 < y < SIDE - 30], 11)


def _below(panel: Array, low: float, high: float) -> None:
    marks = [(value, (value - low) / (high - low) * SIDE) for value in ticks(low, high)]
    _write(panel, [(x, SIDE - 12, f"{value:g}", "mm") for value, x in marks if 12 < x < SIDE - 12], 11)


def _count_missing(panel: Array, total: int, finite: int, shown: int) -> None:
    notes = [
        f"{count:,} of {total:,} {what}"
        for count, what in ((total - finite, "not finite"), (finite - shown, "out of view"))
        if count
    ]
    _write(panel, [(SIDE - 8, 12 + 15 * line, note, "rm") for line, note in enumerate(notes)], 12, (184, 84, 0))


def _write(panel: Array, texts: list[tuple[float, float, str, str]], size: float, colour: Colour = MUTED) -> None:
    """Write (x, y, text, anchor) onto a panel."""
    if not texts:
        return
    image = as_image(panel)
    draw = ImageDraw.Draw(image)
    for x, y, text, anchor in texts:
        draw.text((x, y), text, fill=colour, font=font(size), anchor=anchor)
    panel[:] = np.asarray(image)
