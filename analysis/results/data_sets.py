"""Arms compared over data sets: joined studies of the same arms, in which a data set counts as one.

On a data set, two arms differ by the effect that compares them within a study: the probability that a replica of one
is better than a replica of the other, less one half (quality: ties count half, a diverged replica is worse than any
other; in a search a replica is a configuration, by its median), or the difference between the shares that converged. An
arm's score is its mean effect against the other arms, and arms are ranked by it, 1 the best. Scores of different data
sets are never put together otherwise, so that neither their scales nor their metrics have to agree.

The units are data sets, of which others are asked about: each brings a search and seeds of its own. Several studies of
one data set are no independent units, and their effects are averaged; where all are of one data set the units are the
studies, and nothing is said of other data. Only a complete table is compared, the largest that the studies hold.

All arms are compared by Friedman's test, every two by the exact signed-rank test of their effects, corrected by Holm,
and by its Bayesian counterpart (Demšar 2006; Benavoli, Corani & Mangili 2016; Benavoli et al. 2017). Nemenyi's test
of average ranks is not used: what it finds of two arms hangs on which other arms there are (Benavoli et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import scipy

from analysis.record.join import studies_of
from analysis.results.cohort import cohorts, unmeasured
from analysis.results.common_arms import complete, data_set, drawn_alike, units
from analysis.results.compare import ArmOutcomes
from analysis.results.selection import Selection
from analysis.results.standings import OverDataSets, PairOver, Unit
from analysis.statistics.friedman import friedman
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats
from analysis.statistics.signed_rank import credence, signed_rank
from analysis.statistics.streams import stream

Goal = tuple[str, str]  # a metric and its mode


@dataclass(frozen=True)
class _Effects:
    """Of one study: the effect of each arm against each other, positive where the first is better; and the arms' shares
    where these are what is compared."""

    between: Mapping[tuple[str, str], Fraction]
    shares: Mapping[str, Fraction]

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(arm for arm, _ in self.between))

    def mean(self, arm: str, arms: Sequence[str]) -> Fraction:
        return _mean([self.between[arm, other] for other in arms if other != arm])

    def score(self, arm: str, arms: Sequence[str]) -> Fraction:
        """What `Unit.scores` shows."""
        return self.shares[arm] if self.shares else self.mean(arm, arms) + Fraction(1, 2)


def over_data_sets(
    selected: Selection,
    goals: Mapping[str, Goal],
    outcomes: Sequence[ArmOutcomes],
    *,
    generator: np.random.Generator,
    rope: float = 0.0,
    alpha: float = 0.05,
) -> tuple[OverDataSets, ...]:
    """The comparisons by each endpoint over joined studies; none where no two of them share two arms that have scores.

    Args:
        selected: a phase's rows.
        goals: the metric and mode of each study.
        outcomes: of the arms of `selected`.
        generator: whose seed fixes the posteriors.
        rope: the effect up to which two arms count as equally good.
        alpha: family-wise level of the verdicts on pairs.
    """
    abouts = {str(about.get("study")): about for about in studies_of(selected.about)}
    found = []
    for endpoint, known in (("converged", _converged(outcomes)), ("quality", _quality(selected, goals))):
        effects = {study: known.get(study, _Effects({}, {})) for study in abouts}
        studies, arms = complete({study: one.arms for study, one in effects.items()}, abouts)
        if len(studies) > 1:
            grouped = units(studies, abouts)
            order, ranked = _ranked(arms, grouped, effects)
            found.append(
                OverDataSets(
                    endpoint=endpoint,
                    phase=selected.phase,
                    unit="data set" if len({data_set(abouts[study]) for study in studies}) > 1 else "study",
                    arms=order,
                    units=ranked,
                    test=friedman([[-rank for rank in unit.ranks] for unit in ranked]),
                    pairs=_pairs(_differences(order, grouped, effects), stream(generator, [endpoint]), rope),
                    alpha=alpha,
                    lacking={
                        study: set(arms) - set(one.arms) for study, one in effects.items() if study not in studies
                    },
                    dropped={study: set(effects[study].arms) - set(arms) for study in studies},
                    planned=arms,
                    drawn_alike=drawn_alike(grouped, abouts),
                )
            )
    return tuple(found)


def _quality(selected: Selection, goals: Mapping[str, Goal]) -> dict[str, _Effects]:
    found = {}
    for study, (metric, mode) in goals.items():
        own = replace(selected, trials=selected.trials[selected.trials["study"] == study])
        scored = cohorts(own.without(unmeasured(own, metric, mode)), metric, mode)
        costs = {
            one.arm.removeprefix(f"{study}/"): one.medians()[1] if selected.unit == "configuration" else one.cost
            for one in scored
            if len(one.cost)
        }
        half = Fraction(1, 2)
        found[study] = _Effects({(a, b): _better(costs[a], costs[b]) - half for a, b in permutations(costs, 2)}, {})
    return found


def _better(a: Floats, b: Floats) -> Fraction:
    """The share of pairs in which a costs less than b, ties half."""
    ordered = np.sort(b)
    upto, below = (np.searchsorted(ordered, a, side=side) for side in ("right", "left"))
    return Fraction(int((2 * len(b) - upto - below).sum()), 2 * len(a) * len(b))


def _converged(outcomes: Sequence[ArmOutcomes]) -> dict[str, _Effects]:
    shares: dict[str, dict[str, Fraction]] = {}
    for one in outcomes:
        study, _, arm = one.arm.partition("/")
        if one.n:
            held = round(one.n * one.probabilities["converged"].estimate)
            shares.setdefault(study, {})[arm] = Fraction(held, one.n)
    return {
        study: _Effects({(a, b): held[a] - held[b] for a, b in permutations(held, 2)}, held)
        for study, held in shares.items()
    }


def _ranked(
    arms: Sequence[str], grouped: Sequence[Sequence[str]], effects: Mapping[str, _Effects]
) -> tuple[tuple[str, ...], tuple[Unit, ...]]:
    """The arms by their average rank, and the units with the arms in this order."""
    means = [[_mean([effects[one].mean(arm, arms) for one in studies]) for arm in arms] for studies in grouped]
    scores = [[_mean([effects[one].score(arm, arms) for one in studies]) for arm in arms] for studies in grouped]
    ranks = scipy.stats.rankdata([[-float(mean) for mean in row] for row in means], axis=1)
    order = np.argsort(ranks.sum(0), kind="stable")
    return tuple(arms[place] for place in order), tuple(
        Unit(
            name=" + ".join(studies),
            scores=tuple(float(row[place]) for place in order),
            ranks=tuple(float(rank[place]) for place in order),
        )
        for studies, row, rank in zip(grouped, scores, ranks, strict=True)
    )


def _differences(
    arms: Sequence[str], grouped: Sequence[Sequence[str]], effects: Mapping[str, _Effects]
) -> dict[tuple[str, str], Floats]:
    """By pair of arms, the effect (N,) on each unit."""
    return {
        pair: np.array([float(_mean([effects[one].between[pair] for one in studies])) for studies in grouped])
        for pair in combinations(arms, 2)
    }


def _pairs(
    found: Mapping[tuple[str, str], Floats], generator: np.random.Generator, rope: float
) -> tuple[PairOver, ...]:
    tests = [signed_rank(differences) for differences in found.values()]
    corrected = holm([p for _, p in tests])
    return tuple(
        PairOver(
            a=a,
            b=b,
            better=int((differences > 0).sum()),
            worse=int((differences < 0).sum()),
            effect=float(differences.mean()),
            statistic=statistic,
            p=p,
            p_holm=float(p_holm),
            credence=credence(differences, generator=stream(generator, [a, b]), rope=rope),
        )
        for ((a, b), differences), (statistic, p), p_holm in zip(found.items(), tests, corrected, strict=True)
    )


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)
