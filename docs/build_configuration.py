"""`python -m docs.build_configuration`: the tables of docs/configuration.md, of every key of a configuration.

Types, ranges and defaults are those that a configuration is checked by; what a key means is said where it is declared.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from analysis.results import thresholds
from docs.meanings import about, code, filled, keys, listed, meanings, table, write
from study.config.schema import StudyConfig
from study.config.sections import Equal, Section
from study.config.spaces import KINDS
from trainables import schedules, spec
from trainables.augmentations import AUGMENTATIONS
from trainables.metrics import evaluator, measurements
from trainables.metrics.feature_spaces import FEATURES
from trainables.networks import architecture
from trainables.spec import HYPERPARAMETERS, MEANINGLESS, Spec

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
SECTIONS = ("budget", "search", "scheduler", "confirm", "keep", "resources", "tracking")  # that are models of their own
WORDS = {int: "whole number", float: "number", bool: "true or false", str: "text", tuple: "list", dict: "mapping"}
SPACES = {
    "log_uniform": ("`[low, high]`, numbers above 0", "uniform in the logarithm: for rates and weights"),
    "uniform": ("`[low, high]`, numbers", "uniform"),
    "int_uniform": ("`[low, high]`, whole numbers", "uniform over whole numbers, both ends included"),
    "log_int_uniform": ("`[low, high]`, whole numbers above 0", "the same, uniform in the logarithm"),
    "choice": ("a list of values", "one of them; a value may be a mapping"),
}


def page() -> str:
    """The page with its tables filled; the rest of it is written by hand."""
    sections = {name: field.annotation for name, field in StudyConfig.model_fields.items()}
    tables = {
        "study": _section(StudyConfig, "study."),
        "equal": _section(Equal, "budget.equal."),
        "spaces": table("space", "takes", "draws", rows=[(f"`{kind}`", *SPACES[kind]) for kind in KINDS]),
        "hyperparameters": _hyperparameters(),
        "schedules": _schedules(),
        "networks": _networks(),
        "evaluation": _evaluation(),
        "outcomes": _outcomes(),
        **{name: [about(sections[name]), "", *_section(sections[name], f"{name}.")] for name in SECTIONS},
    }
    return filled(PAGE.read_text(encoding="utf-8"), tables)


def _section(section: Any, prefix: str) -> list[str]:
    accepted = {name: _accepts(name, field.annotation, field.metadata) for name, field in section.model_fields.items()}
    defaults = {
        name: "required" if field.is_required() else _default(field.default)
        for name, field in section.model_fields.items()
    }
    return keys(prefix, accepted, defaults, meanings(section))


def _default(value: Any) -> str:
    return "its own" if isinstance(value, (Section, thresholds.Thresholds)) else code(value)


def _accepts(name: str, annotation: Any, metadata: Iterable[Any]) -> str:
    """What a field may be, in words."""
    origin = get_origin(annotation)
    if origin is Annotated:
        plain, *given = get_args(annotation)
        return _accepts(name, plain, [limit for one in given for limit in one.metadata])
    if origin is Literal:
        return listed(get_args(annotation))
    if origin in (Union, UnionType):
        parts = [_accepts(name, one, metadata) for one in get_args(annotation) if one is not type(None)]
        return " or ".join(parts) + (", or null" if type(None) in get_args(annotation) else "")
    if isinstance(annotation, type) and issubclass(annotation, (Section, thresholds.Thresholds)):
        return "mapping, [see below](#budget.equal.name)" if name == "equal" else f"mapping, [see below](#{name})"
    return WORDS[origin or annotation] + _range(metadata)


def _range(metadata: Iterable[Any]) -> str:
    found = {sign: getattr(one, sign) for one in metadata for sign in ("ge", "gt", "le", "lt") if hasattr(one, sign)}
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "to below"}
    return "".join(f" {words[sign]} {_number(limit)}" for sign, limit in found.items())


def _number(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


def _hyperparameters() -> list[str]:
    declared = {field.name: field for field in fields(Spec)}
    defaults = {name: code(_of_field(declared[name])) for name in HYPERPARAMETERS}
    said = meanings(Spec)
    for name in HYPERPARAMETERS:
        without = [model for model in MEANINGLESS if model not in ("oracle", "dirac") and name in MEANINGLESS[model]]
        if without:
            said[name] = said[name]._replace(
                words=f"{said[name].words.rstrip('.')}. Without meaning for {listed(without, 'and')}"
            )
    named = {
        "objective": "name or mapping",
        "penalty": "name, mapping, or list of these",
        "generator_loss": "name or formula",
        "augmentation": f"`none`, {listed(AUGMENTATIONS)}, or a list of these",
        "source": "name or mapping, [see below](#translations)",
    }
    accepted = {name: named.get(name) or _of_spec(name) for name in HYPERPARAMETERS}
    return keys("fixed.", accepted, defaults, said)


def _of_field(field: Any) -> Any:
    value = field.default if field.default is not MISSING else field.default_factory()
    return value["name"] if isinstance(value, dict) and value.keys() == {"name"} else value


def _of_spec(name: str) -> str:
    if name in spec.COUNTS:
        return f"whole number from {spec.COUNTS[name]}"
    if name in spec.CHOICES:
        return listed(spec.CHOICES[name])
    if name not in spec.NUMBERS:
        return "mapping, [see below](#networks)"
    high, closed = spec.NUMBERS[name]
    plain = f"number {'from' if closed == 'left' else 'above'} 0"
    plain += "" if high == float("inf") else f" to below {high:g}"
    return plain + (", or a [schedule](#schedules)" if name in spec.SCHEDULED else "")


def _schedules() -> list[str]:
    accepted = {
        "from": "as the setting's", "to": "as the setting's", "shape": listed(schedules.SHAPES),
        "warmup": "share from 0 to below 1", "until": "share above `warmup` to 1",
    }  # fmt: skip
    defaults = {"from": "required", "to": "`from`", **{name: code(value) for name, value in schedules.DEFAULTS.items()}}
    return keys("schedule.", accepted, defaults, meanings(schedules.settled, "Settings"))


def _networks() -> list[str]:
    said = meanings(architecture.settings, "Settings")
    defaults = {**{name: code(value) for name, value in architecture.COMMON.items()},
                **{name: code(value) for kind in architecture.OF_KIND.values() for name, value in kind.items()},
                "activation": listed(one["activation"] for one in architecture.DEFAULTS.values()),
                "pieces": code(architecture.PIECES), "init": "`null`", "gain": "`1`", "module": "`null`"}  # fmt: skip
    accepted = {
        "kind": listed(architecture.KINDS["generator"]),
        "hidden": f"list of whole numbers from 1, {architecture.DEEPEST} at most",
        "width": "whole number from 1", "depth": "whole number from 1",
        "activation": listed([*architecture.ACTIVATIONS, "maxout"]),
        "pieces": "whole number from 2", "batch_norm": "true or false", "weight_std": "number above 0, or null",
        "init": f"{listed(architecture.INITS)}, or null", "gain": "number above 0", "module": "`module:attribute`",
    }  # fmt: skip
    return keys("networks.", accepted, defaults, said)


def _evaluation() -> list[str]:
    defaults = {field.name: code(field.default) for field in fields(evaluator.Settings)}
    least = f"whole number from {2 * measurements.BLOCKS}, and above `neighbours`"
    accepted = {
        "samples": least, "features": f"{listed(FEATURES)}, or a mapping", "neighbours": "whole number from 1",
        "neighbour_samples": least, "weights": "path or null", "classifier": "path or null",
    }  # fmt: skip
    return keys("evaluation.", accepted, defaults, meanings(evaluator.Settings))


def _outcomes() -> list[str]:
    def accepts(name: str) -> str:
        if name == "metric":
            return "name of a measurement, or null"
        if name in thresholds.SHARES:
            return "share from 0 to 1"
        return f"number from {1 if name in thresholds.FACTORS else 0}"

    defaults = {field.name: code(field.default) for field in fields(thresholds.Thresholds)}
    return keys("outcomes.", {name: accepts(name) for name in defaults}, defaults, meanings(thresholds.Thresholds))


if __name__ == "__main__":
    sys.exit(write(PAGE, page()))
