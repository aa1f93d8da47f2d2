"""The base of all data sets: checked settings, shape and classes before loading, and loading.

A setting is a dataclass field made by one of the functions here, so that name, default and range are on one line; the
metadata's `accepts` says in words what it may be, and the docstring of its class what it means.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from trainables import checks
from trainables.checks import LARGEST, refused
from trainables.data.dataset import DataSet

# Keeps the points of data seed s apart from the noise of a replica whose seed is also s.
_DATA = 0xDA7A
TRAIN, HELDOUT, AXES = 0, 1, 2
MOST = 10_000  # points of an axis


@dataclass(frozen=True)
class Axis:
    """`count` points from `low` to `high`, evenly spaced on a logarithmic scale."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A data set's checked settings, one field each.

    Raises:
        ValueError: a setting of a wrong type or out of range; the message names it, what was expected and what it got.
    """

    name: ClassVar[str]
    of_files: ClassVar[bool] = False  # whether the points come from files that may change or be missing
    labelled_by: ClassVar[str | None] = None  # the setting that gives points their classes, where they may have none

    def __post_init__(self) -> None:
        """Check every setting and store it in its canonical type."""
        for setting in fields(self):
            accept = setting.metadata["accept"]
            value = accept(f"data.{setting.name}", getattr(self, setting.name))
            object.__setattr__(self, setting.name, value)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one point, known without loading."""

    @property
    @abstractmethod
    def classes(self) -> int:
        """The number of classes, 0 when unlabelled, known without loading."""

    @abstractmethod
    def load(self) -> DataSet:
        """The data set on the CPU; the same settings give the same tensors."""

    @property
    def counts(self) -> tuple[int, int] | None:
        """How many points there are to train on and held out, where the settings say so."""
        return None

    @property
    def of_mixture(self) -> bool:
        """Whether the distribution is a mixture that is known exactly."""
        return False

    @property
    def origin(self) -> str:
        """Where the points come from: a path, or in words."""
        return "drawn from its settings"

    @property
    def without_classes(self) -> str:
        """What is said of unlabelled points where labels are asked for, and the setting that would give some."""
        by = "" if self.labelled_by is None else f" without {self.labelled_by}"
        return f"'{self.name}' has no classes{by}"

    def absent(self) -> str | None:
        """A message that names missing files and how to get them; None if nothing is missing."""
        return None

    def check_files(self) -> None:
        """Refuse files that `load` would refuse, as far as a quick look tells.

        Raises `FileNotFoundError` where they are missing, `ValueError` where they cannot be used.
        """
        if message := self.absent():
            raise FileNotFoundError(message)

    def found(self) -> tuple[int, int] | None:
        """How many points to train on and held out there are at most, as a quick look at files tells; None where the
        settings say it. Raises what `check_files` raises."""
        return None

    def fingerprint(self) -> str | None:
        """64 hexadecimal digits that differ where `load` would return something else; None where loading is quick."""
        return None

    def settings(self) -> dict[str, Any]:
        """All settings, defaults included, as plain YAML types."""
        return {setting.name: _plain(getattr(self, setting.name)) for setting in fields(self)}


