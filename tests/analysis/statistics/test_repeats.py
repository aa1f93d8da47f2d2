import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu, t

from analysis.statistics.holm import holm
from analysis.statistics.permutation import least
from analysis.statistics.ranks import relative_effect
from analysis.statistics.repeats import by_mean, by_rank, by_searches, by_searches_rank, least_p, may_end_wholly
from analysis.statistics.two_shares import barnard

TABLE = arrays(np.float64, (3, 3, 4), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, math.inf]))


@pytest.mark.golden
def test_independent_units_without_ties_are_mann_and_whitneys():
    costs = np.random.default_rng(0).normal(size=(2, 6, 1))
    found = by_rank(costs)
    effect = relative_effect(costs[0].ravel(), costs[1].ravel())
    assert found.estimate == pytest.approx([effect.estimate])
    assert found.variance == pytest.approx([4 * (12 + 1) / (12 * 36)], rel=1 / 144)  # of 2P - 1
    assert found.degrees_of_freedom == pytest.approx([10])


@pytest.mark.golden
def test_an_equal_share_of_both_is_the_test_of_two_shares():
    held = np.zeros((2, 8, 1))
    held[0, :6], held[1, :3] = 1, 1
    found = by_mean(held)
    pooled = 9 / 16
    assert found.estimate == pytest.approx([3 / 8])
    assert found.variance == pytest.approx([(pooled * (1 - pooled) + 1 / 64) * (1 / 8 + 1 / 8)])


@pytest.mark.golden
@pytest.mark.parametrize("m", [2, 3, 4, 10])
def test_whole_arms_apart_are_as_far_apart_by_chance_as_so_many_coins(m):
    found = by_mean(np.stack([np.ones((m, 16)), np.zeros((m, 16)), np.ones((m, 16))]))
    by_chance = 2 / 2 ** (2 * m)  # searches that end wholly well or wholly badly, half of them either way
    assert found.p == pytest.approx([by_chance, 1, by_chance])
    assert found.p_holm == pytest.approx(found.p)
    low, high = found.ends(simultaneous=True)
    if m == 2:
        assert low[0] < 0
    else:
        assert low[0] == pytest.approx(0) or low[0] > 0
    assert high[0] == 1
    assert low[1] < 0 < high[1]


@pytest.mark.golden
def test_no_p_of_shares_is_below_what_searches_alone_can_say():
    counts = [(8, 7, 7), (0, 1, 0), (8, 8, 8)]
    held = np.stack([[np.arange(8) < held for held in arm] for arm in counts]).astype(float)
    found = by_mean(held)
    assert (found.unbounded[[0, 2]] < 0.002).all()
    assert found.p[[0, 2]] == pytest.approx(1 / 32)
    assert found.p_holm[[0, 2]] == pytest.approx(1 / 32)
    assert (found.ends(0.95, simultaneous=True)[0][0] > 0) & (found.ends(0.99)[0][0] <= 0)


def test_two_searches_of_an_arm_say_nothing_of_shares_however_many_the_seeds():
    held = np.zeros((6, 2, 64))
    held[0, :, 1:] = 1
    held[1:, :, 0] = 1
    found = by_mean(held)
    assert (found.p >= 0.125 - 1e-12).all()
    low, high = found.ends()
    assert ((low <= 0) & (high >= 0)).all()


@pytest.mark.parametrize("m", [3, 4, 5])
@pytest.mark.parametrize("third", [None, 0, 4, 7, 8])
def test_a_share_further_away_is_told_apart_too(m, third):
    def told(a, b):
        arms = [np.tile(np.arange(8) < held, (m, 1)) for held in (a, b, third) if held is not None]
        return bool(by_mean(np.stack(arms).astype(float)).p_holm[0] <= 0.05)

    grid = np.array([[told(a, b) for b in range(9)] for a in range(9)])
    assert grid[8, 0]
    for b in range(9):
        assert (np.diff(grid[b:, b].astype(int)) >= 0).all()


def test_searches_of_another_arm_that_end_unlike_take_the_proof_away():
    coins = np.repeat([[1.0], [0.0], [1.0]], 8, 1)
    found = by_mean(np.stack([np.ones((3, 8)), np.zeros((3, 8)), coins]))
    assert (found.p_holm > 0.05).all()


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.7, 0.1), (0.1, 0.3)])
def test_arms_without_any_spread_are_not_proof_by_rounding(a, b):
    found = by_mean(np.stack([np.full((3, 23), a), np.full((3, 23), b)]))
    assert found.estimate == pytest.approx([a - b])
    assert found.p == pytest.approx([1 / 32])


def test_arms_without_any_spread_are_as_well_compared_with_replicas_missing():
    held = np.ones((2, 3, 8))
    held[1] = 0
    held[0, 1, 3] = held[1, 2, :] = math.nan
    found = by_mean(held)
    assert found.p == pytest.approx([barnard(3, 3, 0, 2)])
    assert found.ends()[0] < 0


