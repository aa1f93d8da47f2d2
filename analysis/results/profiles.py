"""Performance profiles: the share of replicas at least as good as each threshold tau (Dolan & Moré 2002; Agarwal et al.
2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.results.cohort import cohorts
from analysis.results.selection import Selection
from analysis.statistics.intervals import Band, Floats, shares

MOST_TAUS = 200


@dataclass(frozen=True)
class Profile:
    """The share of an arm's replicas at least as good as each tau, `band.x`, ascending; diverged ones never are."""

    arm: str
    metric: str
    mode: str
    phase: str
    floor: float
    band: Band


def profiles(
    selected: Selection,
    metric: str,
    *,
    mode: str | None = None,
    taus: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> tuple[Profile, ...]:
    """Each arm's performance profile, with Wilson's interval at each of `taus`, by default at scores of all arms; empty
    where no replica has a finite score to stand at."""
    found = [cohort for cohort in cohorts(selected, metric, mode) if len(cohort.cost)]
    if not found:
        return ()
    sign = found[0].sign
    grid = _grid(np.concatenate([c.cost for c in found])) if taus is None else np.asarray(taus, np.float64) * sign
    bounds = np.unique(grid)
    if not len(bounds):
        return ()
    result = []
    for cohort in found:
        held = cohort.cost[:, None] <= bounds
        share, low, high, method = shares(held, cohort.unit, cohort.captures, confidence)
        order = np.argsort(bounds * sign)
        x, share, low, high = (values[order] for values in (bounds * sign, share, low, high))
        band = Band(x, share, low, high, len(held), method, cohort.captures, confidence)
        result.append(Profile(cohort.arm, metric, cohort.mode, selected.phase, cohort.floor, band))
    return tuple(result)


def _grid(cost: Floats) -> Floats:
    scores = np.unique(cost[np.isfinite(cost)])
    places = np.linspace(0, len(scores) - 1, min(len(scores), MOST_TAUS)).round().astype(np.int64)
    return scores[places]
