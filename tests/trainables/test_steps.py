"""Steps from recordings are those taken one by one: shown on a tape that replays operations as a CUDA graph does.

So no tensor's value decides what a step does, and what it changes stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from trainables import native
from trainables.batches import Batch, BatchSampler, BatchShape, Block
from trainables.data import load
from trainables.data.transformations import TRANSFORMATIONS
from trainables.models.catalogue import MODELS
from trainables.models.updates import ORDERS
from trainables.objectives import OBJECTIVES
from trainables.optimizers import OPTIMIZERS
from trainables.penalties import PENALTIES
from trainables.population import generators
from trainables.spec import Spec
from trainables.steps import SWITCH, OneByOne, Recorded, ways
from trainables.training import Training

CLIP = {"name": "clip", "bound": 0.1}
NORMED = {"kind": "conv", "width": 4, "depth": 1, "batch_norm": True}


# What waits for the device, makes shapes of values, or copies between the host and the device.
SYNCHRONISING = {
    "aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::nonzero", "aten::masked_select",
    "aten::_unique2", "aten::equal", "aten::lift_fresh", "aten::repeat_interleave",
}  # fmt: skip


class Tape(TorchDispatchMode):
    """Notes operations and the tensors that they took and made, to do them again on the same memory.

    Refuses what a CUDA graph cannot hold.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        by_mask = name == "aten::index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in SYNCHRONISING or by_mask:
            raise AssertionError(f"{name} in a step of training")
        made = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, made))
        return made

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, made in self.operations:
            again = func(*args, **kwargs)
            if not any(argument.alias_info for argument in func._schema.arguments):  # else it is there already
                for old, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                    if old is not None:
                        old.copy_(new)


class Nothing:
    """An evaluator that measures nothing."""

    samples = 4

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


def taped(function: Callable[[], None]) -> Callable[[], None]:
    function()
    with Tape() as tape:
        function()
    return tape.replay


def training(**changes: Any) -> Training:
    ring = {"name": "ring", "points": 200, "heldout": 50}
    data = changes.setdefault("data", {"name": "dirac"} if changes.get("model") == "dirac" else ring)
    small = {"hidden": [8]}
    values = {"steps": 7, "evaluations": 1, "batch_size": 8, "generator": small, "critic": small, **changes}
    return Training(Spec(**values), [0, 1], data=load(**data), evaluator=Nothing())  # type: ignore[arg-type]


