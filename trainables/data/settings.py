"""The kinds of value a setting of a data set may hold; each refuses the rest and names the setting.

A setting is a dataclass field made by one of these functions, so that its name, default and range stand in
one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

Accept = Callable[[str, object], object]

# Beyond it float32 points lose their digits, and a slip is likelier than an intention.
LARGEST = 1e6
MOST = 10_000  # places of an axis


@dataclass(frozen=True)
class Axis:
    """`count` places from `low` to `high`, evenly apart on a logarithmic scale."""

    low: float
    high: float
    count: int


def integer(default: int, *, low: int) -> Any:
    """A whole number ≥ low."""
    return _setting(partial(_integer, low=low), default)


def number(default: float, *, low: float = -LARGEST) -> Any:
    """A number from `low` to LARGEST."""
    return _setting(partial(_number, low=low), default)


def flag(default: bool) -> Any:
    """True or false."""
    return _setting(_flag, default)


def folder(default: str) -> Any:
    """A path, kept absolute: a worker's working directory is not its driver's."""
    return _setting(_folder, default)


def numbers(default: Any = MISSING, *, low: float = -LARGEST) -> Any:
    """A list of numbers, kept as a tuple; or None if that is the default."""
    return _setting(partial(_numbers, low=low, optional=default is None), default)


def points(default: Any = MISSING) -> Any:
    """A list of points in 1-D or 2-D, [1.0, 2.0] or [[0, 1], [2, 3]], kept as a tuple of tuples."""
    return _setting(_points, default)


def axis(low: float, high: float, count: int) -> Any:
    """A logarithmic axis, `{low: 1.0e-3, high: 2.0, count: 64}`; these are its default."""
    return _setting(_axis, Axis(low, high, count))


def refuse(key: str, expected: str, came: object) -> ValueError:
    """The error for a setting that cannot be what came."""
    hint = ""
    if isinstance(came, str) and _reads_as_number(came):
        hint = " (text: in YAML write the number unquoted and with a decimal point, as in 1.0e-3)"
    return ValueError(f"{key}: expected {expected}, came {came!r}{hint}")


def _setting(accept: Accept, default: Any) -> Any:
    return field(default=default, metadata={"accept": accept})


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _integer(key: str, value: object, *, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise refuse(key, f"a whole number >= {low}", value)
    return int(value)


def _number(key: str, value: object, *, low: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= LARGEST:
        raise refuse(key, f"a number from {low:g} to {LARGEST:g}", value)
    return float(value)


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise refuse(key, "true or false", value)
    return value


def _folder(key: str, value: object) -> str:
    if not isinstance(value, str | Path) or not str(value):
        raise refuse(key, "a path", value)
    return str(Path(value).expanduser().absolute())


def _numbers(key: str, value: object, *, low: float, optional: bool) -> tuple[float, ...] | None:
    if value is None and optional:
        return None
    if not isinstance(value, list | tuple) or not value:
        raise refuse(key, "a list of numbers", value)
    return tuple(_number(f"{key}[{place}]", item, low=low) for place, item in enumerate(value))


def _points(key: str, value: object) -> tuple[tuple[float, ...], ...]:
    expected = "a list of numbers (1-D) or of pairs of numbers (2-D)"
    if not isinstance(value, list | tuple) or not value:
        raise refuse(key, expected, value)
    rows = [item if isinstance(item, list | tuple) else [item] for item in value]
    if len(rows[0]) not in (1, 2) or any(len(row) != len(rows[0]) for row in rows):
        raise refuse(key, expected, value)
    return tuple(
        tuple(_number(f"{key}[{place}]", coordinate, low=-LARGEST) for coordinate in row)
        for place, row in enumerate(rows)
    )


def _axis(key: str, value: object) -> Axis:
    if isinstance(value, Axis):
        return value
    if not isinstance(value, dict) or set(value) != {"low", "high", "count"}:
        raise refuse(key, "a mapping of low, high and count", value)
    low, high = (_number(f"{key}.{end}", value[end], low=1e-12) for end in ("low", "high"))
    count = _integer(f"{key}.count", value["count"], low=2)
    if count > MOST:
        raise refuse(f"{key}.count", f"at most {MOST}", count)
    if low >= high:
        raise refuse(key, "low < high", value)
    return Axis(low, high, count)
