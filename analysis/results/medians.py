"""The median of a measurement over the replicas of an arm, with its bootstrap interval.

Intervals capture seeds where an arm has a single configuration, and otherwise what intervals of the phase capture
(`analysis.results.selection.captured`); units are those of the phase.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.results.selection import captured, units
from analysis.statistics.bootstrap import Resampling, bootstrap
from analysis.statistics.intervals import Floats, Interval


def median(rows: pd.DataFrame, values: Floats, phase: str, resampling: Resampling) -> Interval | None:
    """The median over the values (N,) of the replicas `rows`, NaN left out, infinities by rank; None if all are NaN.

    The interval's ends are NaN without repetition.
    """
    taken: NDArray[np.bool_] = ~np.isnan(values)
    if not taken.any():
        return None
    drawn = units(rows.loc[taken], phase)
    return bootstrap(
        values[taken],
        drawn,
        resampling=resampling.named(np.unique(drawn)),
        statistic="median",
        captures=captured(rows.loc[taken], phase),
    )
