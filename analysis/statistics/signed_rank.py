"""Whether differences, one from each data set, lie about 0: Wilcoxon's signed-rank test, and a Bayesian one.

**Test.** The sizes of the N differences are ranked, mid-ranks for ties, and the statistic is the sum of the ranks with
the signs of the differences (Wilcoxon 1945); a difference of 0 is ranked and then has no sign (Pratt 1959). The p-value
is exact for these ranks: both signs of each are equally likely if the differences are distributed alike about 0. It is
at least 2/2ᴺ, so that five data sets or fewer find nothing at 5 %.

**Posterior.** Under a Dirichlet process with one pseudo-observation of weight s, the weights of the differences and of
the pseudo-observation are Dirichlet(1, …, 1, s). Drawn from it, the sums of two differences fall below -2ρ, within 2ρ
or above with shares whose largest is the region that this draw finds most probable (Benavoli et al. 2014, 2017); ρ is
the size of a difference that does not matter, and a sum on a border counts half. With the pseudo-observation at 0 the
posterior of a single difference is already certain of its sign. Hence `credence` gives what holds wherever it is put,
at 0, -∞ or +∞: lower probabilities, which leave open what the data do not decide (the imprecise Dirichlet process of
Benavoli et al. 2014). s is theirs, (√17 - 3)/2: one difference then gives its sign no more than one half.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import scipy
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Floats

STRENGTH = (sqrt(17) - 3) / 2
DRAWS = 20_000  # of a posterior: its probabilities have a standard error of at most .0035
ROUNDING = 1e-12  # of the edge
PLACES = (-inf, 0.0, inf)


@dataclass(frozen=True)
class Credence:
    """Lower probabilities of three regions of the difference; together at most 1, the rest being undecided.

    Attributes:
        below: that it is below -ρ.
        within: that it is within ρ of 0; 0 where ρ is 0.
        above: that it is above ρ.
        rope: ρ, the half-width of the region of practical equivalence.
    """

    below: float
    within: float
    above: float
    rope: float


def signed_rank(differences: ArrayLike) -> tuple[float, float]:
    """The signed sum of ranks of differences (N,), and its exact two-sided p-value; 0 and 1 where all are 0."""
    given = _checked(differences)
    doubled = np.rint(2 * scipy.stats.rankdata(np.abs(given)))
    ranks = doubled.astype(np.int64)  # whole numbers, so that equal sums are equal
    ranks, signs = ranks[given != 0], np.sign(given[given != 0]).astype(np.int64)
    chance = np.ones(1)  # of the sum of the ranks with a plus being 0, 1, …
    for rank in ranks.tolist():
        chance = (np.append(chance, np.zeros(rank)) + np.append(np.zeros(rank), chance)) / 2
    statistic = int((ranks * signs).sum())
    sums = 2 * np.arange(len(chance)) - ranks.sum()
    return statistic / 2, float(min(chance[np.abs(sums) >= abs(statistic)].sum(), 1.0))


def credence(differences: ArrayLike, *, generator: np.random.Generator, rope: float = 0.0) -> Credence:
    """The lower probabilities of the difference's regions, from differences (N,)."""
    given = _checked(differences)
    if not 0 <= rope < inf:
        raise ValueError(f"rope: expected a number >= 0, got {rope}")
    weights = generator.dirichlet([STRENGTH, *np.ones(len(given))], DRAWS)
    below, within, above = np.min([posterior(given, weights, rope, place) for place in PLACES], axis=0)
    return Credence(float(below), float(within), float(above), rope)


def posterior(differences: Floats, weights: Floats, rope: float, place: float) -> Floats:
    """The probabilities (3,) that each region is the most probable one: below, within, above.

    Args:
        differences: (N,).
        weights: (draws, 1 + N), the pseudo-observation's first.
        rope: ρ.
        place: where the pseudo-observation lies.
    """
    values = np.array([place, *differences])
    sums = values[:, None] + values
    below, above = (_over(sign * sums, 2 * rope) for sign in (-1, 1))
    shares = [((weights @ region) * weights).sum(1) for region in (below, above)]
    within = 1 - shares[0] - shares[1] if rope > 0 else np.full(len(weights), -1.0)
    largest = np.argmax([shares[0], within, shares[1]], axis=0)
    found: Floats = np.bincount(largest, minlength=3) / len(weights)
    return found


def _over(sums: Floats, edge: float) -> Floats:
    """1 over an edge and 1/2 on it, where .3 - .1 is on .2 despite rounding."""
    on = np.isclose(sums, edge, rtol=ROUNDING, atol=0)
    found: Floats = ((sums > edge) & ~on) + on / 2
    return found


def _checked(differences: ArrayLike) -> Floats:
    given = np.asarray(differences, np.float64)
    if given.ndim != 1 or not len(given) or not np.isfinite(given).all():
        raise ValueError(f"differences: expected (N,) finite numbers, N > 0, got shape {given.shape}")
    return given
