"""Learning curves: median and quartiles of each arm's replicas over training.

They are taken at every evaluated step, or share of the budget where the study's clock (`analysis.results.clock`) tells
those. For a measurement of quality a diverged replica
ranks as worse than any number, so that a median ends where half of the replicas have diverged; for any other
measurement only the replicas still training are described. Bands show the spread of replicas (their configurations'
too, in the search), not the uncertainty of the median. Replicas that were stopped early are left out from there on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.curves import Curves, curves
from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.record.own import higher_is_better
from analysis.record.schema import OWN, QUALITY, TRIALS_KEYS
from analysis.record.units import unit_of
from analysis.results.clock import Clock, clock_of, told
from analysis.results.cohort import floor_of
from analysis.results.masked import quantiles
from analysis.results.selection import Selection
from analysis.statistics.intervals import Band

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LearningCurve:
    """One measurement of one arm: `band` over times (M,) as `clock` tells them, `going` (M,) the number of replicas
    described at each; `floor` is NaN if unknown or not applicable.
    """

    arm: str
    metric: str
    unit: str
    phase: str
    floor: float
    band: Band
    going: NDArray[np.int64]
    clock: Clock = "updates"


@dataclass(frozen=True)
class ModeShares:
    """Of the trial of an arm, `relative` (replicas, steps, modes): the share of the samples in each mode over the share
    that it should have, 1 where it is right; NaN past the end."""

    arm: str
    trial_id: str
    seeds: NDArray[np.int64]
    steps: NDArray[np.int64]
    relative: Floats


def learning(selected: Selection, metrics: Sequence[str]) -> tuple[LearningCurve, ...]:
    """The curves of every arm, metric by metric; a metric that was never measured has none.

    Raises RecordError where `history` was loaded without a metric.
    """
    if not len(selected.history):
        return ()
    replicas, measured = curves(selected.history, ["diverged", *metrics])
    times, values = on_one_grid(measured, _times(selected, replicas, measured))
    arms = replicas["arm"].astype(str).to_numpy()
    there = {arm: ~np.isnan(values["diverged"][arms == arm]).all(axis=0) for arm in dict.fromkeys(arms.tolist())}
    found = []
    for metric in metrics:
        ranked = _ranked(values, metric, higher_is_better(metric, selected.about))
        for arm, own in there.items():
            mine = ranked[arms == arm][:, own]
            if np.isfinite(mine).any():
                found.append(_curve(selected, metric, arm, times[own], mine))
    return tuple(found)


def on_one_grid(measured: Curves, at: Floats) -> tuple[Floats, dict[str, Floats]]:
    """The times (M,) of any replica's evaluations, of `at` (N, T), and the measurements there, (N, M); NaN elsewhere.

    Evaluations whose time is NaN are left out.
    """
    row, column = np.nonzero(measured.present & ~np.isnan(at))
    times = np.unique(at[row, column])
    target = np.searchsorted(times, at[row, column])
    values = {}
    for name, value in measured.values.items():
        values[name] = np.full((len(value), len(times)), np.nan)
        values[name][row, target] = value[row, column]
    return times, values


def _times(selected: Selection, replicas: pd.DataFrame, measured: Curves) -> Floats:
    """(N, T), when each evaluation was."""
    clock, keys = clock_of(selected.about), list(TRIALS_KEYS)
    trials = replicas if clock == "updates" else replicas.merge(selected.trials, on=keys, how="left")
    return told(clock, measured.steps.astype(np.float64), trials)


def mode_shares(record: Record, trials: Sequence[str], most: int = 4) -> tuple[ModeShares, ...]:
    """Mode histograms for the first replicas of some trials; none for data without modes.

    A mode should have its part of `data.class_weights`; without these all have the same.
    """
    found = []
    for trial in trials:
        part = record.history[record.history["trial_id"] == trial]
        part = part[part["seed"].isin(np.sort(part["seed"].unique())[:most])].sort_values(["seed", "step"])
        counts = part["mode_histogram"]
        if not len(part) or counts.isna().all():
            continue
        seeds, steps = (np.unique(part[name].to_numpy(np.int64)) for name in ("seed", "step"))
        shares = _shares(part, counts, seeds, steps)
        wanted = _wanted(record, trial, shares.shape[2])
        found.append(ModeShares(str(part["arm"].iloc[0]), trial, seeds, steps, shares / wanted))
    return tuple(found)


def _shares(part: Any, counts: Any, seeds: NDArray[np.int64], steps: NDArray[np.int64]) -> Floats:
    modes = len(counts.dropna().iloc[0])
    shares = np.full((len(seeds), len(steps), modes), np.nan)
    for seed, step, row in zip(part["seed"], part["step"], counts, strict=True):
        held = np.asarray(row, np.float64) if isinstance(row, (list, np.ndarray)) else np.full(modes, np.nan)
        total = held.sum()
        shares[np.searchsorted(seeds, seed), np.searchsorted(steps, step)] = held / total if total > 0 else np.nan
    return shares


def _wanted(record: Record, trial: str, modes: int) -> Floats:
    """The share (modes,) of the data of a trial's study that each mode has."""
    study = record.trials.loc[record.trials["trial_id"] == trial, "study"].iloc[0]
    about = next((one for one in studies_of(record.about) if stated(one, "study") == study), {})
    data = stated(about, "config.data")
    weights = data.get("class_weights") if isinstance(data, dict) else None
    if not isinstance(weights, list) or len(weights) != modes:
        return np.full(modes, 1 / modes)
    found: Floats = np.asarray(weights, np.float64) / np.sum(weights)
    return found


def _ranked(measured: Mapping[str, Floats], metric: str, higher: bool | None) -> Floats:
    """(N, M); from its divergence on a replica's quality is infinitely bad, its other signals are NaN."""
    diverged = np.maximum.accumulate(np.nan_to_num(measured["diverged"]), axis=1) > 0
    quality = metric in {column.name for column in QUALITY} or metric == "mode_fraction" or metric.startswith(OWN)
    worst = np.nan if not quality or higher is None else -np.inf if higher else np.inf
    values: Floats = np.where(diverged, worst, measured[metric])
    return values


def _curve(selected: Selection, metric: str, arm: str, times: Floats, values: Floats) -> LearningCurve:
    across = values.T
    middle, low, high = (quantiles(across, np.isfinite(across) | np.isinf(across), q) for q in (0.5, 0.25, 0.75))
    going = (~np.isnan(across)).sum(axis=1)
    band = Band(
        x=times,
        estimate=middle,
        low=low,
        high=high,
        n=len(values),
        method="median and quartiles of the replicas",
        captures="seeds" if selected.phase == "confirm" else "both",
        confidence=0.5,
    )
    floor = floor_of(selected.trials, metric)
    clock = clock_of(selected.about)
    return LearningCurve(arm, metric, unit_of(metric, selected.about), selected.phase, floor, band, going, clock)
