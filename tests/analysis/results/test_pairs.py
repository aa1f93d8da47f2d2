import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.record.loading import Record
from analysis.results.compare import Comparison, Pair, compare
from analysis.results.pairs import FIELDS, _pairs
from analysis.results.selection import select
from analysis.statistics.holm import holm
from analysis.statistics.ranks import rank_test, relative_effect


def frame(phase="confirm", replicas=1, **arms):
    """Rows of trials.parquet: each arm's scores, NaN for a diverged replica; `replicas` of them a configuration."""
    rows = [
        {"study": "rings", "phase": phase, "arm": arm, "index": k // replicas,
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
    first = found.pairs[0]
    assert (first.statistic, first.p) == rank_test(GOOD, GOOD + 0.1)
    assert first.improvement.estimate == relative_effect(GOOD, GOOD + 0.1).estimate
    assert (first.improvement.captures, found.unit, first.n_a) == ("seeds", "replica", 16)


def test_the_best_and_those_not_told_from_it():
    found = compare(of_phase(frame(c=GOOD + 3, b=GOOD + 0.1, a=GOOD), "confirm"), "fid")
    assert found.arms == ("a", "b", "c")
    assert (found.best, found.indistinguishable) == ("a", ("a", "b"))
    strict = compare(of_phase(frame(c=GOOD + 3, b=GOOD + 0.1, a=GOOD), "confirm"), "fid", alpha=1e-9)
    assert strict.indistinguishable == ("a", "b", "c")


def test_diverged_replicas_lose_and_tie():
    half = np.r_[GOOD[:8], np.full(8, math.nan)]
    found = compare(of_phase(frame(a=GOOD, b=np.full(16, math.nan), c=np.full(16, math.nan), d=half), "confirm"), "fid")
    assert found.arms[0] == "a"
    assert found.pair("a", "b").improvement.estimate == 1
    assert found.pair("b", "c").improvement.estimate == 0.5
    assert found.pair("b", "c").p == 1
    assert found.pair("d", "b").improvement.estimate == 0.75
    assert found.pair("a", "b").p_holm < 0.001


def test_more_is_better():
    found = compare(of_phase(frame(a=GOOD, b=GOOD + 3, c=np.full(16, math.nan)), "confirm"), "fid", mode="max")
    assert found.arms == ("b", "a", "c")
    assert found.pair("b", "a").improvement.estimate > 0.9


@pytest.mark.golden
def test_cliffs_delta_by_hand():
    pair = compare(of_phase(frame(a=[1, 2, 3, 4], b=[2, 5, 6, 7]), "confirm"), "fid").pairs[0]
    assert pair.improvement.estimate == (4 + 3.5 + 3 + 3) / 16  # of 2, 5, 6, 7: above 1 all, above 2 three and a tie
    assert pair.delta.estimate == 2 * pair.improvement.estimate - 1
    assert (pair.delta.low, pair.delta.high) == (2 * pair.improvement.low - 1, 2 * pair.improvement.high - 1)


def test_a_pair_turns():
    found = compare(of_phase(frame(a=GOOD, b=GOOD + 1), "confirm"), "fid")
    one, other = found.pair("a", "b"), found.pair("b", "a")
    assert isinstance(one, Pair)
    assert one == found.pairs[0]
    assert other.improvement.estimate == pytest.approx(1 - one.improvement.estimate)
    assert other.delta.high == pytest.approx(-one.delta.low)
    assert (other.p, other.statistic, other.a) == (one.p, -one.statistic, "b")
    assert other.turned().improvement.estimate == pytest.approx(one.improvement.estimate)
    with pytest.raises(KeyError, match="no pair of the arms 'a' and 'z'; there are a, b"):
        found.pair("a", "z")
    with pytest.raises(KeyError, match="no pair of the arms 'a' and 'a'"):
        found.pair("a", "a")


def test_matrices():
    found = compare(of_phase(frame(b=GOOD + 1, a=GOOD, c=GOOD + 2), "confirm"), "fid")
    for field in FIELDS:
        table = found.matrix(field)
        assert list(table.index) == list(table.columns) == ["a", "b", "c"]
        assert np.isnan(np.diag(table)).all()
    improvement = found.matrix("improvement")
    assert improvement.loc["a", "c"] == pytest.approx(1 - improvement.loc["c", "a"])
    assert improvement.loc["a", "c"] > 0.5
    p = found.matrix("p_holm")
    assert p.loc["a", "b"] == p.loc["b", "a"]
    with pytest.raises(ValueError, match="field: expected one of improvement, delta, p, p_holm, got 'q'"):
        found.matrix("q")


def test_in_a_search_the_unit_is_the_configuration():
    found = compare(of_phase(frame("search", 4, a=np.repeat(GOOD, 4), b=np.repeat(GOOD + 1, 4)), "search"), "fid")
    pair = found.pairs[0]
    assert (found.unit, pair.n_a, pair.improvement.captures) == ("configuration", 16, "configurations")
    assert (pair.statistic, pair.p) == rank_test(GOOD, GOOD + 1)


def test_one_arm_has_no_pairs_and_none_is_refused():
    alone = compare(of_phase(frame(a=GOOD), "confirm"), "fid")
    assert (alone.pairs, alone.best, alone.indistinguishable) == ((), "a", ("a",))
    with pytest.raises(ValueError, match="phase: no arm has a score of fid in the phase 'search'"):
        compare(of_phase(frame(a=GOOD), "search"), "fid")


def family_wise_error(test, count, draw):
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(count):
        units = {str(arm): draw(generator) for arm in range(5)}
        wrong += any(pair.p_holm <= 0.05 for pair in _pairs(units, test, "seeds", 0.95))
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
