"""The state of a study, rebuilt by replaying its ledger.

`StudyState.replay(folder)` is what `resume`, `status` and the search know of the past. Memory stays bounded: an
unfinished trial keeps its results, a finished one only its summary. The last write wins: a result by (phase, arm,
index) and (seed, step), a plan and an ending by (phase, arm, index). A trial planned again goes on if it was
unfinished and its spec and seeds are the same; otherwise it begins anew and its former results are dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.record.curves import Curves
from study.ledger.ledger import START, Entry, Position, entries

Key = tuple[str, str, int]
SUMMARY = ("session", "floor", "planned", "ended")


@dataclass(slots=True)
class Result:
    """One evaluation: `columns` maps a measurement to a value per replica, in the order of `seeds`."""

    seeds: list[int]
    wall_time: float
    columns: dict[str, Sequence[Any]]

    def column(self, name: str, seeds: Sequence[int]) -> list[Any]:
        """A measurement in the order of `seeds`; None for replicas or measurements that are not there."""
        values = self.columns.get(name)
        if values is None:
            return [None] * len(seeds)
        if self.seeds == seeds:
            return list(values)
        found = dict(zip(self.seeds, values, strict=True))
        return [found.get(seed) for seed in seeds]

    def over(self, former: Result) -> Result:
        """This result with what a former one of the same step knows of other seeds."""
        seeds = self.seeds + [seed for seed in former.seeds if seed not in self.seeds]
        if seeds == self.seeds:
            return self
        columns: dict[str, Sequence[Any]] = {}
        for name in {**former.columns, **self.columns}:
            old = former.column(name, seeds)
            columns[name] = self.column(name, self.seeds) + old[len(self.seeds) :]
        return Result(seeds, max(self.wall_time, former.wall_time), columns)


@dataclass(slots=True)
class TrialState:
    """One trial, changed by `apply` alone.

    Attributes:
        config: the flat hyperparameters that the search chose; {} as long as the plan is unknown.
        spec: the trial's Spec as a dict; {} as long as the plan is unknown.
        seeds: of the replicas, in the order of every list below.
        planned, ended: unix seconds; `ended` is None while the trial is unfinished.
        last_step, wall_time: of the newest evaluation, 0 before the first.
        status: None while unfinished, else completed | diverged | truncated | failed, with its `message`.
        outcomes, scores: one a replica once ended; a score is None where the replica diverged.
        results: step -> evaluation, as long as the trial is unfinished.
    """

    phase: str
    arm: str
    index: int
    trial_id: str
    seeds: list[int]
    config: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    planned: float = 0.0
    ended: float | None = None
    last_step: int = 0
    wall_time: float = 0.0
    status: str | None = None
    message: str | None = None
    outcomes: list[str] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)
    results: dict[int, Result] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> TrialState:
        """A trial as the first entry heard of it names it."""
        seeds = [*entry.get("seeds", [])]
        return cls(entry["phase"], entry["arm"], entry["index"], entry["trial_id"], seeds, planned=entry["time"])

    @property
    def unplanned(self) -> bool:
        """Whether its plan is unknown, the ledger's line having been damaged."""
        return not self.spec and not self.config

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Take in a planned, result or ended entry of this trial."""
        match entry["kind"]:
            case "planned":
                self._plan(entry)
            case "result":
                self._result(entry)
            case "ended":
                self.ended, self.status, self.message = entry["time"], entry["status"], entry.get("message")
                self.outcomes, self.scores = entry.get("outcomes") or [], entry.get("scores") or []

    def _plan(self, entry: Mapping[str, Any]) -> None:
        same = self.seeds == entry["seeds"] and (self.unplanned or self.spec == entry["spec"])
        if self.status is not None or not same:
            self.__init__(**_identity(entry))  # type: ignore[misc]
        self.config, self.spec = entry["config"], entry["spec"]

    def _result(self, entry: Mapping[str, Any]) -> None:
        step = entry["step"]
        result = Result(entry["seeds"], entry["wall_time"], entry["columns"])
        self.results[step] = result.over(self.results[step]) if step in self.results else result
        self.seeds = self.seeds or result.seeds
        if step >= self.last_step:
            self.last_step, self.wall_time = step, result.wall_time

    def steps(self) -> list[int]:
        """The steps of the results kept, in order."""
        return sorted(self.results)

    def column(self, name: str) -> list[Any]:
        """A measurement as the ledger has it, replica by replica and within it step by step; None where missing."""
        rows = [self.results[step].column(name, self.seeds) for step in self.steps()]
        return [row[replica] for replica in range(len(self.seeds)) for row in rows]

    def curves(self, names: Collection[str] | None = None) -> Curves:
        """What was measured, or `names` of it, replicas in the order of `seeds`; None becomes NaN.

        A StudyState's trial has curves until its `ended` entry is applied.
        """
        steps, replicas = self.steps(), len(self.seeds)
        taken = {name for result in self.results.values() for name in result.columns}
        wanted = taken if names is None else taken.intersection(names)
        values = {name: _array(self.column(name), (replicas, len(steps))) for name in sorted(wanted)}
        every = np.tile(np.array(steps, np.int64), (replicas, 1))
        return Curves(every, np.full(replicas, len(steps)), values)


class StudyState:
    """What a study's ledger says up to `position`.

    Attributes:
        config: the resolved configuration of the newest session; {} before the first.
        sessions: the sessions begun, each its entry without the configuration.
        floor, classifier: of the newest floor entry; {} and None before it.
        trials: every trial heard of, in the order of their first entries.
    """

    def __init__(self) -> None:
        self.position = START
        self.config: dict[str, Any] = {}
        self.sessions: list[Entry] = []
        self.floor: dict[str, float] = {}
        self.classifier: dict[str, Any] | None = None
        self.trials: dict[Key, TrialState] = {}

    @classmethod
    def replay(cls, folder: str | Path, results: bool = True) -> StudyState:
        """The state of the study in `folder`; FileNotFoundError if it has no ledger.

        Without `results` it is known twenty times sooner, but not how far any trial has come.
        """
        state = cls()
        for position, entry in entries(folder, kinds=None if results else SUMMARY):
            state.apply(entry, position)
        return state

    def apply(self, entry: Entry, position: Position | None = None) -> TrialState | None:
        """Take in one entry and return the trial it is about; kinds unknown to this version are passed over."""
        self.position = position or self.position
        match entry["kind"]:
            case "session":
                self.config = entry["config"]
                self.sessions.append({name: value for name, value in entry.items() if name != "config"})
            case "floor":
                self.floor, self.classifier = entry["values"], entry.get("classifier")
            case "planned" | "result" | "ended":
                return self._apply_trial(entry)
        return None

    def _apply_trial(self, entry: Entry) -> TrialState:
        key = (entry["phase"], entry["arm"], entry["index"])
        trial = self.trials.get(key)
        if trial is None:
            trial = self.trials[key] = TrialState.of(entry)
        trial.apply(entry)
        if trial.status is not None:
            trial.results.clear()
        return trial

    @property
    def unfinished(self) -> list[TrialState]:
        """The trials planned and not ended, in the order of their plans."""
        return [trial for trial in self.trials.values() if trial.status is None]


def _identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    names = ("phase", "arm", "index", "trial_id", "seeds")
    return {**{name: entry[name] for name in names}, "planned": entry["time"]}


def _array(values: list[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Numbers or lists of numbers (counts by mode) as float64, of `shape` or (*shape, K); None becomes NaN."""
    width = next((len(value) for value in values if isinstance(value, list)), None)
    if width is None:
        return np.array(values, np.float64).reshape(shape)
    empty = [np.nan] * width
    return np.array([empty if value is None else value for value in values], np.float64).reshape(*shape, width)
