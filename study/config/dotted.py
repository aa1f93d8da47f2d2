"""Nested settings under dotted keys: `{"penalty": {"name": "r1"}}` has the leaf `penalty.name`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def by_name(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec's settings with a list of several named mappings (its penalties) as a mapping by their names."""
    return {key: {item["name"]: item for item in value} if _all_named(value) else value for key, value in spec.items()}


def _all_named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "name" in one for one in value)


def leaves(values: Mapping[str, Any], prefix: str = "", empty: bool = False) -> Iterator[tuple[str, Any]]:
    """Dotted keys, each after `prefix`, with their values in order; with `empty` an empty mapping is a value too."""
    for name, value in values.items():
        if isinstance(value, Mapping) and (value or not empty):
            yield from leaves(value, f"{prefix}{name}.", empty)
        else:
            yield prefix + name, value


def root(name: str) -> str:
    """The setting that a dotted key is of or within."""
    return name.split(".")[0]
