"""Findings: all results of a report, computed once from the record; the page, figures and tables only show them.

The phase judged is the confirmation, on fresh seeds of the chosen configurations, if any of its trials has ended, else
the search; the report says which. The two are never pooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from analysis.figures.style import Palette, palette
from analysis.record.loading import Record
from analysis.record.schema import PHASES
from analysis.results import (
    budget,
    chosen,
    compare,
    critic_bound,
    data_sets,
    dirac,
    incidence,
    jacobian,
    learning,
    rates,
    sensitivity,
    spending,
    survival,
    threshold_table,
)
from analysis.results.cohort import cohorts, unmeasured
from analysis.results.common_arms import one_data_set
from analysis.results.criteria import goals_of, thresholds_of
from analysis.results.design import scales_of
from analysis.results.learning import LearningCurve, ModeShares
from analysis.results.outcomes import JUDGED, judged_afresh
from analysis.results.selection import Selection, arms_in_order, configurations, select
from analysis.results.standings import OverDataSets
from analysis.statistics.bootstrap import Resampling
from analysis.wording import SPENDINGS

FOLLOWED = (  # over training, where they were measured
    "high_quality", "modes", "fid", "precision", "recall", "critic_accuracy", "gradient_norm_generator", "hop",
)  # fmt: skip
Result = TypeVar(
    "Result",
    critic_bound.BoundCurve,
    critic_bound.ArmCriticBound,
    jacobian.ArmSpectrum,
    dirac.DiracShares,
    spending.Spent,
)
MOST_CURVES = 6
MODES_SHOWN = 64
COLUMNS = tuple(
    dict.fromkeys([*JUDGED, *FOLLOWED, critic_bound.ESTIMATE, critic_bound.TRUTH, "modes", "mode_histogram"])
)  # of history, besides the metric


@dataclass(frozen=True)
class Findings:
    """The results of every analysis of one record; empty where nothing was measured.

    Attributes:
        record: the record analysed.
        goals: by study, the measurement of quality and its mode, "min" or "max", which is better.
        metric: that of the first study.
        mode: of the first study.
        phase: whose rows are judged, "confirm" or "search".
        searches: of how many independent searches of an arm `phase` has results, by arm; arms without any are left out.
        same_within: the margin within which arms count as the same; None where that is not asked.
        arms: in the order in which they were planned.
        palette: a style for each arm.
        unmeasured: arms in which the metric was not measured, left out of everything about quality.
        outcomes: by phase.
        signals: of stability, in `phase`.
        survival: the time to failure, and to a collapse undone where there are modes to lose, in `phase`.
        incidence: of each kind of failure, in `phase`.
        quality: in `phase`.
        comparison: all pairs in `phase` by quality; None with fewer than two arms, and over several data sets.
        rates: all pairs in `phase` by the share of each outcome that occurred; empty with fewer than two arms, and
            where a scheduler stopped replicas, of which it is not known how they would have ended.
        profiles: in `phase`.
        best_of_k: of the search.
        best_by_spending: the same curves over each of `analysis.wording.SPENDINGS` that is known.
        spent: what each arm has spent, by phase.
        budgets: what the trials of each study had alike.
        selection_bias: search beside confirmed scores.
        chosen: each arm's confirmed configurations, or the best of its search.
        sensitivity: of the search.
        thresholds: how outcomes in `phase` depend on them; None where nothing has ended.
        learning: curves in `phase`.
        bound_curves: critics' estimates and the truth over training, in `phase`.
        critic_bounds: the same at the end of training, in `phase`.
        spectra: of the game's Jacobian, in `phase`.
        dirac: shares of the maps of Dirac-GANs, in `phase`.
        shares: of samples by mode, in `shown`.
        shown: arm -> the trial whose samples are shown, the best of `phase` by its median.
        standings: of joined studies' arms over data sets, in `phase`.
    """

    record: Record
    goals: Mapping[str, data_sets.Goal]
    metric: str
    mode: str
    phase: str
    searches: Mapping[str, int]
    same_within: float | None
    arms: tuple[str, ...]
    palette: Palette
    unmeasured: tuple[str, ...]
    outcomes: Mapping[str, tuple[compare.ArmOutcomes, ...]]
    signals: tuple[compare.ArmSignal, ...]
    survival: tuple[survival.Survival, ...]
    incidence: tuple[incidence.Incidences, ...]
    quality: tuple[compare.ArmQuality, ...]
    comparison: compare.Comparison | None
    rates: Mapping[str, compare.Comparison]
    profiles: tuple[budget.Profile, ...]
    best_of_k: tuple[budget.BestOfK, ...]
    best_by_spending: Mapping[str, tuple[budget.BestOfK, ...]]
    spent: Mapping[str, tuple[spending.Spent, ...]]
    budgets: tuple[spending.EqualBudget, ...]
    selection_bias: tuple[budget.SelectionBias, ...]
    chosen: tuple[chosen.Chosen, ...]
    sensitivity: tuple[sensitivity.Sensitivity, ...]
    thresholds: threshold_table.ThresholdTable | None
    learning: tuple[LearningCurve, ...]
    bound_curves: tuple[critic_bound.BoundCurve, ...]
    critic_bounds: tuple[critic_bound.ArmCriticBound, ...]
    spectra: tuple[jacobian.ArmSpectrum, ...]
    dirac: tuple[dirac.DiracShares, ...]
    shares: tuple[ModeShares, ...]
    shown: Mapping[str, str]
    standings: tuple[OverDataSets, ...]

    @property
    def one_metric(self) -> bool:
        """Whether all studies go by one metric; otherwise quality is compared within a study alone."""
        return len(set(self.goals.values())) == 1

    @property
    def one_data_set(self) -> bool:
        """Whether all studies are of one data set; scores on several do not say which arm is better."""
        return one_data_set(self.record.about)


def find(record: Record, seed: int = 0, *, same_within: float | None = None) -> Findings:
    """Analyse a record, finished or not.

    Args:
        record: of a study, or several joined.
        seed: fixes all resampling: the same record gives the same findings.
        same_within: a margin in (0, 1) within which two arms count as the same: of a difference of shares, of quality
            as a factor of 1 + margin (as a difference where its values may be 0 or less), of the budget in a time, and
            over data sets of a difference of shares and of the probability of being better from one half; None not to
            ask.

    Raises:
        ValueError: no such margin.
        RecordError: joined studies were judged by different thresholds.
    """
    if same_within is not None and not 0 < same_within < 1:
        raise ValueError(f"same_within: expected a number above 0 and below 1, got {same_within!r}")
    goals = goals_of(record.about)
    metric, mode = next(iter(goals.values()))
    record = judged_afresh(record, thresholds_of(record.about))
    by_phase = {name: select(record, name) for name in PHASES}
    phase = "confirm" if len(_ended(by_phase["confirm"])) else "search"
    selected = by_phase[phase]
    any_ended = len(_ended(selected)) > 0
    one_metric = len(set(goals.values())) == 1
    left_out = {
        name: unmeasured(one, metric, mode) if one_metric else tuple(arm for arm, _ in one.arms())
        for name, one in by_phase.items()
    }
    measured = {name: one.without(left_out[name]) for name, one in by_phase.items()}
    scored = {name: _scored(one) for name, one in measured.items()}
    shown = _shown(measured[phase], metric, mode) if len(scored[phase]) else {}
    names = arms_in_order(record.trials)

    met = survival.event_steps(selected) if any_ended else {}
    generator = np.random.default_rng(seed)
    resampling = Resampling(generator)
    biases = (
        budget.selection_bias(measured["search"], measured["confirm"], metric, mode=mode, resampling=resampling)
        if all(map(len, scored.values()))
        else ()
    )
    outcomes = {name: compare.outcomes(one) for name, one in by_phase.items()}
    best_of_k = (
        budget.best_of_k(measured["search"], metric, mode=mode, resampling=resampling) if len(scored["search"]) else ()
    )
    return Findings(
        record=record,
        goals=goals,
        metric=metric,
        mode=mode,
        phase=phase,
        searches=selected.repeats,
        same_within=same_within,
        arms=tuple(names),
        palette=palette(names),
        unmeasured=left_out[phase] if one_metric else (),
        outcomes=outcomes,
        signals=compare.signals(selected, resampling=resampling) if any_ended else (),
        survival=tuple(survival.survival(selected, event, met=met) for event in ("failure", "undone") if event in met),
        incidence=incidence.incidences(selected, met) if met else (),
        quality=(
            compare.quality(measured[phase], metric, mode=mode, resampling=resampling) if len(scored[phase]) else ()
        ),
        comparison=(
            compare.compare(measured[phase], metric, mode=mode)
            if scored[phase]["arm"].nunique() > 1 and one_data_set(record.about)
            else None
        ),
        rates=rates.rates(selected) if any_ended else {},
        profiles=budget.profiles(measured[phase], metric, mode=mode) if len(scored[phase]) else (),
        best_of_k=best_of_k,
        best_by_spending={name: spending.against(best_of_k, measured["search"], name) for name in SPENDINGS},
        spent={name: _as_planned(names, spending.spent(one)) for name, one in by_phase.items()},
        budgets=spending.equal_budgets(record),
        selection_bias=biases,
        chosen=chosen.chosen(measured["search"], measured["confirm"], metric, mode=mode, resampling=resampling),
        sensitivity=(
            sensitivity.sensitivity(
                measured["search"],
                metric,
                mode=mode,
                scales=scales_of(record.about),
                generator=generator,
            )
            if len(scored["search"])
            else ()
        ),
        thresholds=threshold_table.threshold_table(selected) if any_ended else None,
        learning=learning.learning(selected, _followed(record, metric)),
        bound_curves=_as_planned(names, critic_bound.bound_curves(selected)),
        critic_bounds=_as_planned(names, critic_bound.critic_bounds(selected, resampling=resampling)),
        spectra=_as_planned(names, jacobian.spectra(selected, resampling=resampling)),
        dirac=_as_planned(names, dirac.dirac_shares(selected)),
        shares=_mode_shares(record, shown),
        shown=shown,
        standings=(
            data_sets.over_data_sets(selected, goals, outcomes[phase], generator=generator, rope=same_within or 0.0)
            if any_ended
            else ()
        ),
    )


def _as_planned(names: list[str], results: tuple[Result, ...]) -> tuple[Result, ...]:
    """Results of arms in the order in which the arms were planned."""
    return tuple(sorted(results, key=lambda one: names.index(one.arm)))


def _ended(selected: Selection) -> pd.DataFrame:
    """The replicas of trials that ended without failing."""
    trials = selected.trials
    return trials[trials["outcome"].notna() & (trials["status"] != "failed")]


def _scored(selected: Selection) -> pd.DataFrame:
    """The replicas that have a final score: those at their budget's end, and diverged ones."""
    ended = _ended(selected)
    return ended[ended["status"].isin(("completed", "diverged"))]


def _followed(record: Record, metric: str) -> list[str]:
    names = list(dict.fromkeys([metric, *FOLLOWED]))
    return [name for name in names if name in record.history and record.history[name].notna().any()][:MOST_CURVES]


def _shown(selected: Selection, metric: str, mode: str) -> dict[str, str]:
    """Of each arm the trial whose configuration has the best median."""
    names = selected.trials.drop_duplicates("trial_id")
    of_arms = zip(names["arm"].astype(str), configurations(names), strict=True)
    identity = dict(zip(of_arms, names["trial_id"].astype(str), strict=True))
    found = {}
    for cohort in cohorts(selected, metric, mode):
        index, median = cohort.medians()
        if len(index):
            found[cohort.arm] = identity[cohort.arm, int(index[np.argmin(median)])]
    return found


def _mode_shares(record: Record, shown: Mapping[str, str]) -> tuple[ModeShares, ...]:
    rows = learning.mode_shares(record, list(shown.values()))
    return tuple(row for row in rows if row.shares.shape[2] <= MODES_SHOWN)
