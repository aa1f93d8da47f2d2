"""Arms compared by their repeated searches: one method for quality, for shares and for times.

A replica's score is its place among those of two arms (quality), whether something happened to it (shares), or its time
up to a horizon (times); the effect of a pair is a difference d of the arms' mean scores. The unit of inference is the
repeat. Were both arms alike, d would have the variance

    v = σ² (ρ_a/m_a + ρ_b/m_b + 2κ/S),

σ² being that of one replica's score in the two arms together and ρ, κ the parts of it that lie between repeats and in
arm × seed (`analysis.statistics.crossed`). As d grows towards D, the most that is possible, its variance falls to
(1 - d²/D²) v; D asin(d/D) therefore has the variance v everywhere (Anscombe 1948 of shares), and is compared with
Student's t. The interval holds all effects that the same test does not reject.

Ranks are mid-ranks, infinities tie, and d is 2 P(A better) - 1, ties half (Conover & Iman 1981; Brunner & Munzel 2000).
σ² contains one unit's worth of the largest possible variance, σ² + σ²_max/N, N being the effective number of units,
m_a/ρ_a + m_b/ρ_b: with independent units and no ties v is then Mann and Whitney's to 1/N². No p is below the least
that dealing these units out anew could give. What is compared is an objective tuned by this search (Bouthillier et al.
2021, Lucic et al. 2018).

Of shares and times no p is below what the searches alone can say either, corrected or not: Barnard's p of m_a searches
that all end wholly well against m_b that all end wholly badly, .125 of two and two, .031 of three and three. Searches
that end so hide how much they differ, and arms that are alike come out as far apart by that chance, however many the
seeds. It is the p of arms that differ where no arm has two replicas that do. Quality has no such bound, by which two
searches would find nothing and three no less: what is told of it is told `by_searches_rank` too, or not, where searches
`may_end_wholly`.

With one repeat everywhere nothing is known of other searches: p and the ends are NaN. An arm with one repeat is
compared by the variance of the others. Where all replicas of two arms score alike p is 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from analysis.statistics.crossed import SEEDS, Components, components, repeat_weights
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Floats
from analysis.statistics.ranks import mid_distribution
from analysis.statistics.two_shares import barnard

Pairs = tuple[tuple[int, int], ...]
ROUNDING = 1e-9  # of means over weights


@dataclass(frozen=True)
class Effects:
    """The effect of every pair of k arms; arrays (…, P) over studies and pairs.

    Attributes:
        pairs: places (a, b) of the P pairs, a < b.
        estimate: P(a replica of a is better than one of b), ties half, or the mean of a less that of b; NaN where
            an arm has no replica.
        null: the effect of equal arms, 1/2 or 0.
        unit: size of the effect at which d, the estimate less `null` in units of it, is 1.
        variance: v of d, were the arms alike; NaN where no arm has two repeats.
        most: the greatest |d| that the pair's scores allow.
        degrees_of_freedom: of the variance.
        least: the least p that the effective numbers of units can give, before Holm's correction.
        searches: the least p that the searches alone can give, after it too; 0 where it is not asked for.
        still: whether in no arm a replica differs from another.
        shares: the means (…, k) of the arms in `unit`s and the effective numbers (…, k) of independent replicas that
            they rest on, for `by_mean`.
    """

    pairs: Pairs
    estimate: Floats
    null: float
    unit: float
    variance: Floats
    most: Floats
    degrees_of_freedom: Floats
    least: Floats
    searches: Floats | float = 0.0
    still: NDArray[np.bool_] | bool = False
    shares: tuple[Floats, Floats] | None = None

    @property
    def statistic(self) -> Floats:
        """Student's; positive where a is better, or has the larger mean."""
        found: Floats = self.most * self._angle / np.sqrt(self.variance)
        return found

    @property
    def p(self) -> Floats:
        """Two-sided p-values of the pairs alone."""
        found: Floats = np.maximum(self.unbounded, self.searches)
        return found

    @property
    def p_holm(self) -> Floats:
        """Corrected for all pairs (Holm 1979)."""
        found: Floats = np.maximum(np.apply_along_axis(holm, -1, self.unbounded), self.searches)
        return found

    def ends(self, confidence: float = 0.95, *, simultaneous: bool = False) -> tuple[Floats, Floats]:
        """Ends of the intervals; `simultaneous` by Bonferroni over the pairs."""
        away = self._away(confidence, simultaneous)
        miss = self._miss(confidence, simultaneous)
        beyond = np.abs(self._angle)
        held = (self.least > miss) | (self.searches > 1 - confidence)
        away = np.where(held, np.maximum(away, beyond), away)
        away = np.where(self._apart & ~held, np.minimum(away, beyond), away)
        ends = (np.clip(self._angle + side * away, -np.pi / 2, np.pi / 2) for side in (-1, 1))
        low, high = (self.null + self.unit * np.clip(self.most * np.sin(end), -1.0, 1.0) for end in ends)
        return low, high

    def reach(self, confidence: float = 0.95, *, simultaneous: bool = False) -> Floats:
        """How far from `null` an effect may be found without being told from it at 1 - confidence; infinite where none
        would be, NaN where there is no variance."""
        away = np.minimum(self._away(confidence, simultaneous), np.pi / 2)
        never = (away == np.pi / 2) | (self.least > self._miss(confidence, simultaneous))
        found: Floats = np.where(never, np.inf, self.unit * self.most * np.sin(away))
        return found

    @property
    def unbounded(self) -> Floats:
        """p of the pairs alone by Student's t, before it is held above what searches alone can give; 0 of arms that
        differ where nothing within arms does."""
        p = 2 * scipy.stats.t.sf(np.abs(self.statistic), self.degrees_of_freedom)
        found: Floats = np.where(self._apart, 0.0, np.maximum(p, self.least))
        return found

    @property
    def _apart(self) -> NDArray[np.bool_]:
        """Which pairs differ where nothing within arms does."""
        found: NDArray[np.bool_] = self.still & (np.abs(self._angle) > ROUNDING) & ~np.isnan(self.variance)
        return found

    def _miss(self, confidence: float, simultaneous: bool) -> float:
        if not 0 < confidence < 1:
            raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence}")
        return (1 - confidence) / (len(self.pairs) if simultaneous else 1)

    def _away(self, confidence: float, simultaneous: bool) -> Floats:
        """The half-width of the intervals, of the angle."""
        miss = self._miss(confidence, simultaneous)
        found: Floats = scipy.stats.t.isf(miss / 2, self.degrees_of_freedom) * np.sqrt(self.variance) / self.most
        return found

    @property
    def _angle(self) -> Floats:
        d = (self.estimate - self.null) / self.unit
        found: Floats = np.arcsin(np.clip(d / self.most, -1.0, 1.0))
        return found


