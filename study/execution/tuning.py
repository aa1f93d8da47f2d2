"""Tune for one study: searcher, scheduler, recorder and workers put together, and Tune's own storage kept out of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray import tune

from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from study.execution.interruption import Interruption
from study.execution.job import folder_of, job_of, to_json
from study.execution.recorder import Recorder
from study.execution.scratch import scratch_folder
from study.execution.worker import Worker
from study.ledger.journal import Journal
from study.ledger.ledger import entries
from study.ledger.state import StudyState
from study.progress.live import Progress
from study.search.forgetting import silent
from study.search.packs import Pack
from study.search.scheduler import StudyScheduler
from study.search.searcher import StudySearcher
from study.storage import checkpoint
from study.storage.data_set import DataAt
from study.storage.store import Store

RETRIES = 3  # of a pack whose worker raised or died; a cluster may take a node away more than once
PENDING = 16  # trials that wait for an autoscaling cluster to grow


def train(
    plan: StudyPlan,
    folder: Path,
    store: Store,
    session: str,
    data: DataAt,
    journal: Journal,
    progress: Progress,
    interruption: Interruption,
) -> None:
    """Train what is left of the study, in a Ray that runs already; returns early when interrupted.

    The trials' files go to `store`, which `session` holds; `data` is where workers get theirs.
    """
    config = plan.config
    slots = config.resources.workers if "RAY_ADDRESS" in os.environ else _slots(config)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots or PENDING)
    scheduler = StudyScheduler(plan, (entry for _, entry in entries(folder)), slots)
    if scheduler.stops:
        progress.say("note: with early stopping, an arm's configurations depend on the workers' timing")
    own = bool(journal.state.classifier) and config.evaluation.get("classifier") is None

    def job(pack: Pack) -> str:
        under_way = len(progress.tally.open)
        return to_json(job_of(plan, store, trial, session, own, data, under_way) for trial in pack)

    searcher = StudySearcher(plan, journal, job, slots)
    recorder = Recorder(plan, journal, folder, store, progress, interruption, searcher, scheduler.stopped)
    with scratch_folder() as storage:
        tuner = tune.Tuner(
            tune.with_resources(Worker, {"cpu": config.resources.cpu, "gpu": config.resources.gpu}),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=-1,
                reuse_actors=True,
                trial_dirname_creator=_dirname,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=str(storage),
                verbose=0,
                stop=interruption,
                callbacks=[recorder, *silent()],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        with interruption.loop():
            tuner.fit()


def remove_leftovers(state: StudyState, store: Store, since: float) -> None:
    """Remove what a stopped worker may have written of trials that ended after `since`, in unix seconds.

    The recorder removes a trial's checkpoints when it ends, but its worker may be writing one just then.
    """
    for trial in state.trials.values():
        if trial.ended is not None and trial.ended >= since:
            with suppress(OSError):
                checkpoint.remove(store, folder_of(trial.trial_id))


def _slots(config: StudyConfig) -> int:
    """How many packs fit on this machine at once.

    Knowing it, the searcher gives out a pack when there is a worker for it and not before; one that waits would
    have Tune ask Ray for a worker of its own and give it back.
    """
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    fit = [there.get("CPU", 1.0) / config.resources.cpu]
    if config.resources.gpu:
        fit.append(there.get("GPU", 0.0) / config.resources.gpu)
    return max(1, min(int(min(fit) + 1e-9), config.resources.workers or 10**6))


def _dirname(trial: Any) -> str:
    return str(trial.config["trial_id"])
