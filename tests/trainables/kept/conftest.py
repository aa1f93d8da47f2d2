"""A training of seconds' fractions, and its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from torch import Tensor

from trainables.spec import Spec
from trainables.training import Training

SEEDS = (3, 5, 8)
Train = Callable[..., Training]


class Nothing:
    """An evaluator that measures nothing."""

    samples = 16

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


def train(seeds: Sequence[int] = SEEDS, **changes: Any) -> Training:
    values: dict[str, Any] = {
        "data": {"name": "ring", "points": 100, "heldout": 50},
        "steps": 4,
        "evaluations": 2,
        "batch_size": 8,
        "generator": {"hidden": [6]},
        "critic": {"hidden": [5]},
    }
    training = Training(Spec(**{**values, **changes}), seeds, evaluator=Nothing())  # type: ignore[arg-type]
    training.advance()
    return training


@pytest.fixture(scope="session")
def trained() -> Train:
    """`trained(seeds=(3, 5, 8), ema=0.9, …)`: two steps of training of a spec that is changed so."""
    return train
