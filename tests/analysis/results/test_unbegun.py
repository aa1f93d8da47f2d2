"""Stalled replicas that have not left the worst there is are told from those that stand still elsewhere."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.unbegun import has_begun, none_begun, unbegun

BOUND = math.log(2)


def record(*replicas: tuple[str, str, list[float]]) -> Record:
    """A replica for each (arm, outcome, its JS at 100, 200, … of 400 updates)."""
    trials, history = [], []
    for seed, (arm, outcome, curve) in enumerate(replicas):
        keys = {"phase": "search", "arm": arm, "trial_id": f"search-{arm}-0000", "seed": seed}
        trials.append({**keys, "outcome": outcome, "mass_js": curve[-1], "steps": 400})
        history += [{**keys, "step": 100 * (place + 1), "mass_js": value} for place, value in enumerate(curve)]
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


def test_none_has_begun_where_the_best_of_every_arm_is_near_the_worst() -> None:
    assert none_begun("mass_js", [[0.63, 0.69], [0.64, math.inf]])
    assert not none_begun("mass_js", [[0.63, 0.69], [0.64, 0.3]])
    assert not none_begun("fid", [[1e9], [1e9]])
    assert not none_begun("mass_js", [[], []])
