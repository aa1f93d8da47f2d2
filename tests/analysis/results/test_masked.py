"""Means, quantiles, ranks and halves of masked rows, against numpy's and scipy's row by row."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import kendalltau

from analysis.results.masked import last_half, means, quantiles, taus


def test_the_last_half_has_the_middle_one():
    mask = np.array([[False, True, True, True], [True, True, True, True], [False, False, False, True]])
    expected = [[False, False, True, True], [False, False, True, True], [False, False, False, True]]
    assert last_half(mask).tolist() == expected


cells = st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf)


@pytest.mark.property
@given(arrays.arrays(float, st.tuples(st.integers(1, 5), st.integers(0, 6)), elements=cells), st.floats(0, 1))
def test_quantiles_and_means_are_numpys(values, q):
    mask = np.random.default_rng(0).random(values.shape) < 0.7
    for row, kept in enumerate(mask):
        some = values[row][kept & ~np.isnan(values[row])]
        found = quantiles(values, mask, q)[row]
        if len(some) == 0:
            assert np.isnan(found)
        elif np.isfinite(some).all():
            assert found == pytest.approx(np.quantile(some, q), rel=1e-9, abs=1e-6)
        finite = some[np.isfinite(some)]
        if len(finite):
            assert means(values, mask)[row] == pytest.approx(finite.mean(), rel=1e-9, abs=1e-6)
        else:
            assert np.isnan(means(values, mask)[row])


@pytest.mark.property
@given(arrays.arrays(float, st.tuples(st.integers(1, 5), st.integers(0, 12)), elements=cells, unique=True))
def test_taus_are_scipys_where_nothing_is_tied(values):
    mask = np.random.default_rng(0).random(values.shape) < 0.9
    for row, kept in enumerate(mask):
        some = values[row][kept & ~np.isnan(values[row])]
        if len(some) < 3:
            assert np.isnan(taus(values, mask)[row])
        else:
            assert taus(values, mask)[row] == pytest.approx(kendalltau(range(len(some)), some).statistic)


def test_a_tie_neither_rises_nor_falls():
    assert taus(np.array([[1.0, 1.0, 2.0, 2.0]]), np.ones((1, 4), bool)).tolist() == [4 / 6]


@pytest.mark.golden
def test_how_rare_a_tau_of_85_hundredths_is_among_noise():
    """`docs/outcomes.md`: three pairs of ten values the wrong way round, or none of five; scipy's exact p-values."""
    ten, five = [1, 0, 3, 2, 5, 4, 6, 7, 8, 9], range(5)
    p = [kendalltau(range(len(y)), y, method="exact", alternative="greater") for y in (ten, five)]
    assert p[0].statistic == pytest.approx(39 / 45)
    assert [1 / one.pvalue for one in p] == pytest.approx([17_363, 120], rel=1e-4)
