"""Turns a configuration's scientific choices into arms, and its nuisance entries into each arm's search space.

Every combination of the scientific lists is an arm, in the order of the lists, the last key varying fastest. Its name
is made of the values of the scientific keys alone, so that it does not change when the lists grow. A choice that
holds a space of its own, `{name: clip, bound: {log_uniform: [1e-3, 1]}}`, adds `penalty.bound` to the nuisance
hyperparameters of its arms alone. Keys without meaning for an arm's model (`trainables.spec.MEANINGLESS`) are left out,
so that a model without a critic is one arm.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from study.config.budget import within
from study.config.messages import ConfigError, brief, see, shown
from study.config.own import locations
from study.config.schema import StudyConfig
from study.config.spaces import EXPECTED, Space, split, text
from trainables import data, objectives, own_code, penalties, precision, rehearsal
from trainables.objectives import own_pair
from trainables.spec import MEANINGLESS, ROLES, UNTRAINED, Spec

MOST_ARMS = 2000
LONGEST_NAME = 120  # it names folders
MOST_CORNERS = 64
MOST_WEIGHTS = 10**9  # of one network of one replica


@dataclass(frozen=True)
class Arm:
    """One combination of scientific choices.

    `choices` maps scientific keys to plain values, spaces taken out. `space` maps hyperparameters, or dotted
    settings within them, to what is searched in this arm: its own settings first, then the study's nuisance.
    """

    name: str
    choices: Mapping[str, Any]
    space: Mapping[str, Space]


def arms_of(config: StudyConfig) -> tuple[Arm, ...]:
    """The arms of a study in order. Raises `ConfigError`."""
    count = math.prod(len(choices) for choices in config.scientific.values())
    if count > MOST_ARMS:
        raise ConfigError(f"scientific: expected at most {MOST_ARMS} combinations, got {count}")
    nuisance = _nuisance(config.nuisance)
    columns = [_column(key, choices) for key, choices in config.scientific.items()]
    found = (_arm(combination, nuisance, config.fixed.get("model")) for combination in itertools.product(*columns))
    named: dict[str, Arm] = {}
    for arm in found:
        if arm.name.casefold() in named:
            other = named[arm.name.casefold()]
            if other == arm:
                continue
            raise ConfigError(
                f"scientific: expected combinations with names of their own, got '{arm.name}' for"
                f" {shown(dict(other.choices))} and {shown(dict(arm.choices))}"
            )
        named[arm.name.casefold()] = arm
    return tuple(named.values())


def constants_of(config: StudyConfig, arm: Arm) -> dict[str, Any]:
    """What is the same in all trials of an arm: hyperparameters, budget, data and evaluation, as `Spec`'s fields."""
    batch_size = config.budget.batch_size
    settings = {
        "data": config.data,
        "steps": config.budget.steps,
        "evaluations": config.budget.evaluations,
        "evaluation": config.evaluation,
        "measure": config.measure,
        **({} if batch_size is None else {"batch_size": batch_size}),
        **config.fixed,
        **_beside_spaces(config.nuisance),
        **arm.choices,
    }
    return deepcopy(settings)


def spec_for(config: StudyConfig, arm: Arm, values: Mapping[str, Any]) -> Spec:
    """The specification of a trial; `values` holds a draw for each entry of the arm's space.

    Its steps are what the budget allows it (`study.config.budget`). Raises `ValueError` or `TypeError` for an invalid
    combination.
    """
    if values.keys() != arm.space.keys():
        raise ValueError(f"arm {arm.name}: expected values for {sorted(arm.space)}, got {sorted(values)}")
    settings = constants_of(config, arm)
    for name, drawn in values.items():
        _put(settings, name.split("."), deepcopy(arm.space[name].value(drawn)))
    return within(config.budget, Spec.from_dict(settings))


def check_arms(config: StudyConfig, arms: tuple[Arm, ...]) -> None:
    """Build the specification and networks at the corners of every arm's space. Raises `ConfigError`.

    Own losses are tried out, and own networks rehearsed, where this process may import the user's code.
    """
    description = data.describe(**config.data)
    importing = own_code.allowed(locations(config))
    trained: dict[str, Arm] = {}
    for arm in arms:
        for number, values in enumerate(corners(arm.space)):
            page = ""
            try:
                spec = spec_for(config, arm, values)
                if number == 0:
                    _check_different(arm, trained.setdefault(_settled(spec, arm.space), arm))
                _check_networks(spec, description)
                if not config.resources.gpu and spec.model not in UNTRAINED:
                    precision.require(spec.precision, "cpu")
                if importing:
                    page = see("objectives.md#a-pair-of-your-own")
                    own_pair.try_out(spec.objective, spec.generator_loss, spec.pairing)
                    page = see("own_networks.md#what-is-promised-and-what-that-asks-of-a-module")
                    rehearsal.rehearse(spec, description.shape, description.classes)
            except (ValueError, TypeError, OverflowError) as error:
                raise ConfigError(f"{_located(config, brief(error))} (arm {arm.name}){page}") from None


def _settled(spec: Spec, space: Mapping[str, Space]) -> str:
    """What a specification trains and its arm searches, whatever is written out: defaults filled in, in one order."""
    plain = spec.to_dict() | {name: repr(way) for name, way in spec.schedules.items()}
    if spec.model != "dirac":
        found = [(row.name, {**values, "weight": None}) for row, values in penalties.resolve_all(spec.penalties)]
        plain["penalty"] = sorted((name, sorted(values.items())) for name, values in found)
    if "f" not in spec.objective and not own_code.is_location(spec.objective["name"]):
        game = objectives.resolve(spec.objective, spec.generator_loss)
        plain |= {"objective": [game.objective.name, dict(game.parameters)], "generator_loss": game.loss_name}
    return json.dumps([plain, repr(sorted(space.items()))], sort_keys=True)


