"""Sensitivity of the outcomes to their thresholds: outcomes under other values, one threshold changed at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.schema import OUTCOMES
from analysis.results.criteria import thresholds_of
from analysis.results.outcomes import judge_record, record_curves, signals_of, verdicts
from analysis.results.selection import Selection
from analysis.results.thresholds import FACTORS, NUMBERS, SHARES, Thresholds
from analysis.statistics.intervals import Captures, shares

Rows = list[dict[str, str | int | float]]

VERDICT = ("gradient_norm", "hop_rate", "modes", "swing", "progress")  # the others change the signals themselves


@dataclass(frozen=True)
class ThresholdTable:
    """Outcomes under thresholds moved one at a time.

    Attributes:
        phase: whose replicas these are.
        base: the thresholds that all but the moved one keep.
        table: one row per threshold × value × arm × outcome: `threshold`, `value`, `base` (whether the value is the one
            in use), `arm`, `outcome`, `n` replicas, `fraction`, and its interval's ends `low` and `high` (Wilson, as of
            `analysis.results.compare.outcomes`).
        changed: one row per threshold × value: `threshold`, `value`, `base`, and `changed`, the share of replicas whose
            outcome differs from that under `base`.
    """

    phase: str
    base: Thresholds
    table: pd.DataFrame
    changed: pd.DataFrame


def threshold_table(
    selected: Selection,
    *,
    base: Thresholds | None = None,
    values: Mapping[str, Sequence[float]] | None = None,
    confidence: float = 0.95,
) -> ThresholdTable:
    """Judge a phase's replicas under thresholds moved one at a time.

    Args:
        selected: a phase's rows; `history` with the columns that `analysis.results.outcomes.judge_record` wants.
        base: what the others stay at; the study's own when None.
        values: what each threshold is moved to, by its field of `Thresholds`; half and double of the one in use, of
            its excess over 1 if it is a factor, and for shares of the distance from the nearer end, when None.
        confidence: of the intervals.

    Raises:
        ValueError: no such threshold, or a value that is out of a threshold's range.
    """
    kept = thresholds_of(selected.about) if base is None else base
    moved = _values(kept) if values is None else values
    wrong = [name for name in moved if name not in NUMBERS]
    if wrong:
        raise ValueError(f"values: expected thresholds among {', '.join(NUMBERS)}, got {', '.join(wrong)}")
    part = _ended(selected)
    prepared = record_curves(part, kept)
    seen = judge_record(part, kept, prepared)
    known = seen["outcome"].notna().to_numpy()  # not of trials that ended and lost every evaluation
    part, seen = replace(part, trials=part.trials[known]), seen[known]
    usual = _verdicts(seen, part.trials, kept)
    arms = _arms(part)
    rows, changes = [], []
    for name, candidates in moved.items():
        for value in sorted({float(getattr(kept, name)), *map(float, candidates)}):
            other = _moved(kept, name, value)
            signals = seen if name in VERDICT or other == kept else judge_record(part, other, prepared)
            outcome = _verdicts(signals, part.trials, other)
            row = {"threshold": name, "value": value, "base": other == kept}
            rows += [row | fraction for fraction in _fractions(arms, outcome, confidence)]
            changes.append(row | {"changed": float((outcome != usual).mean()) if len(outcome) else np.nan})
    return ThresholdTable(selected.phase, kept, pd.DataFrame(rows), pd.DataFrame(changes))


def _ended(selected: Selection) -> Selection:
    """The replicas that have an outcome other than that their trial failed."""
    outcome = selected.trials["outcome"]
    return replace(selected, trials=selected.trials[outcome.notna() & (outcome != "failed")])


def _verdicts(seen: pd.DataFrame, trials: pd.DataFrame, thresholds: Thresholds) -> NDArray[np.str_]:
    """Outcomes (N,) by signals that `judge_record` condensed before."""
    return verdicts(signals_of(seen), trials["status"].to_numpy(np.str_), thresholds)


def _moved(base: Thresholds, name: str, value: float) -> Thresholds:
    change: dict[str, Any] = {name: value}
    return replace(base, **change)


def _values(base: Thresholds) -> dict[str, list[float]]:
    found = {}
    for name in NUMBERS:
        value = float(getattr(base, name))
        if name in FACTORS:
            found[name] = [1 + (value - 1) / 2, 1 + (value - 1) * 2]
        elif name not in SHARES:
            found[name] = [value / 2, value * 2]
        elif value > 0.5:
            found[name] = [1 - (1 - value) / 2, 1 - (1 - value) * 2]
        else:
            found[name] = [value / 2, min(value * 2, (1 + value) / 2)]
    return found


class _Arm(NamedTuple):
    """Where an arm's replicas are among the phase's, (n,), the unit of each, and what intervals of them capture."""

    name: str
    places: NDArray[np.int64]
    units: NDArray[np.str_]
    captures: Captures


def _arms(selected: Selection) -> list[_Arm]:
    placed = replace(selected, trials=selected.trials.assign(place=np.arange(len(selected.trials))))
    return [
        _Arm(arm, rows["place"].to_numpy(np.int64), selected.units_of(rows), selected.captures_of(rows))
        for arm, rows in placed.arms()
    ]


def _fractions(arms: Sequence[_Arm], outcome: NDArray[np.str_], confidence: float) -> Rows:
    rows: Rows = []
    names = [name for name in OUTCOMES if name != "failed"]
    for arm in arms:
        held = outcome[arm.places][:, None] == np.array(names)
        share, low, high, _ = shares(held, arm.units, arm.captures, confidence)
        for place, name in enumerate(names):
            ends = {"fraction": float(share[place]), "low": float(low[place]), "high": float(high[place])}
            rows.append({"arm": arm.name, "outcome": name, "n": len(arm.places), **ends})
    return rows
