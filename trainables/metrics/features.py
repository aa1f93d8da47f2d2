"""A space in which samples are compared: a map of points (n, *shape) to features (n, d), and what fixes it.

`raw` is the data space itself. `feature_spaces` has the table of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor

from trainables import torch_files
from trainables.data import floats

Features = Callable[[Tensor], Tensor]

_PIECE = 4096  # pictures turned from bytes to floats at once; a multiple of every feature space's own batch


@dataclass(frozen=True)
class FeatureSpace:
    """A map of points (n, *shape) to features (n, d), float32, each from its own point alone.

    Attributes:
        extract: the map.
        digest: fixes the features of given points: of the weights or the code; None where they cost too little to be
            kept.
        head: (classes, d), by which InceptionV3's features become class scores; None of other spaces.
    """

    extract: Features
    digest: str | None = None
    head: Tensor | None = None

    def __call__(self, points: Tensor) -> Tensor:
        """The features of points."""
        return self.extract(points)


def raw(points: Tensor) -> Tensor:
    """The points (n, *shape) themselves, flattened: (n, d)."""
    return points.flatten(1)


def features_of(points: Tensor, extract: Features) -> Tensor:
    """Features (n, d) of a data set's points (n, *shape), piece by piece where these are kept as bytes."""
    if points.dtype != torch.uint8:
        return extract(points)
    return torch.cat([extract(floats(piece)) for piece in points.split(_PIECE)])


def in_batches(network: Features, width: int, batch: int, device: torch.device | str) -> Features:
    """A network's features (n, width) of images, `batch` at a time on its device, without gradients."""

    @torch.no_grad()
    def extract(images: Tensor) -> Tensor:
        if not len(images):
            return images.new_zeros(0, width)
        return torch.cat([network(few) for few in images.to(device).split(batch)])

    return extract


def to_bytes(images: Tensor) -> Tensor:
    """Images (n, 1 or 3, H, W) in [-1, 1], clipped to it, as RGB uint8 (n, 3, H, W)."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"expected images (n, 1 or 3, height, width), got shape {tuple(images.shape)}")
    levels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.expand(-1, 3, -1, -1)


def resized(images: Tensor, size: int, mode: str) -> Tensor:
    """Images (n, 1 or 3, H, W) in [-1, 1] as levels 0..255, float32 (n, 3, size, size): of bytes, as a picture in a
    file has, resized with antialiasing and clipped."""
    levels = to_bytes(images).to(torch.float32)
    scaled = nnf.interpolate(levels, size=(size, size), mode=mode, antialias=True, align_corners=False)
    return scaled.clamp(0, 255)


def plain_weights(path: Path, whose: str) -> dict[str, Any]:
    """The tensors in a file of weights, read without unpickling code.

    Raises `FileNotFoundError` where there is none, `ValueError` where it is not such a file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"evaluation.weights: expected a file of {whose} weights, found none at {path}")
    try:
        found = torch_files.load(path)
    except ValueError as error:
        raise ValueError(f"evaluation.weights: {path} is not a file of plain weights: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(
            f"evaluation.weights: {path} is not a file of plain weights: it holds a {type(found).__name__}"
        )
    return found


def digest_of(name: str, path: Path) -> str:
    """What fixes the features by the network `name` with the weights in a file."""
    with path.open("rb") as file:
        return f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}"
