"""The columns that a model is said to bring are those that its training brings."""

from __future__ import annotations

from typing import Any

import pytest

from trainables.data import describe, load
from trainables.metrics.classifier import Classifier, train_classifier
from trainables.metrics.columns import GROUPS
from trainables.metrics.evaluator import Evaluator
from trainables.models.catalogue import MODELS, measured_columns
from trainables.spec import MODELS as NAMES
from trainables.spec import Spec
from trainables.training import Training

SMALL = {"samples": 100, "neighbour_samples": 100}
SETS: dict[str, dict[str, Any]] = {
    "ring": {"name": "ring", "points": 500, "heldout": 200},
    "gaussian": {"name": "gaussian", "points": 500, "heldout": 200},
    "digits": {"name": "digits"},
    "dirac": {"name": "dirac"},
    "circle": {"name": "circle", "points": 500, "heldout": 200},
    "embedded": {
        "name": "embedded_mixture",
        "points": 500,
        "heldout": 200,
        "intrinsic": 3,
        "dimensions": 5,
        "modes": 4,
    },
}
# Known only at a look at the game, or at the last step.
FURTHER = {"critic_bound", "induced_divergence", "bound_gap", "ratio_error"}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return train_classifier(load("digits"), 0, steps=5)


def brought(data: dict[str, Any], model: str, measure: list[str], classifier: Classifier) -> set[str]:
    points = load(**data)
    evaluator = Evaluator(points, SMALL, measure, classifier=classifier if points.images else None)
    values: dict[str, Any] = {"data": data, "steps": 2, "evaluations": 2, "batch_size": 8, "measure": measure}
    training = Training(Spec(**values, model=model), [0], data=points, evaluator=evaluator)
    return set(training.advance().columns) - {"diverged"}


CASES = [(data, model) for data in SETS for model in MODELS if (data == "dirac") == (model == "dirac")]


@pytest.mark.parametrize(
    ("data", "model"), [case for case in CASES if case not in (("gaussian", "cgan"), ("circle", "cgan"))]
)
@pytest.mark.parametrize("measure", [[], ["kernel"], ["sliced"], ["divergences"], ["memorisation"]])
def test_training_brings_what_was_said(data: str, model: str, measure: list[str], classifier: Classifier) -> None:
    said = measured_columns(model, describe(**SETS[data]), measure)
    assert len(set(said)) == len(said)
    assert brought(SETS[data], model, measure, classifier) - FURTHER == set(said)


def test_every_group_brings_columns_of_its_own_but_the_jacobian() -> None:
    plain = set(measured_columns("gan", describe("gaussian")))
    more = {group for group in GROUPS if set(measured_columns("gan", describe("gaussian"), [group])) > plain}
    assert more == set(GROUPS) - {"jacobian"}


def test_the_table_has_every_model_of_a_spec() -> None:
    assert tuple(MODELS) == tuple(NAMES)