def test_the_least_p_is_that_of_the_permutation_test():
    assert [float(least_p(a, b)) for a, b in ((2, 2), (3, 4), (5, 5))] == pytest.approx([1 / 3, 2 / 35, 2 / 252])
    assert least_p(1, 1) == 1
    assert least_p(2, 6) == pytest.approx(least([2, 6]) * 2)  # two-sided: sizes that differ cannot be exchanged


def test_the_effect_is_that_of_all_replicas():
    generator = np.random.default_rng(1)
    costs = generator.normal(size=(3, 4, 5)).round(1)
    costs[generator.random(costs.shape) < 0.2] = math.inf
    found = by_rank(costs)
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    expected = [relative_effect(costs[a].ravel(), costs[b].ravel()).estimate for a, b in found.pairs]
    assert found.estimate == pytest.approx(expected)
    assert found.p_holm == pytest.approx(holm(found.p))


@pytest.mark.property
@given(TABLE)
def test_only_ranks_matter_and_turning_arms_turns_all(costs):
    found, turned, powers = by_rank(costs), by_rank(costs[::-1]), by_rank(np.exp(costs))
    np.testing.assert_array_equal(found.p, powers.p)
    np.testing.assert_allclose(turned.estimate[::-1], 1 - found.estimate)
    np.testing.assert_allclose(turned.p[::-1], found.p)
    (low, high), (other_low, other_high) = found.ends(), turned.ends()
    np.testing.assert_allclose(other_low[::-1], 1 - high, atol=1e-12)
    np.testing.assert_allclose(other_high[::-1], 1 - low, atol=1e-12)
    assert (low >= 0).all()
    assert (high <= 1).all()


