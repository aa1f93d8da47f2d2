"""Turns a configuration's scientific choices into arms, and its nuisance entries into each arm's search space.

Every combination of the scientific choices is an arm (`study.config.combinations`). A choice that holds a space of its
own, `{name: clip, bound: {log_uniform: [1e-3, 1]}}`, adds `penalty.bound` to the nuisance hyperparameters of its arms
alone. What an arm chooses takes the place of the whole setting under `fixed` or `nuisance`; what it does not choose is
as it stands there or, where it does not, the default. Keys without meaning for an arm's model
(`trainables.spec.MEANINGLESS`) are left out, so that a model without a critic is one arm.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import astuple, dataclass, field
from typing import Any

from study.config.budget import within
from study.config.combinations import Combination, combinations, meaningless, place
from study.config.dotted import root
from study.config.messages import ConfigError, brief, see, shown
from study.config.own import locations
from study.config.schema import StudyConfig
from study.config.spaces import EXPECTED, Space, split
from study.config.suggestions import page_of
from trainables import data, objectives, own_code, penalties, precision, rehearsal
from trainables.data import transformations
from trainables.objectives import admission
from trainables.spec import ROLES, UNTRAINED, Spec

MOST_CORNERS = 64
MOST_WEIGHTS = 10**9  # of one network of one replica


@dataclass(frozen=True)
class Arm:
    """One combination of scientific choices.

    `choices` maps scientific keys to plain values, spaces taken out. `space` maps hyperparameters, or dotted
    settings within them, to what is searched in this arm: its own settings first, then the study's nuisance. `entry` is
    the place of the scientific entry that it is from, which is no part of what it is.
    """

    name: str
    choices: Mapping[str, Any]
    space: Mapping[str, Space]
    entry: int = field(default=0, compare=False)


def arms_of(config: StudyConfig) -> tuple[Arm, ...]:
    """The arms of a study in order. Raises `ConfigError`."""
    nuisance = _nuisance(config.nuisance)
    named: dict[str, Arm] = {}
    for one in combinations(config):
        arm = _arm(config, one, nuisance)
        other = named.setdefault(arm.name.casefold(), arm)
        if other != arm:
            several = "" if len(config.entries) == 1 else "; an entry may give its arms a name"
            raise ConfigError(
                f"scientific: expected combinations with names of their own, got '{arm.name}' for"
                f" {shown(dict(other.choices))} and {shown(dict(arm.choices))}{several}"
            )
        if other.entry != arm.entry:
            raise ConfigError(
                f"scientific: expected arms that differ, got {arm.name} from entry {other.entry} and again from entry"
                f" {arm.entry}"
            )
    return tuple(named.values())


def mistakable(arms: Iterable[Arm]) -> list[tuple[int, Arm, Arm]]:
    """Arms that are called as trials of another arm's repeat are (`study.ledger.entries.trial_id_of`), whose folders
    would be one: the repeat, the other arm and the arm; the lowest repeats first."""
    named = {arm.name.casefold(): arm for arm in arms}
    ends = {name: re.fullmatch(r"(.+)-r([1-9][0-9]*)", name) for name in named}
    found = [(int(end[2]), named[end[1]], named[name]) for name, end in ends.items() if end and end[1] in named]
    return sorted(found, key=lambda one: one[0])


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
    return deepcopy({key: value for key, value in settings.items() if key not in arm.space})


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
    """Build the specification and networks at the corners of every arm's space. Raises `ConfigError`, with a line for
    the first thing that is wrong with each arm; what is wrong with several stands there once.

    Pairs (f, g) are tried out, and own networks rehearsed; those in Python where this process may import them.
    """
    description = data.describe(**config.data)
    importing = own_code.allowed(locations(config))
    different: dict[str, Arm] = {}
    wrong: dict[str, str] = {}
    for arm in arms:
        for number, values in enumerate(corners(arm.space)):
            page = ""
            try:
                spec = spec_for(config, arm, values)
                if number == 0:
                    _check_spaces(spec, arm)
                    _check_different(arm, different.setdefault(trained(spec, arm.space), arm))
                _check_networks(spec, description)
                if not config.resources.gpu and spec.model not in UNTRAINED:
                    precision.require(spec.precision, "cpu")
                if importing or not own_code.is_location(spec.objective["name"]):
                    if spec.objective["name"] not in objectives.OBJECTIVES:
                        page = see("objectives.md#a-pair-of-your-own")
                    admission.require(spec.objective, spec.generator_loss, spec.pairing)
                if importing:
                    page = see("own_networks.md#what-is-promised-and-what-that-asks-of-a-module")
                    rehearsal.rehearse(spec, description.shape, description.classes)
            except (ValueError, TypeError, OverflowError) as error:
                said = brief(error)
                wrong.setdefault(said, f"{located(config, arm, said)}{page or page_of(said)}")
                break
    if wrong:
        raise ConfigError("\n".join(wrong.values()))


def of_one_pair(arm: Arm) -> bool:
    """Whether all trials of an arm have the same pair (f, g) and generator's loss, applied in the same way."""
    return not any(root(name) in ("objective", "generator_loss", "pairing") for name in arm.space)


