import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.record.schema import OUTCOMES
from analysis.results.compare import STABILITY_SIGNALS, outcomes, quality, signals
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import wilson


def frame(*parts):
    """Rows of trials.parquet; a part is (arm, phase, index, [(outcome, fid), …])."""
    rows = [
        {"study": "rings", "phase": phase, "arm": arm, "repeat": 0, "index": index,
         "trial_id": f"{phase}-{arm}-{index:04d}", "seed": seed,
         "status": "completed" if outcome not in ("failed", "truncated") else outcome,
         "outcome": outcome, "fid": fid, "critic_accuracy": 0.7, "hop_rate": 0.1 * seed, "held": 1.0,
         "near": 0.9 - 0.1 * seed, "swing": math.nan, "progress": math.nan}
        for arm, phase, index, replicas in parts
        for seed, (outcome, fid) in enumerate(replicas)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def converged(*values):
    return [("converged", value) for value in values]


DIVERGED = ("diverged", math.nan)


def of_phase(rows, phase):
    return select(Record(rows, rows, {}), phase)


def of(found, arm):
    return next(one for one in found if one.arm == arm)


def test_outcomes_of_confirmed_replicas_are_wilsons():
    rows = frame(
        ("hinge", "confirm", 3, [*converged(1.0, 2.0, 3.0), DIVERGED, ("failed", math.nan)]),
        ("hinge", "search", 3, [DIVERGED] * 4),
        ("minimax", "confirm", 0, [("truncated", 1.0)]),
    )
    found = of(outcomes(of_phase(rows, "confirm")), "hinge")
    assert (found.n, found.configurations, found.failed, found.running) == (4, 1, 1, 0)
    assert found.probabilities["converged"] == wilson(3, 4)
    assert found.probabilities["diverged"] == wilson(1, 4)
    assert tuple(found.probabilities) == tuple(name for name in OUTCOMES if name != "failed")
    assert sum(one.estimate for one in found.probabilities.values()) == 1
    assert of(outcomes(of_phase(rows, "confirm")), "minimax").probabilities["truncated"].estimate == 1


def test_outcomes_of_a_search_know_that_replicas_come_in_configurations():
    rows = frame(*[("hinge", "search", k, [DIVERGED if k % 4 == 0 else ("converged", 1.0)] * 8) for k in range(20)])
    found = outcomes(of_phase(rows, "search"))[0].probabilities["diverged"]
    assert found.estimate == 0.25
    assert found.captures == "both"
    assert found.high - found.low > 1.5 * (wilson(40, 160).high - wilson(40, 160).low)


def test_replicas_that_run_and_those_of_which_nothing_can_be_told_are_counted_apart():
    rows = frame(("hinge", "search", 0, [("converged", 1.0), ("stalled", 1.0), (None, 1.0), (None, 1.0), (None, 1.0)]))
    rows.loc[rows["seed"] == 4, "status"] = "running"
    found = outcomes(of_phase(rows, "search"))[0]
    assert (found.n, found.running, found.not_judged, found.failed) == (2, 1, 2, 0)
    assert sum(share.estimate for share in found.probabilities.values()) == 1


@pytest.mark.golden
def test_quality_by_hand():
    rows = frame(
        ("hinge", "confirm", 0, [*converged(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0), DIVERGED]),
        ("hinge", "search", 0, converged(100.0)),
        ("minimax", "confirm", 0, [DIVERGED] * 4),
    )
    found = quality(of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0)))
    hinge, minimax = of(found, "hinge"), of(found, "minimax")
    assert (hinge.median.estimate, hinge.iqm.estimate) == (4.5, (3 + 4 + 5 + 6) / 4)
    assert (hinge.n, hinge.diverged, hinge.configurations, hinge.mode) == (8, 1, 1, "min")
    assert hinge.median.low <= 4.5 <= hinge.median.high
    assert hinge.median.captures == "seeds"
    assert hinge.values.max() == math.inf
    assert minimax.median.estimate == math.inf
    assert math.isnan(minimax.median.low)  # of four


