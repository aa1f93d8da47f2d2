"""Snapshots: the samples that a trial saved for pictures, over the steps of its training.

A study folder holds `trials/<trial_id>/pictures/<step>.npz` with `samples` (replicas, count, *shape), `seeds`
(replicas,), optional `labels` (replicas, count) and, for mixtures, `means` (K, d), `stds` (K,) and `weights` (K,). For
mixtures in one dimension `line_x` (M,) and `line_generator_density` (replicas, M) are the generators' densities. For
other points `real` (m, d) are held-out ones. Points of more than two dimensions are there as coordinates on `axes`.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BROKEN = (
    AttributeError, EOFError, KeyError, MemoryError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
MOST = 1 << 30  # bytes that a file's arrays take: of 4 replicas 80 pictures each of 512² pixels in three colours


@dataclass(frozen=True)
class Snapshots:
    """Samples of one replica of a trial: `samples` (steps, count, *shape) float64, `steps` (T,).

    `means`, `stds` and `weights` describe the true mixture, None for other data. `generated` (T, M) is the
    generator's density at `x` (M,), None where the trial did not save it. `real` (m, d) are points of the data,
    None for mixtures and images. `projected`: the samples are coordinates on the data's first two principal axes.
    """

    arm: str
    trial_id: str
    seed: int
    steps: NDArray[np.int64]
    samples: Floats
    means: Floats | None
    stds: Floats | None
    weights: Floats | None
    x: Floats | None = None
    generated: Floats | None = None
    real: Floats | None = None
    projected: bool = False

    @property
    def kind(self) -> str:
        """`line`, `plane` or `images`, by the shape of a sample; `other` cannot be drawn."""
        shape = self.samples.shape[2:]
        if shape in ((), (1,)):
            return "line"
        return "plane" if shape == (2,) else "images" if len(shape) == 3 and shape[0] in (1, 3) else "other"


def picture_files(folder: Path) -> list[Path]:
    """The picture files in a trial's folder `pictures`, by their steps; none if it cannot be read.

    A pipe or a device by such a name is none of them: to read it might not end.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(Path(one.path) for one in found if one.name.endswith(".npz") and one.is_file())
    except OSError:
        return []


def arrays_in(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a picture file, all of numbers; OSError or ValueError where it is none, or takes more memory than
    pictures do, as a small file may that is not from here."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())  # more is not read of any
        if size > MOST:
            raise ValueError(f"its arrays take {size:,} bytes, of {MOST:,} at most")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if strange := [name for name, array in arrays.items() if array.dtype.kind not in "biuf"]:
            raise ValueError(f"{strange[0]} is not of numbers")
        return arrays
    except BROKEN as error:
        raise ValueError(f"{path}: not a whole .npz file of pictures: {error}") from error


def snapshots(folder: str | Path, arm: str, trial_id: str, replica: int = 0) -> Snapshots | None:
    """The snapshots of a trial's replica; None if no file can be read.

    Truncated files, as a killed process leaves, are skipped, and so are files of another shape than the newest.
    """
    found = []
    for path in picture_files(Path(folder) / "trials" / trial_id / "pictures"):
        try:
            found.append((int(path.stem), arrays_in(path)))
        except (OSError, ValueError):
            continue
    found = [(step, arrays) for step, arrays in found if len(arrays.get("samples", ())) > replica]
    if not found:
        return None
    _, last = found[-1]
    shape = last["samples"].shape[1:]
    alike = [(step, arrays) for step, arrays in found if arrays["samples"].shape[1:] == shape]
    seeds = last.get("seeds", np.arange(len(last["samples"])))
    return Snapshots(
        arm=arm,
        trial_id=trial_id,
        seed=int(seeds[replica]),
        steps=np.array([step for step, _ in alike], np.int64),
        samples=np.stack([np.asarray(arrays["samples"][replica], np.float64) for _, arrays in alike]),
        means=_given(last, "means"),
        stds=_given(last, "stds"),
        weights=_given(last, "weights"),
        real=_given(last, "real"),
        projected="axes" in last,
        **_densities([arrays for _, arrays in alike], replica),
    )


def pictured(folder: str | Path, trial_id: str) -> list[int]:
    """The seeds of a trial whose samples were saved, in the order of `snapshots`' `replica`; none without pictures."""
    for path in reversed(picture_files(Path(folder) / "trials" / trial_id / "pictures")):
        try:
            arrays = arrays_in(path)
        except (OSError, ValueError):
            continue
        if {"samples", "seeds"} <= arrays.keys():
            return [int(seed) for seed in arrays["seeds"][: len(arrays["samples"])]]
    return []


def _densities(files: Sequence[dict[str, Any]], replica: int) -> dict[str, Floats]:
    """A replica's densities in all files, if each has one on the same grid."""
    found = [arrays.get("line_generator_density", ()) for arrays in files]
    if not all(
        len(one) > replica and np.array_equal(arrays["line_x"], files[0]["line_x"])
        for arrays, one in zip(files, found, strict=True)
    ):
        return {}
    x = np.asarray(files[0]["line_x"], np.float64)
    return {"x": x, "generated": np.stack([np.asarray(one[replica], np.float64) for one in found])}


def evenly(steps: Sequence[int] | NDArray[np.int64], most: int) -> list[int]:
    """Indices of at most `most` evenly spaced entries, the first and last among them."""
    places = np.linspace(0, len(steps) - 1, min(most, len(steps))).round()
    return [int(place) for place in np.unique(places)]


def _given(arrays: dict[str, Any], name: str) -> Floats | None:
    return np.asarray(arrays[name], np.float64) if name in arrays else None
