from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables import timing
from trainables.metrics import evaluator
from trainables.spec import Spec

SMALL = {"generator": {"hidden": [8]}, "critic": {"hidden": [8]}}


def spec(data: Any, **changes: Any) -> Spec:
    evaluation = {**evaluator.check({}).__dict__, "samples": 60, "neighbour_samples": 60}
    values = {"steps": 8, "evaluations": 2, "batch_size": 8, "evaluation": evaluation, **SMALL, **changes}
    return Spec(data=data, **values)


def test_calls_are_averaged_for_as_long_as_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def call() -> None:
        now[0] += 2.0

    monkeypatch.setattr(timing, "_clock", lambda: now[0])
    assert timing._each(call, within=5.0) == 2.0
    assert now == [6.0]
    assert timing._each(call, within=0.0) == 2.0
    assert now == [8.0]


def test_a_step_and_an_evaluation_are_measured() -> None:
    few = timing.taken(spec({"name": "ring", "points": 500, "heldout": 100}), 2, 1, within=0.01)
    assert 0 < few.step < 1
    assert few.evaluation is not None
    assert 0 < few.evaluation < 1


@pytest.mark.parametrize(("seconds", "steps", "evaluations"), [(1.9, 9, 2), (2.1, 1, 1)])
def test_what_takes_long_is_measured_once(
    seconds: float, steps: int, evaluations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, taken = [0.0], {"steps": 0, "evaluations": 0}

    class Slow:
        """Each step and each evaluation takes the same time."""

        def __init__(self, spec: Spec, seeds: range, **_: Any) -> None: ...

        def take_steps(self, count: int) -> None:
            now[0] += seconds * count
            taken["steps"] += count

        def measure(self) -> None:
            now[0] += seconds
            taken["evaluations"] += 1

    found = spec({"name": "ring", "points": 500, "heldout": 100})
    timing.prepared(found)
    monkeypatch.setattr(timing, "Training", Slow)
    monkeypatch.setattr(timing, "_clock", lambda: now[0])
    assert timing.taken(found, 2, 2) == pytest.approx((seconds, seconds))
    assert taken == {"steps": steps, "evaluations": evaluations}


def test_what_takes_long_to_load_is_replaced_by_noise_of_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    np.save(path, np.arange(300, dtype=np.float32).reshape(100, 3))
    found = timing.prepared(spec({"name": "arrays", "path": str(path)})).data
    assert (found.name, found.shape, found.classes, len(found.train)) == ("arrays", (3,), 0, timing.POINTS)
    assert 0.9 < float(found.train.abs().max()) < 1


def test_images_with_labels_are_evaluated_by_a_classifier_whose_training_counts() -> None:
    conv = {"kind": "conv", "width": 4, "depth": 2}
    images = spec({"name": "digits"}, generator=conv, critic=conv)
    found = timing.prepared(images)
    assert found.evaluator is not None
    assert found.seconds > 0
    assert "modes" in found.evaluator(found.data.train[None, :60])
