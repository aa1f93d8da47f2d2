"""Arms compared within one phase: outcome probabilities, final quality, signals of stability, and all pairs by rank.

Arms of joined studies are named "study/arm". Intervals of the phase "search"
capture configurations and seeds both, those of "confirm" seeds alone, or, of an arm with several repeats, repeats and
seeds, each repeat being one draw (`analysis.statistics.intervals`). As all repeats are confirmed on the same seeds,
what the seeds do to all of an arm's repeats alike is not in them; tests and intervals of pairs have it. An adaptive
sampler draws good configurations more often than its space holds them, and "both" then refers to such searches. Arms
share seeds (common random numbers); the tests ignore this pairing, which makes them conservative if the outcomes of
arms on one seed are positively correlated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.schema import OUTCOMES
from analysis.results.cohort import Cohort, cohorts
from analysis.results.pairs import Comparison, compare
from analysis.results.selection import Selection, configurations, numbers, replicas_named
from analysis.statistics.bootstrap import Resampling, bootstrap, bootstraps
from analysis.statistics.intervals import Floats, Interval, proportion

__all__ = ["ArmOutcomes", "ArmQuality", "ArmSignal", "Comparison", "compare", "outcomes", "quality", "signals"]

STABILITY_SIGNALS = ("near", "held", "hop_rate", "swing", "progress", "critic_distance")


@dataclass(frozen=True)
class ArmOutcomes:
    """How likely each outcome is for a replica of an arm.

    Attributes:
        arm: its name.
        n: replicas with an outcome; `failed`, `running` and `not_judged` ones are left out and counted.
        configurations: that they belong to.
        failed: replicas left out because their trial failed.
        running: replicas left out because their trial has not ended.
        probabilities: an interval for each of `OUTCOMES` but failed, in that order; the estimates sum to 1. A
            `truncated` replica is censored: it might still have ended otherwise, which `analysis.results.survival`
            accounts for.
        not_judged: replicas left out because their outcome cannot be told: no floor was measured, or their evaluations
            are lost.
        whose: the replicas of each outcome that occurred, as `analysis.results.selection.replicas_named` names them.
    """

    arm: str
    n: int
    configurations: int
    failed: int
    running: int
    probabilities: Mapping[str, Interval]
    not_judged: int = 0
    whose: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ArmQuality:
    """Final quality of an arm's replicas, as medians and interquartile means in which diverged ones rank worst.

    Attributes:
        arm: its name.
        metric: what quality is measured by.
        mode: "min" or "max", which is better.
        phase: whose rows these are.
        n: replicas with a score, diverged ones included.
        configurations: trials that they belong to.
        diverged: replicas that diverged.
        overflowed: replicas that did not diverge and whose score is infinitely bad.
        unmeasured: replicas left out because their score could not be measured.
        truncated: replicas left out because the scheduler stopped their trial.
        failed: replicas left out because their trial failed.
        floor: the metric of fresh real samples; NaN when unknown.
        median: infinite where half of the scores or more are.
        iqm: infinite where more than a quarter of them are.
        values: (n,) the scores, +inf (mode min) or -inf (mode max) where diverged or overflowed.
        configuration: (n,) of each, as `analysis.results.selection.configurations` numbers them.
        whose: (n,) each by its seed and trial.
    """

    arm: str
    metric: str
    mode: str
    phase: str
    n: int
    configurations: int
    diverged: int
    overflowed: int
    unmeasured: int
    truncated: int
    failed: int
    floor: float
    median: Interval
    iqm: Interval
    values: Floats
    configuration: NDArray[np.int64]
    whose: tuple[str, ...]


@dataclass(frozen=True)
class ArmSignal:
    """The median over replicas of a signal of `STABILITY_SIGNALS`, among those where it could be measured.

    `critic_distance` is |accuracy - 1/2| of the critic on held-out data at the last evaluation, 0 at equilibrium;
    the others are `analysis.results.signals.OutcomeSignals`. Diverged replicas mostly have none.
    """

    arm: str
    signal: str
    interval: Interval


def outcomes(selected: Selection, *, confidence: float = 0.95) -> tuple[ArmOutcomes, ...]:
    """Each arm's outcome probabilities with Wilson's intervals; in a search on effective numbers of replicas."""
    return tuple(_outcomes(selected, arm, rows, confidence) for arm, rows in selected.arms())


def quality(
    selected: Selection, metric: str, *, resampling: Resampling, mode: str | None = None
) -> tuple[ArmQuality, ...]:
    """Each arm's median and interquartile mean with bootstrap intervals stratified by configuration.

    Args:
        selected: a phase's rows.
        metric: a column of measurements.
        resampling: of the bootstrap.
        mode: "min" or "max"; by default the metric's own (`analysis.results.cohort.direction`).

    Returns:
        The arms that have a score, in the record's order.
    """
    found = [cohort for cohort in cohorts(selected, metric, mode) if len(cohort.cost)]
    return tuple(_quality(cohort, metric, selected.phase, resampling) for cohort in found)


def signals(selected: Selection, *, resampling: Resampling) -> tuple[ArmSignal, ...]:
    """Each arm's signals of stability, as far as they were measured."""
    found = []
    for arm, rows in selected.arms():
        ended = rows[rows["status"].isin(("completed", "diverged"))]
        ended = ended.assign(critic_distance=(ended["critic_accuracy"] - 0.5).abs())
        for signal in STABILITY_SIGNALS:
            values = numbers(ended[signal])
            taken = ~np.isnan(values)
            if not taken.any():
                continue
            known = ended.loc[taken]
            groups, captures = selected.units_of(known), selected.captures_of(known)
            drawn = resampling.named(np.unique(groups))
            interval = bootstrap(values[taken], groups, resampling=drawn, statistic="median", captures=captures)
            found.append(ArmSignal(arm, signal, interval))
    return tuple(found)


