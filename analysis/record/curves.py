"""Curves: the measurements of every replica over training, as dense arrays.

The first axis is replicas, the second evaluations. Replicas that ended early are padded at the end: steps with -1,
values with NaN; `lengths` holds the number of actual evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.loading import RecordError
from analysis.record.schema import TRIALS_KEYS


@dataclass(frozen=True)
class Curves:
    """Curves of N replicas over at most T evaluations.

    Attributes:
        steps: (N, T) int64, generator updates taken at each evaluation; -1 past a replica's end.
        lengths: (N,) int64, evaluations each replica has.
        values: measurement name -> (N, T) float64; `mode_histogram`, where there is one, (N, T, K) counts.
    """

    steps: NDArray[np.int64]
    lengths: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    def value(self, name: str) -> NDArray[np.float64]:
        """One measurement, (N, T); all NaN where it was not taken."""
        found = self.values.get(name)
        return np.full(self.steps.shape, np.nan) if found is None else found

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N, T), true where an evaluation took place."""
        return np.arange(self.steps.shape[1]) < self.lengths[:, None]

    @property
    def adjacent(self) -> NDArray[np.bool_]:
        """(N, T), true where the evaluation before is the one before in training, false at a replica's first.

        Evaluations are equally far apart; one that follows at a greater distance than others of its replica follows
        a gap, as where the record lacks one.
        """
        apart = np.diff(self.steps, axis=1, prepend=0)
        far = np.iinfo(np.int64).max
        least = np.min(np.where(self.present & (apart > 0), apart, far), axis=1, initial=far)
        first = np.arange(self.steps.shape[1]) == 0
        found: NDArray[np.bool_] = self.present & ~first & (apart == least[:, None])
        return found

    def window(self, share: float, least: int) -> NDArray[np.int64]:
        """(N,) how many evaluations `share` of each replica's are, rounded up, and `least` at least."""
        exact = Fraction(str(share))  # as it was written: 0.07 * 100 is above 7
        lengths, place = np.unique(self.lengths, return_inverse=True)
        count = np.array([math.ceil(exact * int(length)) for length in lengths], np.int64)[place]
        return np.maximum(count, least)

    def tail(self, share: float, least: int) -> NDArray[np.bool_]:
        """(N, T), true for the last `share` of each replica's evaluations, `least` of them where it has as many."""
        late: NDArray[np.bool_] = np.arange(self.steps.shape[1]) >= (self.lengths - self.window(share, least))[:, None]
        return self.present & late

    def last(self, name: str) -> NDArray[np.float64]:
        """(N,), the measurement at each replica's last evaluation; NaN where it has none."""
        values = self.value(name)
        if values.shape[1] == 0:
            return np.full(len(values), np.nan)
        end = np.maximum(self.lengths - 1, 0)
        return np.where(self.lengths > 0, np.take_along_axis(values, end[:, None], 1)[:, 0], np.nan)


def curves(history: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, Curves]:
    """The replicas' keys, one row per replica, and their curves in the same order.

    `history` is `Record.history` or any rows of it, in any order; `names` are columns of numbers.
    """
    missing = [name for name in names if name not in history]
    if missing:
        raise RecordError(f"history lacks the column(s) {', '.join(missing)}; were they left out of load(columns=...)?")
    keys = list(TRIALS_KEYS)
    replica = history.groupby(keys, observed=True, sort=True).ngroup().to_numpy()
    step = history["step"].to_numpy()
    order = np.lexsort((step, replica))
    row = replica[order]
    first = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, np.int64)
    lengths = np.diff(np.r_[first, len(row)])
    column = np.arange(len(row)) - np.repeat(first, lengths)
    steps = np.full((len(first), lengths.max(initial=0)), -1, np.int64)
    steps[row, column] = step[order]
    values = {}
    for name in names:
        values[name] = np.full(steps.shape, np.nan)
        values[name][row, column] = history[name].to_numpy(np.float64, na_value=np.nan)[order]
    return history.iloc[order[first]][keys].reset_index(drop=True), Curves(steps, lengths, values)
