import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.tracking.arms import Summary
from study.tracking.views import ARMS, COMPARED, TAG, TRIALS, query, views_of

Build = Callable[..., StudyPlan]
LONGEST = 20_000  # characters of an experiment's tag in MLflow
NAMES = ["fid", "coverage", "loss_critic", "own.score", "wall_time"]
MEASURED = [f"{name}{end}" for name in NAMES for end in ("", "_q25", "_q75", "_iqm")]
ARM = Summary("hinge", 1.0, 1, {"fid": 1.0, "fid_low": 0.5, "share_converged": 0.5, "share_frozen": 0.0}, {})


def opened(tags: dict[str, str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each view's name and state, as MLflow's page reads them."""
    found = {}
    for key, value in tags.items():
        about = json.loads(value)
        kind, _, packed = about["state"].partition(";")
        assert kind == "deflate"
        found[key.removeprefix(TAG)] = about["name"], json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def shown(state: dict[str, Any]) -> dict[str, list[str]]:
    """The metrics that have a chart, by group."""
    groups: dict[str, list[str]] = {section["name"]: [] for section in state["compareRunSections"]}
    for chart in state["compareRunCharts"]:
        groups[chart["metricSectionId"]] += [chart["metricKey"]] * (not chart["deleted"])
    return groups


@pytest.fixture
def plan(tiny: Build) -> StudyPlan:
    return tiny(search={"trials_per_arm": 2, "metric": "fid"})


def test_arms_are_sorted_by_the_metric_searched_for(tiny: Build, plan: StudyPlan) -> None:
    views = opened(views_of(plan, [ARM], MEASURED, 1))
    assert {key: name for key, (name, _) in views.items()} == {
        ARMS: "Study and arms", COMPARED: "Arms compared", TRIALS: "Trials",
    }  # fmt: skip
    for _, state in views.values():
        assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`fid`", True)
    assert views[ARMS][1]["selectedColumns"][:3] == ["metrics.`fid`", "metrics.`fid_low`", "metrics.`fid_high`"]
    assert {"tags.`outcome`", "params.`generator_lr`"} < set(views[TRIALS][1]["selectedColumns"])
    most = tiny(search={"trials_per_arm": 2, "metric": "precision", "mode": "max"})
    assert opened(views_of(most, [ARM], [], 1))[ARMS][1]["orderByAsc"] is False


def test_charts_come_in_named_groups_with_the_quartiles_in_the_medians(plan: StudyPlan) -> None:
    state = opened(views_of(plan, [ARM], MEASURED, 1))[TRIALS][1]
    assert shown(state) == {
        "Result": ["fid"], "Quality": ["coverage"], "Training": ["loss_critic"], "Other": ["own.score", "wall_time"],
    }  # fmt: skip
    assert [section["name"] for section in state["compareRunSections"] if section["display"]] == ["Result"]
    fid = state["compareRunCharts"][0]
    assert (fid["selectedMetricKeys"], fid["scaleType"]) == (["fid", "fid_q25", "fid_q75"], "log")


def test_no_metric_is_left_to_a_chart_of_mlflows_own(plan: StudyPlan) -> None:
    views = opened(views_of(plan, [ARM], MEASURED, 1))
    for key, metrics in ((TRIALS, MEASURED), (COMPARED, ARM.metrics)):
        charts = [chart["metricKey"] for chart in views[key][1]["compareRunCharts"]]
        assert len(charts) == len(set(charts))
        assert set(metrics) <= set(charts)


def test_outcomes_that_did_not_occur_have_no_bar(plan: StudyPlan) -> None:
    assert shown(opened(views_of(plan, [ARM], [], 1))[COMPARED][1])["Outcomes"] == ["share_converged"]


def test_ends_of_an_interval_are_neither_columns_nor_bars_where_no_arm_has_one(plan: StudyPlan) -> None:
    ends = {"fid_low": float("nan"), "fid_high": float("nan")}
    without = Summary("hinge", 1.0, 1, {**ARM.metrics, **ends}, {})
    views = opened(views_of(plan, [without], [], 1))
    assert not any(name in column for name in ends for column in views[ARMS][1]["selectedColumns"])
    assert shown(views[COMPARED][1])["Result"] == ["fid", "fid_best"]
    assert shown(opened(views_of(plan, [without, ARM], [], 1))[COMPARED][1])["Result"][1:3] == ["fid_low", "fid_high"]


def test_trials_have_a_view_once_the_searched_metric_was_measured(plan: StudyPlan) -> None:
    assert TRIALS not in opened(views_of(plan, [ARM], ["wall_time", "diverged"], 1))


def test_a_view_fits_into_a_tag(plan: StudyPlan) -> None:
    many = [f"a_measurement_of_ones_own_{place}{end}" for place in range(200) for end in ("", "_q25", "_q75", "_iqm")]
    assert max(map(len, views_of(plan, [ARM], ["fid", *many], 1).values())) < LONGEST


def test_the_address_names_the_page_and_the_view() -> None:
    assert query() == "?workflowType=machine_learning"
    assert query(ARMS) == "?workflowType=machine_learning&viewStateShareKey=ganstudy-arms"
