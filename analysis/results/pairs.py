"""All pairs of arms compared by rank, corrected by Holm, and the arms not distinguishable from the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.results.cohort import cohorts, direction
from analysis.results.selection import Selection
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Captures, Floats, Interval
from analysis.statistics.ranks import rank_test, relative_effect

FIELDS = ("improvement", "delta", "p", "p_holm")


@dataclass(frozen=True)
class Pair:
    """Arm `a` against arm `b`.

    Attributes:
        a: one arm.
        b: the other.
        n_a: units of a, replicas or configurations.
        n_b: units of b.
        statistic: of the test; of Brunner and Munzel's positive where a is better.
        p: of the test alone.
        p_holm: corrected for all pairs of the comparison (Holm 1979).
        improvement: probability that a unit of a is better than one of b, ties half: Vargha and Delaney's A.
        delta: Cliff's, 2A - 1, in [-1, 1].
    """

    a: str
    b: str
    n_a: int
    n_b: int
    statistic: float
    p: float
    p_holm: float
    improvement: Interval
    delta: Interval

    def turned(self) -> Pair:
        """The same with b first."""
        other = self.improvement
        improvement = replace(other, estimate=1 - other.estimate, low=1 - other.high, high=1 - other.low)
        return Pair(
            self.b, self.a, self.n_b, self.n_a, 0.0 - self.statistic, self.p, self.p_holm, improvement,
            self.delta.negated(),
        )  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Every pair of arms.

    Attributes:
        metric: what quality is measured by.
        mode: "min" or "max", which is better.
        phase: whose rows these are.
        unit: "replica" in the phase confirm, and where each arm has one configuration; otherwise "configuration", by
            its median, as replicas of one configuration are not independent.
        test: of `analysis.statistics.ranks.TESTS`.
        alpha: family-wise level of the verdict.
        arms: the best first, by the median over units, then by mean probability of improvement.
        best: the first of them.
        indistinguishable: the best, and the arms whose corrected test against it does not reject. The correction
            for all pairs covers the choice of the best from the same data. With few units nothing is distinguishable.
        pairs: each once.
    """

    metric: str
    mode: str
    phase: str
    unit: str
    test: str
    alpha: float
    arms: tuple[str, ...]
    best: str
    indistinguishable: tuple[str, ...]
    pairs: tuple[Pair, ...]

    def pair(self, a: str, b: str) -> Pair:
        """The pair of two arms, turned so that `a` comes first; raises KeyError."""
        for one in self.pairs:
            if {one.a, one.b} == {a, b} and a != b:
                return one if one.a == a else one.turned()
        raise KeyError(f"no pair of the arms {a!r} and {b!r}; there are {', '.join(self.arms)}")

    def matrix(self, field: str) -> pd.DataFrame:
        """One of `FIELDS`, row against column, best arms first; NaN on the diagonal."""
        if field not in FIELDS:
            raise ValueError(f"field: expected one of {', '.join(FIELDS)}, got {field!r}")
        table = pd.DataFrame(np.nan, index=list(self.arms), columns=list(self.arms))
        for one in [*self.pairs, *(pair.turned() for pair in self.pairs)]:
            value = getattr(one, field)
            table.loc[one.a, one.b] = value.estimate if isinstance(value, Interval) else value
        return table


def compare(
    selected: Selection,
    metric: str,
    *,
    mode: str | None = None,
    test: str = "brunner_munzel",
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> Comparison:
    """All pairs of arms by rank, corrected by Holm; arguments as for `quality`, test one of
    `analysis.statistics.ranks.TESTS`.

    Raises ValueError where no arm has a score.
    """
    found = [cohort for cohort in cohorts(selected, metric, mode) if len(cohort.cost)]
    if not found:
        raise ValueError(f"phase: no arm has a score of {metric} in the phase {selected.phase!r}")
    single = selected.captures == "seeds"
    units = {cohort.arm: cohort.cost if single else cohort.medians()[1] for cohort in found}
    pairs = _pairs(units, test, "seeds" if single else "configurations", confidence)
    order = _ranked(units, pairs)
    best = order[0]
    rejected = {arm for pair in pairs if best in (pair.a, pair.b) and pair.p_holm <= alpha for arm in (pair.a, pair.b)}
    return Comparison(
        metric=metric,
        mode=direction(metric, mode),
        phase=selected.phase,
        unit="replica" if single else "configuration",
        test=test,
        alpha=alpha,
        arms=order,
        best=best,
        indistinguishable=tuple(arm for arm in order if arm == best or arm not in rejected),
        pairs=pairs,
    )


def _pairs(units: Mapping[str, Floats], test: str, captures: Captures, confidence: float) -> tuple[Pair, ...]:
    names = list(combinations(units, 2))
    tests = [rank_test(units[a], units[b], test) for a, b in names]
    corrected = holm([p for _, p in tests])
    pairs = []
    for (a, b), (statistic, p), p_holm in zip(names, tests, corrected, strict=True):
        effect = relative_effect(units[a], units[b])
        low, high = effect.ends(confidence)
        method = f"Wilson on {effect.units:.3g} effective pairs"
        improvement = Interval(effect.estimate, low, high, effect.n + effect.m, method, captures, confidence)
        delta = replace(improvement, estimate=2 * effect.estimate - 1, low=2 * low - 1, high=2 * high - 1)
        pairs.append(Pair(a, b, effect.n, effect.m, statistic, p, float(p_holm), improvement, delta))
    return tuple(pairs)


def _ranked(units: Mapping[str, Floats], pairs: tuple[Pair, ...]) -> tuple[str, ...]:
    # Medians tie where half of the replicas of several arms diverged; the mean effect then decides.
    wins = dict.fromkeys(units, 0.0)
    for pair in pairs:
        wins[pair.a] += pair.improvement.estimate
        wins[pair.b] += 1 - pair.improvement.estimate
    return tuple(sorted(units, key=lambda arm: (float(np.median(units[arm])), -wins[arm])))
