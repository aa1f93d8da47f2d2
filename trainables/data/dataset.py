"""A data set: training and held-out points, their labels and, for synthetic data, the exact distribution.

It is plain tensors in memory, so that a training loop indexes it on its own device without a loader process. Pictures
may be kept as bytes, a quarter of the memory; `floats` turns the few that are wanted into what networks see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from trainables.data.mixture import Mixture
from trainables.data.plane import Plane, principal_plane

PARTS = ("train", "labels", "heldout", "heldout_labels")


def floats(points: Tensor) -> Tensor:
    """Points of a data set as float32: bytes 0..255 become -1..1, what is float32 already stays as it is."""
    return points.to(torch.float32).div_(127.5).sub_(1.0) if points.dtype == torch.uint8 else points


@dataclass(frozen=True, eq=False)
class DataSet:
    """Training and held-out points of one distribution.

    Args:
        name: the catalogue's name for it.
        train: (N, *shape) float32; pictures are channels first in [-1, 1], or uint8, to be read through `floats`.
        labels: (N,) int64 in 0..classes-1, or None when there are no classes.
        heldout: (M, *shape) of the same dtype, never trained on.
        heldout_labels: (M,) int64, or None.
        classes: the number of classes, 0 when unlabelled.
        mixture: the exact distribution of synthetic data, else None.

    Raises:
        ValueError: parts that do not fit together.
    """

    name: str
    train: Tensor
    labels: Tensor | None
    heldout: Tensor
    heldout_labels: Tensor | None
    classes: int
    mixture: Mixture | None = None

    def __post_init__(self) -> None:
        for part, points, labels in (
            ("train", self.train, self.labels),
            ("heldout", self.heldout, self.heldout_labels),
        ):
            bytes_of_pictures = points.dtype == torch.uint8 and points.ndim == 4
            if not (points.dtype == torch.float32 or bytes_of_pictures) or points.ndim < 2 or not len(points):
                expected = "float32 points (n, *shape) or uint8 pictures (n, channels, height, width)"
                got = f"{points.dtype} of shape {tuple(points.shape)}"
                raise ValueError(f"{self.name} {part}: expected {expected}, got {got}")
            self._check_labels(part, len(points), labels)
        if self.train.shape[1:] != self.heldout.shape[1:]:
            shapes = f"{tuple(self.train.shape[1:])} and {tuple(self.heldout.shape[1:])}"
            raise ValueError(f"{self.name}: training and held-out points must have one shape, got {shapes}")
        if self.train.dtype != self.heldout.dtype:
            dtypes = f"{self.train.dtype} and {self.heldout.dtype}"
            raise ValueError(f"{self.name}: training and held-out points must have one dtype, got {dtypes}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one point."""
        return tuple(self.train.shape[1:])

    @property
    def images(self) -> bool:
        """Whether a point is a picture, (channels, height, width)."""
        return len(self.shape) == 3

    @cached_property
    def plane(self) -> Plane | None:
        """Where points of more than two dimensions are shown; None for others, which need none."""
        return principal_plane(self.train) if len(self.shape) == 1 and self.shape[0] > 2 else None

    @property
    def point(self) -> bool:
        """Whether the data are a single point, as in `dirac`; no measurement of samples applies."""
        return len(self.train) == 1

    @cached_property
    def digest(self) -> str:
        """64 hexadecimal digits that fix the content: SHA-256 over both parts and their labels, shapes and dtypes.

        It does not depend on the name, the device or the settings, and takes a second for each gigabyte.
        """
        content = hashlib.sha256()
        for part in PARTS:
            values: Tensor | None = getattr(self, part)
            if values is not None:
                content.update(f"{part} {values.dtype} {tuple(values.shape)}\n".encode())
                content.update(values.cpu().contiguous().numpy().data)
        return content.hexdigest()

    def fresh(self, count: int, streams: Sequence[torch.Generator]) -> tuple[Tensor, Tensor | None]:
        """Fresh draws (R, count, *shape) of a known mixture, or held-out points drawn with replacement, one stream a
        replica, on the data's device; and their labels (R, count), if there are classes."""
        if self.mixture is not None:
            drawn = [self.mixture.sample(count, stream) for stream in streams]
            labels = torch.stack([modes for _, modes in drawn]) if self.classes else None
            return torch.stack([points.float() for points, _ in drawn]), labels
        picks = torch.stack(
            [torch.randint(len(self.heldout), (count,), generator=s, device=self.heldout.device) for s in streams]
        )
        return floats(self.heldout[picks]), None if self.heldout_labels is None else self.heldout_labels[picks]

    def to(self, device: torch.device | str) -> DataSet:
        """The same data set on another device."""
        moved = copy(self)  # skips the checks, which would synchronise with the device
        for part in (*PARTS, "mixture"):
            value = getattr(self, part)
            object.__setattr__(moved, part, None if value is None else value.to(device))
        return moved

    def _check_labels(self, part: str, count: int, labels: Tensor | None) -> None:
        if (labels is None) != (self.classes == 0):
            got = f"classes {self.classes} {'without' if labels is None else 'with'} labels"
            raise ValueError(f"{self.name} {part}: labels and classes go together, got {got}")
        if labels is None:
            return
        if labels.dtype != torch.int64 or labels.shape != (count,):
            got = f"{labels.dtype} of shape {tuple(labels.shape)}"
            raise ValueError(f"{self.name} {part}: expected {count} int64 labels, one per point, got {got}")
        if labels.min() < 0 or labels.max() >= self.classes:
            span = f"{int(labels.min())}..{int(labels.max())}"
            raise ValueError(f"{self.name} {part}: expected labels in 0..{self.classes - 1}, got {span}")
