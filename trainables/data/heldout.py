"""The held-out part of data that come as one: a share of the points, of each class if there are classes."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.data.source import HELDOUT, stream


def split(count: int, labels: Tensor | None, share: float, seed: int) -> Tensor:
    """(count,) bool: which points are held out, `share` of them, rounded; the same for the same arguments.

    With labels (count,) it is a share of each class, of which at least one point is trained on and, if there are two,
    one is held out. The points of a class are drawn by one random order, so that a larger share holds out more, and
    the same as before.

    Raises:
        ValueError: one part would be empty.
    """
    held = torch.zeros(count, dtype=torch.bool)
    if labels is None:
        labels = torch.zeros(count, dtype=torch.int64)
    generator = stream(seed, HELDOUT)
    for label in labels.unique():
        group = torch.nonzero(labels == label)[:, 0]
        order = torch.randperm(len(group), generator=generator)
        held[group[order[: min(max(1, round(share * len(group))), len(group) - 1)]]] = True
    if not held.any():
        raise ValueError(f"data.heldout: expected enough points for one to be held out, got {count} in all")
    return held
