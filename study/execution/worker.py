"""The `tune.Trainable` around `Pack`: one process trains many packs of trials, one after the other.

Tune may start a spare worker, so `setup` only reads its job; data and evaluator are built at the first step and kept
for the next pack. Tune's own checkpoints are not used: a trial's files belong to the study, not to Tune.
"""

# ruff: noqa: E402
import gc

usual = gc.get_threshold()
gc.set_threshold(50_000)  # as the command has it: to seek garbage is an eighth of what a worker's imports take

import json
import pickle
from datetime import datetime
from typing import Any

import torch
from ray import tune

from study.execution.job import from_json
from study.execution.pack import Pack
from study.execution.preparation import own_classifier
from study.storage import lease
from study.storage.data_set import load
from study.storage.store import store_at
from trainables import own_code
from trainables.data import DataSet
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec

gc.set_threshold(*usual)

KEPT = 2  # data sets and evaluators a worker keeps


class Worker(tune.Trainable):
    """Trains the trials in `config["job"]`; every result is `Pack.report`'s."""

    def setup(self, config: dict[str, Any]) -> None:
        """Start without a trial's cost: nothing is loaded before the first step."""
        self._data: dict[str, DataSet] = {}
        self._evaluators: dict[str, Evaluator] = {}
        self._pack: Pack | None = None
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another pack in the same process; of one that was stopped for one of its trials the others go on."""
        if self._pack is not None and len(self._pack.trials) > 1:
            self._pack.leave()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next report; an exception that cannot be pickled becomes a RuntimeError with its message."""
        try:
            if self._pack is None:
                self._pack = self._build()
            return self._pack.report()
        except Exception as error:
            if _portable(error):
                raise
            words = RuntimeError(f"{type(error).__name__}: {error}")
            raise words.with_traceback(error.__traceback__) from None

    def cleanup(self) -> None:
        """Leave a checkpoint of what is unfinished."""
        if self._pack is not None:
            self._pack.leave()

    def get_auto_filled_metrics(
        self,
        now: datetime | None = None,  # noqa: ARG002
        time_this_iter: float | None = None,
        timestamp: int | None = None,  # noqa: ARG002
        debug_metrics_only: bool = False,  # noqa: ARG002
    ) -> dict[str, Any]:
        """What Tune adds to a result, without the whole configuration, which it would flatten every time."""
        return {
            "trial_id": self.trial_id,
            "time_this_iter_s": time_this_iter,
            "time_total_s": self._time_total,
        }

    def _begin(self, config: dict[str, Any]) -> None:
        self._jobs = from_json(config["job"])
        self._pack = None
        settings = self._jobs[0]
        if settings.code is not None:
            own_code.allow(settings.code)
        torch.manual_seed(0)
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(settings.threads)
        if settings.device != "cpu":
            torch.cuda.empty_cache()

    def _build(self) -> Pack:
        job = self._jobs[0]  # what the trials of a pack share
        spec = Spec.from_dict(job.spec)
        store = store_at(job.store)
        if job.session is not None:
            lease.check(store, job.session)
        data_key = json.dumps(spec.data, sort_keys=True)
        key = json.dumps([spec.data, spec.evaluation, spec.measure, job.device, job.classifier], sort_keys=True)
        if data_key not in self._data:
            _make_room(self._data)
            self._data[data_key] = load(spec.data, store, job.data).to(job.device)
        data = self._data[data_key]
        if key not in self._evaluators:
            _make_room(self._evaluators)
            classifier = own_classifier(store, job.device) if job.classifier else None
            self._evaluators[key] = Evaluator(
                data, spec.evaluation, spec.measure, job.device, classifier=classifier, kept=store
            )
        return Pack(self._jobs, data, self._evaluators[key])


def _portable(error: BaseException | None) -> bool:
    """Whether an exception survives the way to the driver; Ray copies it with all that caused it."""
    try:
        return error is None or (pickle.loads(pickle.dumps(error)) is not None and _portable(error.__cause__))
    except Exception:
        return False


def _make_room(cache: dict[str, Any]) -> None:
    while len(cache) >= KEPT:
        del cache[next(iter(cache))]
