"""What is said of a key that there is not: the key that is probably meant, wherever in a configuration it stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields

from study.config.messages import LONGEST, see
from study.config.schema import StudyConfig
from study.config.sections import Section
from trainables import checks
from trainables.data import DATASETS
from trainables.metrics import evaluator
from trainables.networks.architecture import COMMON, OF_KIND
from trainables.objectives import OBJECTIVES
from trainables.penalties import PENALTIES
from trainables.spec import HYPERPARAMETERS
from trainables.usual_names import called

# The batch size is a stabiliser like any other although it usually stands in the budget.
KEYS = tuple(dict.fromkeys((*HYPERPARAMETERS, "batch_size")))
SETTINGS = ("scientific", "nuisance", "fixed")  # the sections of hyperparameters
MAPPED: Mapping[str, Collection[str]] = {"objective": OBJECTIVES, "penalty": PENALTIES}
LISTS = {"objective": "objectives", "penalty": "penalties"}  # where docs/names.md has them
SURELY, HARDLY = 0.8, 0.4  # how alike two words are, by `difflib`'s ratio


def unknown(section: Sequence[str], key: str, valid: Sequence[str]) -> str:
    """The end of a message about a key that is none of the `valid` ones of a section: what is probably meant, and where
    it is explained.

    That is, in this order: a mapping written with dots; one of the valid keys by the name that it has elsewhere, or
    mistyped; a key of another section, likewise; the valid key most like it.
    """
    if (nested := _nested(section, key)) is not None:
        return nested
    if list(section) == ["scientific"] and key.lower() == "name":
        return (
            f"entries of a list may have a 'name'{see('configuration.md#arms-that-differ-in-several-hyperparameters')}"
        )
    here = called(key, valid) or checks.likely(key[:LONGEST], valid, SURELY)
    if not here and (elsewhere := _elsewhere(key)):
        return f"{_keys(elsewhere)}{_page(elsewhere[0])}"
    every = ", ".join(valid)
    if not (near := here or checks.likely(key[:LONGEST], valid, HARDLY)):
        return f"expected one of {every}{_page('.'.join(section))}"
    return f"{_keys(near)}{'' if here else f', of {every}'}{_page('.'.join([*section, near[0]]))}"


def page_of(message: str) -> str:
    """Where to read on about what a message begins with, as `penalty r1.lambda: …`; empty for what has no place."""
    match = re.match(r"(?:(?:scientific|nuisance|fixed)\.)?([a-z_0-9]+)(?: ([a-z_0-9]+))?[.:]", message)
    key, name = match.groups() if match else ("", None)
    if key in MAPPED:
        return see(f"names.md#{key}.{name}" if name in MAPPED[key] else f"names.md#{LISTS[key]}")
    return see(f"configuration.md#fixed.{key}") if key in HYPERPARAMETERS else ""


def _keys(found: Sequence[str]) -> str:
    which = "keys are" if len(found) > 1 else "key is"
    anywhere = ", or below nuisance or scientific" if found[0].startswith("fixed.") else ""
    return f"the nearest valid {which} {' and '.join(repr(one) for one in found)}{anywhere}"


def _page(path: str) -> str:
    """Where a key is explained; those of the study itself stand below its name."""
    first, _, rest = path.partition(".")
    if not path:
        return see("configuration.md#the-study")
    if first == "data" and rest:
        return see("names.md#data-sets")
    if first in ("generator", "critic") and rest:
        return see(f"configuration.md#networks.{rest}")
    if first in SETTINGS:
        return see(f"configuration.md#fixed.{rest}" if rest in HYPERPARAMETERS else "configuration.md#hyperparameters")
    if first == "penalty":
        return see("names.md#penalties")
    return see(f"configuration.md#{path if rest else f'study.{path}'}")


def _nested(section: Sequence[str], key: str) -> str | None:
    """How a key written with dots, or a setting of an objective or a penalty beside it, is written in YAML."""
    first, _, rest = key.partition(".")
    for name, rows in MAPPED.items():
        if first in rows and (rest or section):
            return f"expected {name}: {{name: {first}, {f'{rest}: ' if rest else ''}…}}, which names the {name}"
    if rest and first in (*StudyConfig.model_fields, *KEYS):
        inner = rest.replace(".", ": {") + ": …" + "}" * rest.count(".")
        return f"expected {first}: {{{inner}}}, as keys with dots are for --set alone"
    return None


def _elsewhere(key: str) -> list[str]:
    """The keys of a configuration, sections before them, that a key is, is called elsewhere, or is mistyped."""
    places = _places()
    near = [key] if key in places else called(key, places) or checks.likely(key[:LONGEST], places, SURELY)
    return [path for name in near for path in places[name]]


def _places() -> dict[str, list[str]]:
    """Where every key of a configuration stands, the likeliest place of several."""
    found: dict[str, list[str]] = {}
    for name, field in StudyConfig.model_fields.items():
        found[name] = [name]
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            for key in inner.model_fields:
                found.setdefault(key, [f"{name}.{key}"])
    for key in HYPERPARAMETERS:
        found.setdefault(key, [f"fixed.{key}"])
    for setting in fields(evaluator.Settings):
        found.setdefault(setting.name, [f"evaluation.{setting.name}"])
    for key in (setting for row in PENALTIES.values() for setting in row.settings):
        found.setdefault(key, [f"penalty.{key}"])
    for key in (setting for kind in (COMMON, *OF_KIND.values(), ("activation",)) for setting in kind):
        found.setdefault(key, [f"generator.{key}", f"critic.{key}"])
    for key in (setting.name for name, kind in DATASETS.items() if name != "dirac" for setting in fields(kind)):
        found.setdefault(key, [f"data.{key}"])
    del found["name"]  # of every mapping
    return found
