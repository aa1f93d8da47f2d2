from __future__ import annotations

import numpy as np
from scipy import stats

from analysis.statistics.mid_ranks import mid_ranks


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert mid_ranks([3.0, np.inf, 1.0, 3.0, -np.inf, np.inf]).tolist() == [3.5, 5.5, 2, 3.5, 1, 5.5]


def test_every_row_is_ranked_by_itself_as_by_scipy() -> None:
    rows = np.random.default_rng(0).integers(0, 6, (4, 3, 9)).astype(np.float64)
    np.testing.assert_array_equal(mid_ranks(rows), stats.rankdata(rows, axis=-1))


def test_nothing_has_no_ranks() -> None:
    assert mid_ranks([]).shape == (0,)
