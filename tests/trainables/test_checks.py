"""Every check names the setting, what was expected and what it got."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from trainables import checks


@pytest.mark.parametrize("value", [0, 1, -2.5, 1e300, 10**20])
def test_number_accepts_finite_numbers(value: float) -> None:
    checks.number("x", value)


@pytest.mark.parametrize("value", ["1", None, True, [1], 1j])
def test_number_refuses_other_types(value: Any) -> None:
    with pytest.raises(TypeError, match=r"x\.y: expected a number, got"):
        checks.number("x.y", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_number_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match=f"x: expected a finite number, got {str(value)[:20]}"):
        checks.number("x", value)


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
        checks.interval("x", value, 0, 1, closed)
    for value in {-0.1, 0, 1, 1.1} - set(ends):
        with pytest.raises(ValueError, match=f"x: expected a number in {shown}, got {value}"):
            checks.interval("x", value, 0, 1, closed)


@pytest.mark.parametrize(
    ("value", "high", "rounded"), [(1e-50, 1.0, "0"), (1 - 1e-9, 1.0, "1"), (1e300, math.inf, "inf")]
)
def test_interval_refuses_what_single_precision_takes_out_of_it(value: float, high: float, rounded: str) -> None:
    message = re.escape(f"got {value!r}, which is {rounded} in single precision")
    with pytest.raises(ValueError, match=f"x: expected a number in .*, {message}"):
        checks.interval("x", value, 0, high)


def test_interval_without_an_end() -> None:
    checks.interval("x", 1e38, 0, math.inf)
    with pytest.raises(ValueError, match=r"x: expected a number in \(0, inf\), got 0"):
        checks.interval("x", 0, 0, math.inf)
    with pytest.raises(ValueError, match="x: expected a finite number, got inf"):
        checks.interval("x", math.inf, 0, math.inf, "both")


@pytest.mark.parametrize(
    ("check", "error", "message"),
    [
        (lambda: checks.whole("n", 2.0, 1), TypeError, "n: expected a whole number, got 2.0"),
        (lambda: checks.whole("n", True, 1), TypeError, "n: expected a whole number, got true"),
        (lambda: checks.whole("n", 0, 1), ValueError, "n: expected at least 1, got 0"),
        (lambda: checks.flag("on", 1), TypeError, "on: expected true or false, got 1"),
        (lambda: checks.flag("on", {"a": [None, (True,)]}), TypeError, r"got \{'a': \[null, \[true\]\]\}$"),
        (lambda: checks.flag("on", "yes"), TypeError, "on: expected true or false, got 'yes'"),
        (lambda: checks.choice("c", 3, ("a", "b")), TypeError, "c: expected one of a, b, got 3"),
        (lambda: checks.choice("c", "z", ("a", "b")), ValueError, "c: unknown name 'z'; expected one of a, b"),
        (lambda: checks.choice("c", "adem", ("adam",)), ValueError, "unknown name 'adem'; did you mean 'adam'?"),
        (lambda: checks.only("p", ["weigth"], ["weight"]), ValueError, r"p.weigth: .*did you mean 'weight'\?"),
        (lambda: checks.only("p", ["x"], []), ValueError, "p.x: unknown setting; it takes none$"),
    ],
)
def test_messages(check: Callable[[], None], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check()


def test_a_wrong_name_may_mean_the_one_most_alike() -> None:
    assert checks.likely("rinh", ("grid", "ring")) == ["ring"]
    assert checks.likely("RING", ("string", "Ring")) == ["Ring"]
    assert checks.likely("zzz", ("grid", "ring")) == []
    assert checks.likely("grxxx", ("grid", "ring"), 0.0) == ["grid"]
    assert checks.likely("x", ()) == []


def test_a_wrong_name_means_before_that_what_it_is_called_elsewhere() -> None:
    assert checks.likely("learning_rate", ("label_smoothing", "generator_lr", "critic_lr")) == [
        "generator_lr",
        "critic_lr",
    ]
    assert (
        checks.close_to("bce", ("minimax", "non_saturating", "hinge"))
        == "; did you mean 'minimax' or 'non_saturating'?"
    )


def test_what_is_right_passes() -> None:
    checks.whole("n", 1, 1)
    checks.flag("on", False)
    checks.choice("c", "b", iter(("a", "b")))
    checks.only("p", [], [])
    checks.only("p", ["a"], iter(["a", "b"]))
