"""A change touches those specs, and only those, that trained otherwise before it, as training both ways shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from trainings import curves, saved, spec, train

from trainables.changes import CHANGES
from trainables.data import load
from trainables.objectives.table import OBJECTIVES, Objective
from trainables.spec import Spec

[ALPHAS_D] = CHANGES
BELOW: dict[str, Any] = {  # SGD, as Adam makes steps of gradients that are 0 but for rounding
    "objective": {"name": "alpha", "alpha": 0.5},
    "optimizer": "sgd",
    "generator_lr": 0.1,
    "critic_lr": 0.1,
}
EARLIER = Objective(  # the row as it was
    "alpha", "d", "-(max(d*(alpha - 1) + 1, 0)**(alpha/(alpha - 1)) - 1)/alpha", parameters={"alpha": 0.5},
    at=lambda row, values: replace(row, link="1/(1 - alpha) - softplus(-d)") if values["alpha"] < 1 else row,
)  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"penalty": "r1"},
        {"penalty": ["spectral_norm", "r2"]},
        {"penalty": "lecam"},
        {"penalty": "consistency"},
        {"penalty": "spectral_norm"},
        {"penalty": {"name": "clip", "bound": 0.1}},
        {"penalty": "consensus", "updates": "simultaneous"},
        {"pairing": "relativistic", "penalty": "r1"},
        {"generator_loss": "non_saturating"},
        {"generator_loss": "critic_mean"},
        {"generator_loss": "critic_mean", "pairing": "relativistic"},
        {"generator_loss": "softplus(-d)"},
        {"model": "matching"},
        {"objective": {"name": "alpha", "alpha": 2}, "penalty": "r1"},
        {"objective": "kl", "penalty": "r1"},
        {"model": "dirac", "data": "dirac", "steps": 4, "evaluations": 2},
    ],
    ids=str,
)
def test_alphas_d_touches_what_it_trained_otherwise(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    one = spec(**{**BELOW, **changes})
    after = _trained(one)
    monkeypatch.setitem(OBJECTIVES, "alpha", EARLIER)
    before = _trained(one)
    same = all(torch.allclose(mine, other, rtol=0, atol=1e-5) for mine, other in zip(after, before, strict=True))
    assert same != ALPHAS_D.touches(one)


def _trained(one: Spec) -> list[Tensor]:
    """All tensors of a training at its end."""
    training = train(one, [0, 1], load(**one.data))
    curves(training)
    return [part for part in tree_leaves(saved(training)) if isinstance(part, Tensor)]


def test_names_are_given_once() -> None:
    assert len({change.name for change in CHANGES}) == len(CHANGES)
