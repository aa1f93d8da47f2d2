from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config import spaces
from study.config.messages import ConfigError
from study.config.spaces import Space, parse, split, text


def test_each_kind_is_read() -> None:
    assert parse("k", {"log_uniform": [1e-4, 1]}) == Space("log_uniform", 1e-4, 1.0)
    assert parse("k", {"uniform": [-1, 0.5]}) == Space("uniform", -1.0, 0.5)
    assert parse("k", {"int_uniform": [0, 3]}) == Space("int_uniform", 0, 3)
    assert parse("k", {"log_int_uniform": [1, 64]}) == Space("log_int_uniform", 1, 64)
    assert parse("k", {"choice": [1, "a", [2, 3], None]}) == Space("choice", choices=(1, "a", [2, 3], None))


def test_split_takes_spaces_out_of_a_list_of_named_settings() -> None:
    constant, found = split("penalty", ["r1", {"name": "r2", "weight": {"uniform": [0, 1]}}])
    assert constant == ["r1", {"name": "r2"}]
    assert found == {"r2.weight": Space("uniform", 0.0, 1.0)}
    assert split("hidden", [8, 16]) == ([8, 16], {})
    with pytest.raises(ConfigError, match=r"penalty\.r2\.weight\.uniform: expected low < high, got \[1, 0\]"):
        split("penalty", [{"name": "r2", "weight": {"uniform": [1, 0]}}])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.1, "k: expected a space, {log_uniform"),
        ([1, 2], "k: expected a space"),
        ({}, "k: expected a space"),
        ({"log_unifrom": [1, 2]}, "(the nearest is 'log_uniform')"),
        ({"loguniform": [1, 2]}, "(the nearest is 'log_uniform')"),
        ({"uniform_int": [1, 2]}, "(the nearest is 'int_uniform')"),
        ({"intuniform": [1, 2]}, "(the nearest is 'int_uniform')"),
        ({"integer": [1, 2]}, "(the nearest is 'int_uniform')"),
        ({"randint": [1, 2]}, "(the nearest is 'int_uniform')"),
        ({"int_unifrom": [1, 2]}, "(the nearest is 'int_uniform')"),
        ({"int_log_uniform": [1, 2]}, "(the nearest is 'log_int_uniform')"),
        ({"log_uniform_int": [1, 2]}, "(the nearest is 'log_int_uniform')"),
        ({"categorical": [1, 2]}, "(the nearest is 'choice')"),
        ({"one-of": [1, 2]}, "(the nearest is 'choice')"),
        ({"reciprocal": [1, 2]}, "(the nearest is 'log_uniform')"),
        ({"low": 1, "high": 2}, "or {choice: [a, b]}, got {'low': 1, 'high': 2}"),
        ({"uniform": [0, 1], "choice": [1]}, "k: expected one of log_uniform, uniform, int_uniform"),
        ({"uniform": [1, 0]}, "k.uniform: expected low < high, got [1, 0]"),
        ({"uniform": [1, 1]}, "k.uniform: expected low < high, got [1, 1]"),
        ({"uniform": [1]}, "k.uniform: expected [low, high], two numbers, got [1]"),
        ({"uniform": "01"}, "k.uniform: expected [low, high], two numbers, got '01'"),
        ({"uniform": [0, "1e-4"]}, "k.uniform: expected [low, high], two numbers"),
        ({"uniform": [False, True]}, "k.uniform: expected [low, high], two numbers, got [false, true]"),
        ({"uniform": [0, float("inf")]}, "k.uniform: expected finite bounds"),
        ({"log_uniform": [0, 1]}, "k.log_uniform: expected a low bound above 0"),
        ({"log_int_uniform": [-1, 1]}, "k.log_int_uniform: expected a low bound above 0"),
        ({"int_uniform": [0.0, 1.0]}, "k.int_uniform: expected [low, high], two whole numbers, got [0.0, 1.0]"),
        ({"choice": []}, "k.choice: expected a list of at least one value, got []"),
        ({"choice": "ab"}, "k.choice: expected a list of at least one value, got 'ab'"),
        ({"choice": [1, 2, 1]}, "k.choice: expected each value once, got 1 and 1"),
        ({"choice": [1, 1.0]}, "k.choice: expected each value once, got 1 and 1.0"),
        ({"choice": [1, True]}, "k.choice: expected each value once, got 1 and true"),
        ({"choice": [None, 0, False]}, "k.choice: expected each value once, got 0 and false"),
        ({"choice": [[1, 2], [True, 2]]}, "k.choice: expected each value once, got [1, 2] and [true, 2]"),
        ({"choice": [{"uniform": [0, 1]}]}, "k.choice: expected values without search spaces inside"),
    ],
)
def test_spaces_that_make_no_sense_are_refused(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse("k", value)


def test_choices_are_named_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand of them were compared by a million names."""
    named: list[Any] = []
    monkeypatch.setattr(spaces, "text", lambda value: named.append(value) or str(value))
    parse("k", {"choice": list(range(100))})
    assert len(named) == 100


def test_split_takes_spaces_out_of_nested_settings() -> None:
    kept, found = split("g", {"kind": "mlp", "inner": {"a": {"uniform": [0, 1]}, "b": 2}, "c": {"choice": [1, 2]}})
    assert kept == {"kind": "mlp", "inner": {"b": 2}}
    assert found == {"inner.a": Space("uniform", 0.0, 1.0), "c": Space("choice", choices=(1, 2))}
    assert split("g", {"uniform": [0, 1]}) == (None, {"": Space("uniform", 0.0, 1.0)})
    assert split("g", [1, {"a": 2}]) == ([1, {"a": 2}], {})
    with pytest.raises(ConfigError, match=r"g\.inner\.a\.uniform: expected low < high"):
        split("g", {"inner": {"a": {"uniform": [1, 0]}}})


def test_split_refuses_a_mistyped_space_rather_than_take_it_for_a_setting() -> None:
    with pytest.raises(ConfigError, match=r"g\.rate: expected a space, .* \(the nearest is 'log_uniform'\), got"):
        split("g", {"rate": {"log_unifrom": [1e-4, 1e-2]}})
    assert split("g", {"hidden": [8], "range": [0, 1]}) == ({"hidden": [8], "range": [0, 1]}, {})
    assert split("g", {"hidden": [8]}) == ({"hidden": [8]}, {})


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("minimax", "minimax"),
        (1.0, "1"),
        (1e-5, "1e-05"),
        (-0.5, "-0.5"),
        (True, "true"),
        (None, "null"),
        ([128, 64], "128x64"),
        ({"name": "r1"}, "r1"),
        ({"name": "r1", "weight": 1.0}, "r1_1"),
        ({"name": "least_squares", "b": 1, "a": -1}, "least_squares_a=-1,b=1"),
        ({"kind": "mlp", "hidden": [32, 32]}, "mlp_32x32"),
        ({"module": "my_networks:Generator", "width": 64}, "my_networks.Generator_64"),
        ({"hidden": [32]}, "hidden=32"),
    ],
)
def test_values_have_readable_names(value: Any, name: str) -> None:
    assert text(value) == name


@pytest.mark.property
@given(
    st.recursive(
        st.text() | st.floats() | st.booleans() | st.none(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_names_are_short_safe_and_stable(value: Any) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.,=-]{0,40}", text(value))
    assert text(value) == text(value)


def test_names_that_had_to_be_cut_stay_apart() -> None:
    assert text("é") != text("è")
    assert text("x" * 50) != text("x" * 51)
    assert text("../etc/passwd").startswith(".._etc_passwd.")


@pytest.mark.property
@given(st.floats(0, 1, exclude_max=True))
def test_draws_lie_within_their_space(share: float) -> None:
    assert 1e-4 * (1 - 1e-9) <= Space("log_uniform", 1e-4, 1e-2).at(share) <= 1e-2 * (1 + 1e-9)
    assert -1 <= Space("uniform", -1, 3).at(share) <= 3
    assert Space("int_uniform", 1, 4).at(share) in (1, 2, 3, 4)
    assert Space("choice", choices=("a", "b")).at(share) in ("a", "b")


def test_draws_run_evenly_on_the_spaces_own_scale() -> None:
    assert Space("log_uniform", 1e-4, 1e-2).at(0.5) == pytest.approx(1e-3)
    assert Space("log_uniform", 5e-324, 1.0).at(0.5) > 0
    assert Space("uniform", 0.0, 1.0).at(0.25) == 0.25
    assert [Space("choice", choices=(1, 2, 5)).at(s) for s in (0.0, 0.4, 0.99)] == [1, 2, 5]


def test_choices_that_are_no_scalars_are_drawn_by_name() -> None:
    space = Space("choice", choices=([32], {"name": "r1", "weight": 1.0}, 3))
    assert space.options == ("32", "r1_1", 3)
    assert [space.value(option) for option in space.options] == list(space.choices)
    assert Space("uniform", 0.0, 1.0).value(0.3) == 0.3


def test_spaces_are_shown_as_a_reader_writes_them() -> None:
    assert str(Space("log_uniform", 1e-4, 1e-2)) == "0.0001 … 0.01 log"
    assert str(Space("log_int_uniform", 1, 64)) == "1 … 64 log int"
    assert str(Space("uniform", 0.0, 0.9)) == "0 … 0.9"
    assert str(Space("choice", choices=(1, [2, 3]))) == "1 | 2x3"
