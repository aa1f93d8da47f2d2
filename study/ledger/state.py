"""The state of a study, rebuilt by replaying its ledger.

`StudyState.replay(folder)` is what `resume`, `status` and the search know of the past. Memory stays bounded: an
unfinished trial keeps its results, a finished one only its summary. The last write wins: a result by (phase, arm,
repeat, index, round) and (seed, step), a plan and an ending by (phase, arm, repeat, index, round). Whether a trial
planned again goes on or begins anew is decided by `study.ledger.attempts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.record.curves import Curves
from analysis.record.schema import HISTOGRAM
from analysis.results.nearness import Floor as RealScores
from analysis.results.thresholds import is_earlier
from study.ledger.attempts import begins_anew
from study.ledger.damage import Damage
from study.ledger.entries import Ended, Entry, Floor, Key, Look, OfTrial, Planned, Result, Session, Stopped
from study.ledger.ledger import START, Position, entries
from study.ledger.losses import lost_steps, sentence
from study.ledger.validation import InvalidEntry, beyond, counted_modes

SUMMARY = ("session", "stopped", "floor", "look", "planned", "ended")
ORPHAN = "{trial_id}: ended, but neither its plan nor a result can be read"


@dataclass(slots=True)
class TrialState:
    """One trial, changed by `apply` alone.

    Attributes:
        phase, arm: search or confirm, and the arm's name.
        repeat, index: which of the arm's searches, and the trial's number within it, both from 0.
        round: which round of its confirmation, from 0.
        trial_id: the trial's name, which follows from these five.
        config: the flat hyperparameters that the search chose; {} while the plan is unknown.
        spec: the trial's Spec as a dict; {} while the plan is unknown.
        seeds: of the replicas, in the order of every list below; [] until an entry gives them.
        told: how many results its search had been told before it; None if unknown.
        planned, ended: unix seconds; `ended` is None while the trial is unfinished.
        plan_made: unix seconds, of the newest plan; None while the plan is unknown.
        last_step, wall_time: of the newest evaluation, 0 before the first.
        status: None while unfinished, else completed | diverged | truncated | failed, with its `message`.
        outcomes, scores: one per replica once ended; a score is None where the replica diverged.
        modes: of how many its evaluations have counts; None where none has any yet.
        results: step -> evaluation, while the trial is unfinished.
        lost: once ended, the steps of evaluations that should be in the ledger and are not.
        changes: of meaning that the session knew which began the trial; None if that session is unknown.
    """

    phase: str
    arm: str
    repeat: int
    index: int
    round: int
    trial_id: str
    seeds: list[int]
    config: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    told: int | None = None
    planned: float = 0.0
    ended: float | None = None
    plan_made: float | None = None
    last_step: int = 0
    wall_time: float = 0.0
    status: str | None = None
    message: str | None = None
    outcomes: list[str] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)
    modes: int | None = None
    results: dict[int, Result] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)
    changes: list[str] | None = None

    @classmethod
    def of(cls, entry: OfTrial) -> TrialState:
        """A new trial, from the first entry about it."""
        seeds = [] if isinstance(entry, Ended) else [*entry.seeds]
        return cls(*entry.key, entry.trial_id, seeds, planned=entry.time)

    @property
    def key(self) -> Key:
        """What identifies the trial."""
        return self.phase, self.arm, self.repeat, self.index, self.round

    @property
    def unplanned(self) -> bool:
        """Whether its plan is unknown, the ledger's line having been damaged."""
        return not self.spec and not self.config

    @property
    def lacking(self) -> str:
        """A sentence about what the ledger should hold of the trial and does not; empty where nothing is missed."""
        lost = lost_steps(self.spec, self.results, None) if self.status is None else self.lost
        return sentence(self.trial_id, lost, self.unplanned and bool(self.seeds))

    def apply(self, entry: OfTrial) -> None:
        """Take in an entry of this trial; raises `InvalidEntry` for an ending of another number of replicas, or an
        evaluation of more modes, or with counts of another number of them."""
        match entry:
            case Planned():
                self._plan(entry)
            case Result():
                self._result(entry)
            case Ended():
                self._end(entry)

    def _plan(self, plan: Planned) -> None:
        same_spec = None if self.unplanned else self.spec == plan.spec
        if begins_anew(plan, self.seeds, same_spec, self.ended, self.plan_made):
            self.__init__(*plan.key, plan.trial_id, plan.seeds, planned=plan.time)  # type: ignore[misc]
        self._learn_seeds(plan.seeds)
        self.config, self.spec, self.told, self.plan_made = plan.config, plan.spec, plan.told, plan.time

    def _result(self, result: Result) -> None:
        modes = counted_modes(result.columns) or self.modes
        if modes != (self.modes or modes):
            raise InvalidEntry(f"columns.{HISTOGRAM.name}: expected counts of {self.modes} modes, got {modes}")
        if modes and (name := beyond(result.columns, modes)):
            raise InvalidEntry(f"columns.{name}: expected at most the trial's {modes} modes, got more")
        if modes and self.modes is None:  # what came before there were counts to hold it against
            self.results = {step: one for step, one in self.results.items() if not beyond(one.columns, modes)}
        self.modes = modes
        step, former = result.step, self.results.get(result.step)
        self.results[step] = result if former is None else result.over(former)
        if step in self.lost:  # it came after the ending, a segment being out of order
            self.lost.remove(step)
        self._learn_seeds(result.seeds)
        if step >= self.last_step:
            self.last_step, self.wall_time = step, result.wall_time

    def _end(self, ending: Ended) -> None:
        for name, values in (("outcomes", ending.outcomes), ("scores", ending.scores)):
            if values and self.seeds and len(values) != len(self.seeds):
                raise InvalidEntry(f"{name}: expected one for each of {len(self.seeds)} seeds, got {len(values)}")
        if self.status is None:
            self.lost = lost_steps(self.spec, self.results, ending.status)
        self.ended, self.status, self.message = ending.time, ending.status, ending.message
        self.outcomes, self.scores = ending.outcomes, ending.scores

    def _learn_seeds(self, seeds: list[int]) -> None:
        """Take the seeds from the first entry that gives them; drop outcomes and scores of another length."""
        if not self.seeds:
            self.seeds = seeds
            self.outcomes, self.scores = ([*v] if len(v) == len(seeds) else [] for v in (self.outcomes, self.scores))

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


