"""Checks of single settings, each raising an error that names the setting, what was expected and what came."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import Any


def close_to(name: str, valid: Iterable[str]) -> str:
    """The tail of a message about an unknown name: the nearest valid one, or all of them."""
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; expected one of {', '.join(valid)}"


def choice(name: str, value: Any, valid: Iterable[str]) -> None:
    """Refuse a value that is not one of the valid names."""
    valid = list(valid)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(valid)}, got {value!r}")
    if value not in valid:
        raise ValueError(f"{name}: unknown name '{value}'{close_to(value, valid)}")


def number(name: str, value: Any) -> None:
    """Refuse what is not a finite real number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not abs(value) <= sys.float_info.max:  # NaN, infinite, or a whole number that no float can hold
        raise ValueError(f"{name}: expected a finite number, got {value!r}")


def interval(name: str, value: Any, low: float, high: float, closed: str = "neither") -> None:
    """Refuse a number outside an interval; `closed` is neither, left, right or both."""
    number(name, value)
    left = value >= low if closed in ("left", "both") else value > low
    right = value <= high if closed in ("right", "both") else value < high
    if not (left and right):
        opening, closing = "[" if closed in ("left", "both") else "(", "]" if closed in ("right", "both") else ")"
        raise ValueError(f"{name}: expected a number in {opening}{low:g}, {high:g}{closing}, got {value!r}")


def whole(name: str, value: Any, low: int) -> None:
    """Refuse what is not a whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected a whole number, got {value!r}")
    if value < low:
        raise ValueError(f"{name}: expected at least {low}, got {value}")


def flag(name: str, value: Any) -> None:
    """Refuse what is not true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected true or false, got {value!r}")


def only(name: str, keys: Iterable[str], valid: Iterable[str]) -> None:
    """Refuse a key that is not a valid one, naming the nearest."""
    valid = list(valid)
    for key in keys:
        if key not in valid:
            raise ValueError(f"{name}.{key}: unknown setting{close_to(str(key), valid) if valid else ''}")
