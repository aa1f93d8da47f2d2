import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from analysis.statistics.ranks import rank_test, relative_effect
from analysis.statistics.shift import shift

SAMPLE = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=12)


@pytest.mark.golden
def test_the_shift_is_the_median_of_all_differences():
    assert shift([1.0, 2.0, 7.0], [0.0, 3.0])[0] == np.median([1, -2, 2, -1, 7, 4])
    assert shift([5.0], [2.0])[0] == 3


@pytest.mark.property
@given(SAMPLE, SAMPLE)
def test_its_direction_is_the_relative_effects(a, b):
    estimate, low, high = shift(a, b)
    effect = relative_effect(a, b)
    assert low <= estimate <= high
    assert (estimate > 0) <= (effect.estimate <= 0.5)
    assert (estimate < 0) <= (effect.estimate >= 0.5)
    assert shift(b, a) == pytest.approx((-estimate, -high, -low))


@pytest.mark.property
@given(SAMPLE, SAMPLE)
def test_its_interval_excludes_nought_where_the_test_tells_them_apart(a, b):
    _, low, high = shift(a, b)
    told = rank_test(a, b)[1] <= 0.05
    assert (low <= 0 <= high) or told
    assert not (told and low < 0 < high)


@pytest.mark.property
@given(SAMPLE, st.floats(-50, 50))
def test_a_shift_moves_it_along(a, by):
    b = [0.0, 3.0, 4.5, 9.0]
    assert shift(np.array(a) + by, b) == pytest.approx(np.array(shift(a, b)) + by)


def test_it_covers_under_normal_and_unequal_spreads():
    generator = np.random.default_rng(0)
    for spread in (1.0, 4.0):
        held = 0
        for _ in range(400):
            _, low, high = shift(generator.normal(2, 1, 24), generator.normal(0, spread, 12))
            held += low <= 2 <= high
        assert 0.93 <= held / 400 <= 1


def test_it_is_about_mosess_interval():
    generator = np.random.default_rng(1)
    a, b = generator.normal(1, 1, 20), generator.normal(0, 1, 25)
    _, low, high = shift(a, b)
    for end in (low, high):  # the shifts that Mann and Whitney's test just does not reject
        assert mannwhitneyu(a - end, b).pvalue == pytest.approx(0.05, abs=0.02)


def test_infinities_count_by_rank():
    assert shift([1.0, 2.0, math.inf], [0.0, 1.0, 2.0])[0] == 1
    assert shift(np.arange(8) + 100.0, np.arange(8))[1] > 0  # complete separation: bounded where the test is exact
    assert shift([math.inf] * 10, [0.0, 1.0, 2.0] * 4) == (math.inf, math.inf, math.inf)
    assert shift([0.0, 1.0, 2.0] * 4, [math.inf] * 10) == (-math.inf, -math.inf, -math.inf)
    estimate, low, high = shift([1.0, 1.5, *[math.inf] * 8], [0.5, 1.0, *[math.inf] * 8])
    assert (estimate, low, high) == (0.5, -math.inf, math.inf)
    assert shift([*range(30), *[math.inf] * 6], range(36))[2] > 0
    assert np.isnan(shift([math.inf] * 3, [math.inf] * 4)).all()


def test_two_against_two_have_no_bound():
    assert shift([1.0, 2.0], [3.0, 4.0]) == (-2.0, -math.inf, math.inf)


def test_what_is_no_sample_is_refused():
    with pytest.raises(ValueError, match=r"b: expected \(n,\) numbers without NaN, n > 0, got shape \(2,\)"):
        shift([1.0], [1.0, math.nan])
