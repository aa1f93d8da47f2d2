"""Arms in the order of one effect, the best of them, and those that cannot be told apart from it.

One effect decides all of it: an arm is ahead of another where the effect of their pair favours it, the best is ahead of
every other, and two are told apart where the test of that effect rejects at the family-wise level. Effects need not be
transitive, and may be equal: then no arm is the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.results import effects, looks, repeated
from analysis.results.cohort import Cohort, cohorts
from analysis.results.effects import Effect, Sample, Scale, Unit
from analysis.results.paired import pair_of
from analysis.results.selection import Selection
from analysis.wording import log_scaled

FIELDS = ("effect", "p", "p_holm")
METHODS = {
    "brunner_munzel": "Brunner and Munzel's test, or Mann and Whitney's where its p is larger",
    "mann_whitney": "Mann and Whitney's test",
}


@dataclass(frozen=True)
class Comparison:
    """Every pair of arms by one effect.

    Attributes:
        subject: what is compared: a metric, an outcome or an event.
        phase: whose rows these are.
        unit: of inference: "replica" in the phase confirm, and where each arm has one configuration; "configuration" in
            a search, as replicas of one configuration are not independent; "repeat" in the phase confirm where an arm
            was searched several times.
        test: by which two arms are told apart.
        alpha: family-wise level of the verdict.
        arms: those ahead of most others first, among equals by their mean effect.
        best: the arm that is ahead of every other; None where there is none.
        pairs: each once.
    """

    subject: str
    phase: str
    unit: Unit
    test: str
    alpha: float
    arms: tuple[str, ...]
    best: str | None
    pairs: tuple[Effect, ...]

    def pair(self, a: str, b: str) -> Effect:
        """The pair of two arms, turned so that `a` comes first; raises KeyError."""
        return pair_of(self.pairs, self.arms, a, b)

    def told_apart(self, a: str, b: str) -> bool:
        """Whether the test of two arms rejects after the correction for all pairs; raises KeyError."""
        return self.pair(a, b).p_holm <= self.alpha

    @property
    def each(self) -> str:
        """What is better or worse than another: replicas, also where repeats are the units, or configurations."""
        return "configuration" if self.unit == "configuration" else "replica"

    @property
    def planned(self) -> tuple[str, ...]:
        """The arms in the order of the pairs, which is the configuration's, as tables and pictures list them."""
        return tuple(dict.fromkeys(arm for pair in self.pairs for arm in (pair.a, pair.b))) or self.arms

    @property
    def told(self) -> tuple[Effect, ...]:
        """The pairs that are told apart, in the order of the arms, the one that is ahead first."""
        places = {arm: place for place, arm in enumerate(self.arms)}
        apart = [one if _ahead(one) > 0 else one.turned() for one in self.pairs if one.p_holm <= self.alpha]
        return tuple(sorted(apart, key=lambda one: (places[one.a], places[one.b])))

    @property
    def indistinguishable(self) -> tuple[str, ...]:
        """The best, and the arms not told apart from it; empty where no arm is the best. With few units none is told
        apart."""
        if self.best is None:
            return ()
        return tuple(arm for arm in self.arms if arm == self.best or not self.told_apart(self.best, arm))

    def matrix(self, field: str) -> pd.DataFrame:
        """One of `FIELDS`, row against column, arms in the configuration's order; NaN on the diagonal."""
        if field not in FIELDS:
            raise ValueError(f"field: expected one of {', '.join(FIELDS)}, got {field!r}")
        table = pd.DataFrame(np.nan, index=list(self.planned), columns=list(self.planned))
        for one in [*self.pairs, *(pair.turned() for pair in self.pairs)]:
            table.loc[one.a, one.b] = one.effect.estimate if field == "effect" else getattr(one, field)
        return table


def compare(
    selected: Selection,
    metric: str,
    *,
    mode: str | None = None,
    test: str = "brunner_munzel",
    alpha: float = 0.05,
) -> Comparison:
    """All pairs of arms by rank, corrected by Holm; arguments as for `quality`, test one of
    `analysis.statistics.ranks.TESTS`.

    Shifts are ratios where the metric has no upper bound and all scores are above 0, and differences otherwise.

    Raises ValueError where no arm has a score.
    """
    found = [cohort for cohort in cohorts(selected, metric, mode) if len(cohort.cost)]
    if not found:
        raise ValueError(f"phase: no arm has a score of {metric} in the phase {selected.phase!r}")
    unit, scale, sign = selected.unit, scale_of(metric, found), found[0].sign
    samples = [Sample(one.arm, one.cost, one.trial, one.repeat, one.seed) for one in found]

    def look(masks: looks.Masks, confidence: float) -> tuple[Effect, ...]:
        seen = looks.kept(samples, masks)
        if unit == "repeat":
            return repeated.by_rank(seen, scale=scale, sign=sign, confidence=confidence)
        return effects.by_rank(seen, unit, test=test, scale=scale, sign=sign, confidence=confidence)

    pairs = looks.tested(selected, samples, alpha, look)
    method = repeated.TEST if unit == "repeat" else METHODS[test]
    return compared(pairs, [one.arm for one in found], metric, selected.phase, unit, method, alpha)


def compared(
    pairs: Sequence[Effect], arms: Sequence[str], subject: str, phase: str, unit: Unit, test: str, alpha: float
) -> Comparison:
    """The comparison that the effects of all pairs of arms make; the other arguments as there.

    Arms that are in no pair, as the study's looks have not seen them yet, are left out.
    """
    seen = {arm for pair in pairs for arm in (pair.a, pair.b)}
    arms = [arm for arm in arms if arm in seen] or arms
    wins, mean = dict.fromkeys(arms, 0.0), dict.fromkeys(arms, 0.0)
    for pair in pairs:
        for arm, away in ((pair.a, _ahead(pair)), (pair.b, -_ahead(pair))):
            wins[arm] += float(away > 0)
            mean[arm] += away
    order = tuple(sorted(arms, key=lambda arm: (-wins[arm], -mean[arm])))
    best = order[0] if wins[order[0]] == len(order) - 1 else None
    return Comparison(subject, phase, unit, test, alpha, order, best, tuple(pairs))


def _ahead(pair: Effect) -> float:
    return pair.effect.estimate - pair.null


def scale_of(metric: str, found: Sequence[Cohort]) -> Scale:
    """Scores are compared as ratios where all are above 0, less is better and the metric has no upper bound."""
    scores = np.concatenate([one.cost for one in found])
    positive = found[0].sign == 1 and log_scaled(metric) is None and bool((scores > 0).all())
    return "ratio" if positive else "difference"
