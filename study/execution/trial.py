"""One trial on a worker: training from evaluation to evaluation, with checkpoints and the samples of its pictures.

A trial starts from its newest intact checkpoint, if there is one for the same spec and seeds. Evaluations up to
`Job.reported` are in the ledger and are not reported again; those after it that the checkpoint holds are, so that a
driver's death between a checkpoint and the ledger loses none.
"""

import io
import json
import logging
import time
from typing import Any

import numpy as np
import torch

from study.config.goal import Goal
from study.execution import evaluations
from study.execution.evaluations import TimedEvaluation
from study.execution.job import Job
from study.execution.watchdog import time_limit
from study.search.scores import finite, medians, replica_scores
from study.storage import checkpoint, generators
from study.storage.store import Store, store_at
from trainables import kept, own_code
from trainables.data import DataSet
from trainables.inspection.latent_walks import gallery
from trainables.inspection.one_dimensional import curves
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Evaluation, Training

LOGGER = logging.getLogger(__name__)
HANG = "hang.txt"  # tracebacks of an evaluation that exceeded its time limit
POINTS, IMAGES, PICTURED = 1000, 80, 4  # samples of a replica in a picture, and how many replicas at most


class Trial:
    """The training of `job`, built on shared `data` and `evaluator`, resumed where a checkpoint allows."""

    def __init__(self, job: Job, spec: Spec, data: DataSet, evaluator: Evaluator) -> None:
        """Build the networks and load the newest checkpoint that fits."""
        self.job, self.spec = job, spec
        self.store: Store = store_at(job.store)
        self.goal = Goal(tuple(job.metrics), tuple(job.modes))
        self._data, self._evaluator = data, evaluator
        self.training = self._untrained()
        self.evaluations: list[TimedEvaluation] = []
        self.wall_time = 0.0
        self._whole = True  # whether the training is at its last evaluation; not while it is between two
        self._pictured = picture_evaluations(spec.evaluations, job.pictures)
        self._identity = json.dumps([spec.to_dict(), job.seeds], sort_keys=True)
        self._reported = job.reported
        self._forget_hang()
        self._restore()
        self._saved, self._saved_step = time.monotonic(), self.training.step

    def report(self) -> dict[str, Any]:
        """Train until there is something new to report; flat and small, for Tune.

        `rows` is a JSON list of evaluations; `score` the median of the first metric, always finite; `done` and
        `finished` whether the training ended by itself. Tune overwrites `done` where it stops a trial, so that only
        `finished` tells the recorder a completed trial from a truncated one. `notes` is a JSON list of sentences for
        the user.
        """
        until = time.monotonic() + self.job.report_seconds
        known = self._reported >= self.training.step  # else the checkpoint is ahead of the ledger: report that first
        while known and not self.training.done and (self._reported >= self.training.step or time.monotonic() < until):
            self._advance()
        if self.job.keep and (self.training.done or self.job.stoppable):
            self._keep()
        fresh = [evaluation for evaluation in self.evaluations if evaluation.step > self._reported]
        self._reported = max(self._reported, self.training.step)
        values = medians(replica_scores(self.evaluations[-1].columns, self.goal), self.goal)
        return {
            "rows": evaluations.to_json(fresh),
            "score": finite(values[0]),
            "evaluation": len(self.evaluations),
            "done": self.training.done,
            "finished": self.training.done,
            "notes": json.dumps(self._evaluator.troubles()),
        }

    def save(self) -> None:
        """Write a checkpoint; a failed write costs the checkpoint, not the trial."""
        content = {
            "identity": self._identity,
            "state": self.training.state_dict(),
            "rows": evaluations.to_json(self.evaluations),
            "wall_time": self.wall_time,
        }
        try:
            checkpoint.write(self.store, self.job.folder, content)
        except OSError as error:
            LOGGER.warning("trial %s: no checkpoint at step %d: %s", self.job.trial_id, self.training.step, error)
        self._saved, self._saved_step = time.monotonic(), self.training.step

    def _keep(self) -> None:
        """Write the generators as they are; a write that fails costs them, not the trial."""
        about = {"trial_id": self.job.trial_id, "data_digest": self._data.digest, "code": own_code.digests()}
        payload = kept.to_bytes(self.training, self.job.critics, about)
        if payload is None:
            return
        try:
            generators.write(self.store, self.job.trial_id, payload)
        except OSError as error:
            LOGGER.warning("trial %s: its generators could not be kept: %s", self.job.trial_id, error)

    def leave(self) -> None:
        """Called when the worker stops: save what an unfinished training has done since its last checkpoint.

        After an exception between two evaluations nothing is saved, as the training is in no defined state.
        """
        if self._whole and not self.training.done and self.training.step > self._saved_step:
            self.save()

    def _advance(self) -> None:
        started, self._whole = time.monotonic(), False
        with time_limit(self.job.evaluation_limit, self._hang):
            evaluation = self.training.advance()
        self.wall_time += time.monotonic() - started
        pictures = self._picture(evaluation)
        self.evaluations.append(TimedEvaluation(evaluation.step, self.wall_time, evaluation.columns, pictures))
        self._whole = True
        if time.monotonic() - self._saved >= self.job.checkpoint_seconds and not self.training.done:
            self.save()

    def _picture(self, evaluation: Evaluation) -> str | None:
        """Keep what makes a picture when this evaluation has one; the file's path within the study folder."""
        if len(self.evaluations) + 1 not in self._pictured or all(evaluation.columns["diverged"]):
            return None
        arrays = self.training.model.picture(PICTURED) or self._sampled()
        arrays |= {"seeds": np.array(self.job.seeds[:PICTURED])}
        name, buffer = f"{self.job.folder}/pictures/{self.training.step:08d}.npz", io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        try:
            self.store.write(name, buffer.getvalue())
        except OSError as error:
            LOGGER.warning("trial %s: no picture at step %d: %s", self.job.trial_id, self.training.step, error)
            return None
        return name

    def _hang(self, traceback: str) -> None:
        """Called before the process ends because an evaluation took too long."""
        self.store.write(f"{self.job.folder}/{HANG}", traceback.encode())

    def _forget_hang(self) -> None:
        """Remove an earlier attempt's tracebacks."""
        try:
            self.store.remove(f"{self.job.folder}/{HANG}")
        except OSError as error:
            LOGGER.warning("trial %s: %s could not be removed: %s", self.job.trial_id, HANG, error)

    def _sampled(self) -> dict[str, Any]:
        """Samples of the first replicas, and what belongs beside them."""
        samples, labels = self.training.samples(IMAGES if self._data.images else POINTS)
        arrays: dict[str, Any] = {"samples": samples[:PICTURED].cpu().numpy()}
        if labels is not None:
            arrays["labels"] = labels[:PICTURED].cpu().numpy()
        mixture = self._data.mixture
        if mixture is None and not self._data.images:
            arrays["real"] = self._data.heldout[:POINTS].cpu().numpy()
        if mixture is not None:
            truth = {"means": mixture.means, "stds": mixture.variances.sqrt(), "weights": mixture.weights}
            arrays |= {name: values.cpu().numpy() for name, values in truth.items()}
            if mixture.dimensions == 1:
                arrays |= {f"line_{name}": values for name, values in curves(self.training, replicas=PICTURED).items()}
        if self.job.gallery and self.training.done:
            arrays |= gallery(self.training, PICTURED)
        if (plane := self._data.plane) is not None:
            shown = [name for name in ("samples", "real", "means", "walk") if name in arrays]
            arrays |= {name: plane.project(torch.from_numpy(arrays[name])).cpu().numpy() for name in shown}
            arrays["axes"] = plane.axes.cpu().numpy()
        return arrays

    def _untrained(self) -> Training:
        return Training(self.spec, self.job.seeds, self.job.device, data=self._data, evaluator=self._evaluator)

    def _restore(self) -> None:
        for content in checkpoint.read_all(self.store, self.job.folder, self.job.device):
            if content.get("identity") != self._identity:
                continue
            try:
                self.training.load_state_dict(content["state"])
                kept, self.wall_time = evaluations.from_json(content["rows"]), float(content["wall_time"])
            except (KeyError, RuntimeError, TypeError, ValueError) as error:
                LOGGER.warning("trial %s: checkpoint not usable, trying an older one: %r", self.job.trial_id, error)
                self.training, self.wall_time = self._untrained(), 0.0  # some of it may be loaded
                continue
            self.evaluations = kept
            return


def picture_evaluations(evaluations: int, pictures: int) -> set[int]:
    """Which evaluations, counted from 1, have a picture: evenly spaced, the last included."""
    count = min(pictures, evaluations)
    return {-(-evaluations * (i + 1) // count) for i in range(count)}
