"""Derives all results of a report from the record, once; the page, figures and tables only show them.

The phase judged is the confirmation, on fresh seeds of the chosen configurations, if any of its trials has ended, else
the search; the report says which. The two are never pooled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.figures.style import palette
from analysis.record.loading import Record
from analysis.record.own import higher_is_better, own_measurements
from analysis.record.schema import PHASES, QUALITY
from analysis.report.choice import Choice, check_known, shown
from analysis.report.findings import Findings, Measured
from analysis.results import (
    arm_settings,
    best_of_k,
    chosen,
    compare,
    critic_bound,
    crossing,
    data_sets,
    dirac,
    incidence,
    jacobian,
    learning,
    profiles,
    random_search,
    rates,
    selection_bias,
    sensitivity,
    spending,
    survival,
    threshold_table,
)
from analysis.results.cohort import cohorts, direction, unmeasured
from analysis.results.common_arms import one_data_set
from analysis.results.criteria import goals_of, thresholds_of
from analysis.results.data_sets import Goal
from analysis.results.design import scales_of
from analysis.results.learning import ModeShares
from analysis.results.outcomes import JUDGED, judged_afresh
from analysis.results.selection import Selection, arms_in_order, configurations, select
from analysis.results.standings import OverDataSets
from analysis.results.unbegun import unbegun
from analysis.statistics.bootstrap import Resampling
from analysis.wording import SPENDINGS

FOLLOWED = (  # over training, where they were measured
    "high_quality", "modes", "fid", "precision", "recall", "critic_accuracy", "gradient_norm_generator", "hop",
)  # fmt: skip
USUAL = (  # beside the metric in a table of several, where they were measured
    "high_quality", "modes_covered", "precision", "recall", "label_fidelity",
    "fid_back", "label_fidelity_back", "cycle_error", "partner_error",
)  # fmt: skip
EVERYTHING = Choice()
MOST_CURVES = 6
MODES_SHOWN = 64
COLUMNS = tuple(
    dict.fromkeys([*JUDGED, *FOLLOWED, critic_bound.ESTIMATE, critic_bound.TRUTH, "modes", "mode_histogram"])
)  # of history, besides the metric


def find(record: Record, seed: int = 0, *, same_within: float | None = None, choice: Choice = EVERYTHING) -> Findings:
    """Analyse a record, finished or not.

    Args:
        record: of a study, or several joined.
        seed: fixes all resampling: the same record gives the same findings.
        same_within: a margin in (0, 1) within which two arms count as the same: of a difference of shares, of quality
            as a factor of 1 + margin (as a difference where its values may be 0 or less), of the budget in a time, and
            over data sets of a difference of shares and of the probability of being better from one half; None not to
            ask.
        choice: what is shown of it; see `analysis.report.choice`.

    Raises:
        ValueError: no such margin, or nothing of a name that was chosen; the message names the option.
        RecordError: joined studies were judged by different thresholds.
    """
    if same_within is not None and not 0 < same_within < 1:
        raise ValueError(f"same_within: expected a number above 0 and below 1, got {same_within!r}")
    goals = goals_of(record.about)
    metric, mode = next(iter(goals.values()))
    there = metrics_of(record)
    called = choice.names(arms_in_order(record.trials), there)
    check_known("metrics", choice.metrics, there)
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
    kept = {name: one.without(left_out[name]) for name, one in by_phase.items()}
    scored = {name: _scored(one) for name, one in kept.items()}
    best = _shown(kept[phase], metric, mode) if len(scored[phase]) else {}
    names = arms_in_order(record.trials)

    met = survival.event_steps(selected) if any_ended else {}
    generator = np.random.default_rng(seed)
    resampling = Resampling(generator)
    biases = (
        selection_bias.selection_bias(kept["search"], kept["confirm"], metric, mode=mode, resampling=resampling)
        if all(map(len, scored.values()))
        else ()
    )
    outcomes = {name: compare.outcomes(one) for name, one in by_phase.items()}
    curves = (
        best_of_k.best_of_k(kept["search"], metric, mode=mode, resampling=resampling) if len(scored["search"]) else ()
    )
    left = [arm for arm in names if arm not in called]
    some = selected.without(left)
    judged = dict.fromkeys(choice.metrics) or ({metric: mode} if one_metric else {})
    measured = tuple(_measured(selected, *one, resampling) for one in judged.items())
    columns = record.trials.columns[record.trials.notna().any()]
    own = [name for name in own_measurements(record) if higher_is_better(name, record.about) is not None]
    usual = choice.metrics or [name for name in dict.fromkeys((metric, *USUAL, *own)) if name in columns]
    known = {one.metric: one.quality for one in measured}
    if any(one.none_begun for one in measured) and not choice.metrics and "fid" in {*there} - {*usual}:
        usual = [*usual, "fid"]  # which tells far-off samples apart
    settings = arm_settings.arm_settings(record)
    told_by = next((one for one in measured if not one.none_begun), None)
    overview = {name: known.get(name) or _measured(selected, name, None, resampling).quality for name in usual}
    found = Findings(
        record=record,
        goals=goals,
        measured=measured or (Measured(metric, mode, (), (), None, ()),),
        overview=overview,
        picked=bool(choice.metrics),
        all_arms=len(names),
        phase=phase,
        searches=selected.repeats,
        same_within=same_within,
        arms=tuple(names),
        palette=palette(names),
        settings=settings,
        outcomes=outcomes,
        signals=compare.signals(selected, resampling=resampling) if any_ended else (),
        survival=tuple(survival.survival(selected, event, met=met) for event in ("failure", "undone") if event in met),
        incidence=incidence.incidences(selected, met) if met else (),
        rates=rates.rates(selected) if any_ended else {},
        crossing=(
            crossing.crossing(
                selected, settings, told_by.metric if told_by else None, told_by.mode if told_by else None
            )
            if any_ended
            else None
        ),
        best_of_k=curves,
        random_search=(
            random_search.compared(kept["search"], cohorts(kept["search"], metric, mode), metric)
            if len(scored["search"]) and one_data_set(record.about)
            else None
        ),
        best_by_spending={name: spending.against(curves, kept["search"], name) for name in SPENDINGS},
        spent={name: spending.spent(one) for name, one in by_phase.items()},
        budgets=spending.equal_budgets(record),
        selection_bias=biases,
        chosen=chosen.chosen(kept["search"], kept["confirm"], metric, mode=mode, resampling=resampling),
        sensitivity=(
            sensitivity.sensitivity(
                kept["search"],
                metric,
                mode=mode,
                scales=scales_of(record.about),
                generator=generator,
            )
            if len(scored["search"])
            else ()
        ),
        thresholds=threshold_table.threshold_table(some) if any_ended and len(some.trials) else None,
        learning=learning.learning(selected, choice.metrics or _followed(record, metric)),
        bound_curves=critic_bound.bound_curves(selected),
        critic_bounds=critic_bound.critic_bounds(selected, resampling=resampling),
        spectra=jacobian.spectra(selected, resampling=resampling),
        dirac=dirac.dirac_shares(selected),
        shares=_mode_shares(record, best),
        shown=best,
        standings=(
            _standings(selected, left, goals, outcomes[phase], generator, same_within or 0.0) if any_ended else ()
        ),
        unbegun=unbegun(record, phase),
    )
    return found if list(called.items()) == [(arm, arm) for arm in names] else shown(found, called)


def metrics_of(record: Record) -> list[str]:
    """The measurements of quality, the user's own too, that some replica has a final value of."""
    every = (*(column.name for column in QUALITY), *own_measurements(record))
    return [
        name for name in every if not name.endswith(("_error", "_low", "_high")) and record.trials[name].notna().any()
    ]


