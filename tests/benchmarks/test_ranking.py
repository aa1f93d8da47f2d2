import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.ranking import correlations, regret, spearman, wrong_pairs


def test_spearman_is_scipys_with_ties_too():
    columns = np.random.default_rng(0).integers(0, 6, (3, 40)).astype(float)
    assert spearman(columns) == pytest.approx(spearmanr(columns, axis=1).statistic, abs=1e-12)


def test_a_constant_column_has_no_correlation():
    found = spearman(np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]))
    assert np.isnan(found[0, 1])


def test_correlations_are_means_over_groups():
    rising, falling = np.array([[1.0, 2, 3], [1, 2, 3]]), np.array([[1.0, 2, 3], [1, 3, 2]])
    found = correlations([(rising, ("a", "b", "c")), (falling, ("a", "b", "c"))])
    assert found.estimate[0, 1] == pytest.approx((1 + 0.5) / 2)


def test_the_interval_is_that_of_clusters():
    """Each point ten times over adds no information, so the interval is that of the points themselves."""
    random = np.random.default_rng(0)
    x = random.normal(size=60)
    columns = np.stack([x, x + random.normal(size=60)])
    names = [str(i) for i in range(60)]
    alone = correlations([(columns, names)]).interval(0, 1)
    repeated = correlations([(np.repeat(columns, 10, axis=1), list(np.repeat(names, 10)))]).interval(0, 1)
    assert repeated == pytest.approx(alone, abs=0.02)
    assert alone[1] - alone[0] == pytest.approx(
        0.32, abs=0.1
    )  # 2 * 1.96 (1 - r^2)/sqrt(60) at r = .69, and a little more


def test_a_gain_is_paired():
    random = np.random.default_rng(0)
    truth = random.normal(size=80)
    noisy = truth + random.normal(size=80)
    found = correlations([(np.stack([noisy, noisy**3, truth]), [str(i) for i in range(80)])])
    assert found.gain(0, 1, 2) == pytest.approx((0, 0, 0), abs=1e-12)


def test_pairs_put_the_wrong_way():
    truth = np.array([0.0, 1.0, 2.0])
    assert wrong_pairs(truth, truth, 0.01) == 0
    assert wrong_pairs(-truth, truth, 0.01) == 1
    assert wrong_pairs(np.array([1.0, 0.0, 2.0]), truth, 0.01) == pytest.approx(1 / 3)
    assert wrong_pairs(np.zeros(3), truth, 0.01) == 0.5


def test_pairs_within_the_truths_error_do_not_count():
    assert wrong_pairs(np.array([1.0, 0.0, 5.0]), np.array([0.0, 0.01, 1.0]), 0.1) == 0


def test_regret_of_the_truth_of_its_opposite_and_of_chance():
    truth = np.arange(4.0)
    assert regret(truth, truth) == 0
    assert regret(-truth, truth) == 3  # all four are drawn, and the worst is taken
    assert regret(np.zeros(4), truth) == pytest.approx(1.5, abs=0.03)
