import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import CensoredData, chi2, f, f_oneway, logrank

from analysis.statistics.logrank import clustered, k_samples, two_samples

# Freireich et al. (1963): weeks of remission under 6-MP and under placebo
TREATED = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], bool),
)
PLACEBO = ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], np.ones(21, bool))


@st.composite
def samples(draw):
    size = draw(st.integers(1, 15))
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
@given(samples(), samples())
def test_two_samples_are_scipys_either_way(a, b):
    theirs = [CensoredData.right_censored(np.asarray(time), ~event) for time, event in (a, b)]
    with np.errstate(all="ignore"):
        known = logrank(*theirs)
    assume(np.isfinite(known.statistic))
    assert two_samples(a, b) == pytest.approx((known.statistic**2, 1, known.pvalue))
    assert k_samples([a, b]) == pytest.approx((known.statistic**2, 1, known.pvalue))


@pytest.mark.golden
def test_three_samples_by_hand():
    """One event at a time among 3, 2 and 1 replicas each of its own arm, all of one kind."""
    a, b, c = ([1.0], [True]), ([2.0], [True]), ([3.0], [True])
    excess = np.array([1 - 1 / 3, 1 - 1 / 3 - 1 / 2])
    variance = np.array([[2 / 9, -1 / 9], [-1 / 9, 2 / 9 + 1 / 4]])
    statistic = excess @ np.linalg.inv(variance) @ excess
    assert k_samples([a, b, c]) == pytest.approx((statistic, 2, chi2.sf(statistic, 2)))


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
    """The scores of 1 < 2 < 3 < 4 are 1 - 1/4, 1 - 1/4 - 1/3, …; their one-way F is what the p-value comes from."""
    hazard = np.cumsum([1 / 4, 1 / 3, 1 / 2, 1])
    scores = 1 - hazard
    statistic, df, p = clustered([([1.0, 3.0], [True] * 2), ([2.0, 4.0], [True] * 2)], [[0, 1], [0, 1]])
    theirs = f_oneway(scores[[0, 2]], scores[[1, 3]])
    assert p == pytest.approx(theirs.pvalue)
    assert f.sf(statistic / (3 - statistic) * 2, 1, 2) == pytest.approx(theirs.pvalue)
    assert df == 1


def test_replicas_of_a_configuration_are_not_independent_evidence():
    generator = np.random.default_rng(1)
    hazards = np.exp(generator.normal(size=(2, 6)))
    groups = np.repeat(range(6), 8)
    arms = [exponential(generator, 48, np.repeat(hazard, 8)) for hazard in hazards]
    naive, aware = two_samples(*arms)[2], clustered(arms, [groups, groups])[2]
    assert aware > naive


def test_the_level_is_kept_when_replicas_come_in_configurations():
    """10 configurations of 8 replicas in each of two arms, hazards lognormal between them."""
    generator = np.random.default_rng(2)
    groups, p, naive = np.repeat(range(10), 8), [], []
    for _ in range(600):
        arms = [exponential(generator, 80, np.repeat(np.exp(generator.normal(size=10)), 8)) for _ in range(2)]
        p.append(clustered(arms, [groups, groups])[2])
        naive.append(k_samples(arms)[2])
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)
    assert np.mean(np.array(naive) <= 0.05) > 0.1


def test_an_empty_sample_is_refused():
    with pytest.raises(ValueError, match=r"samples: expected two or more, none empty, got the sizes \[1, 0\]"):
        k_samples([([1.0], [True]), ([], [])])
