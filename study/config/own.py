"""The user's own code in a configuration: every `module:attribute` that it names, as text; nothing is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from study.config.schema import StudyConfig
from trainables.own_code import is_location

SECTIONS = ("data", "scientific", "nuisance", "fixed", "evaluation", "measure")


def locations(config: StudyConfig) -> tuple[str, ...]:
    """The names of all own code in a configuration, each once."""
    return tuple(dict.fromkeys(name for section in SECTIONS for name in _within(getattr(config, section))))


def _within(value: Any) -> Iterator[str]:
    if is_location(value):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _within(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _within(inner)
