import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import brunnermunzel, mannwhitneyu, permutation_test, rankdata

from analysis.statistics import ranks as module
from analysis.statistics.ranks import rank_test, relative_effect

SAMPLE = st.lists(st.one_of(st.integers(0, 5).map(float), st.just(math.inf)), min_size=2, max_size=12)


@pytest.mark.golden
def test_by_hand():
    # pairs of (1, 3) and (2, 3, inf): 1 is below all three; 3 is above 2, ties with 3, is below inf
    found = relative_effect([1, 3], [2, 3, math.inf])
    assert found.estimate == (3 + 0 + 0.5 + 1) / 6
    # placements of a: 1 and 1/2, variance 1/8; of b: 1/2, 3/4 and 1, variance 1/16
    assert found.variance == pytest.approx(1 / 8 / 2 + 1 / 16 / 3)


@pytest.mark.property
@given(SAMPLE, SAMPLE)
def test_every_pair_counts_once(a, b):
    wins = np.mean([(x < y) + (x == y) / 2 for x in a for y in b])
    found = relative_effect(a, b)
    low, high = found.ends()
    assert found.estimate == pytest.approx(wins)
    assert 0 <= low <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= high <= 1


@pytest.mark.property
@given(SAMPLE, SAMPLE)
def test_turning_the_pair_turns_everything(a, b):
    one, other = relative_effect(a, b), relative_effect(b, a)
    assert other.estimate == pytest.approx(1 - one.estimate)
    assert other.ends() == pytest.approx(tuple(1 - end for end in reversed(one.ends())))
    assert other.brunner_munzel()[1] == pytest.approx(one.brunner_munzel()[1])


@pytest.mark.property
@given(SAMPLE, SAMPLE)
def test_only_ranks_matter(a, b):
    one, other = relative_effect(a, b), relative_effect(np.exp(a), np.exp(b))
    assert one == other


def test_brunner_and_munzel_is_scipys_but_never_below_mann_and_whitney():
    generator = np.random.default_rng(0)
    for shift in (0.0, 0.5, 1.0):
        a, b = generator.normal(size=15).round(1), (2 * generator.normal(size=20) + shift).round(1)
        theirs, least = brunnermunzel(a, b), rank_test(a, b, "mann_whitney")[1]
        assert relative_effect(a, b).brunner_munzel() == pytest.approx((theirs.statistic, theirs.pvalue))
        assert rank_test(a, b) == pytest.approx((theirs.statistic, max(theirs.pvalue, least)))


@pytest.mark.property
@given(st.lists(st.integers(0, 60), min_size=2, max_size=30, unique=True), st.data())
def test_without_ties_mann_and_whitney_is_scipys_exact_one(values, data):
    cut = data.draw(st.integers(1, len(values) - 1))
    a, b = values[:cut], values[cut:]
    theirs = mannwhitneyu(b, a, method="exact")
    assert rank_test(a, b, "mann_whitney") == pytest.approx((theirs.statistic, theirs.pvalue))


@pytest.mark.property
@given(st.lists(st.integers(0, 4), min_size=2, max_size=5), st.lists(st.integers(0, 4), min_size=2, max_size=5))
def test_with_ties_mann_and_whitney_goes_through_every_permutation(a, b):
    def places(a, b, axis):
        return rankdata(np.concatenate([a, b], axis), axis=axis)[..., a.shape[axis] :].sum(axis)

    theirs = permutation_test((a, b), places, vectorized=True, n_resamples=np.inf)
    assert rank_test(a, b, "mann_whitney")[1] == pytest.approx(theirs.pvalue)


def test_in_large_samples_mann_and_whitney_is_scipys_approximation():
    a, b = np.random.default_rng(0).normal(size=(2, 200)).round(1)
    theirs = mannwhitneyu(b, a, method="asymptotic")
    assert rank_test(a, b, "mann_whitney") == pytest.approx((theirs.statistic, theirs.pvalue))


def test_exact_and_approximate_meet_where_one_takes_over(monkeypatch):
    a, b = np.random.default_rng(1).normal(size=(2, 24)).round(1)
    exact = rank_test(a, b + 0.5, "mann_whitney")[1]
    monkeypatch.setattr(module, "EXACT", 0)
    assert rank_test(a, b + 0.5, "mann_whitney")[1] == pytest.approx(exact, rel=0.05)


def test_large_u_is_where_a_is_better():
    a, b = [1.0, 2.0, 2.0, 5.0], [2.0, 4.0, 6.0, 7.0, math.inf]
    statistic, p = rank_test(a, b, "mann_whitney")
    assert statistic == relative_effect(a, b).estimate * 20
    assert rank_test(b, a, "mann_whitney") == pytest.approx((20 - statistic, p))


