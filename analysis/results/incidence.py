"""How many replicas have met each kind of failure by each step, the other kinds competing.

A replica that diverged cannot collapse any more: a curve that censors it says what would happen if nothing diverged.
Here it counts as a replica that did not collapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.results import looks
from analysis.results.clock import Clock, clock_of
from analysis.results.selection import Selection
from analysis.results.survival import KINDS, common_horizon, times
from analysis.statistics.incidence import Incidence, compare, incidence
from analysis.statistics.intervals import Floats, Interval


@dataclass(frozen=True)
class Incidences:
    """One kind of failure.

    Attributes:
        event: of `analysis.results.survival.KINDS`.
        phase: whose rows these are.
        curves: Aalen and Johansen's, of every arm.
        horizon: the latest time to which the curves of all arms are known.
        at_horizon: the share of each arm that had met it by then, in the order of the curves.
        p: of the test whether all arms have the same incidence (Gray 1988), made once after the last look at the pairs
            of arms, if there were any (`analysis.results.looks`); NaN for a single arm, and where it never occurred.
        clock: how times are told (`analysis.results.clock`).
    """

    event: str
    phase: str
    curves: tuple[Incidence, ...]
    horizon: float
    at_horizon: tuple[Interval, ...]
    p: float
    clock: Clock = "updates"


def incidences(selected: Selection, met: Mapping[str, Floats], *, confidence: float = 0.95) -> tuple[Incidences, ...]:
    """Each kind of failure that could be seen; `met` as of `analysis.results.survival.event_steps`."""
    rows = times(selected, "failure", met=met)
    parts = {str(arm): part for arm, part in rows.groupby("arm", observed=True, sort=False)}
    samples = [(part["time"].to_numpy(np.float64), part["kind"].to_numpy(np.str_)) for part in parts.values()]
    labels = [selected.units_of(part) for part in parts.values()]
    captures = [selected.captures_of(part) for part in parts.values()]
    if not parts:
        return ()
    horizon = common_horizon([(part["time"], part["observed"]) for part in parts.values()])
    found = []
    for event in (kind for kind in KINDS if kind in met):
        curves = tuple(
            incidence(time, names, event, own, captures=captured, confidence=confidence, arm=arm)
            for arm, (time, names), own, captured in zip(parts, samples, labels, captures, strict=True)
        )
        p = compare(samples, event, labels if selected.captures == "both" else None)[2] if len(parts) > 1 else np.nan
        p = min(p / looks.last_level(selected), 1.0) if np.isfinite(p) else p
        at_horizon = tuple(curve.at(horizon) for curve in curves)
        found.append(Incidences(event, selected.phase, curves, horizon, at_horizon, p, clock_of(selected.about)))
    return tuple(found)