def _check_different(arm: Arm, other: Arm) -> None:
    """Refuse an arm that trains and searches what another one does."""
    if arm is not other:
        raise ValueError(
            f"scientific: expected arms that differ, got {other.name} and {arm.name}, which train the same"
        )


def _check_networks(spec: Spec, description: data.Description) -> None:
    shape, classes, _ = description
    if spec.model == "cgan" and not classes:
        raise ValueError(f"model: expected gan on unlabelled data, got cgan on '{spec.data['name']}'")
    spec.check_samples(shape)
    for role in ROLES:
        if role in spec.own_networks:
            continue  # it is not known to be the user's to run
        size = spec.network(role, shape, classes).size
        if size > MOST_WEIGHTS:
            raise ValueError(f"{role}: expected at most {MOST_WEIGHTS:.0e} weights, got {size:.1e}")


def corners(space: Mapping[str, Space]) -> Iterator[dict[str, Any]]:
    """Yield draws: all low, all high, every other end in turn, and all combinations if at most `MOST_CORNERS`."""
    ends = {name: entry.ends if entry.numeric else entry.options for name, entry in space.items()}
    low = {name: values[0] for name, values in ends.items()}
    yield low
    yield {name: values[-1] for name, values in ends.items()}
    for name, values in ends.items():
        yield from ({**low, name: value} for value in values[1:])
    if math.prod(len(values) for values in ends.values()) <= MOST_CORNERS:
        yield from (dict(zip(ends, chosen, strict=True)) for chosen in itertools.product(*ends.values()))


@dataclass(frozen=True)
class _Choice:
    key: str
    name: str
    value: Any
    space: Mapping[str, Space]


def _column(key: str, choices: tuple[Any, ...]) -> list[_Choice]:
    if not choices:
        raise ConfigError(f"scientific.{key}: expected a list of at least one choice, got []")
    column: dict[str, _Choice] = {}
    for index, given in enumerate(choices):
        value, found = split(f"scientific.{key}.{index}", given)
        if "" in found:
            raise ConfigError(f"scientific.{key}.{index}: expected a choice, got the search space {shown(given)}")
        name = text(value)
        if name in column:
            raise ConfigError(
                f"scientific.{key}: expected choices with names of their own, got '{name}' for"
                f" {shown(choices[list(column).index(name)])} and {shown(given)}"
            )
        column[name] = _Choice(key, name, value, {f"{key}.{rest}": space for rest, space in found.items()})
    return list(column.values())


def _arm(combination: tuple[_Choice, ...], nuisance: Mapping[str, Space], model: Any) -> Arm:
    """The arm of a combination, less the keys its model ignores; `model` is the one under `fixed`, if any."""
    model = next((choice.value for choice in combination if choice.key == "model"), model or Spec.model)
    without = MEANINGLESS.get(model, ()) if isinstance(model, str) else ()
    combination = tuple(choice for choice in combination if choice.key not in without)
    parts = [c.name if _named(c.value) else f"{c.key}={c.name}" for c in combination]
    name = "-".join(parts) or "single"
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z0-9_.,=-]+", name):
        raise ConfigError(f"scientific: expected arm names of at most {LONGEST_NAME} characters, got {shown(name)}")
    own = {key: space for choice in combination for key, space in choice.space.items()}
    searched = {key: space for key, space in nuisance.items() if key.split(".")[0] not in without}
    return Arm(name, {choice.key: choice.value for choice in combination}, {**own, **searched})


def _nuisance(entries: Mapping[str, Any]) -> dict[str, Space]:
    spaces: dict[str, Space] = {}
    for key, value in entries.items():
        _, found = split(f"nuisance.{key}", value)
        if not found:
            raise ConfigError(f"nuisance.{key}: expected {EXPECTED}, got {shown(value)}")
        spaces |= {f"{key}.{rest}".rstrip("."): space for rest, space in found.items()}
    return spaces


def _beside_spaces(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The constant part of nuisance entries such as `{kind: mlp, batch_norm: {choice: …}}`."""
    split_entries = {key: split(f"nuisance.{key}", value) for key, value in entries.items()}
    return {key: constant for key, (constant, found) in split_entries.items() if "" not in found}


def _named(value: Any) -> bool:
    """Whether a choice's text says by itself what is chosen: a name, a mapping but for schedules, or a list of
    these."""
    if isinstance(value, list):
        return any(isinstance(item, (str, Mapping)) for item in value)
    return isinstance(value, (str, Mapping)) and "from" not in value


def _put(settings: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        if isinstance(settings.get(key), list):  # of several named mappings
            settings = {item["name"]: item for item in settings[key] if isinstance(item, dict)}
            continue
        if not isinstance(settings.get(key), dict):
            settings[key] = {}
        settings = settings[key]
    settings[path[-1]] = value


def _located(config: StudyConfig, message: str) -> str:
    """The message, prefixed with the section that holds the hyperparameter it begins with."""
    match = re.match(r"[a-z_0-9]+", message)
    root = match.group() if match else ""
    sections = {"scientific": config.scientific, "nuisance": config.nuisance, "fixed": config.fixed}
    for name, section in sections.items():
        if root in section:
            return f"{name}.{message}"
    return f"budget.{message}" if root in ("steps", "evaluations", "batch_size") else message
