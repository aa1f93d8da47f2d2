"""The combinations of a study's scientific choices, each with its name: what its arms are made of.

`scientific` is one entry, a mapping of hyperparameters to lists of choices, or a list of several entries. An entry
gives every combination of its lists, the last key varying fastest; several give theirs one after another, as
scikit-learn's `ParameterGrid` does. What an entry of a list has no list of, a single value or search space, holds for
all its combinations. A combination's name is made of its own values alone, whichever entry it is from, so that it does
not change when lists or entries are added; one of an entry with a `name` begins with that and goes on with those keys
of which the entry has several choices.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from study.config.messages import ConfigError, shown
from study.config.schema import StudyConfig
from study.config.spaces import Space, is_space, split, text
from trainables.spec import MEANINGLESS, Spec

MOST_ARMS = 2000
LONGEST_NAME = 120  # it names folders


@dataclass(frozen=True)
class Combination:
    """One choice for every key of an entry, less the keys that have no meaning for its model.

    Attributes:
        entry: the entry's place.
        name: of `[A-Za-z0-9_.,=-]`.
        choices: plain values by key, spaces taken out.
        space: by hyperparameter, or dotted setting within one, what the choices leave to be searched.
    """

    entry: int
    name: str
    choices: Mapping[str, Any]
    space: Mapping[str, Space]


@dataclass(frozen=True)
class _Choice:
    key: str
    name: str  # "" of a search space, by which nothing is chosen
    value: Any
    space: Mapping[str, Space]


def combinations(config: StudyConfig) -> Iterator[Combination]:
    """All combinations of a study in order, those that differ in keys without meaning for their model as often as they
    come up. Raises `ConfigError`."""
    sizes = [math.prod(len(value) for value in one.values() if _is_list(value)) for one in config.entries]
    if sum(sizes) > MOST_ARMS:
        raise ConfigError(f"scientific: expected at most {MOST_ARMS} combinations, got {sum(sizes)}")
    for number, (entry, title) in enumerate(zip(config.entries, config.titles, strict=True)):
        columns = [_column(place(config, number, key), key, choices) for key, choices in entry.items()]
        for chosen in itertools.product(*columns):
            yield _combination(config, number, entry, title, chosen)


def meaningless(config: StudyConfig, choices: Mapping[str, Any]) -> tuple[str, ...]:
    """The hyperparameters without meaning for the model that choices name or that is fixed."""
    model = choices.get("model", config.fixed.get("model", Spec.model))
    return MEANINGLESS.get(model, ()) if isinstance(model, str) else ()


def place(config: StudyConfig, entry: int, key: str) -> str:
    """Where a key of an entry stands: `scientific.objective`, or `scientific.0.objective` in a list of entries."""
    return f"scientific.{key}" if isinstance(config.scientific, dict) else f"scientific.{entry}.{key}"


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _column(path: str, key: str, choices: Any) -> list[_Choice]:
    if not _is_list(choices):
        return [_single(path, key, choices)]
    if not choices:
        raise ConfigError(f"{path}: expected a list of at least one choice, got []")
    column: dict[str, _Choice] = {}
    for index, given in enumerate(choices):
        if is_space(given):
            raise ConfigError(f"{path}.{index}: expected a choice, got the search space {shown(given)}")
        choice = _single(f"{path}.{index}", key, given)
        if choice.name in column:
            raise ConfigError(
                f"{path}: expected choices with names of their own, got '{choice.name}' for"
                f" {shown(choices[list(column).index(choice.name)])} and {shown(given)}"
            )
        column[choice.name] = choice
    return list(column.values())


def _single(path: str, key: str, given: Any) -> _Choice:
    value, found = split(path, given)
    return _Choice(
        key,
        "" if "" in found else text(value),
        value,
        {f"{key}.{rest}".rstrip("."): one for rest, one in found.items()},
    )


def _combination(
    config: StudyConfig, number: int, entry: Mapping[str, Any], title: str, chosen: tuple[_Choice, ...]
) -> Combination:
    """A combination of an entry, with its place and its title, which may be ""."""
    without = meaningless(config, {choice.key: choice.value for choice in chosen})
    chosen = tuple(choice for choice in chosen if choice.key not in without)
    several = [c for c in chosen if c.name and not (title and (not _is_list(entry[c.key]) or len(entry[c.key]) == 1))]
    parts = [c.name if _says_itself(c.value) else f"{c.key}={c.name}" for c in several]
    name = "-".join([*([title] if title else []), *parts]) or "single"
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z0-9_.,=-]+", name):
        raise ConfigError(f"scientific: expected arm names of at most {LONGEST_NAME} characters, got {shown(name)}")
    own = {key: space for choice in chosen for key, space in choice.space.items()}
    return Combination(number, name, {c.key: c.value for c in chosen if c.key not in own}, own)


def _says_itself(value: Any) -> bool:
    """Whether a choice's text says by itself what is chosen: a name, a mapping but for schedules, or a list of
    these."""
    if isinstance(value, list):
        return any(isinstance(item, (str, Mapping)) for item in value)
    return isinstance(value, (str, Mapping)) and "from" not in value
