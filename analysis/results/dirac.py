"""Maps of Dirac-GANs: which steps and penalty strengths gamma converge, and whether the eigenvalues predict it.

A replica is a starting point near the equilibrium, used in every cell of a grid of steps and gammas. The record holds
each replica's share of cells that converged and its share of cells that ended as predicted; the cells themselves are in
the trial's pictures. Near the equilibrium a cell's distance shrinks by the spectral radius of its
Jacobian in every move (Mescheder et al. 2018), so that radius^moves predicts it, except where the radius is 1,
the linear part is defective, or the start is far away.

The intervals capture configurations: the choice of cells. They are Wilson's with a cell as the unit, as if cells had
been drawn from the plane of log steps and log gammas, which is conservative for a grid. The variation over starting
points is shown by the lowest and the highest of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.loading import RecordError
from analysis.record.snapshots import arrays_in, picture_files
from analysis.results.selection import Selection
from analysis.statistics.intervals import Floats, Interval, wilson

ENDS = ("converged", "nearer", "as far", "farther")
AS_FAR = 2.0  # a final distance between 1/2 and 2 times the start's counts as "as far"
SIDES = ("config.data.step.count", "config.data.gamma.count")
ARRAYS = ("distance", "step", "gamma", "radius", "moves", "tolerance")


@dataclass(frozen=True)
class DiracShares:
    """How much of its map converged in an arm, and how much of it ended as predicted.

    Attributes:
        arm: its name.
        phase: whose rows these are.
        starts: replicas, over which the shares are averaged.
        cells: of a map, over all trials.
        converged: share of the cells nearer than the tolerance in the end.
        predicted: share of the cells that converged or not as their eigenvalues say. If hardly any cell
            converges or is predicted to, this is near 1 and says little.
        lowest: the smallest `predicted` of a single start.
        highest: the largest one.
    """

    arm: str
    phase: str
    starts: int
    cells: int
    converged: Interval
    predicted: Interval
    lowest: float
    highest: float


@dataclass(frozen=True)
class DiracMap:
    """One start's map over `steps` (S,) and `gammas` (G,), everything else (S, G).

    `distance` is that from the equilibrium after the last move, relative to the start's, infinite or NaN where it
    overflowed; `expected` is the prediction radius^moves; below `tolerance` counts as converged.
    """

    arm: str
    trial_id: str
    seed: int
    moves: int
    tolerance: float
    steps: Floats
    gammas: Floats
    distance: Floats
    expected: Floats

    @property
    def ends(self) -> NDArray[np.int64]:
        """Indices (S, G) into `ENDS` of the final distances."""
        return self._ends(self.distance)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Indices (S, G) into `ENDS` of the predicted distances."""
        return self._ends(self.expected)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether a cell (S, G) converged although not predicted to, or the reverse."""
        differ: NDArray[np.bool_] = (self.ends == 0) != (self.predicted == 0)
        return differ

    def _ends(self, distance: Floats) -> NDArray[np.int64]:
        bounds = (self.tolerance, 1 / AS_FAR, AS_FAR)
        found: NDArray[np.int64] = np.searchsorted(bounds, np.nan_to_num(distance, nan=np.inf), side="right")
        return found


def dirac_shares(selected: Selection, *, confidence: float = 0.95) -> tuple[DiracShares, ...]:
    """Every arm of a phase with a completed map, with intervals over cells.

    Raises RecordError where such a trial does not say how many cells its map has.
    """
    found = (_shares(arm, rows, selected.phase, confidence) for arm, rows in selected.arms())
    return tuple(one for one in found if one is not None)


def _shares(arm: str, rows: pd.DataFrame, phase: str, confidence: float) -> DiracShares | None:
    played = rows[(rows["status"] == "completed") & rows["dirac_converged"].notna()]
    if not len(played):
        return None
    missing = [name for name in SIDES if name not in played or played[name].isna().any()]
    if missing:
        raise RecordError(f"trials.parquet: maps of Dirac-GANs need {', '.join(missing)}, which arm {arm} lacks")
    maps = played.drop_duplicates("trial_id")
    cells = int((maps[SIDES[0]] * maps[SIDES[1]]).sum())
    agreed = played["dirac_agreement"].to_numpy(np.float64)

    def share(column: str) -> Interval:
        mean = float(played[column].to_numpy(np.float64).mean())
        method = "Wilson, a cell as the unit"
        return replace(wilson(mean * cells, cells, confidence), method=method, captures="configurations")

    return DiracShares(
        arm, phase, len(played), cells, share("dirac_converged"), share("dirac_agreement"),
        float(agreed.min()), float(agreed.max()),
    )  # fmt: skip


def dirac_map(folder: str | Path, arm: str, trial_id: str, replica: int = 0) -> DiracMap | None:
    """The newest map of a trial's replica among its pictures; None where there is none that can be read."""
    for path in reversed(picture_files(Path(folder) / "trials" / trial_id / "pictures")):
        try:
            arrays = arrays_in(path)
            parts = {name: np.asarray(arrays[f"dirac_{name}"], np.float64) for name in ARRAYS}
            seed = int(arrays["seeds"][replica])
        except (OSError, ValueError, KeyError, IndexError):
            continue
        if parts["distance"].shape[1:] == parts["radius"].shape == (len(parts["step"]), len(parts["gamma"])):
            return _map(arm, trial_id, seed, replica, parts)
    return None


def _map(arm: str, trial_id: str, seed: int, replica: int, parts: dict[str, Floats]) -> DiracMap:
    moves = int(parts["moves"])
    with np.errstate(over="ignore"):
        expected: Floats = parts["radius"] ** moves
    return DiracMap(
        arm, trial_id, seed, moves, float(parts["tolerance"]), parts["step"], parts["gamma"],
        parts["distance"][replica], expected,
    )  # fmt: skip
