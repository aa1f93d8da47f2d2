"""What is said of an arm, against the report's own numbers, which are taken from the record."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.record.join import join
from analysis.record.loading import load
from analysis.results import compare
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling
from study.config import loading
from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Floor, Planned, Result, Session
from study.ledger.journal import Journal
from study.ledger.ledger import Position, entries
from study.record.build import build_record
from study.tracking.arms import NONE_YET, Summary, of_study, params_of, state_at, summaries_of
from study.tracking.notes import of_arm

Build = Callable[..., StudyPlan]
SPEC = {"data": {"name": "ring"}, "model": "gan", "objective": {"name": "hinge"}, "penalty": {"name": "none"}}
FAILED: dict[str, Any] = {"status": "failed", "outcomes": ["failed"] * 2, "scores": []}
EVERYTHING = Position(2**31 - 1, 0)


def told(phase: str, arm: str, repeat: int, index: int, scores: list[Any]) -> Iterator[Any]:
    """A trial's entries; replicas whose score is None diverged, the others converged."""
    key: dict[str, Any] = {"phase": phase, "arm": arm, "repeat": repeat, "index": index}
    seeds = list(range(len(scores)))
    yield Planned(**key, config={"generator_lr": 1e-3 * (index + 1)}, spec=SPEC, seeds=seeds)
    columns = {"fid": [math.nan if one is None else one for one in scores], "diverged": [one is None for one in scores]}
    yield Result(**key, seeds=seeds, step=20, wall_time=1.0, columns=columns)
    outcomes = ["diverged" if one is None else "converged" for one in scores]
    yield Ended(**key, status="completed", outcomes=outcomes, scores=scores)


@pytest.fixture
def plan(tiny: Build) -> StudyPlan:
    return tiny(
        study="arms", search={"trials_per_arm": 2, "repeats": 2, "metric": "fid"}, confirm={"top": 1, "replicas": 8}
    )


def ledger(folder: Path, plan: StudyPlan, *stories: Iterator[Any]) -> Path:
    folder.mkdir(exist_ok=True)
    loading.write(plan.config, folder / "study.yaml")
    journal = Journal.open(folder)
    journal.append(Session(config=plan.config.resolved()), Floor(values={"fid": 0.001}))
    for story in stories:
        for entry in story:
            journal.append(entry)
    journal.close()
    return folder


def said(folder: Path, plan: StudyPlan, position: Position = EVERYTHING) -> list[Summary]:
    return summaries_of(plan, *state_at(folder, position))


def test_quality_and_outcomes_are_the_reports(tmp_path: Path, plan: StudyPlan) -> None:
    random = np.random.default_rng(0)
    stories = [
        told(phase, arm, repeat, index, [*random.lognormal(level, 0.3, replicas - 1).tolist(), None])
        for arm, level in (("non_saturating", 0.0), ("hinge", -1.0))
        for repeat in (0, 1)
        for phase, index, replicas in (("search", 0, 2), ("search", 1, 2), ("confirm", 1, 8))
    ]
    folder = ledger(tmp_path, plan, *stories)
    build_record(folder)
    record = load(folder)
    trials = record.trials  # two evaluations are too few to be judged by: outcomes as the ledger has them
    record = replace(record, trials=trials.assign(outcome=np.where(trials["fid"].isna(), "diverged", "converged")))
    found = said(folder, plan)
    assert [one.arm for one in found] == ["hinge", "non_saturating"]  # the better median first
    for phase, prefix in (("confirm", ""), ("search", "search/")):
        selected, resampling = select(record, phase), Resampling(np.random.default_rng(0))
        for quality in compare.quality(selected, "fid", resampling=resampling):
            metrics = next(one.metrics for one in found if one.arm == quality.arm)
            estimate = quality.median.estimate
            assert metrics[f"{prefix}fid"] == pytest.approx(
                estimate if math.isfinite(estimate) else math.nan, nan_ok=True
            )
            if phase == "confirm":
                assert metrics["fid_iqm"] == pytest.approx(quality.iqm.estimate)
                assert math.isnan(quality.median.low)  # two searches are too few
                assert math.isnan(metrics["fid_low"])
                assert math.isnan(metrics["fid_high"])
        for outcome in compare.outcomes(selected):
            metrics = next(one.metrics for one in found if one.arm == outcome.arm)
            interval = outcome.probabilities["converged"]
            assert metrics[f"{prefix}share_converged_low"] == pytest.approx(interval.low)
            assert metrics[f"{prefix}share_diverged"] == outcome.probabilities["diverged"].estimate
    assert found[0].tags["confirmed"] == "confirm-hinge-0001, confirm-hinge-r1-0001"
    study = of_study(plan, found)
    assert (study.tags["ahead"], study.metrics["trials"]) == ("hinge", 12)
    assert study.metrics["fid"] == found[0].metrics["fid"]


