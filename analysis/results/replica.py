"""One replica as a person sees it: its measurements over training, and where its samples lay.

What is here is what an outcome is judged by (`analysis.results.outcomes`), without the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.curves import Curves, curves
from analysis.record.loading import Record
from analysis.record.schema import MEASUREMENTS
from analysis.record.units import unit_of
from analysis.results.criteria import metric_and_mode, thresholds_of
from analysis.results.learning import mode_shares
from analysis.results.signals import LEAST
from analysis.results.thresholds import JUDGED_METRICS
from analysis.statistics.intervals import Floats

GRADIENT = "gradient_norm_generator"


@dataclass(frozen=True)
class Measured:
    """One measurement of a replica.

    Attributes:
        metric: its column.
        values: (T,) at each evaluation; NaN where there is no finite result.
        error: (T,) standard error of each evaluation, of its own samples; NaN where it is not known.
        floor: what fresh real samples score; NaN where unknown or not applicable.
        unit: of all three; "1" of a pure number.
    """

    metric: str
    values: Floats
    error: Floats
    floor: float
    unit: str = "1"


@dataclass(frozen=True)
class ReplicaCurves:
    """A replica over its T evaluations.

    Attributes:
        study: the study's name.
        trial_id: of the replica's trial.
        seed: of the replica.
        steps: (T,) generator updates taken.
        tail: (T,) whether an evaluation is in the last part of training, which is judged.
        diverged: the first evaluated step at which it had diverged; None if it had not.
        quality: the judged and the searched metric and the Fréchet distance, each once, those that were measured.
        others: the share of high-quality samples (precision, where data are no mixture), the modes captured, and the
            norm of the generator's gradient, those that were measured.
        relative: (T, K) share of the samples in each mode over the share that it should have, NaN where there are no
            samples; None unless the data have several modes.
    """

    study: str
    trial_id: str
    seed: int
    steps: NDArray[np.int64]
    tail: NDArray[np.bool_]
    diverged: int | None
    quality: tuple[Measured, ...]
    others: tuple[Measured, ...]
    relative: Floats | None


def replica_curves(record: Record, replica: pd.Series) -> ReplicaCurves:
    """The curves of a replica, a row of `record.trials`; raises ValueError where it has no evaluation."""
    trial, seed = str(replica["trial_id"]), int(replica["seed"])
    history = record.history[(record.history["trial_id"] == trial) & (record.history["seed"] == seed)]
    if not len(history):
        raise ValueError(f"replica: expected one with evaluations, got trial {trial}, seed {seed}, which has none")
    errors = [f"{column.name}_error" for column in MEASUREMENTS]
    names = [name for name in ("diverged", *(c.name for c in MEASUREMENTS), *errors) if name in history]
    _, measured = curves(history, names)
    steps, thresholds = measured.steps[0], thresholds_of(record.about)
    judged = (*((thresholds.metric,) if thresholds.metric else ()), metric_and_mode(record.about)[0], *JUDGED_METRICS)
    gone = measured.value("diverged")[0] > 0
    first_of = "high_quality" if np.isfinite(measured.value("high_quality")).any() else "precision"
    modes = mode_shares(replace(record, history=history), [trial])
    return ReplicaCurves(
        study=str(replica["study"]),
        trial_id=trial,
        seed=seed,
        steps=steps,
        tail=measured.tail(thresholds.tail, LEAST)[0],
        diverged=int(steps[gone][0]) if gone.any() else None,
        quality=_measured(measured, replica, record.about, judged),
        others=_measured(measured, replica, record.about, (first_of, "modes", GRADIENT)),
        relative=modes[0].relative[0] if modes and modes[0].relative.shape[2] > 1 else None,
    )


def _measured(
    measured: Curves, replica: pd.Series, about: Mapping[str, Any], metrics: Iterable[str]
) -> tuple[Measured, ...]:
    return tuple(
        Measured(
            metric=metric,
            values=measured.value(metric)[0],
            error=measured.value(f"{metric}_error")[0],
            floor=float(replica.get(f"floor.{metric}", np.nan)),
            unit=unit_of(metric, about),
        )
        for metric in dict.fromkeys(metrics)
        if np.isfinite(measured.value(metric)).any()
    )
