"""Which games the kernels know, and that they find what autograd finds."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainables import native
from trainables.data import load
from trainables.models.descent import of_critic, of_generator
from trainables.models.gan import GAN
from trainables.models.players import Players
from trainables.objectives import OBJECTIVES
from trainables.penalties import PENALTIES
from trainables.spec import Spec
from trainables.training import Training

pytestmark = pytest.mark.skipif(not native.available(), reason="needs a C compiler")
RING = load(name="ring", points=200, heldout=50)


class Nothing:
    """An evaluator that measures nothing."""

    samples = 4


def training(**changes: Any) -> Training:
    small = {"hidden": [20, 9]}
    values = {"steps": 4, "evaluations": 1, "batch_size": 12, "generator": small, "critic": small, **changes}
    data = changes.get("data", {"name": "ring", "points": 200, "heldout": 50})
    given = RING if data["name"] == "ring" else load(**data)
    return Training(Spec(**{**values, "data": data}), [0, 1, 2], data=given, evaluator=Nothing())  # type: ignore[arg-type]


def players(one: Training) -> Players:
    assert isinstance(one.model, GAN)
    return one.model.players


def agree(**changes: Any) -> None:
    one = training(**changes)
    assert players(one).dense is not None
    ((batch, *_),) = one.sampler.draw(1)
    ours = *of_critic(players(one), batch), *of_generator(players(one), batch)
    with native.disabled():
        theirs = *of_critic(players(one), batch), *of_generator(players(one), batch)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives(objective: str) -> None:
    agree(objective=objective)


@pytest.mark.parametrize("penalty", ["r1", "r2", {"name": "clip", "bound": 0.1}])
@pytest.mark.parametrize("packing", [1, 3])
def test_penalties_and_packs(penalty: Any, packing: int) -> None:
    agree(penalty=penalty, packing=packing)


def test_a_pair_of_the_user_s_own() -> None:
    agree(objective={"name": "mine", "f": "-exp(-d/2)", "g": "-sqrt(1 + d**2)", "generator": "f*d + 2"})


SIMPLE = {"hidden": [8]}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "cgan"},
        {"instance_noise": 0.1},
        {"label_smoothing": 0.1},
        {"penalty": "spectral_norm"},
        {"penalty": "gradient_penalty"},
        {"penalty": "consensus", "updates": "simultaneous"},
        {"penalty": "r1", "objective": "energy"},
        {"generator": {**SIMPLE, "activation": "tanh"}},
        {"critic": {**SIMPLE, "batch_norm": True}},
        {"data": {"name": "digits"}},
        {"data": {"name": "digits"}, "augmentation": "cutout"},
    ],
    ids=str,
)
def test_games_that_autograd_plays(changes: dict[str, Any]) -> None:
    assert players(training(**changes)).dense is None


def test_every_penalty_is_known_or_not() -> None:
    known = {name for name in PENALTIES if players(training(
        penalty={"name": "clip", "bound": 0.1} if name == "clip" else name,
        updates="simultaneous" if name == "consensus" else "alternating",
    )).dense is not None}  # fmt: skip
    assert known == {"none", "clip", "r1", "r2"}
