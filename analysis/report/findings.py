"""Findings: everything that a report says, computed once from the record; the page, figures and tables only show it.

What is judged is the confirmed phase, fresh seeds of configurations chosen without them, wherever some of its trials
have ended, and else the search, which is said. The two are never pooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from analysis.figures.style import Palette, palette
from analysis.record.loading import Record
from analysis.results import (
    budget,
    cohort,
    compare,
    critic_bound,
    dirac,
    jacobian,
    learning,
    sensitivity,
    survival,
    thresholds,
)
from analysis.results.cohort import arms_in_order
from analysis.results.criteria import metric_and_mode
from analysis.results.design import scales_of
from analysis.results.learning import LearningCurve, ModeShares
from analysis.results.outcomes import JUDGED

FOLLOWED = (  # over training, where they were measured
    "modes", "high_quality", "precision", "recall", "critic_accuracy", "gradient_norm_generator", "hop",
)  # fmt: skip
Of = TypeVar("Of", critic_bound.DivergenceCurve, critic_bound.ArmDivergence, jacobian.ArmSpectrum, dirac.DiracShares)
MOST_CURVES = 6
MODES_SHOWN = 64
COLUMNS = tuple(
    dict.fromkeys([*JUDGED, *FOLLOWED, critic_bound.ESTIMATE, critic_bound.TRUTH, "modes", "mode_histogram"])
)  # of history, besides the metric


@dataclass(frozen=True)
class Findings:
    """The results of every analysis of one record; empty where there is nothing to go by.

    Attributes:
        record: what they are found in.
        metric: what quality is measured by, `mode` which way is better.
        mode: "min" or "max".
        phase: whose rows are judged, "confirm" or "search".
        arms: in the order in which they were planned; `palette` has their looks.
        palette: a style for each arm.
        unmeasured: arms in which the metric was not measured, left out of everything about quality.
        outcomes: by phase.
        signals: of stability, in `phase`.
        survival: an event each, in `phase`.
        quality: in `phase`.
        comparison: all pairs in `phase`; None with fewer than two arms.
        profiles: in `phase`.
        best_of_k: of the search.
        flattery: search beside confirmed scores.
        sensitivity: of the search.
        thresholds: how outcomes in `phase` hang on them; None where nothing has ended.
        learning: curves in `phase`.
        divergence_curves: what critics estimate beside the truth over training, in `phase`.
        divergences: the same at the end, in `phase`.
        spectra: of the game's Jacobian, in `phase`.
        dirac: shares of the maps of Dirac-GANs, in `phase`.
        shares: of samples by mode, in `shown`.
        shown: arm -> the trial whose samples are shown, the best of `phase` by its median.
    """

    record: Record
    metric: str
    mode: str
    phase: str
    arms: tuple[str, ...]
    palette: Palette
    unmeasured: tuple[str, ...]
    outcomes: Mapping[str, tuple[compare.ArmOutcomes, ...]]
    signals: tuple[compare.ArmSignal, ...]
    survival: tuple[survival.Survival, ...]
    quality: tuple[compare.ArmQuality, ...]
    comparison: compare.Comparison | None
    profiles: tuple[budget.Profile, ...]
    best_of_k: tuple[budget.BestOfK, ...]
    selection_bias: tuple[budget.SelectionBias, ...]
    sensitivity: tuple[sensitivity.Sensitivity, ...]
    thresholds: thresholds.ThresholdTable | None
    learning: tuple[LearningCurve, ...]
    divergence_curves: tuple[critic_bound.DivergenceCurve, ...]
    divergences: tuple[critic_bound.ArmDivergence, ...]
    spectra: tuple[jacobian.ArmSpectrum, ...]
    dirac: tuple[dirac.DiracShares, ...]
    shares: tuple[ModeShares, ...]
    shown: Mapping[str, str]


def find(record: Record, seed: int = 0) -> Findings:
    """Analyse a record, finished or not. `seed` fixes all resampling: the same record gives the same findings."""
    metric, mode = metric_and_mode(record.about)
    ended = record.trials[record.trials["outcome"].notna() & (record.trials["status"] != "failed")]
    phase = "confirm" if (ended["phase"] == "confirm").any() else "search"
    unmeasured = tuple(_unmeasured(ended, metric, phase))
    measured = record.trials[~record.trials["arm"].isin(unmeasured)]
    scored = ended[~ended["arm"].isin(unmeasured) & ended["status"].isin(("completed", "diverged"))]
    phases = {name for name in cohort.PHASES if (scored["phase"] == name).any()}
    shown = _shown(measured, metric, mode, phase) if phase in phases else {}
    names = arms_in_order(record.trials)
    several = phase in phases and scored.loc[scored["phase"] == phase, "arm"].nunique() > 1

    def chance() -> np.random.Generator:
        return np.random.default_rng(seed)

    return Findings(
        record=record,
        metric=metric,
        mode=mode,
        phase=phase,
        arms=tuple(names),
        palette=palette(names),
        unmeasured=unmeasured,
        outcomes={name: compare.outcomes(record.trials, name) for name in cohort.PHASES},
        signals=compare.signals(record.trials, phase, generator=chance()) if len(ended) else (),
        survival=_survival(record, ended, phase),
        quality=(compare.quality(measured, metric, phase, mode=mode, generator=chance()) if phase in phases else ()),
        comparison=compare.compare(measured, metric, phase, mode=mode) if several else None,
        profiles=budget.profiles(measured, metric, phase, mode=mode) if phase in phases else (),
        best_of_k=budget.best_of_k(measured, metric, mode=mode, generator=chance()) if "search" in phases else (),
        selection_bias=budget.selection_bias(measured, metric, mode=mode, generator=chance())
        if len(phases) == 2
        else (),
        sensitivity=(
            sensitivity.sensitivity(measured, metric, mode=mode, scales=scales_of(record.about), generator=chance())
            if "search" in phases
            else ()
        ),
        thresholds=thresholds.threshold_table(record, phase) if len(ended) else None,
        learning=learning.learning(record, _followed(record, metric), phase),
        divergence_curves=_as_planned(names, critic_bound.divergence_curves(record, phase)),
        divergences=_as_planned(names, critic_bound.divergences(record.trials, phase, generator=chance())),
        spectra=_as_planned(names, jacobian.spectra(record.trials, phase, generator=chance())),
        dirac=_as_planned(names, dirac.dirac_shares(record.trials, phase)),
        shares=_mode_shares(record, shown),
        shown=shown,
    )


def _as_planned(names: list[str], results: tuple[Of, ...]) -> tuple[Of, ...]:
    """Results of arms in the order in which the arms were planned."""
    return tuple(sorted(results, key=lambda one: names.index(one.arm)))


def _unmeasured(ended: Any, metric: str, phase: str) -> list[str]:
    """Arms whose replicas completed without a single value of the metric."""
    rows = ended[(ended["phase"] == phase) & (ended["status"] == "completed") & (ended["outcome"] != "diverged")]
    known = rows[metric].notna().groupby(rows["arm"].astype(str)).any()
    return [str(arm) for arm, any_known in known.items() if not any_known]


def _survival(record: Record, ended: Any, phase: str) -> tuple[survival.Survival, ...]:
    if not len(ended):
        return ()
    modes = record.history["mode_fraction"].notna().any()
    return tuple(
        survival.survival(record, event, phase) for event in (("either", "diverged") if modes else ("diverged",))
    )


def _followed(record: Record, metric: str) -> list[str]:
    names = list(dict.fromkeys([metric, *FOLLOWED]))
    return [name for name in names if name in record.history and record.history[name].notna().any()][:MOST_CURVES]


def _shown(trials: Any, metric: str, mode: str, phase: str) -> dict[str, str]:
    names = trials[trials["phase"] == phase].drop_duplicates("trial_id")
    identity = {(str(arm), int(k)): str(t) for arm, k, t in names[["arm", "index", "trial_id"]].itertuples(index=False)}
    found = {}
    for arm in cohort.cohorts(trials, metric, phase, mode):
        index, median = arm.medians()
        if len(index):
            found[arm.arm] = identity[arm.arm, int(index[np.argmin(median)])]
    return found


def _mode_shares(record: Record, shown: Mapping[str, str]) -> tuple[ModeShares, ...]:
    rows = learning.mode_shares(record, list(shown.values()))
    return tuple(row for row in rows if row.shares.shape[2] <= MODES_SHOWN)
