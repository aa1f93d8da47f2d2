"""The configuration of translations, from its file to a trial's measurements and pictures of both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.pictures.render import gallery, picture
from analysis.record import schema
from study.config import loading
from study.config.arms import spec_for
from study.config.messages import ConfigError
from study.execution.job import Job
from study.execution.pack import Pack
from trainables.data import load
from trainables.metrics.classifier import train_classifier
from trainables.metrics.evaluator import Evaluator

CONFIG = Path(__file__).parents[2] / "configs" / "cyclegan.yaml"
SMALL = ["budget.steps=2", "budget.evaluations=1", "budget.batch_size=8", "evaluation.samples=60",
         "evaluation.neighbour_samples=60"]  # fmt: skip


def test_its_arms_are_losses_with_and_without_the_identity() -> None:
    arms = [arm.name for arm in loading.load(CONFIG).arms]
    assert arms == [f"{loss}-identity_weight={w}" for loss in ("least_squares", "non_saturating") for w in (0, 5)]


def test_a_trial_measures_both_ways_and_leaves_pictures_of_them(tmp_path: Path) -> None:
    plan = loading.load(CONFIG, SMALL)
    spec = spec_for(plan.config, plan.arms[1], {"generator_lr": 1e-3, "critic_lr": 1e-3})
    job = Job("t", spec.to_dict(), [4, 5], str(tmp_path), ["fid"], ["min"], pictures=1, gallery=True)
    data = load(**spec.data)
    pack = Pack([job], data, Evaluator(data, spec.evaluation, classifier=train_classifier(data, 0, steps=5)))
    rows: list[dict[str, Any]] = []
    while not pack.done:
        rows += json.loads(pack.report()["reports"])[0]["rows"]
    measured = set(rows[-1]["columns"])
    assert {"label_fidelity", "cycle_error", "partner_error", "fid_back", "label_fidelity_back"} < measured
    assert measured <= {column.name for column in schema.HISTORY}
    path = tmp_path / rows[-1]["pictures"]
    with np.load(path) as file:
        assert file["there"].shape[:1] + file["there"].shape[2:] == (2, 2, 1, 8, 8)
        assert file["labels"].shape == file["samples"].shape[:2]
    assert picture(path, "t", ["a", "b"]).width > 400
    assert {*gallery(path, "t", ["a", "b"])} == {"beside", "there", "back"}


def test_the_right_partner_may_be_searched_for_and_its_errors_not() -> None:
    searched = loading.load(CONFIG, ["search.metric=label_fidelity", "search.mode=max"])
    assert searched.goal.metrics == ("label_fidelity",)
    with pytest.raises(ConfigError, match="expected what is measured here, got 'cycle_error'"):
        loading.load(CONFIG, ["search.metric=cycle_error"])
    with pytest.raises(ConfigError, match="expected what is measured here, got 'fid_back'"):
        loading.load(CONFIG, ["search.metric=fid_back", "fixed.model=gan", "fixed.generator={kind: conv, width: 4}"])
