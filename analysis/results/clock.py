"""The clock of a study: what times to events, and places along training, are told in.

Generator updates, where all trials take as many. Where a study spends samples or arithmetic alike (`budget.equal`), the
trials of its arms take different numbers of updates, and a time is the share of a trial's own budget that was spent by
then. At the same share all trials have seen as many samples or done as much arithmetic, and all have the same end: no
arm is censored earlier than another because its updates cost more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.statistics.intervals import Floats

Clock = Literal["updates", "budget"]
PLANNED = "config.steps"  # of trials.parquet: the generator updates that the trial was to take


def equal_of(about: Mapping[str, Any]) -> str:
    """What one study's trials spend alike, by its configuration: `updates`, `samples` or `arithmetic`."""
    return str(stated(about, "config.budget.equal.name", "updates"))


def clock_of(about: Mapping[str, Any]) -> Clock:
    """The clock of a record; of studies joined the share of the budget if it is that of any."""
    return "updates" if {equal_of(study) for study in studies_of(about)} == {"updates"} else "budget"


def told(clock: Clock, steps: Floats, trials: pd.DataFrame) -> Floats:
    """Steps (N,) or (N, T) of the replicas whose rows of trials.parquet these are, (N,), as the clock tells them.

    NaN where a share is asked for and the trial's plan is lost.
    """
    if clock == "updates":
        return steps
    column = trials[PLANNED] if PLANNED in trials else pd.Series(np.nan, index=trials.index)
    planned = column.to_numpy(np.float64, na_value=np.nan)
    shares: Floats = steps / planned.reshape(-1, *[1] * (steps.ndim - 1))
    return shares
