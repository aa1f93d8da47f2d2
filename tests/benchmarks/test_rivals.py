import numpy as np
import pytest
from scipy.stats import brunnermunzel, mannwhitneyu, rankdata, ttest_ind, tukey_hsd

from benchmarks.rivals import RIVALS, all_replicas, brunner_munzel_of_repeats, one_search, pooled_t, t_of_repeats


@pytest.fixture
def outcomes():
    return np.random.default_rng(0).normal(size=(3, 3, 4, 8)).round(1)


def test_one_search_is_judged_by_scipys_tests(outcomes):
    a, b = outcomes[1, 0, 0], outcomes[1, 1, 0]
    asymptotic = mannwhitneyu(a, b, method="asymptotic", use_continuity=False).pvalue
    assert one_search(outcomes)[1, 0] == pytest.approx(max(brunnermunzel(a, b).pvalue, asymptotic))


def test_t_is_scipys_of_ranks(outcomes):
    ranks = rankdata(outcomes[2, [0, 2]]).reshape(2, 4, 8)
    assert all_replicas(outcomes)[2, 1] == pytest.approx(ttest_ind(*ranks.reshape(2, -1)).pvalue)
    assert t_of_repeats(outcomes)[2, 1] == pytest.approx(ttest_ind(*ranks.mean(-1)).pvalue)


def test_single_replicas_make_clustered_brunner_munzel_the_plain_one(outcomes):
    single = outcomes[..., :1]
    expected = brunnermunzel(single[0, 0].ravel(), single[0, 1].ravel()).pvalue
    assert brunner_munzel_of_repeats(single)[0, 0] == pytest.approx(expected)


def test_pooled_t_has_the_statistic_of_tukeys_test(outcomes):
    ranks = rankdata(outcomes[0]).reshape(outcomes[0].shape).mean(-1)
    order = np.argsort([tukey_hsd(*ranks).pvalue[pair] for pair in ((0, 1), (0, 2), (1, 2))])
    assert np.argsort(pooled_t(outcomes)[0]).tolist() == order.tolist()
    two = outcomes[:, :2]
    ranked = rankdata(two[0]).reshape(two[0].shape).mean(-1)
    assert pooled_t(two)[0, 0] == pytest.approx(ttest_ind(*ranked).pvalue)


@pytest.mark.parametrize("name", RIVALS)
def test_an_arm_far_off_is_found_by_all_and_order_does_not_matter(name, outcomes):
    outcomes = np.repeat(outcomes, 2, axis=2)  # eight repeats
    outcomes[:, 2] += 10
    p = RIVALS[name](outcomes)
    assert (p[:, 1:] < 0.02).all()
    assert (p >= 0).all()
    if name != "permutation":
        np.testing.assert_allclose(RIVALS[name](outcomes[:, ::-1])[:, ::-1], p, atol=1e-12)