def _measured(selected: Selection, metric: str, mode: str | None, resampling: Resampling) -> Measured:
    """Quality by one measurement; `mode` None is the measurement's own."""
    try:
        mode = direction(metric, mode, selected.about)
    except ValueError as error:
        raise ValueError(f"metrics: {error}") from None
    left_out = unmeasured(selected, metric, mode)
    kept = selected.without(left_out)
    scored = _scored(kept)
    if not len(scored):
        return Measured(metric, mode, left_out, (), None, ())
    return Measured(
        metric,
        mode,
        left_out,
        compare.quality(kept, metric, mode=mode, resampling=resampling),
        (
            compare.compare(kept, metric, mode=mode)
            if scored["arm"].nunique() > 1 and one_data_set(selected.about)
            else None
        ),
        profiles.profiles(kept, metric, mode=mode),
    )


def _standings(
    selected: Selection,
    left: Sequence[str],
    goals: Mapping[str, Goal],
    outcomes: Sequence[compare.ArmOutcomes],
    generator: np.random.Generator,
    rope: float,
) -> tuple[OverDataSets, ...]:
    """How arms stand over data sets, but for those in `left`; tests of pairs stay corrected for these too."""
    every = data_sets.over_data_sets(selected, goals, outcomes, generator=generator, rope=rope)
    if not left:
        return every
    some, shares = selected.without(left), [one for one in outcomes if one.arm not in left]
    whole = {(one.endpoint, frozenset((pair.a, pair.b))): pair.p_holm for one in every for pair in one.pairs}
    return tuple(
        replace(
            one,
            pairs=tuple(
                replace(pair, p_holm=max(pair.p_holm, whole.get((one.endpoint, frozenset((pair.a, pair.b))), 0.0)))
                for pair in one.pairs
            ),
        )
        for one in data_sets.over_data_sets(some, goals, shares, generator=generator, rope=rope)
    )


def _ended(selected: Selection) -> pd.DataFrame:
    """The replicas of trials that ended without failing."""
    trials = selected.trials
    return trials[trials["outcome"].notna() & (trials["status"] != "failed")]


def _scored(selected: Selection) -> pd.DataFrame:
    """The replicas that have a final score: those at their budget's end, and diverged ones."""
    ended = _ended(selected)
    return ended[ended["status"].isin(("completed", "diverged"))]


def _followed(record: Record, metric: str) -> list[str]:
    names = list(dict.fromkeys([metric, *own_measurements(record), *FOLLOWED]))
    return [name for name in names if name in record.history and record.history[name].notna().any()][:MOST_CURVES]


def _shown(selected: Selection, metric: str, mode: str) -> dict[str, str]:
    """Of each arm the trial whose configuration has the best median."""
    names = selected.trials.drop_duplicates("trial_id").iloc[::-1]  # of a configuration's rounds the first
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
    return tuple(row for row in rows if row.relative.shape[2] <= MODES_SHOWN)
