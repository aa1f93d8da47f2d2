"""What follows from a study's newest session for its runs in MLflow."""

from __future__ import annotations

from pathlib import Path

import yaml

from analysis.colours import CYCLE
from study.config import loading
from study.ledger.entries import Session
from study.tracking.newest_session import NewestSession

CONFIG = loading.build(yaml.safe_load((Path(__file__).parents[2] / "tiny.yaml").read_text())).config.resolved()
DATA = {"name": "ring", "origin": "ring", "digest": "d" * 40, "train": 2000}


def test_before_the_first_session_nothing_follows() -> None:
    newest = NewestSession()
    assert (newest.plan, newest.data, newest.params("hinge"), newest.colour("hinge")) == (None, None, {}, {})


def test_the_newest_session_says_plan_data_params_and_colours() -> None:
    newest = NewestSession()
    newest.take(Session(config={**CONFIG, "scientific": {"objective": ["wasserstein"]}}))
    assert newest.plan is not None
    assert [arm.name for arm in newest.plan.arms] == ["wasserstein"]
    newest.take(Session(config=CONFIG, data=DATA))
    assert newest.colour("hinge") == {"mlflow.runColor": CYCLE[1]}
    assert newest.params("hinge")["objective"] == "hinge"
    assert newest.colour("wasserstein") == newest.params("wasserstein") == {}
    assert newest.data is not None
    assert (newest.data.dataset.name, newest.data.dataset.digest) == ("ring", "d" * 36)


def test_a_plan_that_this_version_cannot_read_is_none() -> None:
    newest = NewestSession()
    newest.take(Session(config={**CONFIG, "invented": 1}))
    assert (newest.plan, newest.params("hinge")) == (None, {})


def test_which_way_a_measurement_is_better_is_said_by_the_plan_the_users_own_and_the_schema() -> None:
    newest = NewestSession()
    assert [newest.higher(name) for name in ("fid", "modes", "loss_critic", "own.x")] == [False, True, None, None]
    own = {"own.x": {"better": "high", "meaning": ""}, "own.y": {"better": None, "meaning": ""}}
    newest.take(Session(config={**CONFIG, "search": {**CONFIG["search"], "metric": "critic_accuracy"}}, own=own))
    assert newest.plan is not None
    assert [newest.higher(name) for name in ("own.x", "own.y", "critic_accuracy")] == [True, None, False]
