"""Standings: how the arms of joined studies stand over data sets, as `analysis.results.data_sets` finds it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from analysis.results.paired import pair_of
from analysis.statistics.friedman import Friedman
from analysis.statistics.signed_rank import Credence


@dataclass(frozen=True)
class Unit:
    """The arms on one data set, or in one study.

    Attributes:
        name: of its studies.
        scores: (k,) in the order of `OverDataSets.arms`: the probability of being better than a replica of another arm
            (quality), or the share that converged.
        ranks: (k,) 1 the best, ties sharing the mean of theirs.
    """

    name: str
    scores: tuple[float, ...]
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class PairOver:
    """Arm `a` against arm `b` over all units.

    Attributes:
        a: one arm.
        b: the other.
        better: units in which a is better.
        worse: units in which b is.
        effect: mean effect over units, positive where a is better.
        statistic: the signed sum of the ranks of the effects, positive where a is better.
        p: of the signed-rank test alone.
        p_holm: corrected for all pairs of the endpoint.
        credence: lower probabilities that a is worse than b, about as good, or better.
    """

    a: str
    b: str
    better: int
    worse: int
    effect: float
    statistic: float
    p: float
    p_holm: float
    credence: Credence

    def turned(self) -> PairOver:
        """The same with b first."""
        return PairOver(
            self.b, self.a, self.worse, self.better, 0.0 - self.effect, 0.0 - self.statistic, self.p, self.p_holm,
            replace(self.credence, below=self.credence.above, above=self.credence.below),
        )  # fmt: skip


@dataclass(frozen=True)
class OverDataSets:
    """The comparison of k arms over N data sets.

    Attributes:
        endpoint: "converged" or "quality".
        phase: whose replicas these are.
        unit: "data set", or "study" where all studies are of one.
        arms: (k,) the best average rank first.
        units: (N,).
        test: Friedman's, whose average ranks are in the order of `arms`.
        pairs: each once.
        alpha: family-wise level of the verdicts on pairs.
        lacking: by study that is left out, the arms that it has no score of.
        dropped: by study, its other arms, which are left out.
        planned: (k,) the arms in the order of the first study's configuration.
        drawn_alike: studies whose searches had one seed, so that an arm's began with the same draws in all of them.
    """

    endpoint: str
    phase: str
    unit: str
    arms: tuple[str, ...]
    units: tuple[Unit, ...]
    test: Friedman
    pairs: tuple[PairOver, ...]
    alpha: float
    lacking: Mapping[str, set[str]]
    dropped: Mapping[str, set[str]]
    planned: tuple[str, ...]
    drawn_alike: tuple[str, ...]

    @property
    def needed(self) -> int:
        """The least number of units with which two of the arms could be told apart, as p is at least 2/2ᴺ."""
        return math.ceil(1 + math.log2(len(self.pairs) / self.alpha))

    def pair(self, a: str, b: str) -> PairOver:
        """The pair of two arms, turned so that `a` comes first; raises KeyError."""
        return pair_of(self.pairs, self.arms, a, b)

    def told(self, a: str, b: str) -> bool:
        """Whether the corrected test tells two arms apart."""
        return self.pair(a, b).p_holm <= self.alpha

    @property
    def indistinguishable(self) -> tuple[str, ...]:
        """The first arm, and those that are not told apart from it."""
        return tuple(arm for arm in self.arms if arm == self.arms[0] or not self.told(self.arms[0], arm))

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The largest sets of two arms or more no two of which are told apart, by the rank of their arms."""
        places = range(len(self.arms))
        alike = {
            one: {other for other in places if other != one and not self.told(self.arms[one], self.arms[other])}
            for one in places
        }
        found = sorted(sorted(group) for group in _cliques(set(), set(places), set(), alike) if len(group) > 1)
        return tuple(tuple(self.arms[place] for place in group) for group in found)


def _cliques(held: set[int], left: set[int], gone: set[int], alike: Mapping[int, set[int]]) -> Iterator[set[int]]:
    """All largest sets of places that are alike two by two (Bron & Kerbosch 1973)."""
    if not left and not gone:
        yield held
    for place in sorted(left):
        yield from _cliques(held | {place}, left & alike[place], gone & alike[place], alike)
        left, gone = left - {place}, gone | {place}
