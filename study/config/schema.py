"""A study's configuration as one type, strict and frozen, made of `study.config.sections`.

What the types alone cannot say is in `study.config.rules`; `study.config.loading` brings both together.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from analysis.results.thresholds import EARLIER, Thresholds, is_earlier
from study.config.messages import LONGEST, see, shown
from study.config.sections import (
    Budget,
    Confirm,
    Keep,
    Resources,
    Scheduler,
    Search,
    Section,
    Tracking,
    unnamed,
)
from study.config.spaces import is_space
from trainables import checks

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"  # of a study
TITLE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"  # of an entry


def _named(value: Any) -> Any:
    """`asha` and `{name: asha}` are the same, and null is `none`."""
    return {"name": value or "none"} if value is None or isinstance(value, str) else value


def _kept(value: Any) -> Any:
    """`all` and `{generators: all}` are the same, and null is `none`."""
    return {"generators": value or "none"} if value is None or isinstance(value, str) else value


def _thresholds(value: Any) -> Thresholds:
    """Thresholds from a mapping; their names, types and ranges are declared by the dataclass alone.

    What a study under the earlier rule wrote out becomes the present defaults.
    """
    if isinstance(value, Thresholds):
        return value
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, got {shown(value)}")
    if is_earlier(value):
        return Thresholds()
    known = [field.name for field in fields(Thresholds)]
    for key, given in value.items():
        if key in EARLIER.difference(known):
            raise ValueError(
                f"outcomes.{key}: unknown key; it belonged to the earlier rule of outcomes. The present keys, which"
                f" `ganstudy docs outcomes` explains, are {', '.join(known)}"
            )
        if key not in known:
            near = checks.likely(key[:LONGEST], known)
            meant = f"the nearest valid key is '{near[0]}'" if near else f"expected one of {', '.join(known)}"
            page = see(f"configuration.md#{f'outcomes.{near[0]}' if near else 'study.outcomes'}")
            raise ValueError(f"outcomes.{key}: unknown key; {meant}{page}")
        expected, kinds = ("a name or null", (str, type(None))) if key == "metric" else ("a number", (int, float))
        if isinstance(given, bool) or not isinstance(given, kinds):
            raise ValueError(f"outcomes.{key}: expected {expected}, got {shown(given)}")
    return Thresholds(**value)


def _scientific(value: Any) -> Any:
    """One entry, a mapping of lists, or a list of entries, each a mapping with or without a name of its own."""
    if isinstance(value, dict):
        for key, choices in value.items():
            if not isinstance(choices, (list, tuple)):
                raise ValueError(
                    f"scientific.{key}: expected a list of choices, got {shown(choices)}; what is the same in all arms"
                    " stands under fixed"
                )
        return {key: tuple(choices) for key, choices in value.items()}
    if not isinstance(value, (list, tuple)) or not value:
        page = see("configuration.md#arms-that-differ-in-several-hyperparameters")
        raise ValueError(
            f"scientific: expected a mapping of lists of choices, or a list of mappings, got {shown(value)}{page}"
        )
    titles: dict[str, int] = {}
    for number, entry in enumerate(value):
        path = f"scientific.{number}"
        if not isinstance(entry, dict):
            raise ValueError(f"{path}: expected a mapping, got {shown(entry)}")
        if not any(key == "name" or not is_space(choices) for key, choices in entry.items()):
            raise ValueError(f"{path}: expected a name or a choice, by which its arm is called, got {shown(entry)}")
        title = entry.get("name", "")
        if "name" in entry and not (isinstance(title, str) and re.fullmatch(TITLE, title)):
            raise ValueError(
                f"{path}.name: expected text of at most 40 letters, digits, '_', '-' and '.', a letter or digit first,"
                f" got {shown(title)}"
            )
        if title and titles.setdefault(title.casefold(), number) != number:
            raise ValueError(
                f"{path}.name: expected a name that entry {titles[title.casefold()]} has not, whatever its case,"
                f" got '{title}'"
            )
    return tuple(value)


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise ValueError(f"expected each once, got {shown(twice[0])} twice")
    return names


Plain = dict[str, Any]
Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_once)]


def _or_nothing(value: Any) -> Any:
    return {} if value is None or (value == 0 and value is not False) else value


class StudyConfig(Section):
    """One study, as its YAML file says it; `study.config.loading` also checks what the types alone cannot say.

    Attributes:
        study: the study's name, which names its folder and its run in MLflow: at most 64 letters, digits, `_`, `-` and
            `.`, a letter or digit first.
        data: the data set's name and its settings, `{name: ring, modes: 8}`; a name alone takes the defaults.
        budget: what every trial may spend.
        replicas (seeds): on how many each configuration is trained, all at once. Each seed is a replica.
        scientific: the question: for each hyperparameter the list of its choices, of which every combination is an arm;
            or a list of such mappings, entries, for arms that differ in several hyperparameters at once.
        nuisance: for each hyperparameter the space that every arm searches by itself.
        fixed: hyperparameters that are the same in all trials.
        evaluation: how samples are measured.
        measure: further measurements, by groups, or your own, as `module:function`.
        outcomes: the thresholds by which a replica is judged.
        search: how configurations are searched.
        scheduler: early stopping.
        confirm: what is trained again on fresh seeds.
        keep: whose trained generators are kept.
        resources: what a trial occupies, and where nodes share files.
        tracking: where MLflow's runs go.
    """

    study: str
    data: Annotated[Plain, BeforeValidator(unnamed)]
    budget: Budget
    replicas: int = Field(default=8, ge=1, le=4096)
    scientific: Annotated[dict[str, tuple[Any, ...]] | tuple[Plain, ...], BeforeValidator(_scientific)] = Field(
        default={}
    )
    nuisance: Plain = Field(default={})
    fixed: Plain = Field(default={})
    evaluation: Plain = Field(default={})
    measure: Names = ()
    outcomes: Annotated[Thresholds, BeforeValidator(_thresholds)] = Thresholds()
    search: Search = Search()
    scheduler: Annotated[Scheduler, BeforeValidator(_named)] = Scheduler()
    confirm: Annotated[Confirm, BeforeValidator(_or_nothing)] = Confirm()
    keep: Annotated[Keep, BeforeValidator(_kept)] = Keep()
    resources: Resources = Resources()
    tracking: Tracking = Tracking()

    @field_validator("study")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(NAME, value):
            raise ValueError(
                "expected at most 64 letters, digits, '_', '-' and '.', a letter or digit first,"
                f" as it names a folder, got {shown(value)}"
            )
        return value

    @property
    def entries(self) -> tuple[Plain, ...]:
        """What stands under `scientific`, one mapping or several, without their names."""
        if isinstance(self.scientific, dict):
            return (dict(self.scientific),)
        return tuple({key: value for key, value in one.items() if key != "name"} for one in self.scientific)

    @property
    def titles(self) -> tuple[str, ...]:
        """The name that each of `entries` gives itself, "" where it gives none."""
        return ("",) if isinstance(self.scientific, dict) else tuple(one.get("name", "") for one in self.scientific)

    def resolved(self) -> dict[str, Any]:
        """Plain data, every default written out, that `build` turns back into an equal configuration."""
        return self.model_dump(mode="json", warnings=False)  # of several metrics, which JSON has as a list
