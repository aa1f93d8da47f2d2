"""The page of keys is built from the models that check a configuration; its examples are pieces of ones that pass."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from analysis.results.thresholds import Thresholds
from docs import build_configuration
from study.config import loading, strict_yaml
from study.config.messages import ConfigError
from study.config.schema import StudyConfig
from study.config.sections import Section
from study.config.spaces import KINDS
from trainables.metrics.evaluator import Settings
from trainables.spec import HYPERPARAMETERS

LEAST: dict[str, Any] = {"study": "example", "data": "ring", "budget": {"steps": 2000, "batch_size": 64}}
TEXT = build_configuration.PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def sections(model: type[Section], prefix: str = "") -> list[str]:
    """Every key of a model and of the models in it."""
    found = []
    for name, field in model.model_fields.items():
        found.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found += sections(field.annotation, f"{prefix}{name}.")
    return found


def test_the_committed_page_is_the_built_one() -> None:
    assert build_configuration.page() == TEXT, "run `python -m docs.build_configuration`"


def test_every_key_is_explained_once() -> None:
    explained = re.findall(r'<a id="([\w.]+)"></a>`\w+` \| \S.* \| \S+.* \| \S.*\. \|', TEXT)
    of_models = [name if "." in name else f"study.{name}" for name in sections(StudyConfig)]
    settings = [f"outcomes.{field.name}" for field in fields(Thresholds)]
    settings += [f"evaluation.{field.name}" for field in fields(Settings)]
    settings += [f"fixed.{name}" for name in HYPERPARAMETERS]
    assert sorted(name for name in explained if not name.startswith(("networks.", "schedule."))) == sorted(
        of_models + settings
    )
    assert all(f"| `{kind}` |" in TEXT for kind in KINDS)


def test_what_a_key_may_be_is_what_is_checked() -> None:
    said = dict(re.findall(r'<a id="([\w.]+)"></a>`\w+` \| ([^|]+) \|', TEXT))
    assert said["budget.steps"] == "whole number from 1 to 1,000,000,000 (generator updates)"
    assert said["resources.evaluation_limit"] == "number above 0 to 100,000,000, or null (seconds)"
    assert said["search.seed"] == "whole number from 0 to below 4,294,967,296"
    assert said["fixed.label_smoothing"] == "number from 0 to below 0.5"
    assert said["fixed.beta2"] == "number from 0 to below 1, or a [schedule](#schedules)"
    assert said["outcomes.swing"] == "number from 1"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split(":")[0])
def test_every_example_is_a_piece_of_a_configuration(example: str) -> None:
    whole = {**LEAST, **strict_yaml.parse(example, "example")}
    assert loading.build(whole).arms


def test_every_key_stands_in_an_example() -> None:
    given = {key for example in EXAMPLES for key in dotted(strict_yaml.parse(example, "example"))}
    settings = [f"outcomes.{field.name}" for field in fields(Thresholds)]
    settings += [f"evaluation.{field.name}" for field in fields(Settings)]
    settings += [f"networks.{name}" for name in ("kind", "hidden", "width", "depth", "pieces", "init", "gain")]
    for name in HYPERPARAMETERS:
        settings.append(next(f"{place}.{name}" for place in ("fixed", "scientific") if f"{place}.{name}" in given))
    without = {*sections(StudyConfig), *settings} - given
    assert not without, f"docs/configuration.md has no example of {', '.join(sorted(without))}"


def dotted(values: Any, prefix: str = "") -> list[str]:
    """The keys of a mapping and of the mappings in it; settings of either network are `networks.*`."""
    if not isinstance(values, dict):
        return []
    found = []
    for key, inner in values.items():
        found += [prefix + key, *dotted(inner, f"{prefix}{key}.")]
    return found + [re.sub(r"^fixed\.(generator|critic)\.", "networks.", key) for key in found]


def test_a_piece_that_is_wrong_would_be_refused() -> None:
    with pytest.raises(ConfigError, match=r"search\.lagg: unknown key"):
        loading.build({**LEAST, "search": {"lagg": 3}})
