"""What of a report or its tables is shown, as the commands report and export take it: arms, measurements, labels."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.report import Choice
from study.config import strict_yaml
from study.config.messages import ConfigError, shown

OPTIONS = ("arms", "metrics", "label", "labels")


def choice_of(options: Namespace) -> Choice:
    """What `--arms`, `--metrics`, `--label` and `--labels` choose; raises ConfigError for a label that is none, for
    no name where names are asked for, and for a file that cannot be read."""
    labels = {} if options.labels is None else _file(options.labels)
    given = dict.fromkeys(labels, f"labels: {options.labels}")
    for text in options.label:
        name, _, words = (part.strip() for part in text.partition("="))
        if not name or not words:
            raise ConfigError(f"--label: expected NAME=WORDS, got {shown(text)}")
        labels[name] = words
        given.pop(name, None)
    return Choice(_names("arms", options.arms), _names("metrics", options.metrics), labels, given)


@contextmanager
def refusing() -> Iterator[None]:
    """Within the block a choice that the record has nothing of is a ConfigError that names the option."""
    try:
        yield
    except ValueError as error:
        if str(error).partition(":")[0] not in OPTIONS:
            raise
        raise ConfigError(f"--{error}") from None


def _names(option: str, text: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    if text is not None and not names:
        raise ConfigError(f"--{option}: expected names with commas between them, got {shown(text)}")
    return names


def _file(path: Path) -> dict[str, str]:
    try:
        found = strict_yaml.read(path)
    except ConfigError as error:
        raise ConfigError(f"--labels: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(words, str) and words.strip() for words in found.values()):
        raise ConfigError(f"--labels: {path}: expected lines of NAME: WORDS, got {shown(found)}")
    return {name: words.strip() for name, words in found.items()}