@pytest.mark.property
@given(TABLE, st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_and_test_agree(costs, confidence):
    for found in (by_rank(costs), by_mean(np.minimum(costs, 4.0), most=4.0)):
        clear = np.abs(found.p - (1 - confidence)) > 1e-9
        low, high = found.ends(confidence)
        excluded = (low > found.null + 1e-12) | (high < found.null - 1e-12)
        low_or_high = np.minimum(np.abs(low - found.null), np.abs(high - found.null))
        excluded |= found.still & (found.estimate != found.null) & (low_or_high < 1e-12) & (found.p < 0.05)
        np.testing.assert_array_equal(excluded[clear], (found.p < 1 - confidence)[clear])
        wide_low, wide_high = found.ends(confidence, simultaneous=True)
        assert (wide_low <= low + 1e-12).all()
        assert (wide_high >= high - 1e-12).all()


def test_a_pair_that_scores_alike_has_p_1_and_an_interval():
    for found in (by_mean(np.zeros((2, 3, 16))), by_rank(np.full((2, 3, 16), math.inf))):
        assert found.p.tolist() == [1]
        low, high = found.ends()
        assert low < found.null < high


def test_one_search_says_nothing_of_others():
    costs = np.random.default_rng(2).normal(size=(3, 1, 16))
    found = by_rank(costs)
    assert np.isfinite(found.estimate).all()
    assert np.isnan([found.p, found.p_holm, *found.ends()]).all()


def test_an_arm_searched_once_is_compared_by_the_others_variance():
    costs = np.random.default_rng(3).normal(size=(3, 3, 16))
    whole = by_rank(costs)
    costs[2, 1:] = math.nan
    found = by_rank(costs)
    assert np.isfinite(found.p).all()
    assert found.degrees_of_freedom[0] <= 4
    assert found.variance[1] > found.variance[0]
    assert found.estimate[0] == whole.estimate[0]
    costs[2] = math.nan
    empty = by_rank(costs)
    assert np.isnan(empty.estimate).tolist() == [False, True, True]
    assert np.isnan(empty.p).tolist() == [False, True, True]


def test_what_a_seed_does_to_all_arms_is_no_error():
    generator = np.random.default_rng(4)
    seeds, rest = generator.normal(size=(1, 1, 32)), generator.normal(size=(2, 5, 32)) / 8
    steps = np.array([0.0, 0.3])[:, None, None]
    shared = by_mean(np.clip((steps + seeds + rest + 5) / 10, 0, 1))
    apart = by_mean(np.clip((steps + generator.permuted(np.tile(seeds, (2, 5, 1)), axis=2) + rest + 5) / 10, 0, 1))
    assert shared.variance[0] < apart.variance[0] / 10
    assert shared.p[0] < apart.p[0]


def test_times_are_in_their_own_unit():
    times = np.random.default_rng(5).uniform(0, 1000, size=(2, 3, 8))
    steps, share = by_mean(times, most=1000.0), by_mean(times / 1000)
    assert steps.estimate == pytest.approx(1000 * share.estimate)
    assert steps.p == pytest.approx(share.p)
    assert steps.ends()[0] == pytest.approx(1000 * share.ends()[0])


def test_a_confidence_of_1_is_refused():
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1, got 1"):
        by_mean(np.zeros((2, 3, 4))).ends(1)


@pytest.mark.golden
def test_one_unit_a_repeat_is_close_to_the_exact_test():
    a, b = np.arange(8.0), np.arange(8.0) + 3.5
    found = by_rank(np.stack([a, b])[:, :, None])
    exact = mannwhitneyu(a, b, method="exact").pvalue
    assert found.p == pytest.approx([exact], rel=0.5)


def test_a_single_arm_is_refused():
    for method in (by_rank, by_mean):
        with pytest.raises(ValueError, match="arms: expected two or more, got 1"):
            method(np.zeros((1, 3, 4)))


def held(*counts):
    """Of arms, for each search how many of its 8 replicas converged."""
    return np.stack([[np.arange(8) < one for one in arm] for arm in counts]).astype(float)


@pytest.mark.golden
def test_by_searches_alone_every_one_counts_as_one_replica():
    found = by_searches(held((8, 8, 8, 8), (2, 2, 2, 2)))
    whole = (1 + 0.25) / 2 - (1.25 / 2) ** 2 + 1 / 32
    assert found.variance == pytest.approx([whole * (1 / 4 + 1 / 4)])
    assert found.degrees_of_freedom == pytest.approx([6])
    most = 2 * math.sqrt(whole)
    away = t.isf(0.025, 6) * math.sqrt(whole / 2) / most
    assert found.ends()[0] == pytest.approx([most * math.sin(math.asin(0.75 / most) - away)])
    assert found.ends()[0] < 0 < by_mean(held((8, 8, 8, 8), (2, 2, 2, 2))).ends()[0]


def test_by_searches_alone_what_searches_of_any_arm_differ_by_changes_nothing():
    alike, apart = (
        by_searches(held((4, 4, 4), (1, 2, 3), (6, 6, 6))),
        by_searches(held((8, 0, 4), (2, 2, 2), (8, 8, 2))),
    )
    for one, other in zip(alike.ends(simultaneous=True), apart.ends(simultaneous=True), strict=True):
        np.testing.assert_allclose(one, other)


def test_by_searches_alone_the_plainest_difference_takes_as_many_as_barnard_says():
    for m, arms in ((2, 2), (3, 2), (3, 3), (4, 3), (5, 3), (5, 4), (10, 12)):
        low, _ = by_searches(held(*([(8,) * m] * (arms - 1)), (0,) * m)).ends(simultaneous=True)
        pairs = arms * (arms - 1) / 2
        assert (low[-1] > 0) == (barnard(m, m, 0, m) * pairs <= 0.05), (m, arms)


def test_by_searches_alone_one_search_of_each_arm_says_nothing():
    assert np.isnan(by_searches(held((8,), (0,))).ends()).all()


@pytest.mark.golden
def test_by_searches_alone_quality_as_plain_as_can_be_takes_as_many_as_barnard_says():
    for m in (2, 3, 4):
        costs = np.random.default_rng(m).random((2, m, 8)) + np.arange(2)[:, None, None]
        found = by_searches_rank(costs)
        assert found.degrees_of_freedom == pytest.approx([2 * m - 2])
        assert found.variance == pytest.approx([4 / 12 * (1 + 1 / (2 * m)) * 2 / m], rel=1e-3)
        assert (found.ends()[0][0] > 0.5) == (barnard(m, m, 0, m) <= 0.05) == (m > 2)
        assert found.estimate == pytest.approx([1])


def test_by_searches_alone_it_changes_nothing_how_much_they_differ():
    costs = np.random.default_rng(7).random((2, 4, 8)) + np.arange(2)[:, None, None] / 2
    moved = np.sort(costs.reshape(2, -1), -1).reshape(costs.shape)  # searches apart, the same replicas of the arms
    assert by_rank(moved).p[0] > 10 * by_rank(costs).p[0]
    assert by_searches_rank(moved).p == pytest.approx(by_searches_rank(costs).p)


def test_searches_may_end_wholly_where_those_of_an_arm_fall_into_two_groups():
    chain = np.array([[0.0, 2.0], [1.0, 4.0], [3.0, 5.0]])
    parted = np.array([[0.0, 2.0], [6.0, math.inf], [1.0, 4.0]])
    steady = np.tile([0.0, 1.0], (3, 1))
    assert not may_end_wholly(np.stack([chain, steady + 9, steady])).any()
    assert may_end_wholly(np.stack([chain, parted, steady])).all()
    touching = np.array([[0.0, math.inf], [math.inf, math.inf], [0.0, 1.0]])
    assert not may_end_wholly(np.stack([touching, steady])).any()
    gone = np.stack([parted, steady])
    gone[0, 1, 0] = math.nan
    assert may_end_wholly(gone).all()
    gone[0, 1, 1] = math.nan
    assert barnard(2, 2, 0, 3) > 0.05
    assert may_end_wholly(gone).all()  # two searches are too few
    assert not may_end_wholly(np.stack([np.r_[chain, gone[0, 1:2]], np.r_[steady, steady[:1]]])).any()


def test_searches_may_end_wholly_where_a_pair_has_too_few_to_show_it():
    costs = np.tile([0.0, 1.0], (3, 4, 1))
    costs[0, 2:] = math.nan
    found = by_rank(costs)
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    assert may_end_wholly(costs).tolist() == [False, False, False]  # 2 against 4: .031
    assert may_end_wholly(costs, 0.03).tolist() == [True, True, False]
    costs[1, 3] = math.nan
    assert may_end_wholly(costs).tolist() == [True, False, False]  # 2 against 3: .0625
