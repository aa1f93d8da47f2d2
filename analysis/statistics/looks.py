"""Tests repeated at several looks at growing data, with the family-wise error controlled over all of them.

Look l may spend the part w_l of the level, the parts of all looks that there may be adding up to 1 or less. Over the
looks so far a hypothesis has p = min over l of p_l / w_l, a weighted Bonferroni bound: the chance that it is ever as
small as x is at most x, whatever the dependence of the looks and whenever one stops (alpha spending as of Lan & DeMets
1983, with Pocock's even parts rather than O'Brien and Fleming's, as stopping early is what looks are for). It never
grows from look to look, nor does Holm's correction of many such: what is told apart once stays so. AdaStop (Mathieu et
al. 2023) has exact levels by permutation; they need units that can be dealt out anew, which seeds crossed over arms
are not. Always-valid bounds (Howard et al. 2021) allow a look at every seed, and cost more than few looks do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Floats

SPENT = 0.9  # of what is left of the level, over the looks that are planned; the rest is for looks that are added later


def next_level(levels: Sequence[float], planned: Sequence[int], looks: int) -> float:
    """The part of the level of the next look.

    Args:
        levels: of the looks so far.
        planned: how many looks there were to be in all, as was planned at each of them.
        looks: how many there are to be in all as planned now, the next one included.

    Every look has the same part; where the plan has changed, those to come share what is left anew.
    """
    if levels and planned[-1] == looks:
        return levels[-1]
    return SPENT * (1 - sum(levels)) / (looks - len(levels))


def over_looks(p: ArrayLike, levels: ArrayLike) -> Floats:
    """p-values (P,) over all looks, from those of P tests at each of L, (L, P), and the looks' parts of the level (L,).

    NaN where a test was not made: it counts for nothing, and p is NaN where it was made at no look. Raises ValueError
    for parts that are not above 0, or add up to more than 1.
    """
    given, parts = np.asarray(p, np.float64), np.asarray(levels, np.float64)
    if given.ndim != 2 or parts.shape != given.shape[:1] or not (parts > 0).all() or parts.sum() > 1 + 1e-9:
        raise ValueError(f"levels: expected (L,) parts of 1 for p-values (L, P), got {parts} for shape {given.shape}")
    scaled = np.where(np.isnan(given), np.inf, given / parts[:, None]).min(0, initial=np.inf)
    found: Floats = np.where(np.isinf(scaled), np.nan, np.minimum(scaled, 1.0))
    return found
