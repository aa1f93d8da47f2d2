"""The page of names is built from the code's tables, so that it cannot drift from them."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from analysis.record.schema import OUTCOMES, QUALITY, TRAINING
from docs import build_names
from trainables.data import DATASETS
from trainables.metrics.columns import GROUPS
from trainables.metrics.feature_spaces import FEATURES
from trainables.networks.architecture import KINDS
from trainables.objectives import OBJECTIVES
from trainables.penalties import PENALTIES
from trainables.spec import MODELS

TABLES = {
    "data sets": [f"[`{name}`](#{name})" for name in DATASETS],
    "models": MODELS,
    "objectives": OBJECTIVES,
    "penalties": PENALTIES,
    "networks": KINDS["generator"],
    "measurements": [column.name for column in QUALITY],
    "signals": [column.name for column in TRAINING],
    "groups": GROUPS,
    "features": FEATURES,
    "outcomes": OUTCOMES,
}


@pytest.fixture(scope="module")
def built() -> str:
    return build_names.page()


def test_the_committed_page_is_the_built_one(built: str) -> None:
    assert build_names.PAGE.read_text(encoding="utf-8") == built, "run `python -m docs.build_names`"


@pytest.mark.parametrize("name", TABLES)
def test_every_name_has_a_row(name: str, built: str) -> None:
    rows = built.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0].strip().splitlines()[2:]
    firsts = [row.split(" | ")[0].strip("| ") for row in rows]
    assert [re.sub("<a .*</a>", "", first).strip("`") for first in firsts] == list(TABLES[name])
    anchored = [re.fullmatch(r'<a id="\w+\.(\w+)"></a>`(\w+)`', first) for first in firsts]
    assert all(match and match[1] == match[2] for match in anchored) or name == "data sets"  # sections of their own


def test_every_setting_of_every_data_set_is_explained(built: str) -> None:
    for name, kind in DATASETS.items():
        section = built.split(f"\n### {name}\n")[1].split("\n### ")[0].split("<!--")[0]
        explained = re.findall(r"</a>`(\w+)` \| .+ \| .+ \| [A-Z\d].+\. \|", section)
        assert sorted(explained) == sorted(field.name for field in fields(kind))


def test_measurements_say_when_they_are_made(built: str) -> None:
    when = dict(
        re.findall(
            r"^\| <a id=\"measurement\.\w+\"></a>`(\w+)` \| \S+ \| \w* +\| ([^|]*) \| .* \|$", built, re.MULTILINE
        )
    )
    assert when["fid"] == "always"
    assert when["mass_js"] == "mixtures"
    assert when["kid"] == "measure `kernel`"
    assert when["density_tv"] == "measure `divergences`, mixtures"
    assert when["label_fidelity"] == "`cgan` and `cyclegan`, classes told"
    assert when["critic_accuracy"] == "models `gan`, `cgan` and `cyclegan`"
    assert when["fid_back"] == "models `cyclegan`"
