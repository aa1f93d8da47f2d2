"""Spells: when a replica's lasting state began, such as its collapse, and whether such a state was undone before.

A replica is in the state at an evaluation if the median of the next evaluations, as many as its tail or its end has,
meets the condition; the last window is the tail or the end itself, by which its outcome is judged, so that time and
outcome follow one definition. A spell begins at the first evaluation of its windows that meets the condition itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.record.curves import Curves
from analysis.results.masked import quantiles, under
from analysis.results.signals import LEAST

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spells:
    """Steps (N,) at which spells began; inf where there was none.

    Attributes:
        lasting: of the spell that lasts to the replica's end.
        undone: of the first spell that had not begun with the training and did not last.
        always: whether the lasting spell has lasted from the first evaluation on.
    """

    lasting: Floats
    undone: Floats
    always: NDArray[np.bool_]


def spells(measured: Curves, values: Floats, below: float, tail: float, end: bool = False) -> Spells:
    """The spells in which the running median of `values` (N, T) is under `below`; NaN fulfils no condition.

    The window is the tail or, with `end`, its last half.
    """
    met = measured.present & under(values, below)
    width = np.minimum(measured.window(tail, LEAST), measured.lengths)
    width = (width + 1) // 2 if end else width
    last = measured.lengths - width  # the place of the last window, which is the tail or the end
    shape = measured.steps.shape
    state = np.zeros(shape, np.bool_)
    place = np.arange(shape[1])
    for start in range(shape[1]):
        window = (place >= start) & (place < start + width[:, None]) & measured.present
        state[:, start] = (start <= last) & under(quantiles(values, window, 0.5), below)
    lasting, always = _lasting(state, met, measured, last)
    return Spells(lasting, _undone(state, met, measured, last), always)


def _lasting(
    state: NDArray[np.bool_], met: NDArray[np.bool_], measured: Curves, last: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.bool_]]:
    place = np.arange(state.shape[1])
    broken = np.where(~state & (place <= last[:, None]), place, -1).max(1, initial=-1)
    ends: NDArray[np.bool_] = _at(state, last)
    begun = met & (place > broken[:, None])
    always: NDArray[np.bool_] = ends & (broken < 0)
    return _first(begun & ends[:, None], measured), always


def _undone(state: NDArray[np.bool_], met: NDArray[np.bool_], measured: Curves, last: NDArray[np.int64]) -> Floats:
    place = np.arange(state.shape[1])
    free = ~state & (place <= last[:, None])
    fell = state & np.logical_or.accumulate(free, axis=1)  # in the state, after having been out of it
    again = np.logical_or.accumulate(free[:, ::-1], axis=1)[:, ::-1]  # out of it again, later
    lapsed: NDArray[np.bool_] = fell & again
    return _first(met & np.logical_or.accumulate(lapsed, axis=1), measured)


def _at(state: NDArray[np.bool_], place: NDArray[np.int64]) -> NDArray[np.bool_]:
    if state.shape[1] == 0:
        return np.zeros(len(state), np.bool_)
    found: NDArray[np.bool_] = np.take_along_axis(state, np.maximum(place, 0)[:, None], 1)[:, 0]
    return found


def _first(flags: NDArray[np.bool_], measured: Curves) -> Floats:
    steps: Floats = np.where(flags, measured.steps, np.inf).min(axis=1, initial=np.inf)
    return steps
