"""Measurements of the user's own: the function at `my_metrics:sharpness` is measured as the column `own.sharpness`.

It is called with samples (R, n, *shape) of R replicas, float32 and finite, and the `DataSet` that they are to be like,
on the same device, and returns (R,) numbers. A replica's number may depend on its own samples and the data alone: not
on the replicas beside it, nor on random numbers that nobody seeded. `try_out` holds a function to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from trainables import own_code
from trainables.checks import shown
from trainables.data import DataSet, floats

PREFIX = "own."  # of the columns
DIRECTIONS = ("high", "low")
TRIED = 256  # samples of a replica that a function is tried out on
RELATIVE, ABSOLUTE = 1e-3, 1e-6  # by which a number may differ alone and in company, for sums in another order

Metric = Callable[[Tensor, DataSet], Tensor]
Declared = TypeVar("Declared", bound=Metric)


def better(direction: str) -> Callable[[Declared], Declared]:
    """Declare of a measurement that "high" or "low" values are better, so that it can be searched for."""
    if direction not in DIRECTIONS:
        raise ValueError(f"better: expected one of {', '.join(DIRECTIONS)}, got {shown(direction)}")

    def declare(function: Declared) -> Declared:
        function.better = direction  # type: ignore[attr-defined]
        return function

    return declare


@dataclass(frozen=True)
class OwnMetric:
    """A function of the user's: its column, the function, "high" or "low" (None: not declared) and what it means, the
    first line of its docstring."""

    column: str
    function: Metric
    better: str | None
    meaning: str

    def measure(self, samples: Tensor, data: DataSet) -> Tensor:
        """(R,) float64 of samples (R, n, *shape).

        Raises what the function raises, and `ValueError` where it returns anything but (R,) real numbers or changes
        the tensors that it was given. Random numbers that it draws from torch are the same at every call.
        """
        given = (samples, data.train, data.heldout)
        before = [tensor._version for tensor in given]
        with seeded(samples.device):
            returned = torch.as_tensor(self.function(samples, data))
        if [tensor._version for tensor in given] != before:
            raise ValueError("expected a function that leaves samples and data as they are, got them changed in place")
        if returned.shape != samples.shape[:1] or returned.is_complex():
            expected = f"({len(samples)},) real numbers, one for each replica of samples {tuple(samples.shape)}"
            raise ValueError(f"expected {expected}, got {returned.dtype} of shape {tuple(returned.shape)}")
        return returned.to(samples.device, torch.float64)


def column_of(location: str) -> str:
    """The column of the function at `module:attribute`."""
    return f"{PREFIX}{location.split(':')[-1]}"


def columns_of(measure: Sequence[str]) -> tuple[str, ...]:
    """The columns of the user's own functions among the names in `measure`; nothing is imported.

    Raises `ValueError` where two would have one column.
    """
    found: dict[str, str] = {}
    for location in filter(own_code.is_location, measure):
        other = found.setdefault(column_of(location), location)
        if other != location:
            raise ValueError(f"measure: expected own functions of different names, got '{other}' and '{location}'")
    return tuple(found)


def found(location: str) -> OwnMetric:
    """The function at `module:attribute`. Raises what `own_code.attribute` raises, and for anything but a function."""
    function = own_code.attribute("measure", location)
    if not callable(function):
        raise TypeError(f"measure: expected a function at '{location}', got {type(function).__name__}")
    direction = getattr(function, "better", None)
    if direction not in (None, *DIRECTIONS):
        raise ValueError(f"measure: {location}.better: expected one of {', '.join(DIRECTIONS)}, got {shown(direction)}")
    meaning = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]
    return OwnMetric(column_of(location), function, direction, meaning)


def every(measure: Sequence[str]) -> tuple[OwnMetric, ...]:
    """The user's own functions among the names in `measure`; raises what `found` raises."""
    return tuple(found(location) for location in dict.fromkeys(measure) if own_code.is_location(location))


def robust(metric: OwnMetric, samples: Tensor, data: DataSet, trouble: Callable[[str], None]) -> Tensor:
    """(R,) as `OwnMetric.measure`, NaN for a replica whose samples the function does not get on with.

    `trouble` is told of each such, in one sentence: losing a number is better than losing the training.
    """
    try:
        return metric.measure(samples, data)
    except own_code.RAISED as error:
        if len(samples) == 1:
            trouble(f"{metric.column} could not be measured: {own_code.told(error)}")
            return torch.full((1,), torch.nan, dtype=torch.float64, device=samples.device)
    return torch.cat([robust(metric, one, data, trouble) for one in samples.split(1)])


def try_out(metric: OwnMetric, data: DataSet) -> None:
    """Call a function on real points, and raise `ValueError` saying what is wrong with what it does."""
    points = floats(data.heldout[: 2 * TRIED])
    count = max(1, len(points) // 2)
    first, second = points[:count], points[-count:]
    samples = torch.stack([first, second, second / 2])
    try:
        together = metric.measure(samples, data)
        alone = torch.cat([metric.measure(one.clone(), data) for one in samples.split(1)])
    except own_code.RAISED as error:
        raise ValueError(f"measure: {metric.column} fails on {count} real points: {own_code.told(error)}") from error
    if not bool(together[:2].isfinite().all()):
        raise ValueError(f"measure: {metric.column}: expected finite numbers of real points, got {together.tolist()}")
    if not torch.allclose(alone, together, RELATIVE, ABSOLUTE, equal_nan=True):
        raise ValueError(
            f"measure: {metric.column}: expected a replica's number to be the same alone and beside others, got"
            f" {alone.tolist()} and {together.tolist()}"
        )


@contextmanager
def seeded(device: torch.device) -> Iterator[None]:
    """Within the block torch's global generators start from one seed; afterwards they go on as if nothing had been."""
    devices: list[Any] = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)
        yield
