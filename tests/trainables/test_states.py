"""Replicas that change their population go on as if they had not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from trainables.data import DataSet, load
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.states import joined, part
from trainables.training import Training

RING: dict[str, Any] = {"name": "ring", "points": 500, "heldout": 100}
SMALL = {"hidden": [16, 16]}
ONE = Spec(RING, 12, 3, 16, penalty="r1", ema=0.5, generator=SMALL, critic=SMALL, evaluation={"samples": 60})
OTHER = replace(ONE, generator_lr=5e-3, beta1=0.9, penalty={"name": "r1", "weight": 5.0})


@pytest.fixture(scope="module")
def ring() -> DataSet:
    return load(**RING)


@pytest.fixture(scope="module")
def train(ring: DataSet) -> Any:
    evaluator = Evaluator(ring, ONE.evaluation)
    return lambda specs, seeds: Training(specs, seeds, data=ring, evaluator=evaluator)


def curve(training: Training) -> list[str]:
    """What is measured to the end, exactly."""
    return [json.dumps([found.step, found.columns]) for found in training]


CHANGES: list[dict[str, Any]] = [
    {},
    {"optimizer": "optimistic_adam"},
    {"penalty": "spectral_norm"},
    {"model": "cgan"},
    {"model": "vae"},
]


@pytest.mark.parametrize("changes", CHANGES, ids=["gan", "optimistic_adam", "spectral_norm", "cgan", "vae"])
def test_replicas_part_and_meet_again(changes: dict[str, Any], train: Any) -> None:
    first, second = (replace(spec, **changes) for spec in (ONE, OTHER))
    together = train([first, first, second], [0, 1, 0])
    together.advance()
    state = together.state_dict()
    one, two = train(first, [0, 1]), train(second, [0])
    one.load_state_dict(part(state, slice(0, 2)))
    two.load_state_dict(part(state, slice(2, 3)))
    again = train([second, first, first], [0, 0, 1])
    again.load_state_dict(joined([two.state_dict(), one.state_dict()]))
    for ours, theirs in zip(again, together, strict=True):
        for mine, other in ((slice(0, 1), slice(2, 3)), (slice(1, 3), slice(0, 2))):
            assert_close(ours.of(mine).columns, theirs.of(other).columns)


def assert_close(ours: dict[str, Sequence[Any]], theirs: dict[str, Sequence[Any]]) -> None:
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        torch.testing.assert_close(
            torch.tensor(values), torch.tensor(theirs[name]), rtol=2e-4, atol=2e-5, equal_nan=True
        )


def test_a_state_is_taken_apart_and_put_together_bit_for_bit(train: Any) -> None:
    training = train([ONE, OTHER, OTHER], [4, 0, 1])
    training.advance()
    whole = training.state_dict()
    again = train([ONE, OTHER, OTHER], [4, 0, 1])
    again.load_state_dict(joined([part(whole, slice(0, 1)), part(whole, slice(1, 3))]))
    assert curve(again) == curve(training)


def test_an_evaluation_of_some_replicas_has_only_what_they_have(train: Any) -> None:
    training = train([ONE, OTHER], [0, 0])
    training.model.stacks[0].flat[1, 0] = torch.nan
    found = training.advance()
    assert found.columns["diverged_step"] == [None, 1]
    assert "diverged_step" not in found.of(slice(0, 1)).columns
    assert found.of(slice(1, 2)).columns["diverged_step"] == [1]
    assert found.of(slice(1, 2)).seeds == [0]


def test_states_of_other_steps_do_not_meet(train: Any) -> None:
    ahead, behind = train(ONE, [0]), train(OTHER, [0])
    ahead.advance()
    with pytest.raises(ValueError, match=r"step: expected the same in all states, got \[4, 0\]"):
        joined([ahead.state_dict(), behind.state_dict()])
