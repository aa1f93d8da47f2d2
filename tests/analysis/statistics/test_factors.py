from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from analysis.statistics.factors import Contrast, of_differences, of_levels
from analysis.statistics.holm import holm
from analysis.statistics.repeats import by_mean, by_rank
from analysis.statistics.two_shares import barnard


def drawn(seed, shares, repeats=4, seeds=6, sd=0.0):
    """Which replicas converged, (studies or nothing, k, m, S), arms of these shares, of which searches differ by sd."""
    generator = np.random.default_rng(seed)
    chance = np.clip(np.asarray(shares)[..., None] + sd * generator.normal(size=(*np.shape(shares), repeats)), 0, 1)
    return (generator.random((*chance.shape, seeds)) < chance[..., None]).astype(float)


def test_an_effect_is_the_mean_over_the_others_levels_and_a_difference_that_of_two_such():
    cells = drawn(0, np.linspace(0.1, 0.9, 12))
    mean = cells.mean((-2, -1)).reshape(2, 3, 2)
    alone, both = (of(by_mean(cells), (2, 3, 2)) for of in (of_levels, of_differences))
    assert alone.of == (
        Contrast(0, 0, 1), Contrast(1, 0, 1), Contrast(1, 0, 2), Contrast(1, 1, 2), Contrast(2, 0, 1),
    )  # fmt: skip
    assert alone.estimate == pytest.approx(
        [
            mean[1].mean() - mean[0].mean(),
            *(mean[:, b].mean() - mean[:, a].mean() for a, b in ((0, 1), (0, 2), (1, 2))),
            mean[..., 1].mean() - mean[..., 0].mean(),
        ]
    )
    assert len(both.of) == 3 + 1 + 3
    assert both.of[0] == Contrast(1, 0, 1, other=0, u=0, v=1)
    table = mean.mean(2)
    assert both.estimate[0] == pytest.approx(table[1, 1] - table[1, 0] - table[0, 1] + table[0, 0])
    assert both.of[-1] == Contrast(2, 0, 1, other=1, u=1, v=2)
    table = mean.mean(0)
    assert both.estimate[-1] == pytest.approx(table[2, 1] - table[2, 0] - table[1, 1] + table[1, 0])


def test_pairs_that_are_averaged_are_disjoint_and_their_variances_add_up():
    effects = by_mean(drawn(1, [0.3, 0.6, 0.4, 0.7]))
    variance = dict(zip(effects.pairs, effects.variance, strict=True))
    alone, both = of_levels(effects, (2, 2)), of_differences(effects, (2, 2))
    assert alone.error[1] == pytest.approx(((variance[0, 1] + variance[2, 3]) / 4) ** 0.5)
    assert both.error == pytest.approx((variance[0, 1] + variance[2, 3]) ** 0.5)
    assert alone.degrees_of_freedom == pytest.approx(effects.degrees_of_freedom[0])
    assert alone.p_holm == pytest.approx(holm(alone.p))


def test_quality_is_the_mean_probability_of_being_better():
    costs = np.random.default_rng(2).normal(size=(4, 3, 5)) + np.array([1.0, 0, 2, 2])[:, None, None]
    effects = by_rank(costs)
    found = of_levels(effects, (2, 2))
    better = dict(zip(effects.pairs, effects.estimate, strict=True))
    assert found.estimate[1] == pytest.approx(1 - (better[0, 1] + better[2, 3]) / 2)
    low, high = found.ends()
    assert found.null == 0.5
    assert (low >= 0).all()
    assert (high <= 1).all()


@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (3, 2), (2, 2, 2)]))
@settings(max_examples=25, deadline=None)
def test_turned_levels_turn_the_effect_and_ends_are_possible(seed, levels):
    cells = drawn(seed, np.random.default_rng(seed).random(int(np.prod(levels))))
    turned = cells.reshape(*levels, *cells.shape[1:])[::-1].reshape(cells.shape)
    for of, most in ((of_levels, 1), (of_differences, 2)):
        one, other = of(by_mean(cells), levels), of(by_mean(turned), levels)
        low, high = one.ends()
        assert (np.abs(low) <= most).all()
        assert (low <= one.estimate).all()
        assert (one.estimate <= high).all()
        if len(levels) == 2 and levels[0] == 2:
            assert one.estimate[0] == pytest.approx(-other.estimate[0])
            assert one.p[0] == pytest.approx(other.p[0])


