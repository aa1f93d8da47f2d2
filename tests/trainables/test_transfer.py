"""An evaluation waits for its device once, where it hands over what it found; where it waits again this says why.

Counted on a processor, with what a card would do in place of kernels in C and shortcuts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import native, transfer
from trainables.metrics import memorisation
from trainables.metrics.columns import GROUPS
from trainables.models.catalogue import MODELS
from trainables.spec import Spec
from trainables.training import Training
from trainables.transfer import fetched

# Operations that a card's host waits for: values that it asks for, results whose shapes follow from values, solvers
# that look whether they came to an end, and numbers that it gives.
WAITING = {
    "aten::_local_scalar_dense", "aten::is_nonzero", "aten::equal", "aten::nonzero", "aten::masked_select",
    "aten::_unique2", "aten::unique_dim", "aten::bincount", "aten::lift_fresh", "aten::_linalg_eigh",
    "aten::_linalg_eigvals", "aten::_linalg_svd", "aten::linalg_eig",
}  # fmt: skip
READING = (Tensor.tolist, Tensor.numpy, Tensor.cpu)  # copies without an operation
ONCE = Counter({"tolist": 1})
# Of each Fréchet distance: its eigenvalues' solver, and whether they are exact enough, which decides what is done.
DISTANCE = ("aten::_linalg_eigh", "aten::_local_scalar_dense")


class Operations(TorchDispatchMode):
    """Counts operations that wait."""

    def __init__(self, waits: Counter[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        indexed = args[1] if name in ("aten::index", "aten::index_put_") else ()
        if name in WAITING or any(i is not None and i.dtype == torch.bool for i in indexed):
            self.waits[name] += 1
        return func(*args, **(kwargs or {}))


class Readings(TorchFunctionMode):
    """Counts what copies a tensor to the host without an operation."""

    def __init__(self, waits: Counter[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in READING:
            self.waits[func.__name__] += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def counted() -> Iterator[Counter[str]]:
    waits: Counter[str] = Counter()
    with Operations(waits), Readings(waits):
        yield waits


class Moments:
    """An evaluator of means."""

    samples = 40

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {"mean": samples.flatten(1).double().mean(1)}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that is treated as a card."""
    monkeypatch.setattr(transfer, "read_at_once", lambda _: False)
    monkeypatch.setattr(native, "few_dimensions", lambda _: False)
    monkeypatch.setattr(memorisation, "FLAT", 0)


def training(evaluator: Any = None, **changes: Any) -> Training:
    ring = {"name": "ring", "points": 300, "heldout": 100}
    small, few = {"hidden": [8]}, {"samples": 200, "neighbour_samples": 100}
    values = {"data": ring, "steps": 9, "evaluations": 3, "batch_size": 8, "generator": small, "critic": small}
    return Training(Spec(**{**values, "evaluation": few, **changes}), [0, 1, 2], evaluator=evaluator)


def waits(made: Training) -> Counter[str]:
    """Those of the second evaluation; the first makes what is kept."""
    made.advance()
    with counted() as found:
        made.advance()
        assert not made.done
    return found


def distances(count: int) -> Counter[str]:
    return ONCE + Counter(dict.fromkeys(DISTANCE, count))


def test_what_waits_is_counted() -> None:
    x = torch.ones(3)
    for wrong in (lambda: float(x[0]), lambda: x[x > 0], lambda: torch.tensor(1.0), lambda: x.tolist()):
        with counted() as found:
            wrong()
        assert found.total() == 1


def test_columns_keep_their_kinds_and_values() -> None:
    columns = {
        "alive": torch.tensor([True, False]),
        "step": torch.tensor([-1, 2**52 + 1]),
        "loss": torch.tensor([0.1, math.nan]),
        "fid": torch.tensor([1 / 3, math.inf], dtype=torch.float64),
        "histogram": torch.tensor([[1, 0, 3], [4, 5, 6]]),
        "none": torch.zeros(2, 0, dtype=torch.int64),
    }
    with counted() as found:
        lists = fetched(columns)
    assert found == ONCE
    assert repr(lists) == repr({name: column.tolist() for name, column in columns.items()})


@pytest.mark.parametrize("model", MODELS)
def test_every_model_hands_over_once(model: str, card: None) -> None:
    data = {"data": {"name": "dirac"}} if model == "dirac" else {}
    of_the_host = Counter({"aten::_local_scalar_dense": 1, "aten::lift_fresh": 1}) if model == "dirac" else Counter()
    assert waits(training(Moments(), model=model, **data)) == ONCE + of_the_host


@pytest.mark.parametrize("group", sorted(GROUPS.keys() - {"jacobian"}))
def test_measurements_wait_for_the_solver_of_a_distance_alone(group: str, card: None) -> None:
    """FID is a distance of all samples and one of their blocks; extrapolated it is three of each more."""
    assert waits(training(measure=[group])) == distances(8 if group == "infinity" else 2)


@pytest.mark.parametrize("data", ["gaussian", "circle"])
def test_other_data_wait_no_more(data: str, card: None) -> None:
    assert waits(training(data={"name": data, "points": 300, "heldout": 100})) == distances(2)


def test_replicas_that_are_not_finite_need_no_wait_and_change_no_other(card: None) -> None:
    plain, hurt = training(measure=["memorisation"]), training(measure=["memorisation"])
    plain.advance()
    hurt.advance()
    hurt.average[1, 0] = math.nan
    with counted() as found:
        ours = hurt.advance()
    assert found == distances(2)
    theirs = plain.advance()
    assert ours.columns["diverged"] == [False, True, False]
    assert ours.columns["mode_histogram"][1] is None
    assert math.isnan(ours.columns["fid"][1])
    for rows in (slice(0, 1), slice(2, 3)):
        assert ours.of(rows).columns == theirs.of(rows).columns


def test_labels_are_measured_class_by_class(card: None) -> None:
    """The shapes of what is compared follow from how many samples have a label."""
    assert waits(training(model="cgan"))["aten::_linalg_eigh"] > 2
