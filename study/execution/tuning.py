"""Tune for one study: searcher, scheduler, recorder and workers put together, and Tune's own storage kept out of it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune

from study.config.arms import arms_of
from study.config.schema import StudyConfig
from study.execution.interruption import Interruption
from study.execution.recorder import Recorder
from study.execution.trial import Job
from study.execution.worker import Worker
from study.ledger.journal import Journal
from study.ledger.ledger import entries
from study.ledger.state import TrialState
from study.progress.live import Progress
from study.search.plan import goal_of
from study.search.scheduler import StudyScheduler
from study.search.searcher import StudySearcher
from study.storage.store import Store

RETRIES = 3  # of a trial whose worker raised or died; a cluster may take a node away more than once
REPORT = 1.0  # seconds of training that share a report, unless a scheduler wants every evaluation
PENDING = 16  # trials that wait for an autoscaling cluster to grow


def train(
    config: StudyConfig,
    folder: Path,
    store: Store,
    session: str,
    journal: Journal,
    progress: Progress,
    interruption: Interruption,
) -> None:
    """Train what is left of the study, in a Ray that runs already; returns early when interrupted.

    The trials' files go to `store`, which `session` holds.
    """
    scheduler = StudyScheduler(config, (entry for _, entry in entries(folder)))
    if scheduler.stops:
        progress.say("note: with early stopping, an arm's configurations depend on the workers' timing")
    places = config.resources.workers if "RAY_ADDRESS" in os.environ else _places(config)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(places or PENDING)
    own = bool(journal.state.classifier) and config.evaluation.get("classifier") is None

    def job(trial: TrialState) -> Job:
        return replace(job_of(config, store, trial), session=session, classifier=own)

    searcher = StudySearcher(config, arms_of(config), journal, job, places)
    with tempfile.TemporaryDirectory(prefix="ganstudy-") as storage:
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
                storage_path=storage,
                verbose=0,
                stop=interruption,
                callbacks=[Recorder(config, journal, folder, store, progress, interruption, searcher.again)],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        with interruption.loop():
            tuner.fit()


def job_of(config: StudyConfig, store: Store, trial: TrialState) -> Job:
    """What a worker is told of a trial, but for its session's own."""
    goal = goal_of(config)
    return Job(
        trial_id=trial.trial_id,
        spec=trial.spec,
        seeds=trial.seeds,
        store=store.place,
        metrics=list(goal.metrics),
        modes=list(goal.modes),
        reported=trial.last_step,
        pictures=config.tracking.pictures,
        gallery=trial.phase == "confirm",
        checkpoint_seconds=config.resources.checkpoint_seconds,
        evaluation_limit=config.resources.evaluation_limit,
        report_seconds=REPORT if config.scheduler.name == "none" else 0.0,
        threads=max(1, int(config.resources.cpu)),
        device="cuda" if config.resources.gpu else "cpu",
    )


def _places(config: StudyConfig) -> int:
    """How many trials fit on this machine at once.

    Knowing it, the searcher gives out a trial when there is a worker for it and not before; a trial that waits would
    have Tune ask Ray for a worker of its own and give it back.
    """
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    fit = [there.get("CPU", 1.0) / config.resources.cpu]
    if config.resources.gpu:
        fit.append(there.get("GPU", 0.0) / config.resources.gpu)
    return max(1, min(int(min(fit) + 1e-9), config.resources.workers or 10**6))


def _dirname(trial: Any) -> str:
    return str(trial.config["trial_id"])
