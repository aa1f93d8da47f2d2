"""Checks of single settings: every error names the setting, what was expected and what it got.

`choice`, `number`, `interval`, `whole`, `flag` and `only` check a spec's settings and return nothing: a value of the
wrong type is a `TypeError`, a wrong value a `ValueError`. The `parse_…` functions are for the settings of data sets,
which come straight from YAML: they return the value in its canonical type and refuse anything else with a `ValueError`.
"""

from __future__ import annotations

import difflib
import math
import os
import sys
from collections.abc import Iterable
from ctypes import c_float
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from trainables.usual_names import called

LARGEST = 1e6  # float32 points lose their digits beyond it, and such a value is more likely a typing error


def shown(value: Any) -> str:
    """A value as a message shows it, on one line; none, true and false are written as in YAML, wherever they stand."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if type(value) in (list, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if type(value) is dict:
        return f"{{{', '.join(f'{shown(key)}: {shown(inner)}' for key, inner in value.items())}}}"
    return repr(value)


def likely(name: str, valid: Iterable[str], least: float = 0.6) -> list[str]:
    """The valid names that a wrong one may mean: what it stands for elsewhere (`trainables.usual_names`), or else the
    one most like it in whatever case, by `difflib`'s ratio of at least `least`; none where none is."""
    lower = {one.lower(): one for one in valid}
    alike = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=least)
    return called(name, lower.values()) or [lower[one] for one in alike]


def close_to(name: str, valid: Iterable[str]) -> str:
    """The tail of a message about an unknown name: what it may mean, or all valid ones."""
    valid = list(valid)
    return meant(name, valid) or f"; expected one of {', '.join(valid)}"


def meant(name: str, valid: Iterable[str]) -> str:
    """The tail of a message that has listed the valid names: what a wrong one may mean, if anything."""
    found = " or ".join(f"'{one}'" for one in likely(name, valid))
    return f"; did you mean {found}?" if found else ""


def choice(name: str, value: Any, valid: Iterable[str]) -> None:
    """Refuse a value that is not one of the valid names."""
    valid = list(valid)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(valid)}, got {shown(value)}")
    if value not in valid:
        raise ValueError(f"{name}: unknown name '{value}'{close_to(value, valid)}")


def number(name: str, value: Any) -> None:
    """Refuse what is not a finite real number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number, got {shown(value)}")
    if not abs(value) <= sys.float_info.max:  # NaN, infinite, or a whole number that no float can hold
        raise ValueError(f"{name}: expected a finite number, got {shown(value)}")


def interval(name: str, value: Any, low: float, high: float, closed: str = "neither") -> None:
    """Refuse a number outside an interval, or which single precision, in which networks train, takes out of it;
    `closed` is neither, left, right or both."""
    number(name, value)
    single = c_float(value).value
    for seen, note in ((value, ""), (single, f", which is {single:g} in single precision")):
        left = seen >= low if closed in ("left", "both") else seen > low
        right = seen <= high if closed in ("right", "both") else seen < high
        if not (left and right):
            opening, closing = "[" if closed in ("left", "both") else "(", "]" if closed in ("right", "both") else ")"
            raise ValueError(
                f"{name}: expected a number in {opening}{low:g}, {high:g}{closing}, got {shown(value)}{note}"
            )


def whole(name: str, value: Any, low: int) -> None:
    """Refuse what is not a whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected a whole number, got {shown(value)}")
    if value < low:
        raise ValueError(f"{name}: expected at least {low}, got {value}")


def flag(name: str, value: Any) -> None:
    """Refuse what is not true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected true or false, got {shown(value)}")


def only(name: str, keys: Iterable[str], valid: Iterable[str]) -> None:
    """Refuse a key that is not a valid one, naming the nearest."""
    valid = list(valid)
    for key in keys:
        if key not in valid:
            raise ValueError(
                f"{name}.{key}: unknown setting{close_to(str(key), valid) if valid else '; it takes none'}"
            )


def refused(name: str, expected: str, got: object) -> ValueError:
    """The error for a setting that cannot be what it got."""
    hint = ""
    if isinstance(got, str) and _reads_as_number(got):
        hint = " (text: in YAML write the number unquoted and with a decimal point, as in 1.0e-3)"
    return ValueError(f"{name}: expected {expected}, got {shown(got)}{hint}")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def parse_integer(name: str, value: object, *, low: int, high: float = math.inf) -> int:
    """A whole number of at least `low` and at most `high`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        expected = f"from {low} to {high:,}" if math.isfinite(high) else f">= {low}"
        raise refused(name, f"a whole number {expected}", value)
    return int(value)


def parse_real(name: str, value: object, *, low: float) -> float:
    """A number from `low` to `LARGEST`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= LARGEST:
        raise refused(name, f"a number from {low:g} to {LARGEST:g}", value)
    return float(value)


def parse_reals(name: str, value: object, *, low: float, optional: bool) -> tuple[float, ...] | None:
    """A list of numbers as a tuple; or None, where that is allowed."""
    if value is None and optional:
        return None
    if not isinstance(value, list | tuple) or not value:
        raise refused(name, "a list of numbers", value)
    return tuple(parse_real(f"{name}[{place}]", item, low=low) for place, item in enumerate(value))


def parse_boolean(name: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refused(name, "true or false", value)
    return value


def parse_path(name: str, value: object) -> str:
    """A path, absolute: a worker's working directory is not its driver's."""
    if not isinstance(value, str | Path) or not str(value):
        raise refused(name, "a path", value)
    return str(Path(value).expanduser().absolute())


def can_be_written(folder: Path) -> bool:
    """Whether a folder, or where it has still to be made the first that is there above it, is one to write to."""
    for place in (folder, *folder.parents):
        try:
            os.lstat(place)
        except FileNotFoundError:
            continue
        except (OSError, ValueError):  # no path at all, as one with a NUL
            return False
        return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return False


def memory() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
