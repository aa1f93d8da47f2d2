"""From a file to a checked study: read, override, check everything that needs no training, and write back.

Whatever is wrong is a `ConfigError` whose lines each name a key, what was expected and what was got.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analysis.results.thresholds import is_earlier
from study.atomic_write import atomic_write
from study.config import rules, strict_yaml
from study.config.arms import arms_of
from study.config.combinations import meaningless
from study.config.messages import LONGEST, ConfigError, shown
from study.config.plan import StudyPlan
from study.config.reading import read
from study.config.schema import StudyConfig
from study.config.sections import Section
from study.config.suggestions import unknown

STUDY_FILE = "study.yaml"  # the resolved configuration in a study's folder
MOST_PROBLEMS = 8  # shown at once


def load(path: str | Path, overrides: Sequence[str] = ()) -> StudyPlan:
    """Read a configuration file, put each `key.path=value` of `overrides` in its place, and check all of it.

    Raises `ConfigError`; of the file of a study that has begun, which ganstudy wrote itself, it also says whose it may
    be where its keys and types are not those of this version.
    """
    values, begun = read(path, overrides), Path(path).name == STUDY_FILE and Path(path).with_name("ledger").is_dir()
    try:
        config = typed(values)
    except ConfigError as error:
        if overrides or not begun:
            raise
        said = "another version of ganstudy wrote it, which can go on with it, or it was edited"
        raise ConfigError(f"{path}: {error}; {said}") from None
    return _settled(config, values)


def build(values: Mapping[str, Any]) -> StudyPlan:
    """The study whose configuration is given as plain data. Raises `ConfigError`."""
    return _settled(typed(values), values)


def _settled(config: StudyConfig, values: Mapping[str, Any]) -> StudyPlan:
    """The study of a configuration, with what of its `values` is replaced."""
    outcomes = values.get("outcomes")
    replaced = sorted(outcomes) if isinstance(outcomes, dict) and is_earlier(outcomes) else ()
    return replace(rules.settled(config), replaced=tuple(replaced))


def arms(config: StudyConfig) -> dict[str, dict[str, Any]]:
    """What a record says of the arms of a configuration, by name: which hyperparameters are `chosen` by scientific
    entries, the `space` that is searched, as text, and what is `without` meaning for the model. Raises `ConfigError`.
    """
    found = {}
    for arm in arms_of(config):
        without = meaningless(config, arm.choices)
        chosen = [key for key in config.entries[arm.entry] if key not in without]
        space = {name: str(space) for name, space in arm.space.items()}
        found[arm.name] = {"chosen": chosen, "space": space, "without": list(without)}
    return found


def write(config: StudyConfig, path: Path) -> None:
    """Write the resolved configuration atomically, as YAML that `load` reads back to an equal study."""
    atomic_write(path, strict_yaml.dump(config.resolved()).encode())


def typed(values: Mapping[str, Any]) -> StudyConfig:
    """The configuration given as plain data, without the checks of `build` that concern several of its keys, the data
    set or the user's own code. Raises `ConfigError`."""
    strict_yaml.check(dict(values))
    try:
        return StudyConfig.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(_problems(error)) from None


def _problems(error: ValidationError) -> str:
    found = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    lines = [_problem(problem) for problem in found[:MOST_PROBLEMS]]
    return "\n".join([*lines, *([f"… and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else [])])


def _problem(problem: Mapping[str, Any]) -> str:
    """What pydantic found, as the key, what was expected and what was got."""
    *parents, key = problem["loc"]
    path, got = ".".join(str(part) for part in problem["loc"])[:LONGEST], shown(problem["input"])
    match problem["type"]:
        case "extra_forbidden":
            return f"{path}: unknown key; {unknown(parents, str(key), [*_section(parents).model_fields])}"
        case "missing":
            return f"{path}: expected a value, as it is required, got nothing"
        case "model_type":
            return f"{path}: expected a mapping with the keys {_listed(_section([*parents, key]))}, got {got}"
        case "value_error":
            message = str(problem["ctx"]["error"])
            return message if message.startswith(path) else f"{path}: {message}"
    expected = problem["msg"].replace("Input should be ", "").replace("a valid integer", "a whole number")
    for theirs, ours in (("a valid ", "a "), ("tuple", "list"), ("dictionary", "mapping")):
        expected = expected.replace(theirs, ours)
    return f"{path}: expected {expected}, got {got}"


def _section(path: Iterable[Any]) -> type[Section]:
    """The section that a path of keys leads to."""
    section: type[Section] = StudyConfig
    for key in path:
        annotation = section.model_fields[str(key)].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, Section)
        section = annotation
    return section


def _listed(section: type[Section]) -> str:
    return ", ".join(section.model_fields)
