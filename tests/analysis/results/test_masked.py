"""Means, quantiles and halves of masked rows, against numpy's row by row."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from analysis.results.masked import last_half, means, quantiles


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