def test_the_interval_of_the_repeat_that_was_confirmed_first_does_not_stay(tmp_path: Path, plan: StudyPlan) -> None:
    """MLflow shows the newest value of a metric, so that one which is known no more has to be overwritten."""
    first, second = (told("confirm", "hinge", repeat, 0, [1.0 + repeat] * 7) for repeat in (0, 1))
    [one] = said(ledger(tmp_path / "one", plan, first), plan)
    assert (one.metrics["fid_low"], one.metrics["fid"], one.metrics["fid_high"]) == (1.0, 1.0, 1.0)
    first = told("confirm", "hinge", 0, 0, [1.0] * 7)
    [both] = said(ledger(tmp_path / "two", plan, first, second), plan)
    assert both.metrics["fid"] == 1.5
    for found in (both, of_study(plan, [both])):
        assert all(math.isnan(found.metrics[name]) for name in ("fid_low", "fid_high"))


def test_what_a_search_had_chosen_before_it_went_on_counts_no_more_here_nor_in_the_report(
    tmp_path: Path, plan: StudyPlan
) -> None:
    searched = [told("search", "hinge", 0, index, [score] * 2) for index, score in enumerate((3.0, 2.0, 1.0))]
    former, latter = (told("confirm", "hinge", 0, index, [score] * 8) for index, score in ((1, 0.5), (2, 1.5)))
    folder = ledger(tmp_path / "one", plan, *searched, former, latter)
    [one] = said(folder, plan)
    assert (one.metrics["fid"], one.tags["confirmed"], one.metrics["trials"]) == (1.5, "confirm-hinge-0002", 5)
    build_record(folder)
    other = ledger(
        tmp_path / "other", replace(plan, config=plan.config.model_copy(update={"study": "other"})), *former_only()
    )
    build_record(other)
    for record in (load(folder), join([load(folder), load(other)])):
        rows = select(record, "confirm").trials
        mine = rows[rows["study"] == "arms"]
        assert mine["fid"].tolist() == [1.5] * 8
        assert mine["trial_id"].astype(str).str.removeprefix("arms/").unique().tolist() == ["confirm-hinge-0002"]
        assert len(rows) == 8 * record.trials["study"].nunique()  # the same name in another study counts
        assert set(select(record, "confirm").history["fid"]) <= {1.5, 0.5}
        assert len(record.trials[record.trials["study"] == "arms"]) == 6 + 16  # all are in the record


def former_only() -> Iterator[Iterator[Any]]:
    """A study that confirmed the second of two trials and went no further."""
    yield from (told("search", "hinge", 0, index, [score] * 2) for index, score in enumerate((3.0, 2.0)))
    yield told("confirm", "hinge", 0, 1, [0.5] * 8)


def test_the_best_trial_and_its_hyperparameters_are_tags(tmp_path: Path, plan: StudyPlan) -> None:
    folder = ledger(
        tmp_path, plan, *(told("search", "hinge", 0, index, [score] * 2) for index, score in enumerate((2.0, 1.0)))
    )
    [one] = said(folder, plan)
    assert (one.tags["best"], one.tags["best.generator_lr"]) == ("search-hinge-0001", "0.002")
    assert (one.metrics["fid_best"], one.metrics["search/fid"]) == (1.0, 1.5)
    assert one.tags["result"] == NONE_YET  # nothing is confirmed
    assert one.metrics.keys().isdisjoint({"fid", "fid_low"})
    assert "confirmed" not in one.tags