def pairs_of(arms: int) -> Pairs:
    """All pairs of places; ValueError for fewer than two arms."""
    if arms < 2:
        raise ValueError(f"arms: expected two or more, got {arms}")
    return tuple(combinations(range(arms), 2))


def least_p(first: ArrayLike, second: ArrayLike) -> Floats:
    """The least two-sided p that dealing numbers of units, not necessarily integers, out to two arms anew can give."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    found: Floats = np.minimum(2 * np.exp(gammaln(a + 1) + gammaln(b + 1) - gammaln(a + b + 1)), 1.0)
    return found


def by_rank(costs: Floats) -> Effects:
    """P(a better than b), ties half, from costs (…, k, m, S): less is better, infinities tie, NaN is missing."""
    return _by_rank(costs, components(_own_places(costs)))


def _by_rank(costs: Floats, parts: Components) -> Effects:
    weights = repeat_weights(costs)
    pairs = pairs_of(costs.shape[-3])
    found = [_pair_of_ranks(costs[..., pair, :, :], weights[..., pair, :, :]) for pair in pairs]
    effect, spread = (np.stack(column, -1) for column in zip(*found, strict=True))
    _, variance = _variance(spread, 1 / 12, parts, pairs)
    return _effects(pairs, effect, (0.5, 0.5), 4 * variance, np.ones_like(effect), parts)


def by_mean(scores: Floats, most: float = 1.0) -> Effects:
    """The mean of a less that of b, from scores (…, k, m, S) in [0, most]: indicators, or times up to `most`
    (`analysis.statistics.restricted_mean.pseudo_times` where some are censored); NaN is missing."""
    return _by_mean(scores, most, components(scores))


def by_searches(scores: Floats, most: float = 1.0) -> Effects:
    """As `by_mean`, with every search as one unit, however much the searches of its own arm and of the others differ:
    scores in [0, most] have no larger variance than that of searches which end wholly well or wholly badly."""
    parts = _as_replicas(components(scores))
    return _of_searches(_by_mean(scores, most, parts), parts)


def by_searches_rank(costs: Floats) -> Effects:
    """As `by_rank`, with every search as one unit, whose places are then as far from each other as those of replicas:
    a search that ends wholly well or wholly badly is one replica."""
    parts = _as_replicas(components(_own_places(costs)))
    return _of_searches(_by_rank(costs, parts), parts)


def may_end_wholly(costs: Floats, level: float = 0.05) -> NDArray[np.bool_]:
    """Whether searches (…, P) of costs (…, k, m, S) may be of the kind that ends wholly well or wholly badly: those of
    some arm fall into two groups, every replica of the one worse than every one of the other, or the pair has too few
    to tell at this level arms of such searches from arms that are alike (Barnard)."""
    there = ~np.isnan(costs)
    best, worst = np.where(there, costs, np.inf).min(-1), np.where(there, costs, -np.inf).max(-1)
    order = np.argsort(best, -1)
    best, worst = (np.take_along_axis(end, order, -1) for end in (best, worst))
    repeats = there.any(-1).sum(-1)
    exists = np.arange(1, costs.shape[-2]) < repeats[..., None]  # searches without a replica come last
    parted = (exists & (best[..., 1:] > np.maximum.accumulate(worst, -1)[..., :-1])).any((-2, -1))
    a, b = np.array(pairs_of(costs.shape[-3])).T
    found: NDArray[np.bool_] = parted[..., None] | (_barnards(repeats[..., a], repeats[..., b]) > level)
    return found


def _as_replicas(parts: Components) -> Components:
    return replace(parts, repeat=np.ones_like(parts.repeat), interaction=np.zeros_like(parts.interaction))


def _of_searches(found: Effects, parts: Components) -> Effects:
    """Effects with the degrees of freedom of each pair's own searches."""
    a, b = np.array(found.pairs).T
    freedom = parts.repeats[..., a] + parts.repeats[..., b] - 2
    freedom = np.where((freedom > 0) & ~np.isnan(found.estimate), freedom, np.nan)
    return replace(found, degrees_of_freedom=freedom, least=np.zeros_like(found.least), still=False)


