"""Selection bias: the best of a search was chosen by its score, which is therefore optimistic; the score of the same
configuration on fresh seeds is not. The two are shown side by side and never pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.results.cohort import Cohort, cohorts
from analysis.results.effects import Scale
from analysis.results.pairs import scale_of
from analysis.results.selection import SPAN, Selection
from analysis.results.winner import corrected
from analysis.statistics.bootstrap import Resampling, bootstrap, percentiles, resampled
from analysis.statistics.intervals import Floats, Interval

WITHOUT = "no interval: no score in the search"


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
        change: confirmed less search, positive being worse where mode is min; captures seeds.
        biased: worse on fresh seeds, and the interval of the change excludes 0.
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
    found = []
    for cohort in cohorts(confirmed, metric, mode):
        for index in np.unique(cohort.configuration):
            fresh, again = _replicas(cohort, index, resampling)
            before = chosen_from.get(cohort.arm)
            past, first = _replicas(before, index, resampling) if before else (np.array([]), resampling)
            search, after, change = _change(past, fresh, first, again)
            honest = corrected(before, int(index), scale, resampling.confidence) if before else search
            biased = bool(change.low > 0)
            if cohort.sign < 0:
                search, honest, after, change = (one.negated() for one in (search, honest, after, change))
            repeat, number = divmod(int(index), SPAN)
            found.append(
                SelectionBias(cohort.arm, repeat, number, metric, cohort.mode, search, honest, after, change, biased)
            )
    return tuple(found)


def _change(past: Floats, fresh: Floats, first: Resampling, again: Resampling) -> tuple[Interval, Interval, Interval]:
    """A configuration's median cost before, after, and the change, over seeds; by resamples of their own."""
    after = bootstrap(fresh, resampling=again, statistic="median")
    if not len(past):
        none = Interval(np.nan, np.nan, np.nan, 0, WITHOUT, "seeds", again.confidence)
        return none, after, none
    before = bootstrap(past, resampling=first, statistic="median")
    _, drawn_after, degrees_after = resampled(fresh, None, again, ("median",))
    _, drawn_before, degrees_before = resampled(past, None, first, ("median",))
    degrees_of_freedom = (degrees_before + degrees_after) * (min(degrees_before, degrees_after) > 0)
    differences = _difference(drawn_after[0], drawn_before[0])
    estimate = float(_difference(after.estimate, before.estimate))
    n = len(past) + len(fresh)
    return (
        before,
        after,
        percentiles(estimate, differences, degrees_of_freedom, n, "seeds", again.confidence),
    )


def _replicas(cohort: Cohort, index: int, resampling: Resampling) -> tuple[Floats, Resampling]:
    """The costs of a configuration's replicas, and how their intervals are drawn, which their trial's name fixes."""
    own = cohort.configuration == index
    return cohort.cost[own], resampling.named(np.unique(cohort.trial[own]))


def _difference(after: ArrayLike, before: ArrayLike) -> Floats:
    """after - before, equal infinities giving 0."""
    same = np.equal(after, before)
    return np.where(same, 0.0, np.subtract(after, np.where(same, 0.0, before)))
