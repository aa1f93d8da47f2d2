import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import brunnermunzel, norm

from analysis.record.loading import Record
from analysis.results.pairs import FIELDS, Comparison, compare
from analysis.results.selection import select
from analysis.statistics.holm import holm
from analysis.statistics.ranks import rank_test


def frame(phase="confirm", replicas=1, **arms):
    """Rows of trials.parquet: each arm's scores, NaN for a diverged replica; `replicas` of them a configuration."""
    rows = [
        {"study": "rings", "phase": phase, "arm": arm, "repeat": 0, "index": k // replicas,
         "trial_id": f"{phase}-{arm}-{k // replicas:04d}", "seed": k % replicas, "status": "completed",
         "outcome": "diverged" if math.isnan(value) else "converged", "fid": value}
        for arm, values in arms.items()
        for k, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


GOOD = norm.ppf((np.arange(16) + 0.5) / 16)


def of_phase(rows, phase):
    return select(Record(rows, rows, {}), phase)


def test_every_pair_is_tested_once_and_corrected_together():
    found = compare(of_phase(frame(a=GOOD, b=GOOD + 0.1, c=GOOD + 3), "confirm"), "fid")
    assert isinstance(found, Comparison)
    assert [(pair.a, pair.b) for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    np.testing.assert_allclose([pair.p_holm for pair in found.pairs], holm([pair.p for pair in found.pairs]))
    assert (found.subject, found.phase, found.unit, found.alpha) == ("fid", "confirm", "replica", 0.05)


def test_the_best_and_those_not_told_from_it():
    found = compare(of_phase(frame(c=GOOD + 3, b=GOOD + 0.1, a=GOOD), "confirm"), "fid")
    assert found.arms == ("a", "b", "c")
    assert (found.best, found.indistinguishable) == ("a", ("a", "b"))
    assert [(pair.a, pair.b) for pair in found.told] == [("a", "c"), ("b", "c")]
    strict = compare(of_phase(frame(c=GOOD + 3, b=GOOD + 0.1, a=GOOD), "confirm"), "fid", alpha=1e-9)
    assert (strict.indistinguishable, strict.told) == (("a", "b", "c"), ())


@pytest.mark.golden
def test_the_best_is_chosen_by_the_effect_that_is_tested():
    """S1 of the shared cases: A has the better median, and is worse in seven of ten comparisons."""
    a, b = [1.0] * 18 + [100.0] * 14, [0.9] * 15 + [1.1] * 17
    found = compare(of_phase(frame(a=a, b=b), "confirm"), "fid")
    pair = found.pair("a", "b")
    assert pair.effect.estimate == 18 * 17 / 32**2
    assert (pair.effect.low, pair.effect.high) == pytest.approx((0.18, 0.45), abs=0.005)
    assert pair.p == pytest.approx(brunnermunzel(a, b).pvalue)  # .005
    assert (found.arms, found.best, found.indistinguishable) == (("b", "a"), "b", ("b",))
    assert [(one.a, one.b) for one in found.told] == [("b", "a")]
    assert pair.shift.interval.estimate == pytest.approx(1 / 0.9)  # the median of all ratios: A is the larger


def test_effects_in_a_circle_have_no_best():
    """Three dice of Efron's kind: a beats b, b beats c, c beats a, each in five of nine throws."""
    dice = {"a": [2, 4, 9], "b": [3, 5, 7], "c": [1, 6, 8]}
    found = compare(of_phase(frame(**{arm: np.tile(faces, 40) for arm, faces in dice.items()}), "confirm"), "fid")
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        assert found.pair(one, other).effect.estimate == pytest.approx(5 / 9)
    assert found.best is None
    assert found.indistinguishable == ()


@pytest.mark.parametrize("n", [3, 7, 16, 49])
def test_arms_that_are_level_have_no_best_whatever_is_rounded(n):
    generator = np.random.default_rng(n)
    values = generator.normal(size=n)
    found = compare(of_phase(frame(a=values, b=generator.permutation(values)), "confirm"), "fid")
    assert found.pair("a", "b").effect.estimate == 0.5
    assert found.best is None
    assert found.told == ()


@pytest.mark.property
@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=6), min_size=2, max_size=4))
def test_order_best_and_told_apart_follow_one_effect(arms):
    rows = frame(**{f"arm{k}": np.array(values, float) for k, values in enumerate(arms)})
    found = compare(of_phase(rows, "confirm"), "fid")
    effects = found.matrix("effect")
    ahead = {arm: (effects.loc[arm].drop(arm) > 0.5).tolist() for arm in found.arms}
    best = [arm for arm, wins in ahead.items() if all(wins)]
    assert found.best == (best[0] if best else None)
    assert [sum(ahead[arm]) for arm in found.arms] == sorted((sum(wins) for wins in ahead.values()), reverse=True)
    assert all(pair.effect.estimate > 0.5 and pair.p_holm <= 0.05 for pair in found.told)


