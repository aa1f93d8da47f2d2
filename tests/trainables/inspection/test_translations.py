"""Samples and what is made of them are those of the training, and the same at every call."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.inspection.translations import IMAGES, POINTS, translations
from trainables.spec import Spec
from trainables.training import Training


class Nothing:
    """An evaluator that measures nothing."""

    samples = 16

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


def training(**changes: Any) -> Training:
    values = {"data": {"name": "ring", "points": 200, "heldout": 100}, "steps": 2, "evaluations": 1, "batch_size": 8}
    return Training(Spec(**{**values, **changes}), [3, 5], evaluator=Nothing())  # type: ignore[arg-type]


@pytest.mark.parametrize(("data", "count"), [({"name": "digits"}, IMAGES), ({"name": "ring"}, POINTS)])
def test_both_ways_are_there(data: dict[str, Any], count: int) -> None:
    made = training(model="cyclegan", data=data, ema=0.9)
    made.advance()
    found = translations(made, 1)
    assert {name: array.shape for name, array in found.items()} == dict.fromkeys(
        ("there", "back"), (1, count, 2, *made.data.shape)
    )
    a = torch.from_numpy(found["there"][:, :, 0]).expand(2, -1, *(-1 for _ in made.data.shape))
    expected = made.generate(a)[0]
    torch.testing.assert_close(torch.from_numpy(found["there"][0, :, 1]), expected, rtol=1e-5, atol=1e-5)
    again = translations(made, 1)
    assert all((found[name] == again[name]).all() for name in found)


def test_other_models_have_none() -> None:
    assert translations(training(), 1) == {}
