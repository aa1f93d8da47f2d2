"""Nested settings under dotted keys: `{"penalty": {"name": "r1"}}` has the leaf `penalty.name`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def leaves(values: Mapping[str, Any], prefix: str = "", empty: bool = False) -> Iterator[tuple[str, Any]]:
    """Dotted keys, each after `prefix`, with their values in order; with `empty` an empty mapping is a value too."""
    for name, value in values.items():
        if isinstance(value, Mapping) and (value or not empty):
            yield from leaves(value, f"{prefix}{name}.", empty)
        else:
            yield prefix + name, value