def _by_mean(scores: Floats, most: float, parts: Components) -> Effects:
    weights = repeat_weights(scores)
    pairs = pairs_of(scores.shape[-3])
    known = np.where(np.isnan(scores), 0.0, scores) / most
    mean, square = ((weights * known**power).sum((-2, -1)) for power in (1, 2))
    empty = weights.sum((-2, -1)) == 0
    mean = np.where(empty, np.nan, mean)
    a, b = np.array(pairs).T
    spread = np.maximum((square[..., a] + square[..., b]) / 2 - ((mean[..., a] + mean[..., b]) / 2) ** 2, 0.0)
    whole, variance = _variance(spread, 1 / 4, parts, pairs)
    found = _effects(pairs, (mean[..., a] - mean[..., b]) * most, (0.0, most), variance, 2 * np.sqrt(whole), parts)
    still = _still(scores)[..., None]
    searches = np.where(np.isnan(found.variance), np.nan, _barnards(parts.repeats[..., a], parts.repeats[..., b]))
    common = parts.interaction / np.maximum(parts.seeds, 1)
    units = 1 / (parts.repeat / np.maximum(parts.repeats, 1) + common[..., None])
    least = np.where(still, 0.0, found.least)
    return replace(found, least=least, searches=searches, still=still, shares=(mean, units))


