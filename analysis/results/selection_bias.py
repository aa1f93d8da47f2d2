"""Selection bias: the best of a search was chosen by its score, which is therefore optimistic; the score of the same
configuration on fresh seeds is not. The two are shown side by side and never pooled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.results.cohort import Cohort, cohorts
from analysis.results.effects import Scale
from analysis.results.pairs import scale_of
from analysis.results.selection import SPAN, Selection
from analysis.results.winner import corrected
from analysis.statistics.bootstrap import Resampling, bootstrap
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats, Interval
from analysis.statistics.ranks import rank_test
from analysis.statistics.shift import shift

WITHOUT = "no interval: no score in the search"
TEST = "mann_whitney"
ALPHA = 0.05  # two-sided, of all winners together


@dataclass(frozen=True)
class SelectionBias:
    """A winner's score in the search that chose it beside its score on fresh seeds.

    Attributes:
        arm: its name.
        repeat, index: which of the arm's searches, and the configuration's number in it; the same in both phases.
        metric: what scores are.
        mode: "min" or "max", which is better.
        search: median over the search's seeds; its interval ignores that it was chosen. NaN where the scheduler
            stopped the trial before it had a final score.
        corrected: the same score corrected for the choice, from the search alone (`analysis.results.winner`).
        confirmed: median over fresh seeds.
        change: by how much fresh seeds score higher than the search's (Hodges and Lehmann), positive being worse where
            mode is min; captures seeds. NaN ends where the seeds are too few for an interval, as 2 and 8 are not, and 2
            and 7 are.
        biased: worse on fresh seeds, and told apart by Mann and Whitney's test, whose p is exact for few seeds, after
            Holm's correction over all winners. Better ones are never: choosing the best cannot do that.
    """

    arm: str
    repeat: int
    index: int
    metric: str
    mode: str
    search: Interval
    corrected: Interval
    confirmed: Interval
    change: Interval
    biased: bool


def selection_bias(
    searched: Selection,
    confirmed: Selection,
    metric: str,
    *,
    resampling: Resampling,
    mode: str | None = None,
) -> tuple[SelectionBias, ...]:
    """Each confirmed configuration's score in the search and on fresh seeds; arguments as for `best_of_k`."""
    chosen_from = {cohort.arm: cohort for cohort in cohorts(searched, metric, mode)}
    scale: Scale = scale_of(metric, list(chosen_from.values())) if chosen_from else "difference"
    found, tests = [], []
    for cohort in cohorts(confirmed, metric, mode):
        for index in np.unique(cohort.configuration):
            fresh, again = _replicas(cohort, index, resampling)
            before = chosen_from.get(cohort.arm)
            past, first = _replicas(before, index, resampling) if before else (np.array([]), resampling)
            search, after, change, p = _change(past, fresh, first, again)
            honest = corrected(before, int(index), scale, resampling.confidence) if before else search
            tests.append((p, change.estimate > 0))
            if cohort.sign < 0:
                search, honest, after, change = (one.negated() for one in (search, honest, after, change))
            repeat, number = divmod(int(index), SPAN)
            found.append(
                SelectionBias(cohort.arm, repeat, number, metric, cohort.mode, search, honest, after, change, False)
            )
    corrected_p = holm([p for p, _ in tests])
    return tuple(
        replace(one, biased=bool(worse and p <= ALPHA))
        for one, p, (_, worse) in zip(found, corrected_p, tests, strict=True)
    )


def _change(
    past: Floats, fresh: Floats, first: Resampling, again: Resampling
) -> tuple[Interval, Interval, Interval, float]:
    """A configuration's median cost before and after, the change, over seeds, and the p of its test."""
    after, confidence, n = _median(fresh, again), again.confidence, len(past) + len(fresh)
    if not len(past):
        none = Interval(np.nan, np.nan, np.nan, 0, WITHOUT, "seeds", confidence)
        return none, after, none, np.nan
    estimate, low, high = shift(fresh, past, confidence, TEST)
    if np.isnan(estimate):  # none of all these ended
        estimate = low = high = 0.0
    elif low == -np.inf and high == np.inf:
        low = high = np.nan
    change = Interval(estimate, low, high, n, "Hodges and Lehmann's, by inversion", "seeds", confidence)
    return _median(past, first), after, change, rank_test(past, fresh, TEST)[1]


def _median(costs: Floats, resampling: Resampling) -> Interval:
    return bootstrap(costs, resampling=resampling, statistic="median")


def _replicas(cohort: Cohort, index: int, resampling: Resampling) -> tuple[Floats, Resampling]:
    """The costs of a configuration's replicas, and how their intervals are drawn, which their trial's name fixes."""
    own = cohort.configuration == index
    return cohort.cost[own], resampling.named(np.unique(cohort.trial[own]))
