from dataclasses import replace

import numpy as np
import pytest

from analysis import report
from analysis.record.loading import load
from analysis.report.metric_table import metric_table

pytestmark = pytest.mark.xdist_group("report")


@pytest.fixture(scope="module")
def findings(simulated):
    return report.find(load(simulated), choice=report.Choice(metrics=("fid", "high_quality")))


def test_medians_of_several_metrics_stand_beside_each_other_in_the_order_of_the_plan(findings):
    table = metric_table(findings)
    assert [row[0] for row in table.rows] == list(findings.arms)
    assert [head.name for head in table.heads[3:]] == ["Fréchet distance", "share of high-quality samples"]
    trials = findings.record.trials
    for arm, replicas, converged, fid, good in table.rows:
        mine = trials[(trials["phase"] == "confirm") & (trials["arm"] == arm)]
        diverged = mine["outcome"] == "diverged"
        assert replicas == len(mine)
        assert converged.estimate == (mine["outcome"] == "converged").mean()
        assert fid.estimate == pytest.approx(np.median(np.where(diverged, np.inf, mine["fid"])))
        assert good.estimate == pytest.approx(np.median(np.where(diverged, -np.inf, mine["high_quality"])))
        assert good.low <= good.estimate <= good.high


def test_the_studys_metric_has_the_intervals_of_the_table_of_quality(findings):
    known = {one.arm: one.median for one in findings.measured[0].quality}
    assert {row[0]: row[3] for row in metric_table(findings).rows} == known


def test_the_usual_metrics_are_shown_where_none_is_chosen(simulated):
    table = metric_table(report.find(load(simulated)))
    assert [head.name for head in table.heads[3:]] == [
        "Fréchet distance", "share of high-quality samples", "modes with a fair part of the good samples",
    ]  # fmt: skip


def test_own_measurements_that_say_which_way_is_better_are_shown_without_being_asked_for(simulated):
    record = load(simulated)
    own = {"own.spread": {"better": "low"}, "own.sharpness": {"better": "high"}, "own.angle": {"better": None}}
    for name in own:
        record = replace(
            record,
            trials=record.trials.assign(**{name: record.trials["fid"] * 10}),
            history=record.history.assign(**{name: record.history["fid"] * 10}),
            about={**record.about, "own": own},
        )
    table = metric_table(report.find(record))
    assert [head.name for head in table.heads[6:]] == ["own.spread", "own.sharpness"]
    for row in table.rows:
        assert row[6].estimate == pytest.approx(10 * row[3].estimate)


def test_what_was_measured_of_translations_is_shown_of_the_arms_that_have_it(simulated):
    record = load(simulated)
    known = {
        "label_fidelity": 0.8,
        "fid_back": 2.0,
        "label_fidelity_back": 0.7,
        "cycle_error": 0.1,
        "partner_error": 0.2,
    }
    trials = record.trials.assign(**{
        name: np.where(record.trials["arm"] == "hinge", value, np.nan) for name, value in known.items()
    })  # fmt: skip
    table = metric_table(report.find(replace(record, trials=trials)))
    assert [head.name for head in table.heads[6:]] == [
        "label fidelity", "Fréchet distance of the way back", "label fidelity of the way back", "cycle error",
        "partner error",
    ]  # fmt: skip
    rows = {row[0]: row[6:] for row in table.rows}
    diverged = (trials[trials["arm"] == "hinge"]["outcome"] == "diverged").mean()
    assert diverged < 0.5
    assert [cell.estimate for cell in rows.pop("hinge")] == list(known.values())
    assert {cell for row in rows.values() for cell in row} == {None}


def test_a_metric_that_was_not_measured_is_refused(simulated):
    with pytest.raises(ValueError, match=r"^metrics: expected some of fid, .*high_quality.*, got inception_score$"):
        report.find(load(simulated), choice=report.Choice(metrics=("fid", "inception_score")))
