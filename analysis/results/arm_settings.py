"""What arms are: the hyperparameters in which they differ, and each arm's value of them in words.

Values are those of an arm's first trial; where the search draws one, the space that it draws from stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.results.design import varying
from analysis.results.selection import arms_in_order
from analysis.results.settings import configuration, nested
from analysis.wording import spelled

BESIDES = ("data", "steps", "evaluations", "evaluation", "measure", "bound")  # of a specification: no hyperparameters
SEARCHED = "searched"


@dataclass(frozen=True)
class ArmSettings:
    """One arm.

    Attributes:
        arm: its name; "study/arm" where studies are joined.
        values: in words, by hyperparameter; the same ones in every arm, in the order in which entries choose them, then
            by name. None where one is null or has no meaning for the arm's model.
    """

    arm: str
    values: Mapping[str, str | None]


def arm_settings(record: Record) -> tuple[ArmSettings, ...]:
    """Every arm whose trials' specifications the record has, in the order of their planning; without values where all
    are alike."""
    studies = {str(about.get("study")): about for about in studies_of(record.about)}
    found: dict[str, dict[str, str]] = {}
    order: dict[str, None] = {}
    for arm in arms_in_order(record.trials):
        rows = record.trials[record.trials["arm"] == arm].sort_values(["started", "index"], kind="stable")
        trial = rows.iloc[:1].to_dict("records")[0]
        about, name = studies.get(str(trial["study"]), {}), arm.removeprefix(f"{trial['study']}/")
        known = stated(about, "arms", {}).get(name, {})
        drawn = dict.fromkeys([*stated(about, "searched", {}).get(name, ()), *varying(rows)], "") | known.get(
            "space", {}
        )
        whole = nested(_with_spaces(configuration(trial), drawn))
        if "model" in whole:
            order |= dict.fromkeys(known.get("chosen", ()))
            without = (*BESIDES, *known.get("without", ()))
            said = (one for key, value in whole.items() if key not in without for one in _said(key, value))
            found[arm] = dict(said)
    every = dict.fromkeys([*order, *sorted({key for values in found.values() for key in values})])
    differ = [
        key for key in every if _differs({values.get(key) for values in found.values()}, key.split(".")[0] in order)
    ]
    return tuple(ArmSettings(arm, {key: values.get(key) for key in differ}) for arm, values in found.items())


def _differs(values: set[str | None], chosen: bool) -> bool:
    """Whether arms differ in a hyperparameter. Where none of them chooses it, an arm without a value is no other: its
    trials may be older than the setting."""
    return len(values if chosen else values - {None}) > 1


def _with_spaces(flat: Mapping[str, Any], drawn: Mapping[str, str]) -> dict[str, Any]:
    """Settings by dotted name with, in place of each that was drawn, the space that it was drawn from."""
    kept = {
        name: value
        for name, value in flat.items()
        if not any(name == one or name.startswith(f"{one}.") for one in drawn)
    }
    return kept | {name: f"{SEARCHED} {space}".rstrip() for name, space in drawn.items()}


def _said(key: str, value: Any) -> list[tuple[str, str]]:
    """A setting in words; of a mapping that bears no name, such as a network, each of its settings."""
    if isinstance(value, Mapping) and "name" not in value:
        return [(f"{key}.{inner}", spelled(one)) for inner, one in value.items()]
    return [(key, spelled(value))]
