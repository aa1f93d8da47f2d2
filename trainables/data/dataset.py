"""A data set: training and held-out points, their labels and, for synthetic data, the exact distribution.

It is plain tensors in memory, so that a training loop indexes it on its own device without a loader process.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data.mixture import Mixture


@dataclass(frozen=True, eq=False)
class DataSet:
    """Training and held-out points of one distribution.

    Args:
        name: the catalogue's name for it.
        train: (N, *shape) float32; pictures are channels first in [-1, 1].
        labels: (N,) int64 in 0..classes-1, or None when there are no classes.
        heldout: (M, *shape) float32, never trained on.
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
            if points.dtype != torch.float32 or points.ndim < 2 or not len(points):
                got = f"{points.dtype} of shape {tuple(points.shape)}"
                raise ValueError(f"{self.name} {part}: expected float32 points (n, *shape), got {got}")
            self._check_labels(part, len(points), labels)
        if self.train.shape[1:] != self.heldout.shape[1:]:
            shapes = f"{tuple(self.train.shape[1:])} and {tuple(self.heldout.shape[1:])}"
            raise ValueError(f"{self.name}: training and held-out points must have one shape, got {shapes}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one point."""
        return tuple(self.train.shape[1:])

    @property
    def images(self) -> bool:
        """Whether a point is a picture, (channels, height, width)."""
        return len(self.shape) == 3

    @property
    def point(self) -> bool:
        """Whether the data are a single point, as in `dirac`; no measurement of samples applies."""
        return len(self.train) == 1

    def to(self, device: torch.device | str) -> DataSet:
        """The same data set on another device."""
        moved = copy(self)  # skips the checks, which would synchronise with the device
        for part in ("train", "labels", "heldout", "heldout_labels", "mixture"):
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
