"""A trial's settings as its configuration nests them, from the columns `config.*` of trials.parquet.

The columns hold a trial's whole specification, flat and dotted. They show a null as an absent setting; the two mean the
same, as a null is always a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.results.design import PREFIX

Scalar = str | int | float | None


def configuration(trial: Mapping[Any, Any]) -> dict[str, Scalar]:
    """The settings of a row of trials.parquet by dotted name, nulls left out."""
    return {
        str(name).removeprefix(PREFIX): value
        for name, value in trial.items()
        if str(name).startswith(PREFIX) and not pd.isna(value)
    }


def nested(flat: Mapping[str, Scalar]) -> dict[str, Any]:
    """Dotted settings as mappings within one another, what names each first; lists from their JSON texts.

    The text that stands for a mapping that was drawn (`penalty` beside `penalty.name`) is left out.
    """
    tree: dict[str, Any] = {}
    for name in sorted(flat, key=lambda name: (name.split(".")[-1] not in ("name", "kind", "module"), name)):
        if any(other.startswith(f"{name}.") for other in flat):
            continue
        *parents, last = name.split(".")
        inner = tree
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = _value(flat[name])
    return {key: _several(value) for key, value in tree.items()}


def _several(value: Any) -> Any:
    """The list that a mapping of names to what bears them stands for, as the record has several penalties."""
    if isinstance(value, dict) and value and all(isinstance(v, dict) and v.get("name") == k for k, v in value.items()):
        return list(value.values())
    return value


def _value(value: Scalar) -> Any:
    """A list for a text that is one in JSON, as the record writes lists."""
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