def same(**changes: Any) -> None:
    """Train one by one, and from recordings of three steps and of one: both must come to the same numbers."""
    plain, recorded = training(**changes), training(**changes)
    recorded.way = Recorded(recorded.state, taped, together=3)
    places = [x.data_ptr() for x in recorded.state]
    with native.disabled():
        expected, found = plain.advance(), recorded.advance()
    assert recorded.way.refused is None
    assert [*recorded.way._recordings] == [3, 1]
    assert [x.data_ptr() for x in recorded.state] == places
    for stack in recorded.model.stacks:
        assert stack.leaf.data_ptr() == stack.flat.data_ptr()
    assert repr(found) == repr(expected)  # NaN is not itself
    for one, other in zip(plain.state, recorded.state, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_the_tape_refuses_what_waits() -> None:
    x = torch.ones(3)
    for wrong in (lambda: float(x[0]), lambda: x[x > 0], lambda: torch.tensor(1.0), lambda: bool(x.any())):
        with Tape(), pytest.raises(AssertionError, match="in a step of training"):
            wrong()


def test_the_tape_replays_on_the_same_memory() -> None:
    x, total = torch.tensor([1.0, 2.0]), torch.zeros(2)
    held = {"total": total}

    def in_place() -> None:
        held["total"].add_((2 * x).view(2, 1).squeeze(1))

    replay = taped(in_place)
    x.fill_(5)
    replay()
    assert total.tolist() == [14, 18]  # twice by the function, once by the replay

    def elsewhere() -> None:
        held["total"] = held["total"] + x

    total.zero_()
    replay = taped(elsewhere)
    replay()
    replay()
    assert held["total"].tolist() == [10, 10]  # a graph does not see where Python put the result


@pytest.mark.parametrize("updates", ORDERS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("model", ["gan", "cgan"])
def test_games_are_trained_from_recordings(model: str, penalty: str, updates: str) -> None:
    if penalty == "consensus" and updates in ("alternating", "sga"):
        pytest.skip("refused")
    same(model=model, penalty=CLIP if penalty == "clip" else penalty, updates=updates)


@pytest.mark.parametrize("model", [name for name in MODELS if name not in ("gan", "cgan")])
def test_other_models_are_trained_from_recordings(model: str) -> None:
    same(model=model, ema=0.9)


@pytest.mark.parametrize("source", TRANSFORMATIONS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_translations_are_trained_from_recordings(penalty: str, source: str) -> None:
    updates = "simultaneous" if penalty == "consensus" else "alternating"
    choice = CLIP if penalty == "clip" else penalty
    same(model="cyclegan", penalty=choice, updates=updates, source=source, identity_weight=1.0, instance_noise=0.1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimisers_go_on_in_recordings(optimizer: str) -> None:
    same(optimizer=optimizer, instance_noise=0.1, label_smoothing=0.1, packing=2, ema=0.5, critic_steps=2)


@pytest.mark.parametrize("pairing", ["relativistic", "relativistic_average"])
def test_pairings_are_recorded(pairing: str) -> None:
    same(pairing=pairing, penalty=["r1", "r2"], label_smoothing=0.1)


def test_schedules_go_on_in_recordings() -> None:
    down, up = {"from": 2e-3, "to": 0, "shape": "cosine", "warmup": 0.3}, {"from": 0.5, "to": 0.9, "until": 0.5}
    same(generator_lr=down, critic_lr=down, beta2=up, ema=up, instance_noise=up, penalty={"name": "r1", "weight": down})


@pytest.mark.parametrize("optimizer", ["adam", "optimistic_adam", "rmsprop", "nesterov"])
@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_unrolled_critics_are_recorded(updates: str, optimizer: str) -> None:
    up = {"from": 0.5, "to": 0.9}
    penalty = ["spectral_norm", {"name": "r1", "every": 2}]
    same(unroll=2, updates=updates, optimizer=optimizer, penalty=penalty, beta2=up, critic_lr=up)


def test_lookahead_is_recorded() -> None:
    same(lookahead=2, penalty="spectral_norm", ema=0.9)


def test_several_and_lazy_penalties_are_recorded() -> None:
    same(penalty=[{"name": "r1", "every": 3}, {"name": "r2", "weight": 2.0}, "dragan"], critic_steps=2)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_are_recorded(objective: str) -> None:
    same(objective=objective)


def test_convolutions_and_normalisation_are_recorded() -> None:
    same(data={"name": "digits"}, generator=NORMED, critic=NORMED, model="cgan", penalty="r1")


def test_augmentation_is_recorded() -> None:
    everything = ["colour", "translation", "cutout"]
    same(data={"name": "digits"}, generator=NORMED, critic=NORMED, augmentation=everything, instance_noise=0.1)


def test_changes_of_images_are_recorded() -> None:
    penalty = ["lecam", {"name": "balanced_consistency", "flip": 0.5}]
    same(data={"name": "digits"}, generator=NORMED, critic=NORMED, penalty=penalty, packing=2)


def test_translations_of_images_are_recorded() -> None:
    turned = {"name": "rotated", "angle": 90}
    same(data={"name": "digits"}, generator=NORMED, critic=NORMED, model="cyclegan", source=turned)


def test_replicas_fall_in_recordings_at_their_step() -> None:
    same(generator_lr=1e3, critic_lr=1e3, bound=10.0)


def blocks(count: int) -> Iterator[Block]:
    data, shape = load("ring", points=20, heldout=10), BatchShape(1, 2, 2, "normal", 0)
    sampler = BatchSampler(data, shape, generators([0, 1], 0, "cpu"), conditional=False)
    while True:
        yield sampler.block(count)


def test_what_cannot_be_recorded_is_trained_one_by_one_and_said_once() -> None:
    total, taken = torch.zeros(()), []

    def step(batches: Sequence[Batch]) -> None:
        taken.append(batches[0].latents.sum())
        total.add_(taken[-1])

    def refuses(function: Callable[[], None]) -> Callable[[], None]:
        function()
        try:
            raise RuntimeError("called a\nsynchronizing operation")
        finally:
            raise RuntimeError("the recording has ended")

    recorded = Recorded([total], refuses, together=2)
    made = blocks(3)
    with pytest.warns(UserWarning, match="^training goes on without CUDA graphs: called a synchronizing operation$"):
        recorded(step, next(made))
    assert len(taken) == 5  # two to no avail, and taken back
    recorded(step, next(made))
    assert len(taken) == 8
    assert total == pytest.approx(float(sum(taken[2:])), abs=1e-5)
    assert recorded.refused == "called a synchronizing operation"


def test_a_training_tells_why_it_goes_without() -> None:
    made = training()
    assert made.troubles == []
    made.way = Recorded(made.state, taped)
    assert made.troubles == []
    made.way.refused = "x waits"
    assert made.troubles == ["training goes on without CUDA graphs: x waits"]


def test_other_errors_are_not_about_recording() -> None:
    def fails(batches: Sequence[Batch]) -> None:
        raise ValueError("of the user's own")

    with pytest.raises(ValueError, match="of the user's own"):
        Recorded([], taped)(fails, next(blocks(1)))


def test_a_processor_takes_steps_one_by_one() -> None:
    assert isinstance(ways(torch.device("cpu"), []), OneByOne)


def test_a_step_elsewhere_and_the_switch_leave_graphs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    assert isinstance(ways(cuda, [], elsewhere=True), OneByOne)
    monkeypatch.setenv(SWITCH, "0")
    assert isinstance(ways(cuda, []), OneByOne)


def test_a_recording_reads_the_block_at_hand() -> None:
    found = torch.zeros(2, 2, 2)

    def step(batches: Sequence[Batch]) -> None:
        found.copy_(batches[0].real)

    made, recorded = blocks(1), Recorded([found], taped)
    for _ in range(3):
        block = next(made)
        recorded(step, block)
        ((batch,),) = block.steps()
        assert torch.equal(found, batch.real)
