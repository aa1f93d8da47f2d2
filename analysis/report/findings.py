"""Findings: all results of a report, as `analysis.report.derivation` derives them from the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.figures.style import Palette
from analysis.record.loading import Record
from analysis.results.arm_settings import ArmSettings
from analysis.results.best_of_k import BestOfK
from analysis.results.chosen import Chosen
from analysis.results.common_arms import one_data_set
from analysis.results.compare import ArmOutcomes, ArmQuality, ArmSignal, Comparison
from analysis.results.critic_bound import ArmCriticBound, BoundCurve
from analysis.results.crossing import Crossing
from analysis.results.data_sets import Goal
from analysis.results.dirac import DiracShares
from analysis.results.incidence import Incidences
from analysis.results.jacobian import ArmSpectrum
from analysis.results.learning import LearningCurve, ModeShares
from analysis.results.profiles import Profile
from analysis.results.random_search import RandomSearch
from analysis.results.selection_bias import SelectionBias
from analysis.results.sensitivity import Sensitivity
from analysis.results.spending import EqualBudget, Spent
from analysis.results.standings import OverDataSets
from analysis.results.survival import Survival
from analysis.results.threshold_table import ThresholdTable
from analysis.results.unbegun import Unbegun, none_begun


@dataclass(frozen=True)
class Measured:
    """Final quality by one measurement, in the phase that is judged; empty while no replica has a score.

    Attributes:
        metric: the measurement, a column of the record.
        mode: "min" or "max", which is better.
        unmeasured: arms in which it was not measured, left out of everything about it.
        quality: by arm.
        comparison: all pairs; None with fewer than two arms, and over several data sets.
        profiles: by arm.
    """

    metric: str
    mode: str
    unmeasured: tuple[str, ...]
    quality: tuple[ArmQuality, ...]
    comparison: Comparison | None
    profiles: tuple[Profile, ...]

    @property
    def none_begun(self) -> bool:
        """Whether all that any arm has is nearer to the measurement's worst, so that it tells nobody ahead."""
        return none_begun(self.metric, (arm.values for arm in self.quality))


@dataclass(frozen=True)
class Findings:
    """The results of every analysis of one record; empty where nothing was measured.

    Attributes:
        record: the record analysed.
        goals: by study, the measurement of quality that its search went by and its mode, "min" or "max", which is
            better.
        measured: quality by the measurements that were chosen for the page, or by the first study's own.
        overview: medians by those and other usual measurements, for a table of several.
        picked: whether these measurements were chosen for the page.
        all_arms: how many arms there are, shown or not.
        phase: whose rows are judged, "confirm" or "search".
        searches: of how many independent searches of an arm `phase` has results, by arm; arms without any are left out.
        same_within: the margin within which arms count as the same; None where that is not asked.
        arms: in the order in which they were planned.
        palette: a style for each arm.
        settings: what each arm is.
        outcomes: by phase.
        signals: of stability, in `phase`.
        survival: the time to failure, and to a collapse undone where there are modes to lose, in `phase`.
        incidence: of each kind of failure, in `phase`.
        rates: all pairs in `phase` by the share of each outcome that occurred; empty with fewer than two arms, and
            where a scheduler stopped replicas, of which it is not known how they would have ended.
        crossing: the effects of the factors that the arms cross, in `phase`; None where they are no full crossing, or
            not all of them are shown.
        best_of_k: of the search.
        random_search: all pairs tuned by a part of their search, where it was random and not repeated; else None.
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
        unbegun: arms whose stalled replicas have hardly begun, in `phase`.
    """

    record: Record
    goals: Mapping[str, Goal]
    measured: tuple[Measured, ...]
    overview: Mapping[str, tuple[ArmQuality, ...]]
    picked: bool
    all_arms: int
    phase: str
    searches: Mapping[str, int]
    same_within: float | None
    arms: tuple[str, ...]
    palette: Palette
    settings: tuple[ArmSettings, ...]
    outcomes: Mapping[str, tuple[ArmOutcomes, ...]]
    signals: tuple[ArmSignal, ...]
    survival: tuple[Survival, ...]
    incidence: tuple[Incidences, ...]
    rates: Mapping[str, Comparison]
    crossing: Crossing | None
    best_of_k: tuple[BestOfK, ...]
    random_search: RandomSearch | None
    best_by_spending: Mapping[str, tuple[BestOfK, ...]]
    spent: Mapping[str, tuple[Spent, ...]]
    budgets: tuple[EqualBudget, ...]
    selection_bias: tuple[SelectionBias, ...]
    chosen: tuple[Chosen, ...]
    sensitivity: tuple[Sensitivity, ...]
    thresholds: ThresholdTable | None
    learning: tuple[LearningCurve, ...]
    bound_curves: tuple[BoundCurve, ...]
    critic_bounds: tuple[ArmCriticBound, ...]
    spectra: tuple[ArmSpectrum, ...]
    dirac: tuple[DiracShares, ...]
    shares: tuple[ModeShares, ...]
    shown: Mapping[str, str]
    standings: tuple[OverDataSets, ...]
    unbegun: tuple[Unbegun, ...]

    @property
    def metric(self) -> str:
        """The first measurement of quality."""
        return self.measured[0].metric

    @property
    def one_metric(self) -> bool:
        """Whether all studies go by one metric; otherwise quality is compared within a study alone."""
        return len(set(self.goals.values())) == 1

    @property
    def one_data_set(self) -> bool:
        """Whether all studies are of one data set; scores on several do not say which arm is better."""
        return one_data_set(self.record.about)
