from __future__ import annotations

from study.config.dotted import leaves

NESTED = {"a": 1, "b": {"c": [2], "d": {"e": None}}, "f": {}}


def test_leaves_have_dotted_keys_in_order() -> None:
    assert list(leaves(NESTED)) == [("a", 1), ("b.c", [2]), ("b.d.e", None)]


def test_a_prefix_stands_before_every_key_and_an_empty_mapping_may_count() -> None:
    assert list(leaves(NESTED, "x.", empty=True)) == [("x.a", 1), ("x.b.c", [2]), ("x.b.d.e", None), ("x.f", {})]