def test_quality_where_more_is_better():
    rows = frame(("hinge", "confirm", 0, [*converged(1.0, 2.0, 3.0, 4.0, 5.0), DIVERGED]))
    found = quality(of_phase(rows, "confirm"), "fid", mode="max", resampling=Resampling(np.random.default_rng(0)))[0]
    assert found.mode == "max"
    assert found.median.estimate == 2.5  # the diverged one ranks below 1
    assert found.values.min() == -math.inf
    assert found.median.low <= 2.5 <= found.median.high


def test_quality_of_a_search_is_stratified_and_captures_both():
    rows = frame(*[("hinge", "search", k, converged(k, k + 0.1, k + 0.2)) for k in range(8)])
    found = quality(of_phase(rows, "search"), "fid", resampling=Resampling(np.random.default_rng(0)))[0]
    assert (found.median.captures, found.configurations, found.n) == ("both", 8, 24)
    assert found.median.high - found.median.low > 1
    again = quality(of_phase(rows, "search"), "fid", resampling=Resampling(np.random.default_rng(0)))[0]
    assert again.iqm == found.iqm


def test_what_was_not_measured_is_counted_and_no_divergence():
    """S8 of the shared cases: two of four were said to have diverged."""
    rows = frame(("hinge", "confirm", 0, converged(1.0, 2.0, math.nan, -math.inf)))
    (found,) = quality(of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0)))
    assert (found.n, found.diverged, found.overflowed, found.unmeasured) == (2, 0, 0, 2)
    assert found.median.estimate == 1.5


def test_truncated_and_failed_trials_have_no_final_quality():
    rows = frame(
        ("hinge", "search", 0, converged(1.0, 2.0)),
        ("hinge", "search", 1, [("truncated", 0.1)] * 2),
        ("minimax", "search", 0, [("failed", math.nan)] * 2),
    )
    found = quality(of_phase(rows, "search"), "fid", resampling=Resampling(np.random.default_rng(0)))
    assert [one.arm for one in found] == ["hinge"]
    assert (found[0].n, found[0].truncated) == (2, 2)


def test_signals_are_medians_of_what_was_measured():
    rows = frame(("hinge", "confirm", 0, converged(*range(9))), ("minimax", "confirm", 0, converged(*range(4))))
    found = signals(of_phase(rows, "confirm"), resampling=Resampling(np.random.default_rng(0)))
    seen = {(one.arm, one.signal): one.interval for one in found}
    assert list(dict.fromkeys(signal for _, signal in seen)) == ["near", "held", "hop_rate", "critic_distance"]
    assert {"swing", "progress"} == set(STABILITY_SIGNALS) - {signal for _, signal in seen}  # never measured here
    assert seen["hinge", "near"].estimate == pytest.approx(0.5)
    assert seen["hinge", "critic_distance"].estimate == pytest.approx(0.2)
    assert seen["hinge", "hop_rate"].estimate == pytest.approx(0.4)
    assert seen["hinge", "hop_rate"].low < 0.4 < seen["hinge", "hop_rate"].high
    assert seen["minimax", "hop_rate"].n == 4


def test_a_phase_without_rows_has_no_arms():
    rows = frame(("hinge", "search", 0, converged(1.0)))
    assert outcomes(of_phase(rows, "confirm")) == ()
    assert quality(of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))) == ()
    assert signals(of_phase(rows, "confirm"), resampling=Resampling(np.random.default_rng(0))) == ()


@pytest.mark.parametrize("function", [outcomes, quality, signals])
def test_no_phase_but_the_two_is_taken(function):
    rows = frame(("hinge", "search", 0, converged(1.0)))
    options = {} if function is outcomes else {"resampling": Resampling(np.random.default_rng(0))}
    given = ["fid"] if function is quality else []
    with pytest.raises(ValueError, match="phase: expected one of search, confirm, got 'pooled'"):
        function(of_phase(rows, "pooled"), *given, **options)