def test_diverged_replicas_lose_and_tie():
    half = np.r_[GOOD[:8], np.full(8, math.nan)]
    found = compare(of_phase(frame(a=GOOD, b=np.full(16, math.nan), c=np.full(16, math.nan), d=half), "confirm"), "fid")
    assert found.arms[0] == "a"
    assert found.pair("a", "b").effect.estimate == 1
    assert found.pair("b", "c").effect.estimate == 0.5
    assert found.pair("b", "c").p == 1
    assert found.pair("d", "b").effect.estimate == 0.75
    assert found.pair("a", "b").p_holm < 0.001


def test_more_is_better():
    found = compare(of_phase(frame(a=GOOD, b=GOOD + 3, c=np.full(16, math.nan)), "confirm"), "fid", mode="max")
    assert found.arms == ("b", "a", "c")
    assert found.pair("b", "a").effect.estimate > 0.9
    assert found.pair("b", "a").shift.interval.estimate == pytest.approx(3)
    assert found.pair("a", "b").shift.interval.estimate == pytest.approx(-3)


def test_shifts_are_ratios_where_all_scores_are_positive_and_have_no_bound():
    ratios = compare(of_phase(frame(a=np.exp(GOOD), b=2 * np.exp(GOOD)), "confirm"), "fid").pair("b", "a").shift
    assert ratios.scale == "ratio"
    assert ratios.interval.estimate == pytest.approx(2)
    assert ratios.turned().interval.estimate == pytest.approx(0.5)
    assert ratios.turned().interval.low == pytest.approx(1 / ratios.interval.high)
    assert compare(of_phase(frame(a=GOOD, b=GOOD), "confirm"), "fid").pairs[0].shift.scale == "difference"
    shares = frame(a=[0.1, 0.2], b=[0.3, 0.4]).rename(columns={"fid": "coverage"})
    assert compare(of_phase(shares, "confirm"), "coverage").pairs[0].shift.scale == "difference"


def test_a_pair_is_found_from_either_side():
    found = compare(of_phase(frame(a=GOOD, b=GOOD + 1), "confirm"), "fid")
    assert found.pair("a", "b") == found.pairs[0]
    assert found.pair("b", "a") == found.pairs[0].turned()
    with pytest.raises(KeyError, match="no pair of the arms 'a' and 'z'; there are a, b"):
        found.pair("a", "z")
    with pytest.raises(KeyError, match="no pair of the arms 'a' and 'a'"):
        found.pair("a", "a")


def test_matrices():
    found = compare(of_phase(frame(b=GOOD + 1, a=GOOD, c=GOOD + 2), "confirm"), "fid")
    for field in FIELDS:
        table = found.matrix(field)
        assert list(table.index) == list(table.columns) == ["b", "a", "c"]
        assert np.isnan(np.diag(table)).all()
    effect = found.matrix("effect")
    assert effect.loc["a", "c"] == pytest.approx(1 - effect.loc["c", "a"])
    assert effect.loc["a", "c"] > 0.5
    p = found.matrix("p_holm")
    assert p.loc["a", "b"] == p.loc["b", "a"]
    with pytest.raises(ValueError, match="field: expected one of effect, p, p_holm, got 'q'"):
        found.matrix("q")


def test_in_a_search_the_unit_is_the_configuration():
    found = compare(of_phase(frame("search", 4, a=np.repeat(GOOD, 4), b=np.repeat(GOOD + 1, 4)), "search"), "fid")
    pair = found.pairs[0]
    assert (found.unit, pair.n_a, pair.effect.captures) == ("configuration", 16, "configurations")
    assert pair.p == rank_test(GOOD, GOOD + 1)[1]


def test_one_arm_has_no_pairs_and_none_is_refused():
    alone = compare(of_phase(frame(a=GOOD), "confirm"), "fid")
    assert (alone.pairs, alone.best, alone.indistinguishable) == ((), "a", ("a",))
    with pytest.raises(ValueError, match="phase: no arm has a score of fid in the phase 'search'"):
        compare(of_phase(frame(a=GOOD), "search"), "fid")


def family_wise_error(test, count, draw):
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(count):
        samples = [draw(generator) for _ in range(5)]
        p = [rank_test(a, b, test)[1] for a, b in combinations(samples, 2)]
        wrong += holm(p).min() <= 0.05
    return wrong / count


def with_divergence(generator):
    return np.where(generator.random(16) < 0.3, np.inf, np.exp(generator.normal(size=16)))


def test_the_family_wise_error_is_kept_with_ties_and_divergence():
    assert family_wise_error("brunner_munzel", 150, with_divergence) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


@pytest.mark.slow
@pytest.mark.parametrize("test", ["brunner_munzel", "mann_whitney"])
def test_the_family_wise_error_is_kept(test):
    draws = {"normal": lambda generator: generator.normal(size=16), "diverging": with_divergence}
    for name, draw in draws.items():
        error = family_wise_error(test, 1000, draw)
        print(f"family-wise error of {test}, 5 arms of 16, {name}: {error:.3f}")
        assert error <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