@pytest.mark.golden
@pytest.mark.parametrize("test", ["brunner_munzel", "mann_whitney"])
def test_few_units_with_ties(test):
    """Of 20 ways to deal six out two are as far apart, of 70 ways to deal eight two, of 6 to deal four two."""
    assert rank_test([8, 8, 8], [7, 7, 7], test)[1] == pytest.approx(2 / 20)
    assert rank_test([math.inf] * 4, [1, 2, 3, 4], test)[1] == pytest.approx(2 / 70)
    assert rank_test([0, 0], [1, 1], test)[1] == pytest.approx(2 / 6)


def test_a_separated_pair_has_the_exact_chance_of_being_dealt_so():
    assert rank_test([1, 2, 3], [4, 5, 6]) == (math.inf, pytest.approx(2 / 20))
    assert rank_test([4, 5, 6], [1, 2, 3]) == (-math.inf, pytest.approx(2 / 20))
    low, high = relative_effect([1, 2, 3], [4, 5, 6]).ends()
    assert (low < 0.7, high) == (True, 1.0)


@pytest.mark.parametrize("test", ["brunner_munzel", "mann_whitney"])
def test_samples_all_alike_do_not_differ(test):
    assert rank_test([math.inf] * 4, [math.inf] * 6, test)[1] == 1
    assert relative_effect([math.inf] * 4, [math.inf] * 6).estimate == 0.5


def test_diverged_replicas_lose_to_any_score_and_tie_with_each_other():
    assert relative_effect([1e300, 1e300], [math.inf, math.inf]).estimate == 1
    assert relative_effect([1.0, math.inf], [math.inf, math.inf]).estimate == 0.75


def test_single_values_are_taken():
    low, high = relative_effect([1.0], [2.0]).ends()
    assert 0 < low < 0.5
    assert high == 1
    assert rank_test([1.0], [2.0])[1] == 1


def test_what_is_no_sample_or_test_is_refused():
    with pytest.raises(ValueError, match=r"b: expected \(n,\) numbers without NaN, n > 0, got shape \(0,\)"):
        relative_effect([1.0], [])
    with pytest.raises(ValueError, match="test: expected one of brunner_munzel, mann_whitney, got 't'"):
        rank_test([1.0], [2.0], "t")


def normal(generator, size):
    return generator.normal(size=size)


SCENES = {
    "alike": lambda g, n, m: (normal(g, n), normal(g, m)),
    "shifted": lambda g, n, m: (normal(g, n), normal(g, m) + 1),
    "far": lambda g, n, m: (normal(g, n), normal(g, m) + 2),
    "spread": lambda g, n, m: (0.2 * normal(g, n), normal(g, m) + 0.7),
    "diverging": lambda g, n, m: (normal(g, n), np.where(g.random(m) < 0.5, np.inf, normal(g, m))),
    "both_diverging": lambda g, n, m: (np.where(g.random(n) < 0.3, np.inf, 0), np.where(g.random(m) < 0.6, np.inf, 0)),
    "counts": lambda g, n, m: (-g.binomial(8, 0.95, n), -g.binomial(8, 0.9, m)),
    "two_humps": lambda g, n, m: (np.where(g.random(n) < 0.1, 5, 0) + normal(g, n), normal(g, m) + 4),
}  # fmt: skip


@pytest.mark.parametrize(("n", "m"), [(32, 32), (16, 16)])
@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_probability_of_improvement_is_covered(name, n, m):
    generator = np.random.default_rng(1)
    truth = relative_effect(*SCENES[name](generator, 100_000, 100_000)).estimate
    found = [relative_effect(*SCENES[name](generator, n, m)).ends() for _ in range(600)]
    covered = np.mean([low <= truth <= high for low, high in found])
    print(f"probability of improvement, {name}, {n} and {m}: {covered:.3f}")
    assert 0.92 <= covered <= 0.98, covered


@pytest.mark.parametrize("test", ["brunner_munzel", "mann_whitney"])
@pytest.mark.parametrize("size", [8, 32])
def test_the_level_is_kept(size, test):
    generator = np.random.default_rng(2)
    wrong = np.mean([rank_test(*generator.normal(size=(2, size)), test)[1] <= 0.05 for _ in range(1000)])
    print(f"{test} at {size}: {wrong:.4f}")
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 6), (8, 8), (16, 16)])
def test_the_level_is_kept_with_ties(n, m):
    generator = np.random.default_rng(3)
    wrong = np.mean([rank_test(*np.split(generator.binomial(3, 0.3, n + m), [n]))[1] <= 0.05 for _ in range(1000)])
    print(f"rank test with ties, {n} and {m}: {wrong:.4f}")
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
