"""The median of a measurement over the replicas of an arm, with its bootstrap interval.

Intervals capture seeds where an arm has a single configuration, since none other was drawn, and else what intervals of
the phase capture (analysis/results/selection.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.results.selection import captured
from analysis.statistics.bootstrap import Resampling, bootstrap
from analysis.statistics.intervals import Floats, Interval


def median(rows: pd.DataFrame, values: Floats, phase: str, resampling: Resampling) -> Interval | None:
    """The median over the values (N,) of the replicas `rows` that are numbers, infinities by rank; None where none is.

    The interval's ends are NaN where nothing was repeated.
    """
    taken: NDArray[np.bool_] = ~np.isnan(values)
    if not taken.any():
        return None
    return bootstrap(
        values[taken],
        rows["trial_id"].astype(str).to_numpy()[taken],
        resampling=resampling,
        statistic="median",
        captures=captured(rows.loc[taken], phase),
    )
