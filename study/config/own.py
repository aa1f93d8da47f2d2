"""What a configuration names that is not in it, as text: the user's own code, `module:attribute`, and places.
Nothing is imported or asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from study.config.schema import StudyConfig
from trainables.own_code import is_location

SECTIONS = ("data", "scientific", "nuisance", "fixed", "evaluation", "measure")


def locations(config: StudyConfig) -> tuple[str, ...]:
    """The names of all own code in a configuration, each once."""
    return tuple(dict.fromkeys(name for section in SECTIONS for name in _within(getattr(config, section))))


def places(config: StudyConfig) -> tuple[str, ...]:
    """The addresses and folders outside of its own that a study reads and writes."""
    return tuple(place for place in (config.tracking.uri, config.resources.storage) if place is not None)


def _within(value: Any) -> Iterator[str]:
    if is_location(value):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _within(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _within(inner)