def _outcomes(selected: Selection, arm: str, rows: pd.DataFrame, confidence: float) -> ArmOutcomes:
    outcome = rows["outcome"].astype(object)
    judged = (outcome.notna() & (outcome != "failed")).to_numpy()
    groups, captures = selected.units_of(rows.loc[judged]), selected.captures_of(rows.loc[judged])
    kept = outcome.to_numpy()[judged]
    probabilities = {
        name: proportion(kept == name, groups, captures=captures, confidence=confidence)
        for name in OUTCOMES
        if name != "failed"
    }
    under_way = rows["status"] == "running"
    failed, running = int((outcome == "failed").sum()), int(under_way.sum())
    not_judged = int((outcome.isna() & ~under_way).sum())
    count = len(np.unique(configurations(rows.loc[judged])))
    named = np.array(replicas_named(rows.loc[judged]), object)
    whose = MappingProxyType({name: tuple(named[kept == name]) for name in probabilities if (kept == name).any()})
    return ArmOutcomes(arm, len(kept), count, failed, running, MappingProxyType(probabilities), not_judged, whose)


def _quality(cohort: Cohort, metric: str, phase: str, resampling: Resampling) -> ArmQuality:
    drawn = resampling.named(np.unique(cohort.unit))
    intervals = bootstraps(cohort.cost, cohort.unit, drawn, ("median", "iqm"), cohort.captures)
    median, iqm = (one if cohort.sign == 1 else one.negated() for one in intervals)
    return ArmQuality(
        arm=cohort.arm,
        metric=metric,
        mode="min" if cohort.sign == 1 else "max",
        phase=phase,
        n=len(cohort.cost),
        configurations=len(np.unique(cohort.configuration)),
        diverged=cohort.diverged,
        overflowed=cohort.overflowed,
        unmeasured=cohort.unmeasured,
        truncated=cohort.truncated,
        failed=cohort.failed,
        floor=cohort.floor,
        median=median,
        iqm=iqm,
        values=cohort.cost * cohort.sign,
        configuration=cohort.configuration,
        whose=tuple(f"seed {seed}, {trial}" for seed, trial in zip(cohort.seed, cohort.trial, strict=True)),
    )
