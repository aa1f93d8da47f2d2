"""Tests over looks: of a study whose confirmation went on, from its record."""

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.looks import ended, limits_of, looks_of, size_of
from analysis.results.pairs import compare
from analysis.results.rates import rates
from analysis.results.selection import select
from analysis.statistics.holm import holm

ARMS = ("a", "b", "c")
LEVEL = 0.3
LOOKS = [
    {"level": LEVEL, "planned": 3, "extents": dict.fromkeys(ARMS, (1, 8)), "open": ["a", "b"], "more_seeds": True},
    {"level": LEVEL, "planned": 3, "extents": {"a": [1, 16], "b": [1, 16], "c": [1, 8]}, "open": ["a", "b"],
     "more_seeds": True},
]  # fmt: skip


def rows(seed=0, beyond=0):
    """Confirmed replicas of three arms, c far worse; `beyond` of a were trained since the last look."""
    random = np.random.default_rng(seed)
    parts = []
    for arm, count, level in zip(ARMS, (16 + beyond, 16, 8), (0.0, 1.0, 5.0), strict=True):
        place = np.arange(count)
        parts.append(
            pd.DataFrame(
                {"study": "rings", "phase": "confirm", "arm": arm, "repeat": 0, "index": 3, "seed": 10_000 + place,
                 "trial_id": [f"confirm-{arm}-0003{'' if one < 8 else '-round1'}" for one in place],
                 "status": "completed", "outcome": np.where(random.random(count) < 0.5, "converged", "collapsed"),
                 "fid": level + random.normal(size=count)}
            )
        )  # fmt: skip
    return pd.concat(parts[::-1], ignore_index=True)


def selected(table, looks=LOOKS):
    return select(Record(table, table, {"looks": looks}), "confirm")


def plain(table):
    return selected(table, [])


def upto(table, look):
    first = [table[(table["arm"] == arm) & (table["seed"] < 10_000 + size[1])] for arm, size in look["extents"].items()]
    return pd.concat(first, ignore_index=True)


def test_p_is_the_least_of_all_looks_in_units_of_their_levels_and_then_corrected():
    table = rows()
    found = compare(selected(table), "fid")
    each = [compare(plain(upto(table, look)), "fid") for look in LOOKS]
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    expected = [min(1.0, *(one.pair(*pair).p / LEVEL for one in each)) for pair in pairs]
    assert [found.pair(*pair).p for pair in pairs] == pytest.approx(expected)
    assert [found.pair(*pair).p_holm for pair in pairs] == pytest.approx(holm(expected))
    assert found.pair("a", "c").n_a == 16


def test_intervals_of_all_looks_are_intersected():
    table = rows()
    pair = compare(selected(table), "fid").pair("a", "b")
    each = [compare(plain(upto(table, look)), "fid", alpha=0.05 * LEVEL).pair("a", "b") for look in LOOKS]
    assert pair.effect.low == pytest.approx(max(one.effect.low for one in each))
    assert pair.effect.high == pytest.approx(min(one.effect.high for one in each))
    assert pair.effect.estimate == each[1].effect.estimate
    assert pair.effect.confidence == 0.95
    assert pair.shift.interval.low == pytest.approx(max(one.shift.interval.low for one in each))


def test_what_was_trained_since_the_last_look_waits_for_the_next():
    more = rows(beyond=9)
    dropped = more[~((more["arm"] == "a") & (more["seed"] >= 10_016))].reset_index(drop=True)
    assert compare(selected(more), "fid").pairs == compare(selected(dropped), "fid").pairs


def test_an_arm_that_no_look_saw_is_in_no_pair():
    table = rows()
    new = table[table["arm"] == "b"].assign(arm="d", fid=-9.0)
    found = compare(selected(pd.concat([new, table], ignore_index=True)), "fid")
    assert found.arms == compare(selected(table), "fid").arms
    assert found.best == "a"
    alone = [{**LOOKS[0], "extents": {"a": (1, 8), "b": (1, 0)}}]
    assert len(compare(selected(table, alone), "fid").pairs) == 3  # there was nothing to test at that look


def test_shares_are_tested_over_the_same_looks():
    table = rows()
    pair = rates(selected(table))["converged"].pair("a", "b")
    each = [rates(plain(upto(table, look)))["converged"].pair("a", "b").p for look in LOOKS]
    assert pair.p == pytest.approx(min(1.0, *(p / LEVEL for p in each)))


def test_joined_studies_are_tested_once_at_the_last_looks_part():
    table = rows()
    joined = select(Record(table, table, {"joined": [{"looks": LOOKS}, {}, {"looks": LOOKS}]}), "confirm")
    alone = compare(plain(table), "fid").pair("a", "b").p
    assert compare(joined, "fid").pair("a", "b").p == pytest.approx(min(1.0, alone / LEVEL**2))


def test_rounds_of_a_configuration_are_one_configuration():
    sample = selected(rows()).sample("a", rows(), np.zeros(40))
    assert set(sample.configuration) == {f"rings/confirm-{arm}-0003" for arm in ARMS}


def test_a_study_says_why_it_ended():
    last = looks_of({"looks": LOOKS})[-1]
    assert ended(last, (1, 64)) is None
    assert ended(last, (1, 16)) == "there may be no more than 16 seeds"
    [decided] = looks_of({"looks": [{**LOOKS[0], "open": []}]})
    assert ended(decided, (1, 64)) == "every pair is told apart"
    crossed = {**LOOKS[0], "extents": dict.fromkeys(ARMS, (6, 16)), "more_seeds": False}
    [narrow] = looks_of({"looks": [crossed]})
    assert ended(narrow, (12, 64)) is None
    assert str(ended(narrow, (6, 64))).startswith("more seeds would take less than a tenth off")
    assert ended(narrow, (6, 16)) == "there may be no more than 6 repeats of 16 seeds"


def test_limits_are_the_configurations():
    assert limits_of({"config": {"search": {"repeats": 3}, "confirm": {"replicas": 8}}}) == (3, 8)
    rounds = {"search": {"repeats": 3, "most_repeats": 9}, "confirm": {"replicas": 8, "most": 64}}
    assert limits_of({"config": rounds}) == (9, 64)
    assert size_of(1, 8) == "8 seeds"
