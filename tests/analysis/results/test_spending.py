import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.best_of_k import best_of_k
from analysis.results.selection import select
from analysis.results.spending import against, equal_budgets, spent
from analysis.statistics.bootstrap import Resampling
from analysis.wording import SPENDINGS


def trial(arm, index, *, phase="search", steps=100, critic_steps=1, seconds=2.0, fid=1.0, status="completed", seeds=3):
    """The rows of one trial whose replicas saw 64 samples with each of the critic's updates."""
    outcome = {"failed": "failed", "truncated": "truncated", "running": None}.get(status, "converged")
    return [
        {"study": "rings", "phase": phase, "arm": arm, "index": index, "trial_id": f"{phase}-{arm}-{index:04d}",
         "repeat": 0, "seed": seed, "status": status, "outcome": outcome, "fid": fid, "steps": steps,
         "critic_updates": steps * critic_steps, "real_samples": 64 * steps * critic_steps,
         "operations": 1e3 * steps * (1 + critic_steps), "core_seconds": seconds}
        for seed in range(seeds)
    ]  # fmt: skip


def record(*trials, **budget):
    rows = pd.DataFrame([row for one in trials for row in one])
    about = {"study": "rings", "config": {"budget": budget}} if budget else {}
    return Record(rows, rows, about)


def test_replicas_are_added_up_and_seconds_are_those_of_trials():
    one = record(trial("a", 0), trial("a", 1, critic_steps=5, seconds=7.0), trial("b", 0, status="failed", steps=40))
    a, b = spent(select(one, "search"))
    assert (a.arm, a.phase, a.trials, a.replicas) == ("a", "search", 2, 6)
    assert a.totals == {
        "steps": 600, "critic_updates": 300 + 1500, "real_samples": 64 * 1800, "operations": 1e3 * (600 + 1800),
        "core_seconds": 9.0,
    }  # fmt: skip
    assert (b.trials, b.totals["steps"]) == (1, 120)
    assert spent(select(one, "confirm")) == ()


def test_what_one_trial_does_not_say_is_unknown_of_its_arm():
    rows = record(trial("a", 0), trial("a", 1)).trials
    rows = rows.assign(operations=rows["operations"].where(rows["index"] > 0))
    (one,) = spent(select(Record(rows, rows, {}), "search"))
    assert math.isnan(one.totals["operations"])
    assert one.totals["real_samples"] == 64 * 600


def test_the_best_of_k_stands_at_k_times_what_a_configuration_spent():
    trials = [
        trial("a", 0, seconds=1.0, fid=3.0), trial("a", 1, seconds=3.0, fid=2.0),
        trial("a", 2, seconds=50.0, status="failed"), trial("a", 3, seconds=2.0, status="truncated", steps=40),
        trial("b", 0, critic_steps=5, seconds=6.0), trial("b", 1, critic_steps=5, seconds=6.0),
    ]  # fmt: skip
    searched = select(record(*trials), "search")
    curves = best_of_k(searched, "fid", resampling=Resampling(np.random.default_rng(0)))
    assert [curve.n for curve in curves] == [3, 2]
    a, b = against(curves, searched, "core_seconds")
    assert a.median.x.tolist() == a.mean.x.tolist() == [2, 4, 6]  # the failed one is not counted, the truncated one is
    assert b.median.x.tolist() == [6, 12]
    assert (a.over, curves[0].over) == ("core_seconds", "configurations")
    assert a.median.estimate.tolist() == curves[0].median.estimate.tolist()
    for spending in SPENDINGS:
        assert len(against(curves, searched, spending)) == 2
    assert against(curves, searched, "critic_updates")[1].median.x.tolist() == [1500, 3000]


def test_arms_whose_spending_is_unknown_have_no_such_curve():
    rows = record(trial("a", 0), trial("b", 0)).trials
    rows = rows.assign(core_seconds=rows["core_seconds"].where(rows["arm"] == "b"))
    searched = select(Record(rows, rows, {}), "search")
    curves = best_of_k(searched, "fid", resampling=Resampling(np.random.default_rng(0)))
    assert [one.arm for one in against(curves, searched, "core_seconds")] == ["b"]


@pytest.mark.parametrize(
    ("equal", "spending", "amount"),
    [
        ({}, "steps", 100),
        ({"equal": {"name": "updates", "per_step": None}}, "steps", 100),
        ({"equal": {"name": "samples", "per_step": 64.0}}, "real_samples", 6400),
        ({"equal": {"name": "arithmetic", "per_step": 2e3}}, "operations", 2e5),
    ],
)
def test_what_was_equal_is_the_configurations(equal, spending, amount):
    (one,) = equal_budgets(record(trial("a", 0), trial("a", 1, status="truncated", steps=10), steps=100, **equal))
    assert (one.study, one.spending, one.amount, one.missed) == ("rings", spending, amount, 0.0)
    assert one.ranges["real_samples"] == (6400, 6400)


def test_how_far_trials_missed_the_budget():
    trials = (trial("a", 0), trial("a", 1, steps=34, critic_steps=3))
    (one,) = equal_budgets(record(*trials, steps=100, equal={"name": "samples", "per_step": 64.0}))
    assert one.ranges["steps"] == (34, 100)
    assert one.missed == pytest.approx(0.02)


def test_a_trial_whose_last_evaluation_the_record_lacks_missed_no_budget():
    """A line of the ledger that cannot be read takes an evaluation, and no training."""
    rows = record(trial("a", 0), trial("a", 1, steps=90), trial("b", 0), steps=100).trials
    whole = Record(rows, rows.assign(**{"config.steps": 100}), {"study": "rings", "config": {"budget": {"steps": 100}}})
    (one,) = equal_budgets(whole)
    assert (one.missed, one.ranges["steps"], one.ranges["real_samples"]) == (0.0, (100, 100), (6400, 6400))


def test_a_study_that_does_not_say_its_budget_is_left_out():
    assert equal_budgets(record(trial("a", 0))) == ()
    known = record(trial("a", 0), steps=100)
    joined = SimpleNamespace(trials=known.trials, about={"joined": [known.about, {"study": "grids", "config": {}}]})
    assert [one.study for one in equal_budgets(joined)] == ["rings"]
    earlier = Record(known.history, known.trials.assign(real_samples=np.nan), known.about)
    assert "real_samples" not in equal_budgets(earlier)[0].ranges
