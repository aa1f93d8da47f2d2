"""One trial on a worker: what it measured, where it stands, its checkpoints and the samples of its pictures.

It is trained by its pack (`study.execution.pack`), of which it is told every evaluation. A trial starts from its newest
intact checkpoint, if there is one for the same spec and seeds. Evaluations up to `Job.reported` are in the ledger and
are not reported again; those after it that the checkpoint holds are, so that a driver's death between a checkpoint and
the ledger loses none.
"""

import io
import json
import logging
from typing import Any

import numpy as np
import torch

from study.config.goal import Goal
from study.execution import evaluations
from study.execution.evaluations import TimedEvaluation
from study.execution.job import Job
from study.search.scores import ordered, replica_scores
from study.storage import checkpoint, generators
from study.storage.store import Store, store_at
from trainables import kept, own_code
from trainables.data import DataSet
from trainables.inspection.latent_walks import gallery
from trainables.inspection.one_dimensional import curves
from trainables.inspection.translations import translations
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Evaluation, Training

LOGGER = logging.getLogger(__name__)
HANG = "hang.txt"  # tracebacks of an evaluation that exceeded its time limit
POINTS, IMAGES, PICTURED = 1000, 80, 4  # samples of a replica in a picture, and how many replicas at most


class Trial:
    """The trial of `job`, built on shared `data` and `evaluator`, resumed where a checkpoint allows.

    `training` is the trial's own, of its replicas alone, as of its last evaluation.
    """

    def __init__(self, job: Job, data: DataSet, evaluator: Evaluator) -> None:
        """Build the networks and load the newest checkpoint that fits."""
        self.job, self.spec = job, Spec.from_dict(job.spec)
        self.store: Store = store_at(job.store)
        self.goal = Goal(tuple(job.metrics), tuple(job.modes), job.diverged_at_most)
        self._data, self._evaluator = data, evaluator
        self.training = self._untrained()
        self.evaluations: list[TimedEvaluation] = []
        self.wall_time = 0.0
        self.told = False  # whether its end was reported
        self._pictured = picture_evaluations(self.spec.evaluations, job.pictures)
        self._identity = json.dumps([self.spec.to_dict(), job.seeds], sort_keys=True)
        self._reported = job.reported
        self._forget_hang()
        self._restore()
        self._saved_step = self.training.step

    @property
    def done(self) -> bool:
        """Whether its training has ended by itself."""
        return self.training.done

    @property
    def news(self) -> list[TimedEvaluation]:
        """The evaluations that are still to be reported."""
        return [evaluation for evaluation in self.evaluations if evaluation.step > self._reported]

    def take(self, evaluation: Evaluation, seconds: float) -> None:
        """Take in the evaluation that `training` is at, the training up to which took so long."""
        self.wall_time += seconds
        pictures = self._picture(evaluation)
        self.evaluations.append(TimedEvaluation(evaluation.step, self.wall_time, evaluation.columns, pictures))

    def report(self) -> dict[str, Any]:
        """What is new, as plain data.

        `rows` are the evaluations; `score` orders trials (`study.search.scores.ordered`); `evaluation` counts them;
        `finished`: whether the training ended by itself.
        """
        if self.job.keep and (self.done or self.job.stoppable):
            self._keep()
        rows = [vars(evaluation) for evaluation in self.news]
        self._reported, self.told = max(self._reported, self.training.step), self.done
        return {
            "trial_id": self.job.trial_id,
            "rows": rows,
            "score": ordered(replica_scores(self.evaluations[-1].columns, self.goal), self.goal),
            "evaluation": len(self.evaluations),
            "finished": self.done,
        }

    def save(self) -> None:
        """Write a checkpoint of what an unfinished training has done since the last; a failed write costs the
        checkpoint, not the trial."""
        if self.done or self.training.step == self._saved_step:
            return
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
        self._saved_step = self.training.step

    def hang(self, traceback: str) -> None:
        """Called before the process ends because an evaluation took too long."""
        self.store.write(f"{self.job.folder}/{HANG}", traceback.encode())

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
        arrays |= translations(self.training, PICTURED)
        if self.job.gallery and self.training.done:
            arrays |= gallery(self.training, PICTURED)
        if (plane := self._data.plane) is not None:
            shown = [name for name in ("samples", "real", "means", "walk", "there", "back") if name in arrays]
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
