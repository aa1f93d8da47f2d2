"""The jobs sent to a worker: everything that it needs to train the trials of a pack."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.ledger.entries import CONFIRM
from study.storage.data_set import FROM_SETTINGS, DataAt
from study.storage.store import Store
from trainables import own_code

if TYPE_CHECKING:  # the driver's; a worker would import SciPy's statistics
    from study.config.plan import StudyPlan
    from study.ledger.state import TrialState

REPORT = 1.0  # seconds of training that share a report, unless a scheduler wants every evaluation
REPORTS = 50  # a second, from all workers together, that the driver takes with ease (`python -m benchmarks workers`)


@dataclass(frozen=True)
class Job:
    """A trial and how a worker runs it; times are in seconds.

    `store` is the location of the study's files, and `session` holds it (see `study.storage.lease`); None: not checked.
    `classifier`: whether the store has the study's own. `gallery`: whether the last picture also has latent walks and
    nearest neighbours. `keep`: whether its generators are kept, and with `critics` its critics. `stoppable`: whether a
    scheduler may end the trial after any report. `reported` is the last step in the ledger. `code` is the folder that
    the user's own code is imported from; None: it may not be imported. `data_copy` and `data_digest` are where the data
    come from, as `study.storage.data_set.DataAt` has them.
    """

    trial_id: str
    spec: dict[str, Any]
    seeds: list[int]
    store: str
    metrics: list[str]
    modes: list[str]
    diverged_at_most: float | None = None
    session: str | None = None
    classifier: bool = False
    reported: int = 0
    pictures: int = 0
    gallery: bool = False
    keep: bool = False
    critics: bool = False
    stoppable: bool = False
    checkpoint_seconds: float = 60.0
    evaluation_limit: float | None = None
    report_seconds: float = 0.0
    threads: int = 1
    device: str = "cpu"
    code: str | None = None
    data_copy: str | None = None
    data_digest: str | None = None

    @property
    def data(self) -> DataAt:
        """Where the data come from."""
        return DataAt(self.data_copy, self.data_digest)

    @property
    def folder(self) -> str:
        """The trial's folder in the store."""
        return folder_of(self.trial_id)


def to_json(jobs: Iterable[Job]) -> str:
    """One string, because Tune pays for every key of a trial's configuration with every result."""
    return json.dumps([vars(job) for job in jobs])


def from_json(text: str) -> list[Job]:
    """The inverse of `to_json`."""
    return [Job(**found) for found in json.loads(text)]


def folder_of(trial_id: str) -> str:
    """Where in the store a trial's files are."""
    return f"trials/{trial_id}"


def job_of(
    plan: StudyPlan,
    store: Store,
    trial: TrialState,
    session: str | None = None,
    classifier: bool = False,
    data: DataAt = FROM_SETTINGS,
    under_way: int = 1,
) -> Job:
    """The job of a planned trial; `session` and `classifier` as in `Job`, `data` is where workers get theirs.

    The more trials are `under_way`, the more seconds share a report.
    """
    config, code = plan.config, own_code.directory()
    return Job(
        trial_id=trial.trial_id,
        spec=trial.spec,
        seeds=trial.seeds,
        store=store.place,
        metrics=list(plan.goal.metrics),
        modes=list(plan.goal.modes),
        diverged_at_most=plan.goal.diverged_at_most,
        session=session,
        classifier=classifier,
        reported=trial.last_step,
        pictures=config.tracking.pictures,
        gallery=trial.phase == CONFIRM,
        keep=config.keep.writes(trial.phase == CONFIRM),
        critics=config.keep.critics,
        stoppable=config.scheduler.name != "none" and trial.phase != CONFIRM,
        checkpoint_seconds=config.resources.checkpoint_seconds,
        evaluation_limit=config.resources.evaluation_limit,
        report_seconds=max(REPORT, under_way / REPORTS) if config.scheduler.name == "none" else 0.0,
        threads=max(1, int(config.resources.cpu)),
        device="cuda" if config.resources.gpu else "cpu",
        code=None if code is None else str(code),
        data_copy=data.copy,
        data_digest=data.digest,
    )
