from __future__ import annotations

from pathlib import Path

import pytest

from study.config.messages import ConfigError
from study.config.reading import read


def test_overrides_are_put_in_their_places(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("study: a\nbudget: {steps: 10}\n", encoding="utf-8")
    assert read(file) == {"study": "a", "budget": {"steps": 10}}
    assert read(file, ["budget.steps=20", "search.trials_per_arm=3"]) == {
        "study": "a",
        "budget": {"steps": 20},
        "search": {"trials_per_arm": 3},
    }


def test_what_is_no_mapping_is_refused_with_the_keys_that_there_are(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("- study\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"study\.yaml: expected a mapping with the keys study, data, budget, .*, got"
    ):
        read(file)
    with pytest.raises(ConfigError, match=r"elsewhere\.yaml: expected a YAML file, got nothing there"):
        read(tmp_path / "elsewhere.yaml")
