"""Incidence of one event among several that compete: the share of replicas that has met it by each step.

A replica that diverged cannot collapse any more. To count it as censored would say what share would collapse if none
diverged; the estimate of Aalen and Johansen (1978) is the share that does. It is 1 less Kaplan and Meier's curve where
nothing competes, and the plain share without censoring, which is assumed to be uninformative. Its band is Wilson's on
the effective number of replicas, as for `analysis.statistics.kaplan_meier`.

`compare` asks whether arms have the same incidence, as Gray's test (1988) does. Every replica scores, as in the
log-rank test, the event less the hazard that it was exposed to; but a replica that met a competing event stays exposed,
with the chance that it would not have been censored by then in its arm (Fine & Gray 1999). Scores are dealt out to the
arms anew (`analysis.statistics.permutation`), those of a configuration together where configurations are the units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.intervals import Band, Captures, Floats, Interval, numbered, sampled, summed, wilson_ends
from analysis.statistics.permutation import permutation
from analysis.statistics.risk_sets import (
    Counts,
    RiskSets,
    clustered_units,
    incidence_curve,
    incidence_influence,
    risk_sets,
    survival_curve,
)

Sample = tuple[ArrayLike, ArrayLike]  # times (n,), and the event that each replica met, "" where it was censored (n,)


@dataclass(frozen=True)
class Incidence:
    """The share of an arm's replicas that has met an event, others competing.

    Attributes:
        arm: its name.
        event: its name.
        band: `x` are steps from 0 on, each holding until the next.
        at_risk: (M,) replicas that had met no event and were not censored before each step.
        events: replicas that met it.
        competing: replicas that met another.
        n: replicas.
        unmet: the share that had met no event at the last step (Kaplan & Meier's).
    """

    arm: str
    event: str
    band: Band
    at_risk: Counts
    events: int
    competing: int
    n: int
    unmet: float

    def at(self, step: float) -> Interval:
        """The share that has met the event by a step.

        Past the last step with a replica at risk the estimate is NaN, unless all of those had met some event, and the
        interval extends from the last lower end to 1. Raises ValueError for a step below 0.
        """
        found = self.band.at(step)
        unknown = step > self.band.x[-1] and self.unmet > 0
        return replace(found, estimate=math.nan, high=1.0) if unknown else found


def incidence(
    time: ArrayLike,
    met: ArrayLike,
    event: str,
    configurations: ArrayLike | None = None,
    *,
    captures: Captures = "seeds",
    confidence: float = 0.95,
    arm: str = "",
) -> Incidence:
    """The incidence of one event among N replicas.

    Args:
        time: (N,) steps until the first event, or until the replica was last seen without any.
        met: (N,) the event that each replica met first, "" where it is right-censored.
        event: the event of interest; all others compete with it.
        configurations: (N,) labels, needed where both are captured.
        captures: seeds or both (`analysis.statistics.intervals`).
        confidence: nominal coverage at a step.
        arm: name of the arm.
    """
    times, names = np.asarray(time, np.float64), np.asarray(met, np.str_)
    own, ended = names == event, names != ""
    group, count = sampled(configurations, len(times), captures)
    sets = risk_sets(times, ended, own, group, count)
    share, influence = incidence_curve(sets), incidence_influence(sets)
    method = "Aalen-Johansen, Wilson on effective replicas"
    if captures == "seeds":
        units = _units(share, influence, sets)
    else:
        units = clustered_units(share, influence, sets, confidence)
        method = f"{method} of {count} configurations"
    low, high = wilson_ends(share, units, confidence)
    band = Band(sets.steps, share, low, high, len(times), method, captures, confidence)
    unmet = float(survival_curve(sets)[-1])
    events, all_events = int(own.sum()), int(ended.sum())
    return Incidence(arm, event, band, sets.risk, events, all_events - events, len(times), unmet)


def compare(
    samples: Sequence[Sample], event: str, configurations: Sequence[ArrayLike] | None = None
) -> tuple[float, int, float]:
    """Whether k arms have the same incidence of an event, others competing.

    Args:
        samples: for each arm, times and the events met, as for `incidence`.
        event: the event of interest.
        configurations: for each arm, the labels (n,) of its replicas' configurations; replicas are independent when
            None.

    Returns:
        Chi-squared, its degrees of freedom and the p-value. Statistic and p are NaN where nobody met the event, and
        with one unit in each arm; where the event tells nothing of the arms they are 0 and 1.
    """
    times = [np.asarray(time, np.float64) for time, _ in samples]
    names = [np.asarray(met, np.str_) for _, met in samples]
    if len(times) < 2 or not all(map(len, times)):
        raise ValueError(f"samples: expected two or more, none empty, got the sizes {[len(time) for time in times]}")
    at = np.unique(np.concatenate([time[met == event] for time, met in zip(times, names, strict=True)]))
    if not len(at):
        return math.nan, len(times) - 1, math.nan
    exposed = [_exposed(time, met, event, at) for time, met in zip(times, names, strict=True)]
    deaths = [(time[met == event, None] == at).sum(0) for time, met in zip(times, names, strict=True)]
    hazard = np.sum(deaths, axis=0) / np.sum([one.sum(0) for one in exposed], axis=0)
    scores = [(met == event) - one @ hazard for met, one in zip(names, exposed, strict=True)]
    labels = [np.arange(len(time)) for time in times] if configurations is None else configurations
    sums = [summed(score, *numbered(label, len(score), "both")) for score, label in zip(scores, labels, strict=True)]
    return permutation([np.round(one, 9) for one in sums])  # sums that are equal but for rounding


def _exposed(time: Floats, met: NDArray[np.str_], event: str, at: Floats) -> Floats:
    """The weight (n, M) of an arm's replicas in the sets exposed to the event at each step."""
    competing = (met != "") & (met != event)
    before = _uncensored(time, met == "", np.r_[at, time])  # the chance of not being censored before each
    kept = before[: len(at)] / before[len(at) :, None]
    found: Floats = np.where(time[:, None] >= at, 1.0, np.where(competing[:, None], kept, 0.0))
    return found


def _uncensored(time: Floats, censored: NDArray[np.bool_], at: Floats) -> Floats:
    """Kaplan and Meier's chance of not being censored before each step; at one step events come before censoring."""
    steps, lost = np.unique(time[censored], return_counts=True)
    risk = (time[:, None] >= steps).sum(0) - ((time[:, None] == steps) & ~censored[:, None]).sum(0)
    curve: Floats = np.r_[1.0, np.cumprod(1 - lost / risk)]
    return curve[np.searchsorted(steps, at)]


def _units(share: Floats, influence: Floats, sets: RiskSets) -> Floats:
    """Effective replicas (M,) by the variance of independent ones; all not censored before where none or all met it."""
    known = (share > 0) & (share < 1)
    variance = (influence**2).sum(0)
    censored = (sets.ended - sets.died).sum(0)
    kept = sets.n - np.cumsum(censored) + censored
    units: Floats = np.where(known, share * (1 - share) / np.where(known, variance, 1.0), kept)
    if share[-1] == 1 and len(share) > 1 and known[-2]:
        units[-1] = units[-2]
    return units
