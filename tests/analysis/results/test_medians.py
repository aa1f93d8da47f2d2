import numpy as np

from analysis.results.medians import median
from analysis.statistics.bootstrap import Resampling


def test_what_is_no_number_is_left_out_and_infinities_count_by_rank(four):
    rows, chance = four.assign(trial_id="t"), Resampling(np.random.default_rng(0))
    found = median(rows, np.array([1.0, np.nan, np.inf, 2.0]), "search", chance)
    assert (found.estimate, found.n) == (2.0, 3)
    assert median(rows, np.full(4, np.nan), "search", chance) is None
