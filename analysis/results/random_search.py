"""Objectives compared by one random search each, where nothing was repeated: every part of it is a search that could
have been.

Where a sampler draws configurations independently, each third of an arm's configurations is a search of its own, and
what the best of them gives on a seed it was not chosen by says what the objective gives *tuned by a search of that
length*: the question that repeats of the search answer, for a shorter search and from its own seeds alone. The method
is that of `analysis.statistics.tuned`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.results.cohort import Cohort
from analysis.results.effects import ALL, Effect
from analysis.results.selection import Selection
from analysis.statistics import tuned
from analysis.statistics.intervals import Floats, Interval

PARTS = 3  # of an arm's configurations, each of which is a search
FEWEST = 12  # configurations of an arm


@dataclass(frozen=True)
class RandomSearch:
    """Every pair of arms, each tuned by a random search of `k` configurations: the probability that a replica of one is
    better than one of the other, ties half."""

    k: int
    metric: str
    effects: tuple[Effect, ...]


def compared(
    selected: Selection, cohorts: Sequence[Cohort], metric: str, confidence: float = 0.95
) -> RandomSearch | None:
    """Arms by their searches; None where that says nothing: a sampler that is not random, searches that were repeated,
    a scheduler that stopped trials, fewer than two seeds or two arms, or than `FEWEST` configurations of each.

    Args:
        selected: a record's search.
        cohorts: its arms' replicas and costs.
        metric: what the costs are of.
        confidence: of the intervals, which hold for all pairs together.
    """
    random = all(stated(about, "config.search.sampler") == "random" for about in studies_of(selected.about))
    if not random or len(cohorts) < 2 or max(selected.repeats.values(), default=0) > 1:
        return None
    if any(one.truncated or one.running for one in cohorts):
        return None
    tables = [_table(one) for one in cohorts]
    if min(len(table) for table in tables) < FEWEST or min(table.shape[1] for table in tables) < 2:
        return None
    seeds = min(table.shape[1] for table in tables)
    k = min(len(table) for table in tables) // PARTS
    found = tuned.by_rank([table[:, :seeds] for table in tables], k)
    low, high = found.ends(confidence, simultaneous=True)
    effects = []
    for place, (a, b) in enumerate(found.pairs):
        n = (len(tables[a]), len(tables[b]))
        method = f"Student’s t of a U-statistic over searches{ALL}"
        estimate = Interval(
            float(found.estimate[place]), float(low[place]), float(high[place]), sum(n), method, "both", confidence
        )
        p, holm = float(found.p[place]), float(found.p_holm[place])
        effects.append(Effect(cohorts[a].arm, cohorts[b].arm, *n, estimate, found.null, p, holm))
    return RandomSearch(k, metric, tuple(effects))


def _table(cohort: Cohort) -> Floats:
    """Costs (n, R) of the configurations that have a score on every seed of the search."""
    index, place = np.unique(cohort.configuration, return_inverse=True)
    seeds, column = np.unique(cohort.seed, return_inverse=True)
    table = np.full((len(index), len(seeds)), np.nan)
    table[place, column] = cohort.cost
    found: Floats = table[~np.isnan(table).any(1)]
    return found
