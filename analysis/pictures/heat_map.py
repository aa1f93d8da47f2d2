"""A Dirac-GAN's map: how far from the equilibrium it ends, over steps and the penalty's strength gamma."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from analysis.pictures.canvas import (
    AS_FAR,
    CONVERGED,
    CRITIC,
    FARTHER,
    INK,
    INSIDE,
    MUTED,
    NEARER,
    PALE,
    SIDE,
    Array,
    Colour,
    blend,
    paper,
    write,
)

MARGIN, MARGIN_TOP = 52, 10  # pixels, where the axes are written and where not
PEACH = (252, 222, 176)


@dataclass(frozen=True)
class Predicted:
    """The prediction for every cell of a map: the spectral radius (S, G), and the number of `moves` within which a
    distance below `tolerance` must be reached."""

    radius: Array
    moves: float
    tolerance: float


def heat_map(distance: Array, step: Array, gamma: Array, predicted: Predicted) -> Array:
    """Distances (S, G) from the equilibrium relative to the start's, over steps (S,) to the right and gammas (G,)
    upwards, both axes logarithmic. Blue: converged, the darker the nearer; orange: farther than it began.

    The black line is where the spectral radius is 1, the orange one where radius^moves = tolerance.
    """
    panel = paper(SIDE, SIDE)
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
    colours = [CONVERGED, INSIDE, NEARER, PALE, AS_FAR, PEACH, FARTHER]
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
    blend(field, np.where(near, np.clip(width / 2 + 0.5 - distance, 0, 1), 0), colour)


def _decades(panel: Array, step: Array, gamma: Array) -> None:
    """Tick marks at powers of ten, and the labels of the axes."""
    long = SIDE - MARGIN - MARGIN_TOP
    for power, share in _powers(step):
        x = MARGIN + round(share * (long - 1))
        panel[SIDE - MARGIN : SIDE - MARGIN + 5, x] = MUTED
        write(panel, [(x, SIDE - MARGIN + 13, f"{10.0**power:g}", "mm")], 11)
    for power, share in _powers(gamma):
        y = SIDE - MARGIN - 1 - round(share * (long - 1))
        panel[y, MARGIN - 5 : MARGIN] = MUTED
        write(panel, [(MARGIN - 8, y, f"{10.0**power:g}", "rm")], 11)
    write(
        panel,
        [(MARGIN + long / 2, SIDE - 10, "step", "mm"), (MARGIN - 8, MARGIN_TOP + long / 6, "gamma", "rm")],
        12,
        INK,
    )


def _powers(axis: Array) -> list[tuple[int, float]]:
    """The powers of ten on a logarithmic axis, each with its relative position, 0 to 1."""
    low, high = math.log10(axis[0]), math.log10(axis[-1])
    inside = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    return [(power, (power - low) / (high - low)) for power in inside]
