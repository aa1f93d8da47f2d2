from fractions import Fraction
from itertools import permutations
from math import inf, nan, sqrt

import numpy as np
import pytest

from analysis.record.loading import Record
from analysis.results.compare import outcomes
from analysis.results.data_sets import _better, _differences, _Effects, _ranked, over_data_sets
from analysis.results.selection import select
from analysis.statistics.friedman import friedman
from analysis.statistics.holm import holm
from analysis.statistics.ranks import relative_effect
from analysis.statistics.signed_rank import signed_rank

FID = ("fid", "min")


@pytest.fixture
def compared(trial, frame):
    """`compared({study: {arm: fid}}, …)`: the comparisons of studies, each of a data set of its own unless said."""

    def compared(studies, data=None, phase="confirm", diverged=None, goals=None, seeds=None, **settings):
        rows = [
            row
            for study, arms in studies.items()
            for arm, values in arms.items()
            for index, fid in enumerate(values if phase == "search" else [values])
            for row in trial(
                f"{study}/{arm}", index, phase, tuple(fid), study=study, diverged=(diverged or {}).get((study, arm), ())
            )
        ]
        table = frame(rows)
        abouts = [
            {
                "study": study,
                "config": {
                    "data": {"name": (data or {}).get(study, study)},
                    "search": {"seed": (seeds or {}).get(study)},
                },
                "searched": {"a": ["generator_lr"]} if seeds else {},
            }
            for study in studies
        ]
        selected = select(Record(table, table, {"joined": abouts}), phase)
        asked = dict.fromkeys(studies, FID) | (goals or {})
        found = over_data_sets(selected, asked, outcomes(selected), generator=np.random.default_rng(0), **settings)
        return {one.endpoint: one for one in found}

    return compared


GOOD, FAIR, BAD = (1.0, 2.0, 3.0, 4.0), (1.5, 2.5, 3.5, 4.5), (7.0, 8.0, 9.0, 9.5)


def test_arms_are_ranked_on_each_data_set_by_how_often_they_are_better(compared):
    found = compared({"r": {"a": BAD, "b": GOOD, "c": FAIR}, "g": {"a": BAD, "b": FAIR, "c": GOOD}})["quality"]
    assert (found.unit, found.phase, found.arms) == ("data set", "confirm", ("b", "c", "a"))
    assert [unit.name for unit in found.units] == ["r", "g"]
    assert [unit.ranks for unit in found.units] == [(1, 2, 3), (2, 1, 3)]
    better = relative_effect(GOOD, FAIR).estimate
    assert found.units[0].scores == pytest.approx(((better + 1) / 2, (1 - better + 1) / 2, 0))
    assert found.test.average_ranks.tolist() == [1.5, 1.5, 3]
    pair = found.pair("b", "a")
    assert (pair.better, pair.worse, pair.effect, pair.p) == (2, 0, 0.5, 0.5)
    assert found.pair("c", "b").effect == 0
    assert found.indistinguishable == ("b", "c", "a")


def test_diverged_replicas_are_worst_and_tie(compared):
    held = {(study, "b"): (0, 1, 2, 3) for study in "rg"}
    found = compared({"r": {"a": BAD, "b": GOOD}, "g": {"a": BAD, "b": GOOD}}, diverged=held)
    assert found["quality"].arms == found["converged"].arms == ("a", "b")
    assert found["quality"].units[0].scores == (1, 0)
    assert found["converged"].units[0].scores == (1, 0)
    assert found["converged"].pair("a", "b").effect == 1
    both = held | {(study, "a"): (0, 1, 2, 3) for study in "rg"}
    tied = compared({"r": {"a": BAD, "b": GOOD}, "g": {"a": BAD, "b": GOOD}}, diverged=both)["quality"]
    assert [unit.ranks for unit in tied.units] == [(1.5, 1.5)] * 2
    assert (tied.test.p, tied.pairs[0].p) == (1, 1)


def test_the_share_that_converged_is_compared_as_a_difference(compared):
    some = {("r", "a"): (0,), ("g", "b"): (0, 1)}
    found = compared({"r": {"a": GOOD, "b": GOOD}, "g": {"a": GOOD, "b": GOOD}}, diverged=some)["converged"]
    assert [dict(zip(found.arms, unit.scores, strict=True)) for unit in found.units] == [
        {"a": 0.75, "b": 1}, {"a": 1, "b": 0.5},
    ]  # fmt: skip
    assert found.pair("a", "b").effect == pytest.approx((-0.25 + 0.5) / 2)


def test_each_study_goes_by_its_own_metric_and_scale(compared):
    """Of the second study more is better, and its values are a thousand times as large."""
    large = {"a": (1000.0, 2000.0), "b": (3000.0, 4000.0)}
    found = compared({"r": {"a": BAD, "b": GOOD}, "g": large}, goals={"g": ("fid", "max")})["quality"]
    assert found.pair("b", "a").effect == 0.5
    assert found.test.average_ranks.tolist() == [1, 2]


def test_studies_of_one_data_set_count_as_one(compared):
    studies = {"r1": {"a": GOOD, "b": BAD}, "r2": {"a": BAD, "b": GOOD}, "r3": {"a": GOOD, "b": BAD}}
    found = compared({**studies, "g": {"a": GOOD, "b": BAD}}, data=dict.fromkeys(studies, "ring"))["quality"]
    assert [unit.name for unit in found.units] == ["r1 + r2 + r3", "g"]
    assert dict(zip(found.arms, found.units[0].scores, strict=True)) == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert found.pair("a", "b").effect == pytest.approx((1 / 6 + 1 / 2) / 2)
    alone = compared(studies, data=dict.fromkeys(studies, "ring"))["quality"]
    assert (alone.unit, len(alone.units)) == ("study", 3)


