"""A study whose trials see as many real samples, for real: trained, recorded, extended, and told on the page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from analysis.record.loading import load
from analysis.results.selection import select
from analysis.results.survival import times
from study.command.report import write
from study.config import loading
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.run import resume_study, run_study

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]

SEEN = 640  # real samples of each replica: 40 updates of a batch of 16


@pytest.fixture(scope="module")
def folder(tiny: Callable[..., StudyPlan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of one arm, whose trials take one critic step or five."""
    plan = tiny(
        study="equal",
        budget={"steps": 40, "evaluations": 4, "batch_size": 16, "equal": "samples"},
        scientific={"objective": ["non_saturating"]},
        nuisance={"critic_steps": {"choice": [1, 5]}},
        search={"sampler": "random", "trials_per_arm": 6},
        confirm={"top": 1, "replicas": 2},
        resources={"workers": 1, "cpu": 0.5},
    )
    folder = tmp_path_factory.mktemp("equal") / "study"
    assert run_study(plan, folder) == 0
    return folder


def test_every_trial_sees_as_many_samples_at_as_many_evaluations(folder: Path) -> None:
    record = load(folder)
    trials = record.trials
    assert set(trials["status"]) == {"completed"}
    assert dict(zip(trials["config.critic_steps"], trials["steps"], strict=True)) == {1: 40, 5: 8}
    assert set(trials["critic_updates"]) == {40}
    assert set(trials["real_samples"]) == {SEEN}
    assert (trials["core_seconds"] == 0.5 * trials["wall_time"]).all()
    steps = record.history.groupby("trial_id", observed=True)["step"].unique().map(list)
    assert {tuple(found) for found in steps} == {(10, 20, 30, 40), (2, 4, 6, 8)}


def test_times_are_shares_of_the_budget(folder: Path) -> None:
    found = times(select(load(folder), "search"), "diverged")
    assert set(found["time"]) == {1.0}


def test_the_page_says_what_was_equal(folder: Path) -> None:
    words = unescape(write(folder, loading.load(folder / loading.STUDY_FILE)).read_text(encoding="utf-8")).replace(
        "\u202f", " "
    )
    said = "Every replica had the same budget: 640 real samples. Not equal were generator updates (8 to 40)"
    assert said in words
    assert "Times are told as shares of the budget." in words
    spent = re.search(r"<td[^>]*>search</td>(.*?)</tr>", words)
    assert spent is not None
    assert f">{12 * SEEN:,}<".replace(",", " ") in spent[1]  # six trials of two replicas


def test_more_trials_have_the_budget_of_the_first_and_no_other(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape("budget.equal.name: expected 'samples', as finished trials")):
        resume_study(folder, ["budget.equal=updates"])
    extended = tmp_path / "extended"
    shutil.copytree(folder, extended)
    assert resume_study(extended, ["search.trials_per_arm=7", "scientific.objective=[hinge, non_saturating]"]) == 0
    assert set(load(extended).trials["real_samples"]) == {SEEN}
    assert loading.load(extended / loading.STUDY_FILE).config.budget.equal.per_step == 16.0