def test_an_arm_without_an_allowed_configuration_says_so_in_its_description(tmp_path: Path, tiny: Build) -> None:
    bound = {"trials_per_arm": 2, "metric": "fid", "diverged_at_most": 0.25}
    plan = tiny(search=bound, confirm={"top": 0}, replicas=4)
    first, second = ([1.0, 1.0, None, None], [1.0, 1.0, 1.0, None])
    barred = ledger(tmp_path / "barred", plan, told("search", "hinge", 0, 0, first))
    assert ").\n\nNo configuration diverged in at most 25% of its replicas so far, and" in of_arm(
        *said(barred, plan), "7"
    )
    allowed = ledger(
        tmp_path / "allowed", plan, *(told("search", "hinge", 0, *one) for one in enumerate((first, second)))
    )
    assert "diverged" not in of_arm(*said(allowed, plan), "7")


def test_a_study_that_confirms_nothing_is_judged_by_its_search(tmp_path: Path, tiny: Build) -> None:
    plan = tiny(search={"trials_per_arm": 2, "metric": "precision", "mode": "max"}, confirm={"top": 0})
    folder = ledger(
        tmp_path,
        plan,
        *(told("search", "hinge", 0, index, [0.125 * index, 0.125 * index + 0.0625]) for index in range(7)),
    )
    [one] = said(folder, plan)
    assert (one.tags["phase"], one.metrics["precision"], one.metrics["precision_best"]) == ("search", 0.40625, 0.78125)
    assert one.metrics["precision_low"] < 0.40625 < one.metrics["precision_high"]
    assert not [name for name in one.metrics if name.startswith("search/")]


def test_a_median_is_no_number_where_half_diverged(tmp_path: Path, plan: StudyPlan) -> None:
    folder = ledger(tmp_path, plan, told("confirm", "hinge", 0, 0, [1.0, None, None]))
    [one] = said(folder, plan)
    assert math.isnan(one.metrics["fid"])
    assert one.metrics["share_diverged"] == pytest.approx(2 / 3)
    assert (
        one.tags["result"]
        == "no finite median fid, as half of the replicas or more diverged, 33% of 3 replicas converged"
    )


def test_outcomes_that_cannot_be_told_leave_the_quality(tmp_path: Path, plan: StudyPlan) -> None:
    story = told("confirm", "hinge", 0, 0, [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0])
    untold = (replace(entry, outcomes=[""] * 7) if isinstance(entry, Ended) else entry for entry in story)
    [one] = said(ledger(tmp_path, plan, untold), plan)
    assert one.tags["result"] == "median fid 2.0 [1.0, 3.0]"
    assert "share_converged" not in of_study(plan, [one]).metrics


def test_a_trial_tried_again_counts_once_and_later_rows_win(tmp_path: Path, plan: StudyPlan) -> None:
    first, second, again = (told("search", "hinge", 0, index, [1.0, 1.0]) for index in (0, 1, 1))
    failed = (replace(entry, **FAILED) if isinstance(entry, Ended) else entry for entry in second)
    folder = ledger(tmp_path, plan, first, failed, again)
    history = [found[0] for place, _ in entries(folder) if (found := said(folder, plan, place))]
    counts = [(one.metrics["trials"], one.metrics["trials_failed"], one.endings) for one in history]
    assert list(dict.fromkeys(counts)) == [(0, 0, 0), (1, 0, 1), (2, 1, 2), (1, 0, 2), (2, 0, 3)]
    order = [(one.endings, one.time) for one in history]
    assert order == sorted(order)
    assert history[-1].rows[0] == ("trials", 2.0, round(history[-1].time * 1000), 3)


def test_params_are_what_an_arms_trials_share(plan: StudyPlan) -> None:
    params = params_of(plan, "hinge")
    assert (params["objective"], params["critic.hidden"], params["data"]) == ("hinge", "[8]", "ring")
    assert "generator_lr" not in params
    assert params_of(plan, "of a former version") == {}
