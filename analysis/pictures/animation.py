"""A trial's samples over its training: a frame for each picture that was saved, as an animated GIF and as a strip."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from analysis.pictures.canvas import PAPER, as_image
from analysis.pictures.render import SHOWN, panels, render
from analysis.pictures.view import View, view_around
from analysis.record.snapshots import arrays_in, evenly, picture_files

OF_REPLICAS = ("samples", "labels", "line_generator_density", "line_critic_share", "dirac_distance", "seeds")
ACROSS = 8  # frames of a strip at most
SMALL, POINTS = 200, 500  # pixels of a panel in a strip, and samples in it at most
REST = 4  # how many times as long the last frame stays


@dataclass(frozen=True)
class Frames:
    """Pictures of one size, in the order of `steps`; `seeds` are the replicas in each."""

    images: list[Image.Image]
    steps: list[int]
    seeds: list[int]


def frames(folder: Path, seed: int | None = None) -> Frames:
    """The pictures of a trial's folder `pictures`, of one replica or of all whose samples were saved.

    Files that cannot be read, as a kill leaves, are skipped. Raises `ValueError` for a seed that no file has, or if no
    file can be drawn.
    """
    found = [(int(path.stem), arrays) for path in picture_files(folder) if (arrays := _arrays(path))]
    if not found:
        raise ValueError(f"{folder}: expected pictures that can be drawn, got none")
    seeds = [int(one) for one in found[-1][1]["seeds"]]
    if seed is not None and seed not in seeds:
        raise ValueError(f"seed: expected one of {', '.join(map(str, seeds))}, got {seed}")
    chosen = seeds if seed is None else [seed]
    places = [seeds.index(one) for one in chosen]
    shown = [(step, {name: _of(name, array, places) for name, array in arrays.items()}) for step, arrays in found]
    captions, view = [f"seed {one}" for one in chosen], _view([arrays for _, arrays in shown])
    drawn = [render(arrays, f"step {step:,}", captions, view) for step, arrays in shown]
    return Frames(_of_one_size(drawn), [step for step, _ in shown], chosen)


def strips(folder: Path) -> dict[int, Image.Image]:
    """Of each replica whose samples were saved, by its seed, its panels side by side, at most `ACROSS` of them evenly
    spaced, squares of `SMALL` pixels. Raises `ValueError` if no file can be drawn."""
    found = [arrays for path in picture_files(folder) if "samples" in (arrays := _arrays(path))]
    if not found:
        raise ValueError(f"{folder}: expected pictures that can be drawn, got none")
    chosen = [_fewer(found[place]) for place in evenly(range(len(found)), ACROSS)]
    view, seeds = _view(chosen), chosen[-1]["seeds"][:SHOWN]
    whole = {int(seed): Image.new("RGB", (SMALL * len(chosen), SMALL), PAPER) for seed in seeds}
    for place, arrays in enumerate(chosen):
        for image, panel in zip(whole.values(), panels(arrays, view), strict=False):
            image.paste(ImageOps.pad(as_image(panel), (SMALL, SMALL), color=PAPER), (SMALL * place, 0))
    return whole


def gif(shown: Frames, seconds: float) -> bytes:
    """An animated GIF that repeats, each frame for so many seconds, the last `REST` times as long."""
    first, *others = (image.quantize(255, dither=Image.Dither.NONE) for image in shown.images)
    times = [round(1000 * seconds)] * len(others) + [round(1000 * seconds * REST)]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=times, loop=0)
    return buffer.getvalue()


def strip(shown: Frames) -> Image.Image:
    """Frames side by side, at most `ACROSS` of them, evenly spaced."""
    images = [shown.images[place] for place in evenly(shown.steps, ACROSS)]
    width, height = images[0].size
    whole = Image.new("RGB", (width * len(images), height), PAPER)
    for place, image in enumerate(images):
        whole.paste(image, (place * width, 0))
    return whole


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """A file's arrays; empty if it is not a whole picture."""
    try:
        arrays = arrays_in(path)
    except (OSError, ValueError):
        return {}
    return arrays if "seeds" in arrays and path.stem.isdigit() else {}


def _fewer(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with fewer points, as many as are seen in a small panel; all of the images."""
    few = POINTS if arrays["samples"].ndim < 5 else None
    return {name: array[:, :few] if name in ("samples", "labels") else array for name, array in arrays.items()}


def _of(name: str, array: NDArray[Any], places: Sequence[int]) -> NDArray[Any]:
    return array[list(places)] if name in OF_REPLICAS else array


def _view(every: Sequence[dict[str, NDArray[Any]]]) -> View | None:
    """One view of all frames' points where neither their mixture nor real points are known; None elsewhere."""
    samples = [arrays["samples"] for arrays in every if "samples" in arrays and not {"means", "real"} & arrays.keys()]
    points = [one.reshape(-1, one.shape[-1]) for one in samples if one.ndim == 3 and one.shape[-1] <= 2]
    return view_around(np.concatenate(points).astype(np.float64)) if points else None


def _of_one_size(images: Sequence[Image.Image]) -> list[Image.Image]:
    size = (max(image.width for image in images), max(image.height for image in images))
    padded = [Image.new("RGB", size, PAPER) for _ in images]
    for canvas, image in zip(padded, images, strict=True):
        canvas.paste(image, (0, 0))
    return padded
