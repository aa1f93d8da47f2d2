from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import f, friedmanchisquare, permutation_test, rankdata

from analysis.statistics.friedman import friedman

# Table 6 of Demšar (2006): the area under the curve of C4.5, and of it with three ways to prune, on 14 data sets.
DEMSAR = [
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.975, 0.9749], [0.957, 0.978, 0.946, 0.970],
]  # fmt: skip
SCORES = arrays(np.float64, (4, 3), elements=st.sampled_from([0.0, 1.0, 2.0, inf]))


def ordered(ranks):
    """Scores that are ranked so."""
    return -np.array(ranks, float)


@pytest.mark.golden
def test_demsars_example():
    """The last row but one has .975 twice, ranked 2 and 3; χ² is not corrected for ties."""
    found = friedman(DEMSAR)
    np.testing.assert_allclose(found.average_ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    ranks = rankdata(-np.array(DEMSAR), axis=1)
    untied = found.statistic * ((ranks - 2.5) ** 2).sum() / (14 * 5)
    assert untied == pytest.approx(9.28, abs=0.01)
    assert 13 * untied / (14 * 3 - untied) == pytest.approx(3.69, abs=0.01)
    assert found.statistic == pytest.approx(friedmanchisquare(*np.array(DEMSAR).T).statistic)
    assert found.p < 0.05


@pytest.mark.golden
@pytest.mark.parametrize(
    ("ranks", "statistic", "p"),
    [
        ([[1, 2, 3]] * 3, 6.0, 0.028),
        ([[1, 2, 3], [1, 2, 3], [1, 3, 2]], 4.667, 0.194),
        ([[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 3, 2]], 6.5, 0.042),
        ([[1, 2, 3, 4]] * 2, 6.0, 0.042),
        ([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 4, 3]], 8.2, 0.017),
    ],
)
def test_exact_p_values_of_the_tables(ranks, statistic, p):
    """Tables of the distribution for few data sets: Friedman (1937), Owen (1962), Hollander and Wolfe's A.22."""
    found = friedman(ordered(ranks))
    assert found.statistic == pytest.approx(statistic, abs=1e-3)
    assert found.p == pytest.approx(p, abs=5e-4)
    assert found.method == "exact"


def test_ties_are_dealt_out_as_they_are():
    scores = np.array([[3.0, 1, 1], [2, 2, 1], [5, 4, 3], [1, 1, 1]])

    def statistic(*columns):
        return (rankdata(columns, axis=0).sum(1) ** 2).sum()

    expected = permutation_test(
        tuple(scores.T), statistic, permutation_type="samples", alternative="greater", n_resamples=10_000
    )  # of 6⁴ ways, all
    assert friedman(scores).p == pytest.approx(expected.pvalue)


def test_where_orders_cannot_be_gone_through_the_f_distribution_stands_in():
    scores = np.random.default_rng(0).normal(np.array([0, 0, 0, 0, 0.5]), size=(30, 5))
    found, scipys = friedman(scores), friedmanchisquare(*scores.T)
    assert found.method == "Iman and Davenport"
    assert found.statistic == pytest.approx(scipys.statistic)
    assert found.p == pytest.approx(f.sf(29 * scipys.statistic / (30 * 4 - scipys.statistic), 4, 4 * 29))
    assert found.p < scipys.pvalue
    agreed = friedman(ordered([[1, 2, 3, 4, 5, 6, 7, 8]] * 4))
    assert agreed.method == "Iman and Davenport"
    assert agreed.statistic == pytest.approx(4 * 7)
    assert agreed.p == pytest.approx(40320.0**-3)


def test_two_arms_are_a_sign_test():
    found = friedman([[1.0, 0.0]] * 5 + [[0.0, 1.0]])
    assert found.p == pytest.approx(2 * (1 + 6) / 2**6)


def test_arms_that_tie_everywhere_do_not_differ():
    found = friedman(np.full((3, 4), inf))
    assert (found.statistic, found.p, found.average_ranks.tolist()) == (0.0, 1.0, [2.5] * 4)


@pytest.mark.property
@given(SCORES, st.permutations(range(3)), st.permutations(range(4)))
def test_neither_the_order_of_arms_nor_of_data_sets_matters(scores, arms, sets):
    found, moved = friedman(scores), friedman(scores[sets][:, arms])
    assert (moved.statistic, moved.p) == pytest.approx((found.statistic, found.p))
    np.testing.assert_allclose(moved.average_ranks, found.average_ranks[arms])
    assert found.average_ranks.sum() == pytest.approx(6)


@pytest.mark.parametrize("scores", [[1.0, 2.0], [[1.0], [2.0]], [[1.0, np.nan]], np.zeros((0, 3))])
def test_what_is_no_table_of_scores_is_refused(scores):
    with pytest.raises(ValueError, match=r"scores: expected \(N, k\) numbers, N > 0 and k > 1, none NaN, got shape"):
        friedman(scores)


@pytest.mark.parametrize(("n", "k"), [(3, 3), (5, 4), (3, 6), (7, 5), (3, 9), (10, 4)])
def test_arms_alike_differ_in_at_most_five_of_a_hundred(n, k):
    generator, count = np.random.default_rng(1), 300
    wrong = np.mean([friedman(generator.normal(size=(n, k))).p <= 0.05 for _ in range(count)])
    print(f"{k} arms alike on {n} data sets: {wrong:.3f}")
    assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / count)
