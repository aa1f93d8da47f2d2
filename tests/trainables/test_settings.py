"""Every check names the setting, what was expected and what came."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from trainables import settings


@pytest.mark.parametrize("value", [0, 1, -2.5, 1e300, 10**20])
def test_number_accepts_finite_numbers(value: float) -> None:
    settings.number("x", value)


@pytest.mark.parametrize("value", ["1", None, True, [1], 1j])
def test_number_refuses_other_types(value: Any) -> None:
    with pytest.raises(TypeError, match=r"x\.y: expected a number, got"):
        settings.number("x.y", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_number_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match=f"x: expected a finite number, got {str(value)[:20]}"):
        settings.number("x", value)


@pytest.mark.parametrize(
    ("closed", "ends", "shown"),
    [
        ("neither", [], r"\(0, 1\)"),
        ("left", [0], r"\[0, 1\)"),
        ("right", [1], r"\(0, 1\]"),
        ("both", [0, 1], r"\[0, 1\]"),
    ],
)
def test_interval_has_the_ends_it_shows(closed: str, ends: list[float], shown: str) -> None:
    for value in [0.5, *ends]:
        settings.interval("x", value, 0, 1, closed)
    for value in {-0.1, 0, 1, 1.1} - set(ends):
        with pytest.raises(ValueError, match=f"x: expected a number in {shown}, got {value}"):
            settings.interval("x", value, 0, 1, closed)


def test_interval_without_an_end() -> None:
    settings.interval("x", 1e300, 0, math.inf)
    with pytest.raises(ValueError, match=r"x: expected a number in \(0, inf\), got 0"):
        settings.interval("x", 0, 0, math.inf)
    with pytest.raises(ValueError, match="x: expected a finite number, got inf"):
        settings.interval("x", math.inf, 0, math.inf, "both")


@pytest.mark.parametrize(
    ("check", "error", "message"),
    [
        (lambda: settings.whole("n", 2.0, 1), TypeError, "n: expected a whole number, got 2.0"),
        (lambda: settings.whole("n", True, 1), TypeError, "n: expected a whole number, got True"),
        (lambda: settings.whole("n", 0, 1), ValueError, "n: expected at least 1, got 0"),
        (lambda: settings.flag("on", 1), TypeError, "on: expected true or false, got 1"),
        (lambda: settings.flag("on", "yes"), TypeError, "on: expected true or false, got 'yes'"),
        (lambda: settings.choice("c", 3, ("a", "b")), TypeError, "c: expected one of a, b, got 3"),
        (lambda: settings.choice("c", "z", ("a", "b")), ValueError, "c: unknown name 'z'; expected one of a, b"),
        (lambda: settings.choice("c", "adem", ("adam",)), ValueError, "unknown name 'adem'; did you mean 'adam'?"),
        (lambda: settings.only("p", ["weigth"], ["weight"]), ValueError, r"p.weigth: .*did you mean 'weight'\?"),
        (lambda: settings.only("p", ["x"], []), ValueError, "p.x: unknown setting$"),
    ],
)
def test_messages(check: Callable[[], None], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check()


def test_what_is_right_passes() -> None:
    settings.whole("n", 1, 1)
    settings.flag("on", False)
    settings.choice("c", "b", iter(("a", "b")))
    settings.only("p", [], [])
    settings.only("p", ["a"], iter(["a", "b"]))
