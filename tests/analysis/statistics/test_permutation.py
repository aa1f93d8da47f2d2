import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f_oneway, kruskal, permutation_test, rankdata

from analysis.statistics.permutation import dealings, dealt_out, few, least, permutation

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=4)


@pytest.mark.golden
def test_two_against_two_by_hand():
    """0 and 1 against 2 and 3: sums of ±2 about the mean, 3 · 2 · (2²/2) / 5; of six ways two are as far."""
    assert permutation([[0, 1], [2, 3]]) == (pytest.approx(3 * 4 / 5), 1, pytest.approx(1 / 3))


@pytest.mark.property
@given(SCORES, SCORES)
def test_two_arms_are_scipys(a, b):
    found = permutation([a, b])

    def apart(a, b, axis):
        return np.abs(a.mean(axis) - b.mean(axis))

    theirs = permutation_test((a, b), apart, vectorized=True, alternative="greater", n_resamples=np.inf)
    assert found[2] == pytest.approx(theirs.pvalue)


@pytest.mark.golden
def test_three_arms_by_going_through_all_orders():
    scores = np.array([0.0, 0.3, 1.1, 1.1, 2.0, 5.0])
    theirs = [f_oneway(*np.split(np.array(order), [2, 4])).statistic for order in permutations(scores)]
    assert permutation(np.split(scores, [2, 4]))[2] == pytest.approx(np.mean(np.array(theirs) >= theirs[0] - 1e-9))


def test_with_many_units_it_is_the_f_test():
    a, b, c = np.random.default_rng(0).normal(size=(3, 20))
    assert permutation([a, b, c])[1:] == (2, pytest.approx(f_oneway(a, b, c).pvalue))
    ranks = np.split(rankdata(np.r_[a, b, c]), 3)
    assert permutation(ranks)[0] == pytest.approx(kruskal(a, b, c).statistic)


def test_no_p_value_is_below_what_dealing_can_give():
    apart = [np.zeros(3) + place for place in range(6)]
    assert not few([3] * 6)
    assert permutation(apart)[2] == least([3] * 6) == math.factorial(6) * 6**6 / math.factorial(18)
    assert [least(sizes) for sizes in ([2, 2], [3, 3], [4, 4], [2, 3])] == pytest.approx(
        [1 / 3, 1 / 10, 1 / 35, 1 / 10]
    )


def test_every_way_to_deal_is_there_once():
    scores = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    found = dealt_out(scores, [2, 3])
    assert sorted(found[:, 0]) == sorted(scores[list(pair)].sum() for pair in combinations(range(5), 2))
    np.testing.assert_allclose(found.sum(1), 11111)
    assert len(dealt_out(np.arange(7.0), [2, 2, 3])) == dealings([2, 2, 3]) == 210


def test_scores_all_alike_do_not_differ_and_single_ones_were_not_repeated():
    assert permutation([[0.1] * 3, [0.1] * 4]) == (0, 1, 1)
    assert math.isnan(permutation([[1.0], [2.0], [3.0]])[2])


@pytest.mark.parametrize("samples", [[[1.0]], [[1.0], []], [[1.0, math.inf], [2.0]]])
def test_what_are_no_samples_is_refused(samples):
    with pytest.raises(ValueError, match="samples: expected two or more of finite numbers, none empty, got the sizes"):
        permutation(samples)


def draws(generator, kind, shape):
    return generator.normal(size=shape) if kind == "normal" else 1.0 * (generator.random(shape) < 0.2)


@pytest.mark.parametrize("sizes", [(3, 3), (4, 4), (3, 3, 3), (12, 12), (3,) * 6, (3, 15)])
@pytest.mark.parametrize("kind", ["normal", "one in five"])
def test_the_level_is_kept(sizes, kind):
    generator, cuts = np.random.default_rng(1), np.cumsum(sizes)[:-1]
    p = [permutation(np.split(draws(generator, kind, sum(sizes)), cuts))[2] for _ in range(1000)]
    print(f"permutation of {sizes}, {kind}: {np.mean(np.array(p) <= 0.05):.3f}")
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
