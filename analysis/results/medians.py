"""Medians over the replicas of an arm that were trained to their budget's end, of measurements that only these have.

Intervals capture seeds where an arm has a single configuration, since none other was drawn, and else what intervals of
the phase capture (analysis/results/cohort.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.results.cohort import arms, captured
from analysis.statistics.bootstrap import bootstrap
from analysis.statistics.intervals import Captures, Floats, Interval


def finished(trials: pd.DataFrame, phase: str) -> list[tuple[str, pd.DataFrame]]:
    """Each arm's replicas in a phase that ended at their budget without having diverged; arms without any are left out.

    `trials` is `Record.trials` or rows of it.
    """
    parts = []
    for arm, rows in arms(trials, phase):
        kept = rows[(rows["status"] == "completed") & (rows["outcome"] != "diverged")]
        if len(kept):
            parts.append((arm, kept))
    return parts


def captures_of(rows: pd.DataFrame, phase: str) -> Captures:
    """What an interval over these replicas captures."""
    return captured(rows, phase)


def column(rows: pd.DataFrame, name: str) -> Floats:
    """A measurement (N,) of the replicas; NaN where it was not taken or is not a number."""
    found: Floats = rows[name].to_numpy(np.float64, na_value=np.nan)
    return found


def median(
    rows: pd.DataFrame,
    values: Floats,
    phase: str,
    generator: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Interval | None:
    """The median over the values (N,) of the replicas `rows` that are numbers, infinities by rank; None where none is.

    `generator` is what the bootstrap draws from. The ends are NaN where nothing was repeated.
    """
    taken: NDArray[np.bool_] = ~np.isnan(values)
    if not taken.any():
        return None
    return bootstrap(
        values[taken],
        rows["trial_id"].astype(str).to_numpy()[taken],
        generator=generator,
        statistic="median",
        captures=captures_of(rows.loc[taken], phase),
        resamples=resamples,
        confidence=confidence,
    )
