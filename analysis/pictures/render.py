"""A population's samples as one picture: up to four replicas side by side under a heading.

A picture file is an `.npz` with `samples` (replicas, count, *shape), optional `labels` (replicas, count), for mixtures
`means` (modes, d), `stds` (modes,) and optional `weights` (modes,), and for other points `real` ones (m, d). Points of
the plane become a scatter over the true modes or real points, numbers a histogram against the true density, images a
grid with one row per class. With `axes` (2, D) points of D dimensions were projected on these before. With `line_x`
(N,), `line_generator_density` (replicas, N) and `line_critic_share` (replicas, N) numbers become the picture of
Goodfellow et al. (2014): both densities and the critic's curve on one axis. `walk` (replicas, paths, stops, *shape),
`beside` (replicas, count, 2, channels, h, w), `there` and `back` (replicas, count, 2, *shape) make pictures of their
own.

A file may instead hold a map of Dirac-GANs: `dirac_distance` (replicas, S, G) from the equilibrium relative to the
start's over `dirac_step` (S,) and `dirac_gamma` (G,), with the spectral radius `dirac_radius` (S, G), the iterations
`dirac_moves` and the distance `dirac_tolerance` that counts as converged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from analysis.pictures.canvas import (
    AS_FAR,
    CONVERGED,
    CRITIC,
    DENSE,
    FARTHER,
    INK,
    INSIDE,
    NEARER,
    OUTSIDE,
    PALE,
    TRUTH,
    Array,
)
from analysis.pictures.compose import Legend, compose
from analysis.pictures.heat_map import Predicted, heat_map
from analysis.pictures.histogram import Lines, histogram
from analysis.pictures.image_grid import grid
from analysis.pictures.moves import moves
from analysis.pictures.scatter import scatter
from analysis.pictures.view import View, view_around, view_of
from analysis.record.snapshots import arrays_in

ACROSS = 8  # samples beside their neighbours in a row
SHOWN = 4  # replicas in a picture
PAIRED = {  # further pictures of pairs, and their headings
    "beside": "samples, and below each its nearest training image",
    "there": "samples of the source, and what is made of each",
    "back": "samples of the data, and what is made of each on the way back",
}


def picture(path: Path, title: str = "", captions: Sequence[str] = ()) -> Image.Image:
    """Render a picture file; captions name all replicas of its trial; the file may hold only the first few.

    OSError or ValueError where the file is not a picture's.
    """
    return render(arrays_in(path), title, captions)


def gallery(path: Path, title: str = "", captions: Sequence[str] = ()) -> dict[str, Image.Image]:
    """The further pictures of a file by name: `walk`, between latent points a row or a curve each, and `beside`, rows
    of samples and below each its nearest training image; of a cyclegan `there` and `back`, samples and what is made of
    each. Raises as `picture` does."""
    arrays = arrays_in(path)
    found = {}
    if (walk := _given(arrays, "walk")) is not None and (walk.ndim == 6 or walk.shape[3:] == (2,)):
        parts: dict[str, NDArray[Any]] = {**arrays, "samples": walk.reshape(len(walk), -1, *walk.shape[3:])}
        parts.pop("labels", None)
        if walk.ndim == 6:
            parts["labels"] = np.tile(np.repeat(np.arange(walk.shape[1]), walk.shape[2]), (len(walk), 1))
        found["walk"] = render(parts, f"{title} · walks between latent points", captions)
    for name, words in PAIRED.items():
        if (pairs := _given(arrays, name)) is None:
            continue
        heading = f"{title} · {words}"
        if pairs.ndim == 6:
            found[name] = render({"samples": _below(pairs)}, heading, captions)
        elif pairs.shape[3:] == (2,):
            found[name] = _render_moves(pairs, arrays, heading, captions)
    return found


def _below(pairs: Array) -> Array:
    """Images (replicas, count, 2, channels, h, w) in rows, the second of each pair below the first."""
    rows = pairs[:, : len(pairs[0]) // ACROSS * ACROSS].reshape(len(pairs), -1, ACROSS, *pairs.shape[2:])
    return rows.swapaxes(2, 3).reshape(len(pairs), -1, *pairs.shape[3:])


def _render_moves(pairs: Array, arrays: Mapping[str, NDArray[Any]], title: str, captions: Sequence[str]) -> Image.Image:
    """Points of the plane (replicas, count, 2, 2) and what was made of each."""
    means, stds = _given(arrays, "means"), _given(arrays, "stds")
    view = view_around(pairs.reshape(-1, 2))
    drawn = [moves(one, means, stds, view) for one in pairs[:SHOWN]]
    legend: Legend = [(TRUTH, "dot", "a sample"), (DENSE, "dot", "its translation")]
    if means is not None:
        legend.append((TRUTH, "ring", "true modes of the data, 3 std"))
    return compose(drawn, _counted(title, len(drawn), len(pairs), captions), legend, captions)


def render(
    arrays: Mapping[str, NDArray[Any]], title: str = "", captions: Sequence[str] = (), view: View | None = None
) -> Image.Image:
    """Render arrays as described above; ValueError names the shape that cannot be drawn.

    `view` is what points without a known mixture are shown in; None: what holds most of them.
    """
    if "dirac_distance" in arrays:
        return _render_maps(arrays, title, captions)
    samples, labels = _samples(arrays)
    drawn, legend = _panels(samples, labels, arrays, view)
    if "axes" in arrays:
        title = f"{title} · first two principal axes of the real data".removeprefix(" · ")
    return compose(drawn, _counted(title, len(drawn), len(samples), captions), legend, captions)


def panels(arrays: Mapping[str, NDArray[Any]], view: View | None = None) -> list[Array]:
    """The panels alone, one a replica and at most `SHOWN`, of arrays with `samples`; arguments and errors as of
    `render`."""
    samples, labels = _samples(arrays)
    return _panels(samples, labels, arrays, view)[0]


def _samples(arrays: Mapping[str, NDArray[Any]]) -> tuple[Array, NDArray[Any] | None]:
    """The samples and their labels, if there are any, once they are checked."""
    if "samples" not in arrays:
        raise ValueError(f"a picture needs an array 'samples', got {sorted(arrays)}")
    samples = np.asarray(arrays["samples"], dtype=np.float64)
    labels = arrays.get("labels")
    if samples.ndim < 2 or samples.shape[0] < 1 or samples.shape[1] < 1:
        raise ValueError(f"samples: expected (replicas, count, *shape), got {samples.shape}")
    if labels is not None and labels.shape != samples.shape[:2]:
        raise ValueError(f"labels: expected {samples.shape[:2]} as the samples, got {labels.shape}")
    return samples, labels


def _counted(title: str, shown: int, held: int, captions: Sequence[str]) -> str:
    """The title, with how many replicas are shown where these are not all."""
    replicas = max(held, len(captions))
    return f"{title} · {shown} of {replicas} replicas".removeprefix(" · ") if replicas > shown else title


def _render_maps(arrays: Mapping[str, NDArray[Any]], title: str, captions: Sequence[str]) -> Image.Image:
    parts = {name: np.asarray(array, np.float64) for name, array in arrays.items() if name.startswith("dirac_")}
    distance, step, gamma = (parts[f"dirac_{name}"] for name in ("distance", "step", "gamma"))
    if distance.ndim != 3 or distance.shape[1:] != (len(step), len(gamma)) or not len(distance):
        raise ValueError(f"dirac_distance: expected (replicas, {len(step)}, {len(gamma)}), got {distance.shape}")
    moves, tolerance = float(parts["dirac_moves"]), float(parts["dirac_tolerance"])
    predicted = Predicted(parts["dirac_radius"], moves, tolerance)
    panels = [heat_map(cells, step, gamma, predicted) for cells in distance[:SHOWN]]
    legend: Legend = [
        (CONVERGED, "bar", "converged"), (NEARER, "bar", "nearer than at first"), (AS_FAR, "bar", "as far"),
        (FARTHER, "bar", "farther"), (INK, "line", "spectral radius 1"), (CRITIC, "line", f"and by {moves:g} steps"),
    ]  # fmt: skip
    return compose(panels, _counted(title, len(panels), len(distance), captions), legend, captions)


def _panels(
    samples: Array, labels: NDArray[Any] | None, arrays: Mapping[str, NDArray[Any]], view: View | None
) -> tuple[list[Array], Legend]:
    shape = samples.shape[2:]
    chosen = range(min(len(samples), SHOWN))
    asked = [None if labels is None else labels[index] for index in chosen]
    if len(shape) == 3 and shape[0] in (1, 3):
        return [grid(samples[index], asked[index]) for index in chosen], []
    if shape not in ((), (1,), (2,)):
        raise ValueError(f"samples: expected numbers, points of the plane or images (1 or 3, h, w), got {shape}")
    points = samples.reshape(*samples.shape[:2], -1)
    means, stds, weights, real = (_given(arrays, name) for name in ("means", "stds", "weights", "real"))
    if means is not None and stds is not None:
        view = view_of(means, stds)
    elif view is None:
        view = view_around(points.reshape(-1, points.shape[2]) if real is None else real)
    if points.shape[2] == 2:
        drawn = [scatter(points[index], asked[index], means, stds, view, real) for index in chosen]
        if real is not None:
            return drawn, [(DENSE, "dot", "generated"), (TRUTH, "dot", "real")]
        return drawn, _scatter_legend(labels is not None) if means is not None else []
    lines = [_lines(arrays, index) for index in chosen]
    drawn = [histogram(points[index, :, 0], means, stds, weights, view, lines[index]) for index in chosen]
    legend: Legend = [(INSIDE if lines[0] is None else PALE, "bar", "generated")]
    if lines[0] is not None:
        legend.append((DENSE, "line", "its density"))
    if means is not None:
        legend.append((INK, "line", "true density"))
    if any(line is not None and line.share is not None for line in lines):
        legend.append((CRITIC, "line", "critic's p/(p+q)"))
    elif means is not None:
        legend.append((OUTSIDE, "bar", "beyond the scale"))
    return drawn, legend


def _lines(arrays: Mapping[str, NDArray[Any]], replica: int) -> Lines | None:
    """A replica's curves of `trainables.inspection.one_dimensional`, where the file has them."""
    x, density, share = (_given(arrays, f"line_{name}") for name in ("x", "generator_density", "critic_share"))
    if x is None or density is None:
        return None
    told = share is not None and bool(np.isfinite(share).any())
    return Lines(x, density[replica], share[replica] if told and share is not None else None)


def _given(arrays: Mapping[str, NDArray[Any]], name: str) -> Array | None:
    return np.asarray(arrays[name], dtype=np.float64) if name in arrays else None


def _scatter_legend(labelled: bool) -> Legend:
    within, outside = ("in the mode asked for", "elsewhere") if labelled else ("within 3 std of a mode", "outside")
    return [(DENSE, "dot", within), (OUTSIDE, "dot", outside), (TRUTH, "ring", "true modes, 3 std")]
