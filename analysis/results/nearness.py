"""Which evaluations are near the data, judged beside fresh real samples, whose scores are the floor.

Good samples are those of high quality of a mixture and, of other data, those that lie among the real ones
(`precision`). They are at least `quality` times as frequent as among fresh real samples. They are also diverse:

- of a mixture at least `coverage` of the modes are covered that real samples cover, each with a tenth or more of the
  high-quality samples it should hold;
- of other data FID is at most `factor` times the floor's, and, where classes are predicted, at least `coverage` of
  them are held;
- where features are the data themselves FID sees mean and covariance alone. Instead at least `support` times as many
  of the real points are covered (`coverage`, Naeem et al. 2020) as fresh real samples cover.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.record.curves import Curves
from analysis.results.thresholds import Thresholds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Floor:
    """What fresh real samples score: by measurement the `mean` of several draws and the standard deviation of one.

    Each is a number for all replicas, or (N,). NaN, or no entry, where unknown. `raw`: whether the features are the
    data themselves, for all replicas or (N,).
    """

    mean: Mapping[str, ArrayLike] = field(default_factory=dict)
    spread: Mapping[str, ArrayLike] = field(default_factory=dict)
    raw: ArrayLike = False

    def score(self, name: str) -> Floats:
        """The mean, () or (N,)."""
        return np.asarray(self.mean.get(name, np.nan), np.float64)

    def noise(self, name: str) -> Floats:
        """The spread, () or (N,)."""
        return np.asarray(self.spread.get(name, np.nan), np.float64)


def near(measured: Curves, floor: Floor, thresholds: Thresholds) -> Floats:
    """(N, T), 1 where an evaluation is near the data, 0 where not, NaN where that cannot be told."""
    mixture, raw = ~np.isnan(measured.value("high_quality")), column(np.asarray(floor.raw, np.bool_))
    share = good_share(measured, floor)
    covered, held = (share_of_modes(measured, floor, kind) for kind in ("covered", "held"))
    fid, limit = measured.value("fid"), thresholds.factor * column(floor.score("fid"))
    support = in_units_of_real(measured, floor, "coverage")
    all_held = ~(held < thresholds.coverage)
    of_mixture = (share >= thresholds.quality) & ~(covered < thresholds.coverage)
    of_raw = (share >= thresholds.quality) & (support >= thresholds.support) & all_held
    of_others = (fid <= limit) & ~(share < thresholds.quality) & all_held
    known = np.select([mixture, raw], [share, share + support], fid + limit)
    found: Floats = np.where(np.isnan(known), np.nan, np.select([mixture, raw], [of_mixture, of_raw], of_others))
    return found


def good_samples(measured: Curves) -> Floats:
    """Share (N, T) of good samples: of high quality, or `precision` where that is not measured."""
    found: Floats = np.where(
        np.isnan(measured.value("high_quality")), measured.value("precision"), measured.value("high_quality")
    )
    return found


def good_share(measured: Curves, floor: Floor) -> Floats:
    """Share (N, T) of good samples in units of that of fresh real ones: of high quality, or `precision` where that is
    not measured."""
    of_mixture, of_others = (in_units_of_real(measured, floor, name) for name in ("high_quality", "precision"))
    found: Floats = np.where(np.isnan(measured.value("high_quality")), of_others, of_mixture)
    return found


def in_units_of_real(measured: Curves, floor: Floor, name: str) -> Floats:
    """A measurement (N, T) over what fresh real samples score."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = measured.value(name) / column(floor.score(name))
    return found


def share_of_modes(measured: Curves, floor: Floor, kind: str) -> Floats:
    """Share (N, T) of the modes that are "held" or "covered", of those that fresh real samples hold or cover, less one
    standard deviation of a draw; of all modes where either was not counted. More than 1 where real samples miss more.

    Of modes so rare that a draw may miss them real samples hold now more, now fewer.
    """
    name = f"modes_{kind}"
    real = np.maximum(floor.score(name) - np.nan_to_num(floor.noise(name)), 1.0)
    counted = measured.value(name) / column(real)
    return np.where(np.isnan(counted), measured.value(f"{kind}_fraction"), counted)


def column(values: NDArray[Any]) -> NDArray[Any]:
    """A number, or (N, 1)."""
    return values[:, None] if values.ndim else values
