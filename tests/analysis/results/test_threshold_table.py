import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.compare import outcomes
from analysis.results.criteria import thresholds_of
from analysis.results.outcomes import JUDGED, judge_record
from analysis.results.selection import select
from analysis.results.threshold_table import threshold_table
from analysis.results.thresholds import NUMBERS, Thresholds


def record(fractions, phase="confirm", **about):
    """One evaluation of a replica for each captured share of the modes; an arm for each list."""
    rows, trials = [], []
    for arm, shares in fractions.items():
        for seed, share in enumerate(shares):
            keys = {
                "study": "rings",
                "phase": phase,
                "arm": arm,
                "repeat": 0,
                "trial_id": f"{phase}-{arm}-0000",
                "seed": seed,
            }
            measured = dict.fromkeys(JUDGED, np.nan) | {
                "held_fraction": share,
                "covered_fraction": 1.0,
                "gradient_norm_generator": 1.0,
            }
            measured |= {"high_quality": 0.9, "hop": 0.0, "fid": 1.0, "mass_js": 0.1, "diverged": share < 0}
            rows.append({**keys, "step": 100, **measured})
            trials.append(
                {
                    **keys,
                    "index": 0,
                    "status": "completed",
                    "outcome": "converged",
                    "steps": 100,
                    "floor.high_quality": 1.0,
                }
            )
    trials[-1] |= {"status": "running", "outcome": None}
    return Record(pd.DataFrame(rows), pd.DataFrame(trials), about)


RECORD = record({"a": [0.2, 0.4, 0.6, 1.0, -1.0, 1.0], "b": [1.0, 1.0, 1.0, 0.0]})  # the last of b still runs


@pytest.mark.golden
def test_fractions_by_hand():
    found = threshold_table(select(RECORD, "confirm"), values={"modes": [0.3, 0.8]})
    table = found.table.set_index(["threshold", "value", "arm", "outcome"])["fraction"]
    collapsed = [table["modes", value, "a", "collapsed"] for value in (0.3, 0.75, 0.8)]
    np.testing.assert_allclose(collapsed, [1 / 6, 3 / 6, 3 / 6])
    assert table["modes", 0.75, "a", "diverged"] == pytest.approx(1 / 6)
    assert table["modes", 0.8, "b", "converged"] == 1
    changed = found.changed.set_index("value")["changed"]
    np.testing.assert_allclose(changed[[0.3, 0.75, 0.8]], [2 / 9, 0, 0])
    assert found.changed["base"].tolist() == [False, True, False]
    assert found.base == Thresholds()


def test_the_rows_in_use_agree_with_the_outcomes():
    judged = RECORD.trials.assign(outcome=judge_record(RECORD)["outcome"])
    known = {
        one.arm: one for one in outcomes(select(Record(judged, judged[judged["status"] != "running"], {}), "confirm"))
    }
    rows = threshold_table(select(RECORD, "confirm")).table
    for row in rows[rows["base"]].itertuples():
        interval = known[row.arm].probabilities[row.outcome]
        assert (row.fraction, row.low, row.high, row.n) == (
            interval.estimate, interval.low, interval.high, known[row.arm].n,
        )  # fmt: skip


def test_by_default_every_threshold_moves_both_ways():
    found = threshold_table(select(RECORD, "confirm"))
    assert set(found.table["threshold"]) == set(NUMBERS)
    assert (found.changed.groupby("threshold").size() == 3).all()
    values = found.changed.groupby("threshold")["value"].apply(list)
    np.testing.assert_allclose(values["hop_rate"], [0.1, 0.2, 0.4])
    np.testing.assert_allclose(values["swing"], [1.5, 2, 3])
    np.testing.assert_allclose(values["quality"], [0.6, 0.8, 0.9])
    np.testing.assert_allclose(values["tail"], [0.2, 0.4, 0.7])
    fractions = found.table.groupby(["threshold", "value", "arm"])["fraction"].sum()
    np.testing.assert_allclose(fractions, 1)


def test_the_studys_own_thresholds_are_the_base():
    own = record({"a": [0.2, 0.4]}, config={"outcomes": {"modes": 0.3}})
    assert thresholds_of(own.about).modes == 0.3
    assert threshold_table(select(own, "confirm"), values={"modes": [0.1]}).changed["value"].tolist() == [0.1, 0.3]
    given = threshold_table(select(own, "confirm"), base=Thresholds(modes=0.9), values={"modes": []})
    assert given.changed["value"].tolist() == [0.9]


def test_phases_are_not_pooled():
    assert threshold_table(select(RECORD, "search")).table.empty
    with pytest.raises(ValueError, match="phase: expected one of search, confirm, got 'both'"):
        threshold_table(select(RECORD, "both"))


def test_what_is_no_threshold_or_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"values: expected thresholds among tail, quality, .*, got metric"):
        threshold_table(select(RECORD, "confirm"), values={"metric": [1.0]})
    with pytest.raises(ValueError, match=r"outcomes\.modes: expected a share in \[0, 1\], got 2\.0"):
        threshold_table(select(RECORD, "confirm"), values={"modes": [2.0]})
