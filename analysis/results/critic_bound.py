"""Critics' estimates compared with the truth: the bound on the divergence, its gap, and the density ratio.

A critic's F = E_p f(d) + E_q g(d) is a lower bound on the divergence that its pair induces (Nowozin et al. 2016). Its
expectations are means over held-out real points, which all replicas of a study share, and over each replica's own
samples. A gap below 0 is their sampling error. Intervals over replicas therefore omit the error of the held-out
points, which is common to all arms of one pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from analysis.results.clock import Clock, clock_of
from analysis.results.learning import learning
from analysis.results.medians import median
from analysis.results.selection import Selection, numbers
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import Band, Floats, Interval

ESTIMATE, TRUTH, GAP, RATIO = "critic_bound", "induced_divergence", "bound_gap", "ratio_error"
MEASURED = (ESTIMATE, TRUTH, GAP, RATIO)


@dataclass(frozen=True)
class BoundCurve:
    """An arm's critics over training: medians and quartiles of their estimates and of the truth, at the same times.

    Diverged replicas are left out from their divergence on. The truth at each time is that of the generators then.
    """

    arm: str
    phase: str
    estimate: Band
    truth: Band
    clock: Clock = "updates"


@dataclass(frozen=True)
class ArmCriticBound:
    """An arm's critics at the end of training, of replicas that did not diverge.

    Attributes:
        arm: its name.
        phase: whose rows these are.
        n: replicas.
        values: measurement of `MEASURED` -> (n,), NaN where it was not taken.
        medians: measurement -> median; none of a measurement that no replica has, as the truth of `wasserstein`.
    """

    arm: str
    phase: str
    n: int
    values: Mapping[str, Floats]
    medians: Mapping[str, Interval]


def bound_curves(selected: Selection) -> tuple[BoundCurve, ...]:
    """The arms whose true divergence is known, in the record's order.

    Raises RecordError where `history` was loaded without critic_bound or induced_divergence.
    """
    if TRUTH in selected.history and selected.history[TRUTH].isna().all():
        return ()
    found = {(one.arm, one.metric): one.band for one in learning(selected, [ESTIMATE, TRUTH])}
    return tuple(
        BoundCurve(arm, selected.phase, found[arm, ESTIMATE], band, clock_of(selected.about))
        for (arm, metric), band in found.items()
        if metric == TRUTH and (arm, ESTIMATE) in found
    )


def critic_bounds(selected: Selection, *, resampling: Resampling) -> tuple[ArmCriticBound, ...]:
    """The arms of a phase in which a gap or a ratio's error was measured, with bootstrap intervals of the medians."""
    found = []
    phase = selected.phase
    for arm, rows in selected.finished():
        values = {name: numbers(rows[name]) for name in MEASURED}
        if np.isnan(values[GAP]).all() and np.isnan(values[RATIO]).all():
            continue
        medians = {name: median(rows, values[name], phase, resampling) for name in MEASURED}
        known = {name: interval for name, interval in medians.items() if interval is not None}
        found.append(ArmCriticBound(arm, phase, len(rows), MappingProxyType(values), MappingProxyType(known)))
    return tuple(found)