def test_what_lacks_a_score_is_left_out_and_named(compared):
    three = {"a": GOOD, "b": BAD, "c": FAIR}
    found = compared({"r": three, "g": {"a": GOOD, "b": BAD}, "m": three, "n": three})["quality"]
    assert (found.lacking, found.dropped) == ({"g": {"c"}}, {"r": set(), "m": set(), "n": set()})
    assert [unit.name for unit in found.units] == ["r", "m", "n"]
    found = compared({"r": three, "g": {"a": GOOD, "b": BAD}, "m": three})["quality"]
    assert (found.lacking, found.dropped) == ({}, {"r": {"c"}, "g": set(), "m": {"c"}})
    unmeasured = {"r": three, "g": {"a": GOOD, "b": BAD, "c": (nan, nan)}, "m": three}
    found = compared(unmeasured)
    assert found["quality"].arms == ("a", "b")
    assert set(found["converged"].arms) == {"a", "b", "c"}


def test_in_a_search_a_replica_is_a_configuration_by_its_median(compared):
    studies = {
        study: {"a": [(1.0, 1.0, 9.0), (2.0, 2.0, 9.0)], "b": [(3.0, 3.0, 0.0), (4.0, 4.0, 0.0)]} for study in "rg"
    }
    found = compared(studies, phase="search")["quality"]
    assert found.units[0].scores == (1, 0)


@pytest.mark.parametrize(
    "studies",
    [
        {"r": {"a": GOOD, "b": BAD}},
        {"r": {"a": GOOD, "b": BAD}, "g": {"c": GOOD, "d": BAD}},
        {"r": {"a": GOOD}, "g": {"a": BAD}},
    ],
)
def test_without_two_studies_of_two_common_arms_nothing_is_compared(compared, studies):
    assert compared(studies) == {}


def test_searches_with_one_seed_are_named(compared):
    studies = {study: {"a": GOOD, "b": BAD} for study in "rgm"}
    assert compared(studies, seeds={"r": 0, "g": 0, "m": 1})["quality"].drawn_alike == ("r", "g")
    assert compared(studies, seeds={"r": 0, "g": 2, "m": 1})["quality"].drawn_alike == ()


def test_the_rope_reaches_the_posteriors(compared):
    studies = {str(study): {"a": GOOD, "b": FAIR} for study in range(8)}
    effect = relative_effect(GOOD, FAIR).estimate - 0.5
    wide, narrow = (compared(studies, rope=rope)["quality"].pairs[0].credence for rope in (2 * effect, effect / 2))
    assert wide.within > 0.9 > 0.1 > narrow.within
    assert narrow.above > 0.9
    assert compared(studies, rope=effect)["quality"].pairs[0] == compared(studies, rope=effect)["quality"].pairs[0]


def test_a_share_of_pairs_is_exact():
    assert _better(np.array([1.0, 2.0, inf]), np.array([2.0, inf])) == Fraction(2 * 2 + 2 + 1 + 1, 12)
    a, b = np.random.default_rng(0).integers(0, 5, (2, 16)).astype(float)
    assert float(_better(a, b)) == pytest.approx(relative_effect(a, b).estimate)


def families(generator, count, arms, replicas=8):
    """Of studies whose arms are alike: each search has its luck, a fifth of the replicas diverge in half of them."""
    names, effects = [str(arm) for arm in range(arms)], {}
    for study in range(count):
        luck = generator.normal(0, 0.3, (arms, 1))
        costs = np.exp(luck + generator.normal(0, 0.5, (arms, replicas)))
        costs[generator.random(costs.shape) < 0.2 * (study % 2)] = inf
        between = {(a, b): _better(costs[int(a)], costs[int(b)]) - Fraction(1, 2) for a, b in permutations(names, 2)}
        effects[str(study)] = _Effects(between, {})
    return names, [(study,) for study in effects], effects


def errors(arms, sets, count):
    """How often Friedman's test, and how often the corrected tests of pairs, find a difference."""
    generator = np.random.default_rng(arms * 100 + sets)
    wrong = np.zeros(2)
    for _ in range(count):
        names, grouped, effects = families(generator, sets, arms)
        order, ranked = _ranked(names, grouped, effects)
        alone = [signed_rank(one)[1] for one in _differences(order, grouped, effects).values()]
        wrong += [friedman([[-rank for rank in unit.ranks] for unit in ranked]).p <= 0.05, holm(alone).min() <= 0.05]
    overall, pairs = wrong / count
    print(f"{arms} arms alike, {sets} data sets: Friedman {overall:.3f}, some pair after Holm {pairs:.3f}")
    return overall, pairs


@pytest.mark.parametrize(("arms", "sets"), [(3, 5), (3, 10), (4, 10), (6, 10), (3, 20)])
def test_arms_alike_are_told_apart_in_at_most_five_of_a_hundred(arms, sets):
    count = 100
    for found in errors(arms, sets, count):
        assert found <= 0.05 + 3 * sqrt(0.05 * 0.95 / count)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("sets", [5, 10, 20])
@pytest.mark.parametrize("arms", [3, 4, 5, 6])
def test_arms_alike_are_told_apart_in_at_most_five_of_a_hundred_in_a_thousand_studies(arms, sets):
    for found in errors(arms, sets, 1000):
        assert found <= 0.05 + 3 * sqrt(0.05 * 0.95 / 1000)
