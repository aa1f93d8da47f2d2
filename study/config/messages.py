"""`ConfigError`, raised for bad input, and how its message shows values and keys."""

from __future__ import annotations

from typing import Any

from trainables import checks

LONGEST = 120  # characters of a value shown in a message


class ConfigError(ValueError):
    """Bad input: the message names the key, what was expected and what was got."""


def shown(value: Any) -> str:
    """A value as a message shows it: on one line and short."""
    text = checks.shown(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def brief(message: object) -> str:
    """A message that quotes its input, cut where that is long."""
    text = str(message)
    return text if len(text) <= 4 * LONGEST else f"{text[: 4 * LONGEST - 1]}…"


def see(place: str) -> str:
    """The tail of a message whose reader needs more than a sentence: the command that shows a page of docs/, or the
    place on it; whoever has ganstudy has its pages."""
    return f" (see `ganstudy docs {place.replace('.md', '')}`)"
