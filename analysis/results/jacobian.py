"""Spectra of the game's Jacobian at the end of training: whether the point is stable and whether players rotate.

The players follow a vector field; near an equilibrium small gradient steps converge if every eigenvalue of its Jacobian
has a negative real part; imaginary parts make them rotate (Mescheder et al. 2017, 2018). The record holds each
replica's leading eigenvalue, that with the largest real part, and the spectral radius, the largest modulus. Plain steps
of both players at once that are larger than 2/radius converge nowhere. Where the critic is not at its optimum some
directions still improve it, and the leading eigenvalue may be above 0: "not settled here", not "will diverge".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.results.medians import median
from analysis.results.selection import Selection, captured, numbers, units
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import Floats, Interval, proportion

COLUMNS = ("jacobian_real", "jacobian_imaginary", "jacobian_radius")
ROUNDING = 1e-6  # of the radius: the tolerance of the iteration that finds the eigenvalues


@dataclass(frozen=True)
class ArmSpectrum:
    """An arm's spectra, of replicas that did not diverge and whose eigenvalues were found.

    Attributes:
        arm: its name.
        phase: whose rows these are.
        n: replicas.
        unfound: replicas whose eigenvalues were not found, left out.
        real: (n,) real part of each leading eigenvalue.
        imaginary: (n,) size of its imaginary part.
        radius: (n,) largest modulus.
        unstable: share of replicas whose leading eigenvalue has a real part above 0 and above the error of finding it.
        real_median: median of `real`.
        imaginary_share_median: median of `imaginary_share`: 0 straight motion, 1 rotation.
        radius_median: median of `radius`.
    """

    arm: str
    phase: str
    n: int
    unfound: int
    real: Floats
    imaginary: Floats
    radius: Floats
    unstable: Interval
    real_median: Interval
    imaginary_share_median: Interval
    radius_median: Interval

    @property
    def imaginary_share(self) -> Floats:
        """(n,) the imaginary part's share in each leading eigenvalue's modulus, 0 to 1."""
        return imaginary_share(self.real, self.imaginary)


def spectra(selected: Selection, *, resampling: Resampling) -> tuple[ArmSpectrum, ...]:
    """The arms of a phase whose spectra were measured; shares with Wilson's intervals, medians with bootstrap ones."""
    found = []
    for arm, rows in selected.finished():
        known: NDArray[np.bool_] = np.logical_and.reduce([np.isfinite(numbers(rows[c])) for c in COLUMNS])
        if known.any():
            unfound = int((~known).sum())
            found.append(_spectrum(arm, rows.loc[known], selected.phase, unfound, resampling))
    return tuple(found)


def _spectrum(arm: str, rows: pd.DataFrame, phase: str, unfound: int, resampling: Resampling) -> ArmSpectrum:
    real, imaginary, radius = (numbers(rows[name]) for name in COLUMNS)

    def middle(values: Floats) -> Interval:
        interval = median(rows, values, phase, resampling)
        assert interval is not None  # all values are finite
        return interval

    return ArmSpectrum(
        arm=arm,
        phase=phase,
        n=len(rows),
        unfound=unfound,
        real=real,
        imaginary=imaginary,
        radius=radius,
        unstable=proportion(
            real > ROUNDING * radius,
            units(rows, phase),
            captures=captured(rows, phase),
            confidence=resampling.confidence,
        ),
        real_median=middle(real),
        imaginary_share_median=middle(imaginary_share(real, imaginary)),
        radius_median=middle(radius),
    )


def imaginary_share(real: Floats, imaginary: Floats) -> Floats:
    """The imaginary part's share in the modulus of eigenvalues (n,), 0 to 1; 0 for the eigenvalue 0."""
    modulus = np.hypot(real, imaginary)
    return np.divide(np.abs(imaginary), modulus, out=np.zeros_like(modulus), where=modulus > 0)