def stream(seed: int, part: int) -> torch.Generator:
    """The random generator of one part (TRAIN, HELDOUT, or the AXES of both) of the data drawn with `seed`."""
    state = np.random.SeedSequence((seed, _DATA, part)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """(rows, columns), of orthonormal columns drawn uniformly, rows >= columns; float64."""
    q, r = torch.linalg.qr(torch.randn(rows, columns, generator=generator, dtype=torch.float64))
    turned: Tensor = q * r.diagonal().sign()
    return turned


def integer(default: int, *, low: int, high: float = math.inf) -> Any:
    """A whole number ≥ low, and ≤ high where that is given."""
    about = f"whole number ≥ {low}" if math.isinf(high) else f"whole number from {low} to {high:,}"
    return _setting(partial(checks.parse_integer, low=low, high=high), default, about)


def number(default: float, *, low: float = -LARGEST) -> Any:
    """A number from `low` to LARGEST."""
    return _setting(partial(checks.parse_real, low=low), default, f"number{_from(low)}")


def flag(default: bool) -> Any:
    """True or false."""
    return _setting(checks.parse_boolean, default, "true or false")


def path(default: Any = MISSING) -> Any:
    """A path, kept absolute."""
    return _setting(checks.parse_path, default, "path")


def named(what: str, default: str | None) -> Any:
    """The name of something, such as "an array"; or None."""
    return _setting(partial(_named, what=what), default, f"the name of {what}, or null")


def sizes(default: tuple[int, ...]) -> Any:
    """A list of whole numbers >= 1, kept as a tuple; it may be empty."""
    return _setting(_sizes, default, "list of whole numbers ≥ 1")


def span(default: tuple[float, float] | None) -> Any:
    """A pair of numbers, the lower one first; or None."""
    return _setting(_span, default, "two numbers, the lower first, or null")


def share_or_path(default: float) -> Any:
    """A share of the points, or the path of other ones."""
    return _setting(_share_or_path, default, "share between 0 and 1, or path")


def one_of(*valid: Any) -> Any:
    """One of the values; the first is the default."""
    return _setting(partial(_one_of, valid=valid), valid[0], " or ".join(map(str, valid)))


def numbers(default: Any = MISSING, *, low: float = -LARGEST) -> Any:
    """A list of numbers, kept as a tuple; or None if that is the default."""
    optional = default is None
    accepts = f"list of numbers{_from(low)}{', or null' if optional else ''}"
    return _setting(partial(checks.parse_reals, low=low, optional=optional), default, accepts)


def points(default: Any = MISSING) -> Any:
    """A list of points in 1-D or 2-D, [1.0, 2.0] or [[0, 1], [2, 3]], kept as a tuple of tuples."""
    return _setting(_points, default, "list of numbers, or of pairs of them")


def spectrum() -> Any:
    """A list of numbers, or a logarithmic axis of them as `axis` takes it, kept as a tuple; or None, the default."""
    return _setting(_spectrum, None, "list of numbers ≥ 1e-06, `{low, high, count}`, or null")


def axis(low: float, high: float, count: int) -> Any:
    """A logarithmic axis, `{low: 1.0e-3, high: 2.0, count: 64}`; these are its default."""
    return _setting(_axis, Axis(low, high, count), "`{low, high, count}`, from 1e-12")


def _setting(accept: Callable[[str, object], object], default: Any, accepts: str) -> Any:
    return field(default=default, metadata={"accept": accept, "accepts": accepts})


def _from(low: float) -> str:
    return "" if low == -LARGEST else f" ≥ {low:g}"


def _points(key: str, value: object) -> tuple[tuple[float, ...], ...]:
    expected = "a list of numbers (1-D) or of pairs of numbers (2-D)"
    if not isinstance(value, list | tuple) or not value:
        raise refused(key, expected, value)
    rows = [item if isinstance(item, list | tuple) else [item] for item in value]
    if len(rows[0]) not in (1, 2) or any(len(row) != len(rows[0]) for row in rows):
        raise refused(key, expected, value)
    return tuple(
        tuple(checks.parse_real(f"{key}[{place}]", coordinate, low=-LARGEST) for coordinate in row)
        for place, row in enumerate(rows)
    )


def _named(key: str, value: object, *, what: str) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise refused(key, f"the name of {what}, or null", value)
    return value


def _sizes(key: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise refused(key, "a list of whole numbers", value)
    return tuple(checks.parse_integer(f"{key}[{place}]", one, low=1) for place, one in enumerate(value))


def _span(key: str, value: object) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refused(key, "a lower and a higher number, or null", value)
    low, high = (checks.parse_real(f"{key}[{place}]", one, low=-LARGEST) for place, one in enumerate(value))
    if low >= high:
        raise refused(key, "a lower and a higher number, or null", value)
    return low, high


def _share_or_path(key: str, value: object) -> float | str:
    if isinstance(value, str | Path) and str(value):
        return checks.parse_path(key, value)
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < 1:
        raise refused(key, "a share between 0 and 1, or the path of a held-out part", value)
    return float(value)


def _one_of(key: str, value: object, *, valid: tuple[Any, ...]) -> Any:
    if not any(type(value) is type(one) and value == one for one in valid):
        raise refused(key, " or ".join(map(str, valid)), value)
    return value


def _axis(key: str, value: object) -> Axis:
    if isinstance(value, Axis):
        return value
    if not isinstance(value, dict) or set(value) != {"low", "high", "count"}:
        raise refused(key, "a mapping of low, high and count", value)
    low, high = (checks.parse_real(f"{key}.{end}", value[end], low=1e-12) for end in ("low", "high"))
    count = checks.parse_integer(f"{key}.count", value["count"], low=2)
    if count > MOST:
        raise refused(f"{key}.count", f"at most {MOST}", count)
    if low >= high:
        raise refused(key, "low < high", value)
    return Axis(low, high, count)


def _spectrum(key: str, value: object) -> tuple[float, ...] | None:
    if isinstance(value, dict):
        found = _axis(key, value)
        return tuple(np.geomspace(found.low, found.high, found.count).tolist())
    return checks.parse_reals(key, value, low=1e-6, optional=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Axis):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