def gain_of_seeds(costs: Floats) -> Floats:
    """The part (…) of the variance of an arm's mean place that ever more seeds would take off, at most; costs as in
    `by_rank`. The rest lies between repeats; 1 where no arm has two of them."""
    parts = components(_own_places(costs))
    seeds, common = np.maximum(parts.seeds, 1), np.minimum(parts.interaction, SEEDS)
    both = parts.repeat.mean(-1)  # holds a share 1/S of what is neither between repeats nor common to a seed
    between = np.clip((both - (1 - common) / seeds) / np.maximum(1 - 1 / seeds, 1 / seeds), 0.0, 1 - common)
    whole = between + (1 - common - between) / seeds + parts.repeats.mean(-1) * parts.interaction / seeds
    found: Floats = np.where(parts.degrees_of_freedom > 0, 1 - between / whole, 1.0)
    return found


def _still(scores: Floats) -> NDArray[np.bool_]:
    """Whether (…) all scores of each arm are alike."""
    there = ~np.isnan(scores)
    least, most = (np.where(there, scores, end).reshape(*scores.shape[:-2], -1) for end in (np.inf, -np.inf))
    found: NDArray[np.bool_] = (most.max(-1) <= least.min(-1)).all(-1)
    return found


def _barnards(first: Floats, second: Floats) -> Floats:
    """Barnard's p (…) of so many searches that all end well and so many that all end badly."""
    sizes, place = np.unique(np.stack([first, second], -1).reshape(-1, 2), axis=0, return_inverse=True)
    found = np.array([barnard(int(n), int(n), 0, int(m)) for n, m in sizes])
    return found[place].reshape(first.shape)


def _units(parts: Components, pairs: Pairs) -> tuple[Floats, Floats]:
    """Effective numbers of units (…, P) of a and of b."""
    units = np.maximum(parts.repeats, 1) / parts.repeat
    a, b = np.array(pairs).T
    return units[..., a], units[..., b]


def _variance(spread: Floats, largest: float, parts: Components, pairs: Pairs) -> tuple[Floats, Floats]:
    """σ² (…, P) from the variance of one replica's score in the two arms together, and v."""
    first, second = _units(parts, pairs)
    whole = spread + largest / (first + second)
    factor = 1 / first + 1 / second + (2 * parts.interaction / np.maximum(parts.seeds, 1))[..., None]
    return whole, whole * factor


def _effects(
    pairs: Pairs, estimate: Floats, scale: tuple[float, float], variance: Floats, most: Floats, parts: Components
) -> Effects:
    first, second = _units(parts, pairs)
    freedom = np.broadcast_to(parts.degrees_of_freedom[..., None], estimate.shape)
    known = (freedom > 0) & ~np.isnan(estimate)
    variance, freedom, least = (
        np.where(known, column, np.nan) for column in (variance, freedom, least_p(first, second))
    )
    return Effects(pairs, estimate, *scale, variance, most, freedom, least)


def _pair_of_ranks(costs: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """P(a better) and the variance of a replica's place, from costs and weights (…, 2, m, S) of two arms."""
    both = costs.reshape(*costs.shape[:-3], -1)
    weight = weights.reshape(both.shape)
    half = both.shape[-1] // 2
    empty = (weights.sum((-2, -1)) == 0).any(-1)
    place = mid_distribution(both, weight / 2)
    means = [(place[..., part] * weight[..., part]).sum(-1) for part in (slice(half), slice(half, None))]
    spread = (weight / 2 * (place - 0.5) ** 2).sum(-1)
    return np.where(empty, np.nan, 0.5 + means[1] - means[0]), spread


def _own_places(costs: Floats) -> Floats:
    """Places among the replicas of the same arm, so that a distance between arms does not compress them."""
    flat = costs.reshape(*costs.shape[:-2], -1)
    weights = repeat_weights(costs).reshape(flat.shape)
    found = [mid_distribution(flat[..., arm, :], weights[..., arm, :]) for arm in range(costs.shape[-3])]
    return np.where(np.isnan(costs), np.nan, np.stack(found, -2).reshape(costs.shape))
