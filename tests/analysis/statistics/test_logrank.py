import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import CensoredData, chi2, logrank

from analysis.statistics.logrank import clustered, k_samples, two_samples
from analysis.statistics.permutation import few, least

# Freireich et al. (1963): weeks of remission under 6-MP and under placebo
TREATED = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], bool),
)
PLACEBO = ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], np.ones(21, bool))


@st.composite
def samples(draw):
    size = draw(st.integers(1, 30))
    times = draw(arrays.arrays(np.float64, size, elements=st.integers(1, 6).map(float)))
    return times, draw(arrays.arrays(bool, size))


def exponential(generator, size, hazard=1.0, limit=3.0):
    time, end = generator.exponential(size=size) / hazard, generator.uniform(0, limit, size)
    return np.minimum(time, end), time <= end


@pytest.mark.golden
def test_the_textbook_test():
    statistic, df, p = two_samples(TREATED, PLACEBO)
    assert statistic == pytest.approx(16.79, abs=0.01)  # Kalbfleisch & Prentice (2002), section 1.5
    assert (df, p) == (1, pytest.approx(4.17e-5, abs=1e-7))


@pytest.mark.property
@example(([1.0], np.array([False])), ([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], np.ones(8, bool)))  # nearly singular
@example((np.ones(5), np.ones(5, bool)), (np.ones(20), np.zeros(20, bool)))  # beyond what dealing out can give
@given(samples(), samples())
def test_two_samples_are_scipys_either_way(a, b):
    theirs = [CensoredData.right_censored(np.asarray(time), ~event) for time, event in (a, b)]
    with np.errstate(all="ignore"):
        known = logrank(*theirs)
    assume(np.isfinite(known.statistic))
    found = two_samples(a, b)
    assert found[:2] == pytest.approx((known.statistic**2, 1))
    sizes = [len(a[0]), len(b[0])]
    if not few(sizes):
        assert found[2] == pytest.approx(max(known.pvalue, least(sizes)))


@pytest.mark.golden
def test_three_samples_by_hand():
    """One event at a time among 3, 2 and 1 replicas each of its own arm, all of one kind."""
    a, b, c = ([1.0], [True]), ([2.0], [True]), ([3.0], [True])
    excess = np.array([1 - 1 / 3, 1 - 1 / 3 - 1 / 2])
    variance = np.array([[2 / 9, -1 / 9], [-1 / 9, 2 / 9 + 1 / 4]])
    statistic = excess @ np.linalg.inv(variance) @ excess
    found = k_samples([a, b, c])
    assert found[:2] == pytest.approx((statistic, 2))
    assert math.isnan(found[2])  # nothing was repeated


@pytest.mark.property
@given(st.lists(samples(), min_size=2, max_size=4), st.randoms())
def test_the_order_of_the_arms_does_not_matter(groups, random):
    one, other = k_samples(groups), k_samples(random.sample(groups, len(groups)))
    assert other == pytest.approx(one, nan_ok=True, abs=1e-9)


def test_without_events_nothing_can_be_said():
    none = ([1.0, 2.0], [False, False])
    for found in (two_samples(none, none), k_samples([none, none]), clustered([none] * 2, [[0, 1]] * 2)):
        assert math.isnan(found[0])
        assert math.isnan(found[2])


def test_what_follows_an_event_does_not_matter():
    early = ([1.0, 5.0, 9.0], [True, False, False])
    late = ([1.0, 6.0, 7.0], [True, False, False])
    assert k_samples([early, ([2.0, 3.0], [True, True])]) == k_samples([late, ([2.0, 3.0], [True, True])])


def test_the_level_of_three_samples_is_kept():
    generator = np.random.default_rng(0)
    p = [k_samples([exponential(generator, 32) for _ in range(3)])[2] for _ in range(1000)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 1000))


@pytest.mark.golden
def test_configurations_of_one_replica_without_censoring_are_compared_as_scores():
    """The scores of 1 < 2 < 3 < 4 are 1 - 1/4, 1 - 1/4 - 1/3, …; of six ways to deal them, two are less far apart."""
    scores = 1 - np.cumsum([1 / 4, 1 / 3, 1 / 2, 1])
    statistic, df, p = clustered([([1.0, 3.0], [True] * 2), ([2.0, 4.0], [True] * 2)], [[0, 1], [0, 1]])
    between = 2 * (scores[[0, 2]].mean() ** 2 + scores[[1, 3]].mean() ** 2)
    assert (statistic, df) == (pytest.approx(3 * between / (scores**2).sum()), 1)
    assert p == pytest.approx(4 / 6)


@pytest.mark.golden
@pytest.mark.parametrize(("sizes", "p"), [((2, 2), 1 / 3), ((3, 3), 1 / 10), ((4, 4), 1 / 35), ((2, 3), 1 / 10)])
def test_whole_arms_that_fall_are_as_far_apart_as_dealing_can_have_them(sizes, p):
    """All replicas of one arm fall at step 1, none of the other: in configurations of 8, and alone."""
    arms = [(np.full(8 * size, at), np.full(8 * size, at == 1.0)) for size, at in zip(sizes, (1.0, 9.0), strict=True)]
    assert clustered(arms, [np.repeat(range(size), 8) for size in sizes])[2] == pytest.approx(p)
    assert two_samples(*[(time[::8], met[::8]) for time, met in arms])[2] == pytest.approx(p)