Seen = Callable[[Entry, TrialState | None], None]


class StudyState:
    """What a study's ledger says up to `position`.

    Attributes:
        config: the resolved configuration of the newest session; {} before the first.
        earlier_rule: whether any session ran under the earlier rule of outcomes, by which it judged what ended in it.
        sessions: the sessions begun, each without its configuration.
        stopped: why the newest session ended before the study was done; None while nothing says that it did.
        own: what the newest session says of each of the user's own measurements.
        data: what the newest session that says it was given for data; {} before it.
        prepared: whether there is a floor entry.
        floor, floor_spread, floor_samples, classifier: of the newest one; {}, {}, None and None before it. A game
            without data has no floor.
        looks: at the pairs of arms, in order.
        trials: every trial in the ledger, in the order of their first entries.
        damage: the parts of the ledger that could not be used.
    """

    def __init__(self) -> None:
        self.position = START
        self.config: dict[str, Any] = {}
        self.earlier_rule = False
        self.sessions: list[Session] = []
        self.stopped: Stopped | None = None
        self.own: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.prepared = False
        self.floor: dict[str, float] = {}
        self.floor_spread: dict[str, float] = {}
        self.floor_samples: int | None = None
        self.classifier: dict[str, Any] | None = None
        self.looks: list[Look] = []
        self.trials: dict[Key, TrialState] = {}
        self.damage = Damage()

    @classmethod
    def replay(cls, folder: str | Path, results: bool = True, seen: Seen | None = None) -> StudyState:
        """The state of the study in `folder`; FileNotFoundError if it has no ledger.

        Without `results` the replay is about twenty times as fast, but trials show no progress and lack nothing. `seen`
        is told of every entry that was taken in, with the trial it is about as it then is.
        """
        state = cls()
        for position, entry in entries(folder, kinds=None if results else SUMMARY, damage=state.damage):
            try:
                trial = state.apply(entry, position)
            except InvalidEntry as error:
                state.damage.add(str(error))
                continue
            if seen is not None:
                seen(entry, trial)
        state._recover_plans()
        for trial in state.trials.values():
            if not results:
                trial.lost.clear()
            elif not trial.seeds:
                state.damage.lose(0, ORPHAN.format(trial_id=trial.trial_id))
        return state

    def apply(self, entry: Entry, position: Position | None = None) -> TrialState | None:
        """Take in one entry and return the trial it is about; raises `InvalidEntry` if it does not fit the rest."""
        self.position = position or self.position
        match entry:
            case Session():
                self.config = entry.config
                outcomes = entry.config.get("outcomes")
                self.earlier_rule |= isinstance(outcomes, dict) and is_earlier(outcomes)
                self.sessions.append(replace(entry, config={}))
                self.stopped = None
                self.own |= entry.own
                self.data = entry.data or self.data
            case Stopped():
                self.stopped = entry
            case Floor():
                self.prepared = True
                self.floor, self.floor_spread = _scores(entry.values), _scores(entry.spread)
                self.floor_samples, self.classifier = entry.samples, entry.classifier
            case Look():
                self._look(entry)
            case _:
                return self._apply_trial(entry)
        return None

    def _recover_plans(self) -> None:
        """A search trial that ended and its confirmations have one configuration: each has it from the others."""
        known = {trial.key[1:4]: trial for trial in self.trials.values() if not trial.unplanned}
        for trial in self.trials.values():
            if trial.unplanned and trial.status is not None and (twin := known.get(trial.key[1:4])):
                trial.config, trial.spec = twin.config, twin.spec

    def _look(self, look: Look) -> None:
        """A look made again takes the place of the former one and of those that followed it."""
        if look.number > len(self.looks):
            raise InvalidEntry(f"number: expected at most {len(self.looks)}, the looks before it, got {look.number}")
        spent = sum(one.level for one in self.looks[: look.number])
        if spent + look.level > 1:
            raise InvalidEntry(f"level: expected at most {1 - spent:.3g}, what others have left, got {look.level}")
        self.looks = [*self.looks[: look.number], look]

    def _apply_trial(self, entry: OfTrial) -> TrialState:
        trial = self.trials.get(entry.key)
        if trial is None:
            trial = self.trials[entry.key] = TrialState.of(entry)
        trial.apply(entry)
        if trial.changes is None and self.sessions:  # it is new, or begins anew
            trial.changes = self.sessions[-1].changes
        if trial.status is not None:
            trial.results.clear()
        return trial

    @property
    def lacking(self) -> list[str]:
        """What is not in the ledger although it must have been, a sentence for each trial."""
        return [trial.lacking for trial in self.trials.values() if trial.lacking]

    @property
    def real_scores(self) -> RealScores:
        """The floor as outcomes are judged by it."""
        evaluation = self.config.get("evaluation")
        raw = isinstance(evaluation, Mapping) and evaluation.get("features") == "raw"
        return RealScores(self.floor, self.floor_spread, raw)

    @property
    def unfinished(self) -> list[TrialState]:
        """The trials planned and not ended, in the order of their plans."""
        return [trial for trial in self.trials.values() if trial.status is None]


def _scores(found: dict[str, Any]) -> dict[str, float]:
    """Without lists, which are no scores: a floor is one number per measurement."""
    return {name: value for name, value in found.items() if not isinstance(value, list)}


def _array(values: list[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Numbers or lists of K numbers (counts by mode) as float64, of `shape` or (*shape, K).

    None becomes NaN.
    """
    width = next((len(value) for value in values if isinstance(value, list)), None)
    if width is None:
        return np.array(values, np.float64).reshape(shape)
    empty = [np.nan] * width
    whole = [empty if value is None else value for value in values]
    return np.array(whole, np.float64).reshape(*shape, width)
