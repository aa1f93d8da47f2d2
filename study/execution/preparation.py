"""What a study needs once before its first trial: a classifier of its data set, and the floor of every measurement.

The floor is the real-data baseline: what fresh real samples score, and so what a perfect generator would.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ray
import torch

from study.background import BackgroundCall
from study.ledger.entries import Floor
from study.storage.data_set import FROM_SETTINGS, DataAt, load
from study.storage.store import Store, store_at
from trainables import own_code
from trainables.data import DataSet, describe
from trainables.metrics.classifier import Classifier, train_classifier
from trainables.metrics.evaluator import Evaluator

if TYPE_CHECKING:  # the driver's, as in `study.execution.job`
    from study.config.schema import StudyConfig
    from study.ledger.state import StudyState

CLASSIFIER = "classifier.pt"


def own_classifier(store: Store, device: str = "cpu") -> Classifier | None:
    """The classifier that the study trained for its data; None if it has none. Raises `OSError`, `ValueError`."""
    payload = store.read(CLASSIFIER)
    return None if payload is None else Classifier.from_bytes(payload, device, f"{CLASSIFIER} in {store.place}")


def prepare(config: StudyConfig, place: str, at: DataAt = FROM_SETTINGS, code: Path | None = None) -> Floor:
    """Train the classifier, if the data are labelled images and none is there, and measure the floor.

    `place` is the study's store, `at` where the data are; `code` is the folder that the user's own code is imported
    from, None: none may be.
    """
    if code is not None:
        own_code.allow(code)
    device = "cuda" if config.resources.gpu else "cpu"
    torch.set_num_threads(max(1, int(config.resources.cpu)))
    data = load(config.data, store_at(place), at).to(device)
    classifier = _classifier(data, store_at(place), config, device)
    evaluator = Evaluator(data, config.evaluation, config.measure, device, classifier=classifier, kept=store_at(place))
    about = None if classifier is None else {"accuracy": classifier.accuracy, "seed": classifier.seed}
    scores = evaluator.floor(config.search.seed)
    samples = evaluator.floor_samples
    return Floor(values=dict(scores.mean), spread=dict(scores.spread), samples=samples, classifier=about)


def is_prepared(config: StudyConfig, state: StudyState, store: Store) -> bool:
    """Whether floor and classifier are there from an earlier session."""
    missing = state.classifier and config.evaluation.get("classifier") is None and store.read(CLASSIFIER) is None
    return state.prepared and not missing


def preparing(config: StudyConfig, store: Store) -> str:
    """What `prepare` does, for whoever waits for it."""
    found = describe(**config.data)
    trains = found.images and found.classes and config.evaluation.get("classifier") is None
    first = trains and store.read(CLASSIFIER) is None
    return f"{'training a classifier of the pictures, then ' * bool(first)}measuring the real-data baseline"


def begin_to_prepare(config: StudyConfig, place: str, at: DataAt) -> Callable[[], Floor]:
    """`prepare` where trials run, with what they have; returns a function that waits for the ledger's floor entry.

    On this machine's own processors it begins at once, a `BackgroundCall`, so that Ray can start meanwhile; on a
    cluster or a GPU it is a task of Ray's, which begins when it is waited for.
    """
    if "RAY_ADDRESS" not in os.environ and not config.resources.gpu:
        return BackgroundCall(prepare, config, place, at, own_code.directory())
    return lambda: _as_task(config, place, at)


def _as_task(config: StudyConfig, place: str, at: DataAt) -> Floor:
    resources = config.resources
    task: Any = ray.remote(num_cpus=resources.cpu, num_gpus=resources.gpu)(cast("Any", prepare))
    return cast("Floor", ray.get(task.remote(config, place, at, own_code.directory())))


def _classifier(data: DataSet, store: Store, config: StudyConfig, device: str) -> Classifier | None:
    if config.evaluation.get("classifier") is not None:
        return Classifier.load(config.evaluation["classifier"], device)
    if not data.images or data.labels is None:
        return None
    found = own_classifier(store, device)
    if found is None:
        found = train_classifier(data, config.search.seed, device)
        store.write(CLASSIFIER, found.to_bytes())
    return found