@pytest.mark.golden
def test_where_all_fall_at_one_time_arms_cannot_be_told_apart():
    """All 8 met the event, which is not that nobody did, and they met it alike."""
    arm = ([1000.0] * 8, [True] * 8)
    assert two_samples(arm, arm) == (0, 1, 1)
    assert k_samples([arm] * 3) == (0, 2, 1)
    assert clustered([arm] * 2, [np.repeat(range(4), 2)] * 2) == (0, 1, 1)


def test_events_after_all_of_an_arm_was_censored_tell_nothing_of_it():
    early, late = ([1.0] * 12, [False] * 12), ([5.0, 6.0] * 6, [True] * 12)
    assert two_samples(early, late) == (0, 1, 1)
    other = ([4.0, 7.0] * 6, [True] * 12)
    statistic, df, p = k_samples([early, late, other])
    assert (statistic, df, p) == (pytest.approx(two_samples(late, other)[0]), 1, pytest.approx(chi2.sf(statistic, 1)))


@pytest.mark.golden
@pytest.mark.parametrize("replicas", [2, 3, 7, 49])
def test_configurations_exactly_alike_cannot_be_told_apart(replicas):
    """One replica of each of twelve falls at step 300, whichever it is."""
    generator, groups = np.random.default_rng(0), np.repeat(range(6), replicas)
    for _ in range(20):
        arms = []
        for _ in range(2):
            met = (generator.permuted(np.tile(np.arange(replicas), (6, 1)), axis=1) == 0).ravel()
            arms.append((np.where(met, 300.0, 1000.0), met))
        assert clustered(arms, [groups, groups]) == (0, 1, 1)


def test_configurations_exactly_alike_at_several_times_cannot_be_told_apart():
    """Three, five and seven fall at three times in every configuration, so that hazards are 3/k, 5/k, 7/k of many."""
    time = np.repeat([100.0, 200.0, 300.0, 400.0], [3, 5, 7, 6])
    arm, groups = (np.tile(time, 6), np.tile(time < 400, 6)), np.repeat(range(6), 21)
    assert clustered([arm, arm], [groups, groups]) == (0, 1, 1)


def test_with_one_unit_in_each_arm_nothing_can_be_said():
    for found in (
        two_samples(([1.0], [True]), ([2.0], [True])),
        clustered([([1.0, 1.0], [True] * 2), ([9.0, 9.0], [False] * 2)], [[0, 0], [0, 0]]),
    ):
        assert math.isnan(found[2])


def test_replicas_of_a_configuration_are_not_independent_evidence():
    generator = np.random.default_rng(1)
    hazards = np.exp(generator.normal(size=(2, 6)))
    groups = np.repeat(range(6), 8)
    arms = [exponential(generator, 48, np.repeat(hazard, 8)) for hazard in hazards]
    naive, aware = two_samples(*arms)[2], clustered(arms, [groups, groups])[2]
    assert aware > naive


def test_the_level_is_kept_when_replicas_come_in_configurations():
    """12 configurations of 8 replicas in each of two arms, hazards lognormal between them."""
    generator = np.random.default_rng(2)
    groups, p, naive = np.repeat(range(12), 8), [], []
    for _ in range(600):
        arms = [exponential(generator, 96, np.repeat(np.exp(generator.normal(size=12)), 8)) for _ in range(2)]
        p.append(clustered(arms, [groups, groups])[2])
        naive.append(k_samples(arms)[2])
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)
    assert np.mean(np.array(naive) <= 0.05) > 0.1


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_the_level_is_kept_with_few_configurations(count):
    """8 replicas each, hazards lognormal between configurations: some of them fall whole."""
    generator, groups, p = np.random.default_rng(3), np.repeat(range(count), 8), []
    for _ in range(400):
        hazards = np.repeat(np.exp(2 * generator.normal(size=(2, count))), 8, axis=1)
        arms = [exponential(generator, 8 * count, hazard) for hazard in hazards]
        p.append(clustered(arms, [groups, groups])[2])
    print(f"clustered log-rank, {count} against {count}: {np.mean(np.array(p) <= 0.05):.3f}")
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 8), (8, 8), (16, 16)])
def test_the_level_is_kept_with_few_replicas(n, m):
    """Of three evaluations, at which many fall at once."""
    generator, p = np.random.default_rng(4), []
    for _ in range(600):
        time = np.ceil(2 * generator.exponential(size=n + m))
        met, time = time <= 3, np.minimum(time, 3)
        p.append(two_samples((time[:n], met[:n]), (time[n:], met[n:]))[2])
    print(f"log-rank, {n} against {m}: {np.mean(np.array(p) <= 0.05):.3f}")
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_an_empty_sample_is_refused():
    with pytest.raises(ValueError, match=r"samples: expected two or more, none empty, got the sizes \[1, 0\]"):
        k_samples([([1.0], [True]), ([], [])])
