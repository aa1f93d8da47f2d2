"""On a CUDA device: steps from graphs are those taken one by one, and none waits for the device unless it says so."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.batches import Batch, BatchSampler, BatchShape, Block
from trainables.data import load
from trainables.population import generators
from trainables.spec import Spec
from trainables.steps import SWITCH, CudaGraphs, OneByOne, Recorded
from trainables.training import Training

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

DEVICE = "cuda"
NORMED = {"kind": "conv", "width": 4, "depth": 1, "batch_norm": True}
CHANGES: list[dict[str, Any]] = [
    {},
    {"model": "cgan", "penalty": "r1", "critic_steps": 2, "optimizer": "optimistic_adam"},
    {"penalty": "gradient_penalty", "updates": "extragradient", "instance_noise": 0.1, "packing": 2},
    {"penalty": "consensus", "updates": "simultaneous", "optimizer": "rmsprop", "ema": 0.9},
    {"penalty": "spectral_norm", "optimizer": "sgd", "label_smoothing": 0.1},
    {"penalty": {"name": "clip", "bound": 0.1}, "objective": "wasserstein", "generator_lr": 1e3, "bound": 10.0},
    {"penalty": [{"name": "r1", "every": 3}, "r2"], "critic_steps": 2},
    {"pairing": "relativistic", "penalty": ["r1", "r2"]},
    {"updates": "sga", "penalty": "r1"},
    {"lookahead": 3},
    {"unroll": 2, "penalty": "spectral_norm"},
    {"precision": "bf16", "penalty": "r1"},
    {"precision": "tf32", "penalty": "gradient_penalty"},
    {"precision": "bf16", "data": {"name": "digits"}, "generator": NORMED, "critic": NORMED},
    {"model": "vae"},
    {"model": "matching"},
    {"data": {"name": "circle"}, "penalty": "dragan"},
    {"data": {"name": "digits"}, "model": "cgan", "generator": NORMED, "critic": NORMED},
]


class Nothing:
    """An evaluator that measures nothing."""

    samples = 4

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


def training(**changes: Any) -> Training:
    data, small = changes.setdefault("data", {"name": "ring", "points": 200, "heldout": 50}), {"hidden": [8]}
    values = {"evaluations": 1, "batch_size": 8, "generator": small, "critic": small, **changes}
    return Training(Spec(**values), [0, 1], DEVICE, data=load(**data), evaluator=Nothing())  # type: ignore[arg-type]


def blocks(count: int) -> Iterator[Block]:
    data, shape = load("ring", points=20, heldout=10).to(DEVICE), BatchShape(1, 2, 2, "normal", 0)
    sampler = BatchSampler(data, shape, generators([0, 1], 0, DEVICE), conditional=False)
    while True:
        yield sampler.block(count)


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_graphs_train_as_single_steps_do(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    graphed = training(steps=20, evaluations=2, **changes)
    monkeypatch.setenv(SWITCH, "0")
    plain = training(steps=20, evaluations=2, **changes)
    assert isinstance(plain.way, OneByOne)
    assert isinstance(graphed.way, Recorded)
    for _ in range(2):
        plain.advance()
        graphed.advance()
        for one, other in zip(plain.state, graphed.state, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)
    assert graphed.way.refused is None
    assert [*graphed.way._recordings] == [8, 1]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_steps_do_not_wait_for_a_card(changes: dict[str, Any]) -> None:
    made = training(steps=10, **changes)
    made.advance()
    torch.cuda.set_sync_debug_mode("error")
    try:
        made.way(made.take_step, made.sampler.block(10, 0, 10))
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_what_is_measured_stays_on_a_card_until_it_is_handed_over(changes: dict[str, Any]) -> None:
    made = training(steps=10, **changes)
    made.advance()
    torch.cuda.set_sync_debug_mode("error")
    try:
        made.measure()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_step_that_waits_is_taken_without_a_graph() -> None:
    total = torch.zeros((), device=DEVICE)

    def waits(batches: Sequence[Batch]) -> None:
        total.add_(batches[0].latents.sum() + float(total))

    def hurries(batches: Sequence[Batch]) -> None:
        total.add_(batches[0].latents.sum() + total)

    made = blocks(5)
    some, sums = [next(made), next(made)], []
    for step, warned in ((waits, 1), (hurries, 0)):
        total.zero_()
        recorded = Recorded([total], CudaGraphs(total.device), together=2)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            for block in some:
                recorded(step, block)
        assert len(said) == warned
        assert (recorded.refused is None) == (not warned)
        sums.append(float(total))
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
