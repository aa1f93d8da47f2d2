"""A step of training stays on the device, so that a CUDA graph can hold it: no tensor's value decides what is done."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import native
from trainables.data import load
from trainables.models.catalogue import MODELS
from trainables.models.updates import ORDERS
from trainables.objectives import OBJECTIVES
from trainables.optimizers import OPTIMIZERS
from trainables.penalties import PENALTIES
from trainables.spec import Spec
from trainables.training import Training

# What waits for the device, makes shapes of values, or copies between the host and the device.
SYNCHRONISING = {
    "aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::nonzero", "aten::masked_select",
    "aten::_unique2", "aten::equal", "aten::lift_fresh", "aten::repeat_interleave",
}  # fmt: skip
CLIP = {"name": "clip", "bound": 0.1}


class OnTheDevice(TorchDispatchMode):
    """Refuses what a CUDA graph cannot hold."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        by_mask = name == "aten::index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in SYNCHRONISING or by_mask:
            raise AssertionError(f"{name} in a step of training")
        return func(*args, **(kwargs or {}))


def step(**changes: Any) -> None:
    ring = {"name": "ring", "points": 200, "heldout": 50}
    data = changes.setdefault("data", {"name": "dirac"} if changes.get("model") == "dirac" else ring)
    small = {"hidden": [8]}
    spec = Spec(**{
        "steps": 4, "evaluations": 1, "batch_size": 8, "generator": small, "critic": small, **changes
    })  # fmt: skip
    training = Training(spec, [0, 1], data=load(**data), evaluator=lambda samples, labels: {})  # type: ignore[arg-type]
    now = torch.tensor(0)
    sums = torch.zeros(len(training.model.reports), 2, dtype=torch.float64)
    batches = list(training.sampler.draw(2, 0, 4))
    with native.disabled():
        training.take_step(batches[0], now, sums)
        with OnTheDevice():
            training.take_step(batches[1], now, sums)
    assert now == 2


def test_the_guard_refuses() -> None:
    x = torch.ones(3)
    for wrong in (lambda: float(x[0]), lambda: x[x > 0], lambda: torch.tensor(1.0), lambda: bool(x.any())):
        with OnTheDevice(), pytest.raises(AssertionError, match="in a step of training"):
            wrong()


@pytest.mark.parametrize("updates", ORDERS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("model", ["gan", "cgan"])
def test_games_stay_on_the_device(model: str, penalty: str, updates: str) -> None:
    if penalty == "consensus" and updates == "alternating":
        pytest.skip("consensus needs both gradients at once")
    step(model=model, penalty=CLIP if penalty == "clip" else penalty, updates=updates)


@pytest.mark.parametrize("model", [name for name in MODELS if name not in ("gan", "cgan", "oracle")])
def test_other_models_stay_on_the_device(model: str) -> None:
    step(model=model)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimisers_stay_on_the_device(optimizer: str) -> None:
    step(optimizer=optimizer, instance_noise=0.1, label_smoothing=0.1, packing=2)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_stay_on_the_device(objective: str) -> None:
    step(objective=objective)


def test_convolutions_and_normalisation_stay_on_the_device() -> None:
    network = {"kind": "conv", "width": 4, "depth": 1, "batch_norm": True}
    step(data={"name": "digits"}, generator=network, critic=network, model="cgan", penalty="r1")
