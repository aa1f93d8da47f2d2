"""Studies in this process, one trial after the other, without Ray, MLflow or a worker: all else is as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import optuna
import torch

from study.config.plan import StudyPlan
from study.execution.interruption import Interruption
from study.execution.job import from_json, job_of, to_json
from study.execution.pack import Pack
from study.execution.recorder import Recorder
from study.ledger.journal import Journal
from study.progress.live import Progress
from study.search.searcher import StudySearcher
from study.storage.store import Store
from trainables.data import load as load_data
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec


def train_here(
    plan: StudyPlan, folder: Path, store: Store, journal: Journal, progress: Progress, strict: bool = True
) -> None:
    """Train what is left of a study. A trial that cannot be made raises, or fails as on a worker if not `strict`."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    searcher = StudySearcher(plan, journal, lambda pack: to_json(job_of(plan, store, trial) for trial in pack))
    recorder = Recorder(plan, journal, folder, store, progress, Interruption(), searcher)
    while isinstance(given := searcher.suggest(""), dict):
        _train(given, recorder, strict)


def _train(given: dict[str, Any], recorder: Recorder, strict: bool) -> None:
    stand_in, done = SimpleNamespace(config=given, pickled_error_file=None, error_file=None), False
    try:
        jobs = from_json(given["job"])
        spec = Spec.from_dict(jobs[0].spec)
        data = load_data(**spec.data)
        pack = Pack(jobs, data, Evaluator(data, spec.evaluation, spec.measure, jobs[0].device))
    except (TypeError, ValueError):
        if strict:
            raise
        recorder.on_trial_error(0, [], stand_in)
        return
    while not done:
        result = pack.report()
        done = result["done"]
        recorder.on_trial_result(0, [], stand_in, result)
    recorder.on_trial_complete(0, [], stand_in)


class _NoTracker:
    """MLflow that wants nothing."""

    def __init__(self, *_: Any) -> None: ...

    def notify(self) -> None: ...

    def start(self) -> None: ...

    def drain(self, *_: Any) -> int:
        return 0

    def close(self) -> None: ...


@contextmanager
def without_ray(tracked: bool = False, strict: bool = True) -> Iterator[None]:
    """Within the block `run` and `resume` train in this process, and track nothing unless they are to be `tracked`.

    `strict` is as in `train_here`.
    """

    def train(plan: StudyPlan, folder: Path, store: Store, *more: Any) -> None:
        _, _, journal, progress, _ = more
        train_here(plan, folder, store, journal, progress, strict)

    with (
        patch("study.run.connected", lambda _: nullcontext()),
        patch("study.run.RayWatch", lambda _: nullcontext()),
        patch("study.run.notice", lambda: None),
        patch("study.run.train", train),
        nullcontext() if tracked else patch("study.run.Tracker", _NoTracker),
    ):
        yield
