"""The standard error of a measurement from its own samples, by disjoint blocks of them.

n samples are cut into B = 5 blocks of n/B. The measurement of each block is an independent draw, so its standard
deviation over the blocks (divisor B − 1), divided by √B, estimates that of the measurement of all n, as far as the
variance falls as 1/n. So it does away from a metric's floor; near it, where a distance is quadratic in the sampling
error, the standard deviation itself falls as 1/n and the estimate is too large, by up to √B: conservative.

Five blocks give an estimate with a standard deviation of a third of itself. It covers the sampling of points, not of
trainings.
"""

from __future__ import annotations

from torch import Tensor

BLOCKS = 5


def in_blocks(points: Tensor) -> Tensor:
    """Points (R, n, ...) as the `BLOCKS` blocks of each replica in turn, (R·BLOCKS, n // BLOCKS, ...); a remainder of n
    is left out. The points are expected in random order."""
    size = points.shape[1] // BLOCKS
    return points[:, : BLOCKS * size].reshape(len(points) * BLOCKS, size, *points.shape[2:])


def standard_error(measured: Tensor) -> Tensor:
    """The standard error (R,) from the measurements of all blocks (R·BLOCKS,), in the order of `in_blocks`."""
    of_blocks = measured.reshape(-1, BLOCKS)
    squares = (of_blocks - of_blocks.mean(1, keepdim=True)).square().sum(1)
    return (squares / (BLOCKS * (BLOCKS - 1))).sqrt()
