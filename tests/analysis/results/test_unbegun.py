"""Stalled replicas that have not left the worst there is are told from those that stand still elsewhere."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.unbegun import has_begun, none_begun, unbegun

BOUND = math.log(2)


def record(*replicas: tuple[str, str, list[float]], metric: str = "mass_js") -> Record:
    """A replica for each (arm, outcome, its metric at 100, 200, … of 400 updates)."""
    trials, history = [], []
    for seed, (arm, outcome, curve) in enumerate(replicas):
        keys = {"phase": "search", "arm": arm, "trial_id": f"search-{arm}-0000", "seed": seed}
        trials.append({**keys, "outcome": outcome, metric: curve[-1], "steps": 400})
        history += [{**keys, "step": 100 * (place + 1), metric: value} for place, value in enumerate(curve)]
    return Record(pd.DataFrame(history), pd.DataFrame(trials), {})


def test_stalled_near_the_bound_is_told_with_what_others_needed() -> None:
    found = unbegun(
        record(
            ("slow", "stalled", [0.69, 0.69, 0.68, 0.66]),
            ("slow", "stalled", [0.69, 0.68, 0.67, 0.64]),
            ("slow", "converged", [0.6, 0.5, 0.1, 0.05]),  # below log(2) / 2 = 0.347 after 300 of 400
            ("fast", "converged", [0.3, 0.2, 0.1, 0.05]),  # after 100
            ("fast", "stalled", [0.3, 0.2, 0.2, 0.2]),  # stands still, but has begun
        ),
        "search",
    )
    (one,) = found
    assert (one.arm, one.stalled, one.replicas, one.metric) == ("slow", 2, 3, "mass_js")
    assert (one.median, one.worst, one.begun) == pytest.approx((0.65, BOUND, 0.5))


def test_of_a_metric_of_which_more_is_better_those_at_the_worst_have_not_begun() -> None:
    (one,) = unbegun(
        record(
            ("slow", "stalled", [0.0, 0.0, 0.0, 0.0]),
            ("slow", "stalled", [math.nan, 0.0, 0.0, 0.0]),
            ("low", "stalled", [0.0, 0.01, 0.01, 0.01]),
            ("fast", "converged", [0.0, 0.0, 0.4, 0.9]),  # off the worst after 300 of 400
            ("fast", "converged", [math.nan, 0.2, 0.4, 0.9]),
            metric="coverage",
        ),
        "search",
    )
    assert (one.arm, one.stalled, one.replicas, one.metric) == ("slow", 2, 2, "coverage")
    assert (one.median, one.worst, one.begun) == (0, 0, pytest.approx(0.625))


@pytest.mark.parametrize(
    ("last", "read", "named"), [(0.69, True, ["mass_js"]), (0.1, True, ["coverage"]), (0.1, False, [])]
)
def test_an_arm_is_named_by_one_metric_and_only_by_one_that_was_read(last: float, read: bool, named: list[str]) -> None:
    whole = record(("slow", "stalled", [0.69, last]))
    history = whole.history.assign(coverage=0.0) if read else whole.history
    assert [one.metric for one in unbegun(Record(history, whole.trials.assign(coverage=0.0), {}), "search")] == named


def test_without_a_converged_one_it_is_not_known_what_is_needed() -> None:
    (one,) = unbegun(record(("slow", "stalled", [0.69, 0.69])), "search")
    assert math.isnan(one.begun)
    assert unbegun(record(("slow", "learning", [0.69, 0.69])), "search") == ()
    assert unbegun(record(("slow", "stalled", [0.69, 0.69])), "confirm") == ()


def test_half_of_the_bound_divides_and_what_has_none_has_begun() -> None:
    assert has_begun("mass_js", BOUND / 2)
    assert not has_begun("mass_js", 0.35)
    assert has_begun("fid", 1e9)
    assert has_begun("mass_js", math.nan)
    assert not has_begun("coverage", 0.0)
    assert not has_begun("coverage", -math.inf)  # diverged
    assert has_begun("coverage", 1e-3)
    assert has_begun("precision", 0.0)


def test_none_has_begun_where_the_best_of_every_arm_is_near_the_worst() -> None:
    assert none_begun("mass_js", [[0.63, 0.69], [0.64, math.inf]])
    assert not none_begun("mass_js", [[0.63, 0.69], [0.64, 0.3]])
    assert not none_begun("fid", [[1e9], [1e9]])
    assert none_begun("coverage", [[0.0, 0.0], [0.0, -math.inf]])
    assert not none_begun("coverage", [[0.0, 0.0], [0.0, 0.1]])
    assert not none_begun("mass_js", [[], []])
