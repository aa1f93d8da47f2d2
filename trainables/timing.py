"""What a spec takes on this machine, measured in a second or so: a step, an evaluation, and what comes before them.

Data that take time to load are replaced by noise of their shape, as it is shapes that cost, and a classifier by one
that has hardly been trained. Seconds are the processor's, divided by the threads that are used: those of a worker whose
cores nobody else wants.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import torch

from trainables import cost, data
from trainables.data import DataSet
from trainables.metrics.classifier import Classifier, train_classifier
from trainables.metrics.evaluator import DRAWS, Evaluator
from trainables.metrics.feature_spaces import QUICK
from trainables.spec import Spec
from trainables.training import Training

POINTS = 2000  # of noise, in either part
TOGETHER = 8  # steps timed at once
FEW = 4  # steps of a classifier
LONG = 2.0  # seconds of a first call beside which what it alone makes is little


class Taken(NamedTuple):
    """Seconds of a step and of an evaluation; None: not measured, as the features take long."""

    step: float
    evaluation: float | None


class Prepared(NamedTuple):
    """A data set or its stand-in, what evaluates samples, and the seconds of a classifier's training and the floor; of
    neither of these where features take long."""

    data: DataSet
    evaluator: Evaluator | None
    seconds: float | None


def taken(spec: Spec, replicas: int, evaluated: int, within: float = 0.15) -> Taken:
    """Measure a step of a population of so many replicas, and an evaluation of a population of as many as `evaluated`,
    `within` so many seconds for either number but once at least.

    A first step or evaluation, which makes what is kept for later ones, counts only where it takes long by itself.

    Raises what `trainables.training.Training` and `trainables.metrics.evaluator.Evaluator` raise.
    """
    found = prepared(spec)
    training = Training(spec, range(replicas), data=found.data, evaluator=found.evaluator)
    step = _each(lambda: training.take_steps(1), 0.0)
    if step < LONG:
        step = _each(lambda: training.take_steps(TOGETHER), within) / TOGETHER
    if found.evaluator is None:
        return Taken(step, None)
    if evaluated != replicas:
        training = Training(spec, range(evaluated), data=found.data, evaluator=found.evaluator)
    evaluation = _each(training.measure, 0.0)
    if evaluation < LONG:
        evaluation = _each(training.measure, within)
    return Taken(step, evaluation)


def prepared(spec: Spec) -> Prepared:
    """What specs of the same data and evaluation share, made once in a process."""
    return _prepared(json.dumps([spec.data, spec.evaluation, spec.measure], sort_keys=True))


@lru_cache(maxsize=4)
def _prepared(key: str) -> Prepared:
    settings, evaluation, measure = json.loads(key)
    found = _points(settings)
    if evaluation.get("features", "raw") not in QUICK:
        return Prepared(found, None, None)
    classifier, seconds = None, 0.0
    if found.images and found.labels is not None and evaluation.get("classifier") is None:
        classifier, seconds = _classifier(found, cost.classifier_steps(settings))
    evaluator = Evaluator(found, evaluation, measure, classifier=classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run says what is to be said of the floor
        seconds += DRAWS * _each(lambda: evaluator.floor(draws=1), 0.0)
    return Prepared(found, evaluator, seconds)


def _points(settings: dict[str, Any]) -> DataSet:
    """The data where they are drawn from their settings, otherwise noise of their shape and classes."""
    source = data.source(**settings)
    if not source.of_files:
        return source.load()
    generator = torch.Generator().manual_seed(0)
    train, heldout = (torch.rand(POINTS, *source.shape, generator=generator) * 2 - 1 for _ in range(2))
    labels = torch.arange(POINTS) % source.classes if source.classes else None
    return DataSet(source.name, train, labels, heldout, labels, source.classes)


def _classifier(found: DataSet, steps: int) -> tuple[Classifier, float]:
    """A classifier that has hardly been trained, and the seconds that its whole training takes."""
    classifier = train_classifier(found, 0, steps=FEW)
    few = _each(lambda: train_classifier(found, 0, steps=FEW), 0.0)
    more = _each(lambda: train_classifier(found, 0, steps=3 * FEW), 0.0)
    return classifier, steps * max(more - few, 0.0) / (2 * FEW)


def _each(function: Callable[[], object], within: float) -> float:
    """Seconds of a call, the average of those that fit."""
    started, count = _clock(), 0
    while not count or _clock() - started < within:
        function()
        count += 1
    return (_clock() - started) / count


def _clock() -> float:
    """Seconds that this process's threads have used, each a share of them."""
    return time.process_time() / torch.get_num_threads()