@pytest.mark.golden
def test_of_no_replica_that_converged_the_interval_is_wilsons_of_all_of_a_level():
    low, high = of_levels(by_mean(np.zeros((4, 8, 1))), (2, 2)).ends()
    z = t.isf(0.025 / 2, 28)  # of two questions, four arms of 8 units
    assert high == pytest.approx([z**2 / (z**2 + 16)] * 2)
    assert low == pytest.approx(-high)


@pytest.mark.golden
def test_of_a_difference_of_differences_the_arms_own_intervals_are_added_in_squares():
    counts = np.array([1, 0, 0, 0])
    found = of_differences(by_mean((np.arange(16) < counts[:, None])[..., None].astype(float)), (2, 2))
    z, p = t.isf(0.025, 15 + 2), 1 / 16  # all that differs is within one arm (Satterthwaite)
    none = z**2 / (z**2 + 16)
    middle, half = (p + z**2 / 32) / (1 + z**2 / 16), z * (p * (1 - p) / 16 + z**2 / 1024) ** 0.5 / (1 + z**2 / 16)
    low, high = found.ends()
    assert found.estimate == pytest.approx([p])
    assert low == pytest.approx([p - ((p - middle + half) ** 2 + 2 * none**2) ** 0.5])
    assert high == pytest.approx([p + ((middle + half - p) ** 2 + none**2) ** 0.5])


@given(st.integers(0, 10_000), st.sampled_from([(8, 1), (4, 6)]), st.sampled_from([(2, 2), (3, 2)]))
@settings(max_examples=25, deadline=None)
def test_interval_and_test_agree_and_the_interval_is_no_shorter_than_students(seed, size, levels):
    shares = np.random.default_rng(seed).choice([0.0, 0.1, 0.5, 0.9, 1.0], int(np.prod(levels)))
    effects = by_mean(drawn(seed, shares, *size))
    for of in (of_levels, of_differences):
        found = of(effects, levels)
        told = found.p <= 0.05 / len(found.of)
        low, high = found.ends()
        beside = np.minimum(np.abs(low), np.abs(high)) < 1e-12  # the end is open where the test tells
        assert ((low > 1e-12) | (high < -1e-12) | (beside & told)).tolist() == told.tolist()
        least, most = replace(found, levels=None).ends()
        towards = np.where(found.estimate > 0, high >= most - 1e-12, low <= least + 1e-12)
        assert towards.all()
        assert ((low <= least + 1e-12) | (least > 0)).all()
        assert ((high >= most - 1e-12) | (most < 0)).all()


def test_two_searches_of_each_arm_tell_nothing():
    found = of_levels(by_mean(drawn(3, [0.0, 1.0, 0.0, 1.0], repeats=2)), (2, 2))
    low, high = found.ends()
    assert barnard(2, 2, 0, 2) == pytest.approx(0.125)
    assert min(found.p[1], found.p_holm[1]) >= 0.125 - 1e-9
    assert low[1] <= 0 < found.estimate[1] == 1 == high[1]
    told = of_levels(by_mean(drawn(3, [0.0, 1.0, 0.0, 1.0], repeats=3)), (2, 2))
    assert barnard(3, 3, 0, 3) <= told.p_holm[1] < 0.05
    assert told.ends()[0][1] > 0


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5, 0.5), (0.3, 0.7, 0.3, 0.7), (0.9, 0.9, 0.9, 0.9)])
def test_factors_that_do_nothing_are_told_in_one_study_of_twenty_at_most(shares):
    cells = drawn(4, np.tile(shares, (1000, 1)), sd=0.2)
    effects = by_mean(cells)
    alone, both = of_levels(effects, (2, 2)), of_differences(effects, (2, 2))
    first = alone.p_holm[:, 0] if shares[0] != shares[1] else alone.p_holm.min(1)
    for found in (first, both.p_holm[:, 0]):
        assert (found <= 0.05).mean() <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5
    low, high = alone.ends()
    truth = np.array([0, shares[1] - shares[0]])
    assert ((low <= truth) & (truth <= high)).all(1).mean() >= 0.93


@pytest.mark.slow
def test_a_difference_of_differences_is_found():
    cells = drawn(5, np.tile((0.2, 0.8, 0.8, 0.8), (500, 1)), repeats=5, sd=0.1)
    effects = by_mean(cells)
    assert (of_differences(effects, (2, 2)).p <= 0.05).mean() > 0.8
