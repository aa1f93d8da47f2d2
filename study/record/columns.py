"""The record's rows of one trial, as Arrow columns by name; columns that a trial lacks are left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.record import schema
from analysis.record.curves import Curves
from analysis.results.nearness import Floor
from analysis.results.outcomes import SHOWN, judged_columns, verdicts
from analysis.results.signals import OutcomeSignals, derive, signals
from analysis.results.thresholds import Thresholds
from study.config.dotted import by_name, leaves, root
from study.config.spaces import name_of
from study.ledger.state import StudyState, TrialState
from study.record.later import Later
from study.record.spending import spent
from trainables.spec import idle

Columns = dict[str, Any]
TYPES = {column.name: schema.ARROW[column.dtype] for column in (*schema.HISTORY, *schema.TRIALS)}
MEASURED = tuple(c.name for c in (*schema.TRAINING, *schema.QUALITY))
DERIVED = tuple(c.name for c in schema.DERIVED)
FLAGS = ("diverged", "diverged_step")


class TrialColumns:
    """One trial's rows as columns; `study` is the study's name, `own` the columns of the user's own measurements.

    Raises ValueError naming the trial and the column for a value that does not fit its dtype.
    """

    def __init__(
        self, trial: TrialState, study: str, floor: Floor, thresholds: Thresholds, own: Sequence[str] = ()
    ) -> None:
        self.trial, self.steps = trial, trial.steps()
        self._measured = (*MEASURED, *own)
        more = schema.own(own)
        self._types = {**TYPES, **{column.name: schema.ARROW[column.dtype] for column in (*more, *schema.floors(more))}}
        names = {*judged_columns(thresholds), *schema.COUNTED, schema.HISTOGRAM.name}
        self._curves: Curves = derive(trial.curves(names))
        self._signals: OutcomeSignals = signals(self._curves, floor, thresholds)
        self._thresholds = thresholds
        self._fell, self._had_diverged = self._divergence()
        unread = idle(trial.spec)
        self._same = {
            "study": study,
            **{name: getattr(trial, name) for name in ("phase", "arm", "repeat", "trial_id")},
            **{
                c.name: None if c.name in unread else name_of(trial.spec.get(c.name, trial.config.get(c.name)))
                for c in schema.CHOICES
            },
        }

    def history(self) -> Columns:
        """The rows of history.parquet, replica by replica and within it step by step."""
        replicas, evaluations = len(self.trial.seeds), len(self.steps)
        times = [self.trial.results[step].wall_time for step in self.steps]
        values: dict[str, Any] = {
            "seed": np.repeat(self.trial.seeds, evaluations),
            "step": np.tile(self.steps, replicas),
            "wall_time": np.tile(times, replicas),
            "diverged": self._had_diverged.ravel(),
        }
        taken = {name for result in self.trial.results.values() for name in result.columns}
        for name in (*self._measured, schema.HISTOGRAM.name):
            if name in taken:
                values[name] = self.trial.column(name)
        columns = self._columns(values, replicas * evaluations)
        for name in DERIVED:
            columns[name] = pa.array(self._curves.value(name).ravel(), from_pandas=True)
        return columns

    def summary(self, study: StudyState, config: Mapping[str, str], later: Mapping[str, Later]) -> Columns:
        """The rows of trials.parquet, with the study's floor; `config` gives the dtype of each `config.*` column,
        `later` what was measured of this trial later."""
        trial, replicas = self.trial, len(self.trial.seeds)
        values: dict[str, Any] = {
            "seed": trial.seeds,
            "outcome": self._outcomes(),
            "diverged_step": self._fell,
            **{name: _nulls(getattr(self._signals, name)) for name in SHOWN},
        }
        if self.steps:
            last = trial.results[self.steps[-1]]
            values |= {name: last.column(name, trial.seeds) for name in self._measured if name in last.columns}
            values |= {name: _nulls(self._curves.last(name)) for name in DERIVED}
        floors = {f"floor.{name}": value for name, value in study.floor.items()}
        floors |= {f"floor_spread.{name}": value for name, value in study.floor_spread.items()}
        same: dict[str, Any] = {
            "index": trial.index,
            "status": trial.status or "running",
            "message": trial.message,
            "started": _microseconds(trial.planned),
            "ended": _microseconds(trial.ended),
            "wall_time": trial.wall_time,
            "steps": trial.last_step,
            **spent(trial, study.config),
            **{name: value for name, value in floors.items() if name in self._types},
        }
        flat = configuration(trial.spec, trial.config)
        chosen = {f"config.{name}": _plain(flat.get(name), dtype) for name, dtype in config.items()}
        types = {f"config.{name}": schema.ARROW[dtype] for name, dtype in config.items()}
        afterwards = {f"{schema.MEASURED_LATER}{name}": column.of(trial) for name, column in later.items()}
        values |= afterwards
        types |= dict.fromkeys(afterwards, schema.ARROW["float64"])
        return self._columns(values, replicas, {**same, **chosen}, types)

    def undeclared(self) -> set[str]:
        """Measurements in the ledger that the record has no column for."""
        taken = {name for result in self.trial.results.values() for name in result.columns}
        return taken - {*self._measured, *FLAGS, schema.HISTOGRAM.name}

    def _columns(
        self,
        values: Mapping[str, Any],
        rows: int,
        same: Mapping[str, Any] | None = None,
        types: Mapping[str, Any] | None = None,
    ) -> Columns:
        known = {**self._types, **(types or {})}
        columns: Columns = {}
        for name, value in [*self._same.items(), *(same or {}).items()]:
            columns[name] = self._checked(name, _repeated, value, rows, known[name])
        for name, value in values.items():
            columns[name] = self._checked(name, _array, value, known[name])
        return columns

    def _checked(self, name: str, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise ValueError(f"trial {self.trial.trial_id}: column {name}: {error}") from error

    def _outcomes(self) -> list[Any]:
        """By the present rule, whatever was said when the trial ended; null while running, or if it cannot be told."""
        trial = self.trial
        if trial.status is None:
            return [None] * len(trial.seeds)
        if not self.steps and trial.status not in ("failed", "truncated"):
            return [None] * len(trial.seeds)
        return [name or None for name in verdicts(self._signals, trial.status, self._thresholds).tolist()]

    def _divergence(self) -> tuple[list[int | None], NDArray[np.bool_]]:
        """The step (R,) at which each replica diverged, as the first evaluation that has the flag reports it, or its
        own; and whether it had by each evaluation (R, T), from then on always."""
        steps, flags = np.array(self.steps, np.float64), self._curves.value("diverged") > 0
        first = np.where(flags, steps, np.inf).min(axis=1, initial=np.inf)
        fell: list[int | None] = []
        for replica, step in enumerate(first):
            at = None if np.isinf(step) else self.trial.results[int(step)]
            said = None if at is None else at.column("diverged_step", self.trial.seeds)[replica]
            fell.append(said if at is None or said is not None else at.step)
        after = np.array([np.inf if step is None else step for step in fell], np.float64)
        return fell, (steps >= first[:, None]) | (steps > after[:, None])


def configuration(spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's specification and the hyperparameters drawn for it, flat and dotted, without those that nothing reads;
    lists become JSON texts.

    A list that was drawn stands in `config` by its name; its value, in `spec`, goes first.
    """
    unread = idle(spec)
    return {
        name: json.dumps(value) if isinstance(value, (list, tuple)) else value
        for name, value in (*leaves(config), *leaves(by_name(spec)))
        if root(name) not in unread
    }


def _plain(value: Any, dtype: str) -> Any:
    """A configuration value for its column; what is not text becomes JSON in a column of texts."""
    if value is None or dtype != "category" or isinstance(value, str):
        return value
    return json.dumps(value)


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


def _nulls(values: Any) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _repeated(value: Any, rows: int, kind: Any) -> Any:
    if value is None:
        return pa.nulls(rows, kind)
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([value], pa.string()))
    return pa.repeat(pa.array([value], kind)[0], rows)


def _array(values: Any, kind: Any) -> Any:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)