def trained(spec: Spec, space: Mapping[str, Space]) -> str:
    """What a specification trains and its arm searches, whatever is written out: defaults filled in, in one order, and
    without what nothing reads."""
    plain = spec.to_dict() | {name: astuple(way) for name, way in spec.schedules.items()}
    plain["source"] = transformations.settled(spec.source)
    if spec.model != "dirac":
        found = [(row.name, {**values, "weight": None}) for row, values in penalties.resolve_all(spec.penalties)]
        plain["penalty"] = sorted((name, sorted(values.items())) for name, values in found)
    if not own_code.is_location(spec.objective["name"]):
        game = objectives.resolve(spec.objective, spec.generator_loss)
        row = game.objective  # by its formulas: minimax with the other loss is non_saturating
        pair = ["".join(str(formula).split()) for formula in (row.f, row.g)]
        plain |= {"objective": [pair, row.orientation, dict(game.parameters)], "generator_loss": game.loss_name}
    plain |= dict.fromkeys(spec.idle)
    same = json.loads(json.dumps(plain), parse_int=float)  # 1 is 1.0
    return json.dumps([same, repr(sorted(space.items()))], sort_keys=True)


def _check_spaces(spec: Spec, arm: Arm) -> None:
    """Refuse a range of an objective's number that goes over one that it cannot be: a draw near it would be refused."""
    row = objectives.OBJECTIVES.get(str(spec.objective["name"]))
    for name, space in arm.space.items():
        root, _, setting = name.partition(".")
        over = [one for one in row.excluded if space.low < one < space.high] if row and setting else []
        if root == "objective" and over:
            numbers = " and ".join(f"{one:g}" for one in over)
            raise ValueError(f"{name}: expected a range that does not go over {numbers}, got {space}")


def _check_different(arm: Arm, other: Arm) -> None:
    """Refuse an arm that trains and searches what another one does."""
    if arm is not other:
        raise ValueError(
            f"scientific: expected arms that differ, got {other.name} and {arm.name}, which train the same"
        )


def _check_networks(spec: Spec, description: data.Description) -> None:
    shape, classes, _ = description
    if spec.model == "cgan" and not classes:
        raise ValueError(f"model: expected gan, as {data.source(**spec.data).without_classes}, got cgan")
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


def _arm(config: StudyConfig, one: Combination, nuisance: Mapping[str, Space]) -> Arm:
    """The arm of a combination: what it does not choose itself of the study's nuisance is searched too."""
    own = {*meaningless(config, one.choices), *one.choices, *map(root, one.space)}
    searched = {key: space for key, space in nuisance.items() if root(key) not in own}
    return Arm(one.name, one.choices, {**one.space, **searched}, one.entry)


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


def _put(settings: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        if isinstance(settings.get(key), list):  # of several named mappings
            settings = {item["name"]: item for item in settings[key] if isinstance(item, dict)}
            continue
        if not isinstance(settings.get(key), dict):
            settings[key] = {}
        settings = settings[key]
    settings[path[-1]] = value


def located(config: StudyConfig, arm: Arm, message: str) -> str:
    """The message, prefixed with the section that holds the hyperparameter it begins with, and the arm's name; where
    another entry has that hyperparameter and the arm's own has not, what it falls back to."""
    match = re.match(r"[a-z_0-9]+", message)
    root = match.group() if match else ""
    if root in ("steps", "evaluations"):  # of no arm
        return f"budget.{message}"
    if root in config.entries[arm.entry]:
        return f"{place(config, arm.entry, message)} (arm {arm.name})"
    sections = {"nuisance": config.nuisance, "fixed": config.fixed, "budget": ("batch_size",)}
    section = next((name for name, keys in sections.items() if root in keys), "")
    left = any(root in entry for entry in config.entries)
    back = f", whose entry leaves {root} to {section or 'its default'}" if left else ""
    return f"{section}{'.' if section else ''}{message} (arm {arm.name}{back})"
