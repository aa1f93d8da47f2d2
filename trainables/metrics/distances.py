"""Squared Euclidean distances by one matrix product, and the blocks that keep them within memory.

Distances are float64: in float32, cancellation loses those within a mode of std 0.02 at distance 1 from the origin.
Points are expected roughly centred, because the absolute error is about 1e-16 times their squared norms.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

# Elements of a temporary matrix: small enough for a CPU's cache, large enough to fill a GPU.
_ELEMENTS = {"cpu": 2**18, "cuda": 2**27}


def blocks(count: int, elements: int, device: torch.device) -> Iterator[slice]:
    """Cut `count` rows, each needing `elements` numbers of temporary memory, into slices that fit the device."""
    size = max(1, _ELEMENTS.get(device.type, _ELEMENTS["cpu"]) // max(1, elements))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def squared_distances(x: Tensor, y: Tensor, slack: bool = False) -> Tensor:
    """Squared distances (..., n, m) between the points x (..., n, d) and y (..., m, d), at best to rounding.

    With `slack` they are smaller by a bound on their rounding error, so that a `<=` against an exactly equal distance
    holds; they may then be slightly negative.
    """
    shrink = 1 - (x.shape[-1] + 8) * torch.finfo(x.dtype).eps if slack else 1.0
    products = x @ y.mT
    norms_x = x.square().sum(-1, keepdim=True).mul_(shrink)
    norms_y = y.square().sum(-1).mul_(shrink).unsqueeze(-2)
    return products.mul_(-2).add_(norms_x).add_(norms_y)
