"""A study that goes on until its arms are told apart, for real: its record, and the same by way of an extension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.record.loading import load
from analysis.report.look_words import looked
from analysis.results.pairs import compare
from analysis.results.selection import select
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.ledger.state import StudyState
from study.progress.status import status
from study.run import resume_study, run_study

Build = Callable[..., StudyPlan]
ROUNDS = {"replicas": 2, "until": "decided", "most": 4}

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]


def test_rounds_are_trials_of_their_own_and_an_extension_adds_them(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search={"trials_per_arm": 1, "metric": "fid"}, confirm=ROUNDS, resources={"workers": 1})
    assert run_study(plan, tmp_path) == 0
    with pytest.raises(ConfigError, match=r"search\.trials_per_arm: expected 1, by which pairs of arms were looked at"):
        resume_study(tmp_path, ["search.trials_per_arm=2"])
    assert resume_study(tmp_path, ["confirm.most=8"]) == 0

    record = load(tmp_path)
    confirmed = record.trials[record.trials["phase"] == "confirm"].astype({"trial_id": str})
    for arm, rows in confirmed.groupby(confirmed["arm"].astype(str)):
        seeds = {trial: sorted(part["seed"]) for trial, part in rows.groupby("trial_id")}
        assert seeds == {
            f"confirm-{arm}-0000": [10_000, 10_001],
            f"confirm-{arm}-0000-round1": [10_002, 10_003],
            f"confirm-{arm}-0000-round2": [10_004, 10_005, 10_006, 10_007],
        }
        assert rows.drop_duplicates("trial_id")["config.generator_lr"].nunique() == 1
    assert [look["extents"]["hinge"] for look in record.about["looks"]] == [[1, 2], [1, 4], [1, 8]]
    assert [look["planned"] for look in record.about["looks"]] == [2, 2, 3]
    assert pd.Series(record.about["looks"][-1]["open"]).isin(["hinge", "non_saturating"]).all()
    [pair] = StudyState.replay(tmp_path).looks[-1].pairs  # tested on what the report has now
    at_once = select(replace(record, about={**record.about, "looks": []}), "confirm")
    assert compare(at_once, "fid").pair(pair.a, pair.b).p == pytest.approx(pair.p)
    assert compare(select(record, "confirm"), "fid").pair(pair.a, pair.b).p_holm == pytest.approx(pair.adjusted)
    found = status(tmp_path)
    assert (found.state, len(found.looks)) == ("done", 3)
    assert found.looks[-1].endswith("ended as there may be no more than 8 seeds")
    assert "looked at 3 times" in looked(record.about)[0]
