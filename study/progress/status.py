"""What is known of a study from its folder alone, whether or not it is running now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from study.config import loading
from study.config.plan import StudyPlan
from study.ledger.entries import Stopped
from study.ledger.lock import LockOwner, holder
from study.ledger.state import StudyState
from study.progress.look_words import ended, made
from study.progress.tally import ArmTally, PhaseTally, Tally
from study.search.extents import due
from study.tracking import trouble, waiting


@dataclass(frozen=True)
class Counts:
    """Trials by how far they have come; those under way are `running` or, where no process works, `interrupted`."""

    done: int
    failed: int
    running: int
    interrupted: int
    missing: int
    total: int

    @classmethod
    def of(cls, phase: PhaseTally, running: bool) -> Counts:
        """The trials of one search in one phase; `running`: a process is at work on the study."""
        return cls(
            done=phase.done,
            failed=phase.failed,
            running=phase.under_way if running else 0,
            interrupted=0 if running else phase.under_way,
            missing=phase.missing,
            total=phase.planned + phase.missing,
        )

    @classmethod
    def over(cls, counts: Iterable[Counts]) -> Counts:
        """All of them together."""
        every = list(counts)
        return cls(*(sum(getattr(one, field.name) for one in every) for field in fields(cls)))

    @property
    def left(self) -> int:
        """Trials that have not ended."""
        return self.running + self.interrupted + self.missing


@dataclass(frozen=True)
class ArmStatus:
    """One search of an arm, by phase; `best` is of `best_trial` (None: nothing finite), `outcomes` of its replicas;
    `beyond` is above 0 where no configuration is allowed yet, as in `study.progress.tally.ArmTally`."""

    arm: str
    repeat: int
    search: Counts
    confirm: Counts
    best: float | None
    best_trial: str | None
    outcomes: dict[str, int]
    beyond: float | None = None

    @classmethod
    def of(cls, one: ArmTally, repeat: int, running: bool) -> ArmStatus:
        """What a tally says; `running` as in `Counts.of`."""
        search, confirm = Counts.of(one.search, running), Counts.of(one.confirm, running)
        return cls(one.arm, repeat, search, confirm, one.best, one.best_trial, dict(one.outcomes), one.beyond)


@dataclass(frozen=True)
class TrackingStatus:
    """How many ledger entries MLflow still lacks, and what kept them from it."""

    waiting: int
    trouble: str | None


@dataclass(frozen=True)
class Status:
    """The status of a study, read from its folder.

    Attributes:
        study: its name.
        folder: where it is.
        state: running, interrupted or done.
        holder: the process that runs the study; None unless it is running.
        metric: the first that is searched for, which every arm's `best` is of.
        trials: over all arms and phases.
        arms: in the order of the configuration; an arm whose search is repeated stands here once for each repeat.
        failures: messages by trial.
        tracking: what MLflow lacks.
        stopped: why the newest session ended before the study was done, with its `time` in unix seconds; None unless
            it is interrupted and its ledger says so, which it does not after a kill.
        damaged: unreadable lines of the ledger, missing segments included.
        damage: the first of them: where each stands, and why it could not be read.
        lacking: what is not in the ledger although it must have been, a sentence for each trial.
        sessions: how often the study was started.
        earlier_rule: whether outcomes, which are told here as they were when their trials ended, may be those of an
            earlier rule; the record and the report have them by the present one.
        looks: at the pairs of arms, a sentence each, the last of which says why the study ended, if it did; empty
            where `confirm.until` is null.
        diverged_at_most: the share of a configuration's replicas that may diverge; None: any.
    """

    study: str
    folder: str
    state: str
    holder: LockOwner | None
    metric: str
    trials: Counts
    arms: tuple[ArmStatus, ...]
    failures: dict[str, str | None]
    tracking: TrackingStatus
    damaged: int
    damage: tuple[str, ...]
    lacking: tuple[str, ...]
    sessions: int
    stopped: Stopped | None = None
    earlier_rule: bool = False
    looks: tuple[str, ...] = ()
    diverged_at_most: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json` and the report."""
        plain = asdict(self)
        holder = self.holder._asdict() if self.holder else None
        lists = {name: [*plain[name]] for name in ("arms", "damage", "lacking", "looks")}
        return {**plain, "holder": holder, **lists}


def status(folder: str | Path, plan: StudyPlan | None = None) -> Status:
    """The status of the study in `folder`; its `plan` is that of its study.yaml.

    Raises `ConfigError` where there is no study.yaml, `FileNotFoundError` where there is no ledger.
    """
    folder = Path(folder)
    plan = plan or loading.load(folder / loading.STUDY_FILE)
    state, held = StudyState.replay(folder), holder(folder)
    tally = Tally(plan, state)
    arms = tuple(ArmStatus.of(one, repeat, held is not None) for (_, repeat), one in tally.searches.items())
    looks = [made(one) for one in state.looks]
    if looks and not due(plan, state):
        looks[-1] += f"; {ended(state.looks[-1], plan.config)}"
    trials = Counts.over(counts for one in arms for counts in (one.search, one.confirm))
    return Status(
        study=plan.config.study,
        folder=str(folder),
        state="running" if held else "done" if tally.finished else "interrupted",
        holder=held,
        metric=plan.goal.metrics[0],
        trials=trials,
        arms=arms,
        failures={trial.trial_id: trial.message for trial in state.trials.values() if trial.status == "failed"},
        tracking=TrackingStatus(waiting(folder), trouble(folder)),
        damaged=state.damage.count,
        damage=tuple(map(str, state.damage.places)),
        lacking=tuple(state.lacking),
        sessions=len(state.sessions),
        stopped=None if held or tally.finished else state.stopped,
        earlier_rule=state.earlier_rule,
        looks=tuple(looks),
        diverged_at_most=plan.goal.diverged_at_most,
    )
