from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from analysis.results.thresholds import EARLIER, Thresholds
from study.config import loading
from study.ledger.entries import Floor, Planned, Session
from study.record.outline import outline_of


def planned(arm: str, **config: Any) -> Planned:
    return Planned(phase="search", arm=arm, index=0, config=config, spec={"batch_size": 8}, seeds=[0])


def test_what_all_trials_share_is_known_before_the_first_is_written(tmp_path: Path) -> None:
    session = Session(config={"study": "rings", "outcomes": {"factor": 2.0}})
    entries = [session, Floor(values={"fid": 0.1}), planned("a", lr=1e-3, steps=1), planned("b", lr=1, name="x")]
    outline = outline_of(tmp_path, entries)
    assert (outline.study, outline.thresholds.factor, outline.state.floor) == ("rings", 2.0, {"fid": 0.1})
    assert outline.config == {"lr": "float64", "steps": "int64", "name": "category", "batch_size": "int64"}
    assert outline.searched == {"a": ["lr", "steps"], "b": ["lr", "name"]}
    assert not outline.state.earlier_rule


def test_one_session_under_the_earlier_rule_makes_it_a_study_of_that_rule(tmp_path: Path) -> None:
    begun = Session(config={"study": "rings", "outcomes": dict.fromkeys(EARLIER, 0.5)})
    resumed = Session(config={"study": "rings", "outcomes": asdict(Thresholds())})
    assert outline_of(tmp_path, [begun, resumed]).state.earlier_rule
    assert not outline_of(tmp_path, [resumed]).state.earlier_rule


@pytest.mark.parametrize(
    "recorded",
    [
        {},
        {"outcomes": {"swing": "much"}},
        {"search": {"metric": "beauty"}},
        {"budget": {"equal": {"name": "time"}}},
        {"budget": 20},
    ],
)
def test_a_configuration_of_no_use_gives_way_to_that_of_study_yaml(
    tmp_path: Path, recorded: dict[str, Any], tiny: Any
) -> None:
    config = tiny().config
    loading.write(config, tmp_path / loading.STUDY_FILE)
    assert outline_of(tmp_path, [Session(config=recorded)]).state.config == config.resolved()


def test_a_study_without_any_configuration_is_named_after_its_folder(tmp_path: Path) -> None:
    outline = outline_of(tmp_path, [])
    assert (outline.study, outline.thresholds) == (tmp_path.name, Thresholds())


def test_what_arms_choose_and_search_is_the_configurations(tmp_path: Path, tiny: Any) -> None:
    entries = [{"name": "sn", "penalty": "spectral_norm", "critic_lr": {"log_uniform": [1e-4, 1e-2]}}, {"model": "vae"}]
    config = tiny(scientific=entries).config
    found = outline_of(tmp_path, [Session(config=config.resolved())]).arms
    assert found["sn"]["chosen"] == ["penalty", "critic_lr"]
    assert found["sn"]["space"]["critic_lr"] == "0.0001 … 0.01 log"
    assert (found["vae"]["chosen"], "objective" in found["vae"]["without"]) == (["model"], True)
    assert outline_of(tmp_path, [Session(config={"study": "rings", "scientific": 3})]).arms == {}
