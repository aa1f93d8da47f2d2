from __future__ import annotations

import pytest

from docs.meanings import Meaning, about, code, filled, keys, listed, meanings


class Base:
    """What both share.

    Attributes:
        size (pixels): the side, a
            square's.
        name: of it.
    """


class Derived(Base):
    """A thing. It has
    two lines.

    Attributes:
        name: another; None is none.

    Raises:
        ValueError: never.
    """


def test_a_class_says_what_its_bases_say_unless_it_says_otherwise() -> None:
    assert meanings(Derived) == {
        "size": Meaning("the side, a square's.", "pixels"),
        "name": Meaning("another; null is none.", ""),
    }
    assert about(Derived) == "A thing. It has two lines."


def test_a_key_without_a_meaning_is_an_error() -> None:
    accepted, defaults = {"size": "whole number", "age": "number"}, {"size": "`1`", "age": "`2`"}
    table = keys("of.", {"size": accepted["size"]}, defaults, meanings(Derived))
    assert table[2] == '| <a id="of.size"></a>`size` | whole number (pixels) | `1` | The side, a square\'s. |'
    with pytest.raises(KeyError, match="age"):
        keys("of.", accepted, defaults, meanings(Derived))


def test_values_stand_as_yaml_has_them() -> None:
    values = [None, True, 1.0, 1e-3, [1, [2.5]], {"a": None}]
    assert [code(value) for value in values] == ["`null`", "`true`", "`1`", "`0.001`", "`[1, [2.5]]`", "`{a: null}`"]
    assert listed(["a"]) == "`a`"
    assert listed("abc", "and") == "`a`, `b` and `c`"


def test_tables_are_put_between_their_marks_again_and_again() -> None:
    page = "before\n\n<!-- one -->\n\nold\n\n<!-- end of one -->\n\nafter\n"
    new = filled(page, {"one": ["| a |", "|---|", ""]})
    assert new == "before\n\n<!-- one -->\n\n| a |\n|---|\n\n<!-- end of one -->\n\nafter\n"
    assert filled(new, {"one": ["| a |", "|---|", ""]}) == new
