"""Densities in one dimension: the data's and a generator's.

The generator's is the one that the trial saved with its samples, the same as in the trial's picture. Without one it is
the kernel estimate of `analysis.statistics.densities` from the samples, by the rule that
`trainables.inspection.one_dimensional` follows as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.record.snapshots import Snapshots
from analysis.statistics.densities import kernel_density, mixture_density
from analysis.statistics.intervals import Floats

POINTS = 401
REACH = 5.0  # standard deviations beyond the outermost modes


@dataclass(frozen=True)
class Densities:
    """Over `x` (M,): the data's density (M,), NaN where it is not known, and the generator's at `steps`, (T, M).

    `outside` (T,) is the share of the samples beyond `x` or not finite.
    """

    arm: str
    trial_id: str
    seed: int
    x: Floats
    truth: Floats
    steps: NDArray[np.int64]
    generated: Floats
    outside: Floats


def densities(row: Snapshots) -> Densities:
    """Densities from the snapshots of a replica on data of one dimension; ValueError for any other."""
    if row.kind != "line":
        raise ValueError(f"densities: expected samples of one dimension, got {row.samples.shape[2:]}")
    samples = row.samples.reshape(len(row.steps), -1)
    x = _axis(row, samples) if row.x is None else row.x
    inside = (samples >= x[0]) & (samples <= x[-1])
    return Densities(
        arm=row.arm,
        trial_id=row.trial_id,
        seed=row.seed,
        x=x,
        truth=_truth(row, x),
        steps=row.steps,
        generated=np.stack([kernel_density(line, x) for line in samples]) if row.generated is None else row.generated,
        outside=1 - inside.mean(axis=1),
    )


def _axis(row: Snapshots, samples: Floats) -> Floats:
    if row.means is not None and row.stds is not None:
        means = row.means.reshape(len(row.stds), -1)[:, 0]
        return np.linspace((means - REACH * row.stds).min(), (means + REACH * row.stds).max(), POINTS)
    finite = samples[np.isfinite(samples)]
    low, high = np.quantile(finite, (0.005, 0.995)) if len(finite) else (-1.0, 1.0)
    room = 0.2 * (high - low) or 1.0
    return np.linspace(low - room, high + room, POINTS)


def _truth(row: Snapshots, x: Floats) -> Floats:
    if row.means is None or row.stds is None:
        return np.full(len(x), np.nan)
    return mixture_density(x, row.means.reshape(len(row.stds), -1)[:, 0], row.stds, row.weights)
