"""Small trainings, their curves, and settings that tests train by."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.data import DataSet
from trainables.spec import Spec
from trainables.training import Evaluation, Training

SMALL = {"hidden": [16, 16]}
RING: dict[str, Any] = {"name": "ring", "points": 2000, "heldout": 500}


class Moments:
    """An evaluator that is cheap and sensitive: the mean and spread of the samples."""

    samples = 64

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        flat = samples.flatten(2).double()
        return {"mean": flat.mean((1, 2)), "spread": flat.std((1, 2))}


def spec(**changes: Any) -> Spec:
    values: dict[str, Any] = {
        "data": RING,
        "steps": 12,
        "evaluations": 3,
        "batch_size": 16,
        "generator": SMALL,
        "critic": SMALL,
    }
    return Spec(**{**values, **changes})


def train(which: Spec | Sequence[Spec], seeds: Sequence[int], data: DataSet) -> Training:
    return Training(which, seeds, data=data, evaluator=Moments())  # type: ignore[arg-type]


def records(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Replica by replica what an evaluation says of it."""
    values = [dict(zip(evaluation.columns, row, strict=True)) for row in zip(*evaluation.columns.values(), strict=True)]
    return [
        {"seed": seed, "step": evaluation.step, **{name: value for name, value in row.items() if value is not None}}
        for seed, row in zip(evaluation.seeds, values, strict=True)
    ]


def curves(training: Training) -> list[list[dict[str, Any]]]:
    rows = []
    while not training.done:
        rows.append(records(training.advance()))
    return [list(curve) for curve in zip(*rows, strict=True)]


def assert_close(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], rel: float = 2e-4) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        assert mine.get("diverged_step") == other.get("diverged_step")
        for name in mine.keys() - {"diverged_step"}:
            assert mine[name] == pytest.approx(other[name], rel=rel, abs=2e-5, nan_ok=True), name


def spoil(training: Training, replica: int, value: float = math.nan) -> None:
    training.model.stacks[0].flat[replica, 0] = value


def saved(training: Training) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(training.state_dict(), file)
    file.seek(0)
    state: dict[str, Any] = torch.load(file, weights_only=True)
    return state


PENALISED: dict[str, Any] = {
    "clip": {"name": "clip", "bound": 0.1},
    "several": ["r1", "gradient_penalty", "spectral_norm"],
    "lazy": [{"name": "r1", "every": 3}, {"name": "dragan", "every": 2, "compensated": False}],
}
CONV = {"generator": {"kind": "conv", "width": 4, "depth": 2}, "critic": {"kind": "conv", "width": 4, "depth": 2}}
RESNET = {
    "generator": {"kind": "resnet", "width": 2, "depth": 2, "init": "orthogonal"},
    "critic": {"kind": "resnet", "width": 2, "depth": 2},
}


def resumed(which: Spec | Sequence[Spec], seeds: Sequence[int], data: DataSet) -> tuple[list[Any], list[Any], Any]:
    """Train as when resumed after the first evaluation, bit for bit: that evaluation, the curves of the rest, and the
    state between."""
    company = train(which, seeds, data)
    first = records(company.advance())
    state, again = saved(company), train(which, seeds, data)
    again.load_state_dict(saved(company))
    rest = curves(company)
    assert rest == curves(again)
    return first, rest, state


def keeps_the_guarantees(one: Spec, ring: DataSet) -> None:
    """Alone is in company, resuming is bit for bit, and a fallen replica touches no other."""
    first, rest, state = resumed(one, [3, 1, 4, 15, 9], ring)
    hurt = train(one, [3, 1, 4, 15, 9], ring)
    hurt.load_state_dict(state)
    spoil(hurt, 4)
    assert rest[:4] == curves(hurt)[:4]
    assert_close([first[2], *rest[2]], curves(train(one, [4], ring))[0])


def in_company_resumed_and_alone(one: Spec, data: DataSet) -> Any:
    """Three replicas train as they do when resumed, and the last as it does alone; their first evaluations."""
    first, rest, _ = resumed(one, [3, 1, 4], data)
    assert_close([first[2], *rest[2]], curves(train(one, [4], data))[0])
    return first
