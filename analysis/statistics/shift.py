"""By how much one sample lies above another: Hodges and Lehmann's shift (1963), with an interval.

The shift of A against B is the median of all differences a - b: the number that, taken from every a, leaves A as often
better as worse than B. It has the direction of the relative effect (`analysis.statistics.ranks`), which medians and
means need not have. Its interval holds the shifts after which the rank test does not reject, and so excludes 0 where
the test tells the samples apart. Of logarithms the shift is that of a ratio.

Infinities take part by rank: a difference of two equal ones is a tie, whatever the shift, and counts half on each side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Floats
from analysis.statistics.ranks import rank_test, relative_effect


def shift(
    a: ArrayLike, b: ArrayLike, confidence: float = 0.95, test: str = "brunner_munzel"
) -> tuple[float, float, float]:
    """The shift of samples (n,) against (m,), and its interval's ends by one of `analysis.statistics.ranks.TESTS`.

    An end is infinite where the samples give no bound. All three are NaN where every difference is a tie of infinities.
    Raises ValueError for NaN or an empty sample.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    relative_effect(first, second)  # checks both
    below, above = (np.isinf(sample)[:, None] for sample in (first, second))
    ties = below & above.T & (np.sign(first)[:, None] == np.sign(second))
    if ties.all():
        return np.nan, np.nan, np.nan
    with np.errstate(invalid="ignore"):
        apart = (first[:, None] - second)[~ties]
    half = np.full(int(ties.sum()), np.inf)
    doubled = np.sort(np.concatenate([apart, apart, half, -half]))
    middle = doubled[len(doubled) // 2 - 1 : len(doubled) // 2 + 1]
    estimate = float(middle[0] if middle[0] == middle[1] else middle.sum() / 2)
    steps = np.unique(apart[np.isfinite(apart)])

    def side(by: float) -> int:
        """1 where A is still told apart as the larger after the shift, -1 as the smaller, 0 where it is not."""
        moved = first - by
        if rank_test(moved, second, test)[1] > 1 - confidence:
            return 0
        return 1 if relative_effect(moved, second).estimate < 0.5 else -1

    low = _least(steps, lambda by: side(by) < 1)
    high = -_least(-steps[::-1], lambda by: side(-by) > -1)
    return estimate, low, high


def _least(steps: Floats, allowed: Callable[[float], bool]) -> float:
    """The least shift that is allowed, all larger ones being so too: one of the ascending `steps`, where ranks change,
    -inf where all are allowed, or inf where none is."""
    size = np.maximum(np.abs(steps), 1.0)
    between = np.r_[steps[:1] - size[:1], (steps[:-1] + steps[1:]) / 2, steps[-1:] + size[-1:]]
    if not len(steps):
        return -np.inf if allowed(0.0) else np.inf
    if allowed(float(between[0])):
        return -np.inf
    if not allowed(float(between[-1])):
        return np.inf
    low, high = 0, len(steps)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if allowed(float(between[middle])) else (middle, high)
    return float(steps[low])
