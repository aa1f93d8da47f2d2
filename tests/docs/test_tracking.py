"""What docs/tracking.md says to search for is taken by MLflow, and finds something in a real store."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.ledger.entries import Ended, Result, Session
from study.ledger.journal import Journal
from study.ledger.ledger import entries
from study.search.trials import search_trial
from study.tracking import local
from study.tracking.cursor import Cursor
from study.tracking.environment import prepare
from study.tracking.mlflow_study import MlflowStudy

PAGE = Path(__file__).parents[2] / "docs" / "tracking.md"
DATA = {"name": "ring", "digest": "ab" * 16, "origin": "ring", "train": 100, "heldout": 10, "shape": [2]}
CONFIG: dict[str, Any] = {
    "study": "rings",
    "data": "ring",
    "budget": {"steps": 20, "evaluations": 2, "batch_size": 8},
    "scientific": {"objective": ["hinge", "wasserstein"]},
    "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "penalty": {"name": "r1", "weight": {"choice": [1]}}},
    "fixed": {"critic": {"hidden": [8]}},
    "search": {"trials_per_arm": 2, "metric": "mass_js"},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A study of one arm with two trials, one of them failed, in MLflow: the client, and the experiment."""
    prepare()
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("tracked")
    plan = loading.build(CONFIG)
    journal = Journal.open(folder)
    journal.append(Session(config=plan.config.resolved(), data=DATA))
    for index in (0, 1):
        drawn = {"generator_lr": 1e-3, "penalty.weight": 1}
        plan_of = replace(search_trial(plan.config, plan.arms[0], index, drawn), seeds=[0, 1, 2])
        key: dict[str, Any] = {"phase": "search", "arm": "hinge", "index": index}
        scored = {"fid": [0.5, 0.75, math.nan], "mass_js": [0.05, 0.06, math.nan]}
        outcomes = ["converged", "converged", "diverged"]
        ended = {"status": "completed", "outcomes": outcomes, "scores": [*scored["mass_js"][:2], None]}
        if index:
            ended = {"status": "failed", "outcomes": ["failed"] * 3, "message": "no memory"}
        columns = {**scored, "diverged": [False, False, True]}
        journal.append(plan_of, Result(**key, seeds=[0, 1, 2], step=20, wall_time=1.0, columns=columns))
        journal.append(Ended(**key, **ended))
    journal.close()
    study = MlflowStudy(folder, "rings", None)
    cursor = study.log(study.connect(Cursor("")), list(entries(folder)))
    study.end(replace(cursor, owed="FINISHED"))
    client = MlflowClient(local.database_uri(folder))
    return client, client.get_experiment_by_name("rings").experiment_id


def searches() -> list[str]:
    """The first cell of each row of the page's table, less the signs of code."""
    section = PAGE.read_text(encoding="utf-8").split("## What to search for")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_the_page_has_searches() -> None:
    assert "metrics.fid < 1 and tags.level = 'trial'" in searches()
    assert len(searches()) >= 10


@pytest.mark.parametrize("condition", searches())
def test_each_search_finds_runs(store: Any, condition: str) -> None:
    client, experiment = store
    found = client.search_runs([experiment], condition)
    assert found
    levels = {run.data.tags["level"] for run in found}
    level = re.search(r"tags\.level = '(\w+)'", condition)
    assert level is None or levels == {level[1]}


def test_what_is_searched_within_a_choice_is_found_too(store: Any) -> None:
    client, experiment = store
    assert len(client.search_runs([experiment], "params.`penalty.weight` = '1' and params.penalty = 'r1'")) == 2
