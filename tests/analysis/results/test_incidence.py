import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record, load
from analysis.results.incidence import incidences
from analysis.results.selection import select
from analysis.results.survival import KINDS, event_steps, survival, times


@pytest.fixture(scope="module")
def selected(simulate, tmp_path_factory):
    return select(load(simulate(tmp_path_factory.mktemp("incidence"), confirm=40, seed=2)), "confirm")


@pytest.mark.golden
def test_without_censoring_incidence_is_the_share_that_met_the_event(selected):
    met = event_steps(selected)
    outcome = selected.trials["outcome"].astype(str).to_numpy()
    arms = selected.trials["arm"].astype(str).to_numpy()
    for one in incidences(selected, met):
        for curve, share in zip(one.curves, one.at_horizon, strict=True):
            assert share.estimate == pytest.approx((outcome[arms == curve.arm] == one.event).mean())
            assert curve.n == 40


def test_the_kinds_together_are_the_failures(selected):
    met = event_steps(selected)
    found = incidences(selected, met)
    assert [one.event for one in found] == list(KINDS)
    failure = survival(selected, "failure", met=met)
    for place, curve in enumerate(failure.curves):
        together = sum(one.at_horizon[place].estimate for one in found)
        assert together == pytest.approx(1 - curve.at(found[0].horizon).estimate)
        assert sum(one.curves[place].events for one in found) == curve.events


def test_what_was_met_first_is_told():
    rows = {"diverged": [100.0, 200.0, math.inf], "collapsed": [50.0, 200.0, math.inf], "frozen": [math.inf] * 3}
    rows["failure"] = np.minimum.reduce(list(rows.values()))
    keys = {"study": "s", "phase": "confirm", "arm": "a", "repeat": 0, "trial_id": "confirm-a-0000", "seed": range(3)}
    trials = pd.DataFrame({**keys, "steps": 400, "status": "completed", "diverged_step": [100, 200, None]})
    found = times(
        select(Record(trials, trials, {}), "confirm"), "failure", met={k: np.array(v) for k, v in rows.items()}
    )
    assert found["kind"].tolist() == ["collapsed", "diverged", ""]
    assert found["observed"].tolist() == [True, True, False]


def test_one_arm_has_no_test_and_none_no_incidence(selected):
    others = [str(arm) for arm in selected.trials["arm"].cat.categories[1:]]
    alone = selected.without(others)
    assert all(math.isnan(one.p) for one in incidences(alone, event_steps(alone)))
    nobody = selected.without([str(arm) for arm in selected.trials["arm"].cat.categories])
    assert incidences(nobody, event_steps(nobody)) == ()
