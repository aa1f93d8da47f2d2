"""Chosen configurations: each search's confirmed ones or, where none is confirmed, the best of the search so far.

An arm whose search is repeated has as many searches as repeats, and each has its own.

What was drawn and what was constant are both read from the columns `config.*` of trials.parquet
(`analysis.results.settings`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.results.cohort import Cohort, cohorts
from analysis.results.selection import SPAN, Selection, arms_in_order, configurations
from analysis.results.settings import Scalar, configuration, nested
from analysis.statistics.bootstrap import Resampling, bootstrap
from analysis.statistics.intervals import Interval

SECTIONS = ("scientific", "nuisance", "fixed")  # of a study's configuration, that hold hyperparameters
# Fields of a specification that the other sections of a configuration set; `batch_size` may stand in either.
ELSEWHERE = ("data", "steps", "evaluations", "batch_size", "evaluation", "measure", "bound")
NO_SCORE = "no interval: no final score"


@dataclass(frozen=True)
class Chosen:
    """One chosen configuration of an arm.

    Attributes:
        arm: its name; "study/arm" where studies are joined.
        repeat: which of the arm's searches chose it, from 0.
        trial_id: of the trial that `score` is of, of several rounds the first.
        phase: "confirm", or "search" where no configuration of this search is confirmed.
        metric: what `score` is.
        mode: "min" or "max", which is better.
        score: the median over replicas, over seeds; in the search the interval ignores that it was chosen. NaN while
            there is no final score.
        replicas: of the trial, in all rounds.
        converged: the share of those judged that converged; NaN while none is.
        searched: what the search drew, by dotted name; a list or mapping by its text, None where it drew null. Empty
            where the record does not say what was drawn.
        settings: every hyperparameter with its value, by the section of the study's configuration that sets it, each of
            `SECTIONS` and "defaults". Empty where the record lacks the trial's specification.
        barred: whether more of its replicas diverged in the search than `search.diverged_at_most` allows; the best of a
            search is only where all were.
    """

    arm: str
    repeat: int
    trial_id: str
    phase: str
    metric: str
    mode: str
    score: Interval
    replicas: int
    converged: float
    searched: Mapping[str, Scalar]
    settings: Mapping[str, Mapping[str, Any]]
    barred: bool = False


def chosen(
    searched: Selection,
    confirmed: Selection,
    metric: str,
    *,
    resampling: Resampling,
    mode: str | None = None,
) -> tuple[Chosen, ...]:
    """Each arm's chosen configurations: arms as planned, their repeats in order, and a search's several in the order of
    their confirmation.

    The best of a search has the best median over replicas (with several metrics, of the first), among equals the fewest
    diverged replicas; where a study bounds how many may diverge (`Cohort.barred`), those beyond lose to all others.
    Trials that a scheduler stopped have no final score and are not among them.

    Args:
        searched: the rows of the search.
        confirmed: the rows of the confirmation; of trials under way too, whose configuration is chosen already.
        metric: a column of measurements.
        resampling: of the scores.
        mode: "min" or "max"; by default the metric's own.

    Raises:
        ValueError: as `analysis.results.cohort.cohorts` does.
    """
    studies = {str(about.get("study")): about for about in studies_of(searched.about)}
    replicas = {
        (one.phase, arm, int(repeat)): rows[rows["repeat"] == repeat]
        for one in (searched, confirmed)
        for arm, rows in one.arms()
        for repeat in rows["repeat"].unique()
    }
    cohort_of = {(one.phase, part.arm): part for one in (searched, confirmed) for part in cohorts(one, metric, mode)}
    found = []
    arms = arms_in_order(pd.concat([searched.trials, confirmed.trials]))
    for arm, repeat in sorted({key[1:] for key in replicas}, key=lambda one: (arms.index(one[0]), one[1])):
        phase = "confirm" if ("confirm", arm, repeat) in replicas else "search"
        rows, cohort = replicas[phase, arm, repeat], cohort_of[phase, arm]
        trials = rows.sort_values(["started", "index"], kind="stable").drop_duplicates("index")
        if phase == "search":
            trials = trials[np.isin(configurations(trials), _best(cohort, repeat))]
        for trial in trials.to_dict("records"):
            number = repeat * SPAN + int(trial["index"])
            about = studies.get(str(trial["study"]), {})
            flat = configuration(trial)
            drawn = stated(about, "searched", {}).get(arm.removeprefix(f"{trial['study']}/"), ())
            found.append(
                Chosen(
                    arm=arm,
                    repeat=repeat,
                    trial_id=str(trial["trial_id"]),
                    phase=phase,
                    metric=metric,
                    mode=cohort.mode,
                    score=_score(cohort, number, resampling),
                    replicas=int((configurations(rows) == number).sum()),
                    converged=_converged(rows.loc[configurations(rows) == number, "outcome"]),
                    searched=MappingProxyType({name: flat.get(name) for name in drawn}),
                    settings=_settings(flat, _sections(about, arm.removeprefix(f"{trial['study']}/"))),
                    barred=("search", arm) in cohort_of and number in cohort_of["search", arm].barred,
                )
            )
    return tuple(found)


def _best(cohort: Cohort, repeat: int) -> list[int]:
    """The number of a search's best configuration; none where none has a score."""
    number, median = cohort.medians()
    own = number // SPAN == repeat
    number, median = number[own], median[own]
    plain = [np.median(cohort.cost[cohort.configuration == one]) for one in number]
    diverged = [np.isinf(cohort.cost[cohort.configuration == one]).sum() for one in number]
    return [int(number[place]) for place in np.lexsort((number, plain, diverged, median))[:1]]


def _score(cohort: Cohort, number: int, resampling: Resampling) -> Interval:
    own = cohort.configuration == number
    if not own.any():
        return Interval(np.nan, np.nan, np.nan, 0, NO_SCORE, "seeds", resampling.confidence)
    drawn = resampling.named(np.unique(cohort.trial[own]))
    found = bootstrap(cohort.cost[own], resampling=drawn, statistic="median")
    return found if cohort.sign == 1 else found.negated()


def _converged(outcome: pd.Series) -> float:
    judged = outcome.astype(object)[outcome.notna().to_numpy() & (outcome != "failed").to_numpy()]
    return float((judged == "converged").mean()) if len(judged) else np.nan


def _sections(about: Mapping[str, Any], arm: str) -> Mapping[str, Collection[str]]:
    """The hyperparameters that each of `SECTIONS` of the study's configuration sets in an arm."""
    sections = {section: stated(about, f"config.{section}", {}) for section in SECTIONS}
    chosen = stated(about, "arms", {}).get(arm, {}).get("chosen")
    return sections if chosen is None else {**sections, "scientific": chosen}


def _settings(flat: Mapping[str, Scalar], sections: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, Any]]:
    whole = nested(flat)
    if "model" not in whole:
        return {}
    found: dict[str, dict[str, Any]] = {
        section: {key: whole.pop(key) for key in keys if key in whole} for section, keys in sections.items()
    }
    found["defaults"] = {key: value for key, value in whole.items() if key not in ELSEWHERE}
    return MappingProxyType(found)
