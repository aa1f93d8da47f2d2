import numpy as np
import pandas as pd

from analysis.results.medians import median
from analysis.statistics.bootstrap import Resampling


def trials(**columns):
    rows = {
        "study": "s", "phase": "search", "arm": list("aaab"), "trial_id": list("ttuv"), "seed": range(4),
        "status": ["completed", "completed", "truncated", "failed"],
        "outcome": ["converged", "diverged", "truncated", None],
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def test_what_is_no_number_is_left_out_and_infinities_count_by_rank():
    rows, chance = trials(trial_id="t"), Resampling(np.random.default_rng(0))
    found = median(rows, np.array([1.0, np.nan, np.inf, 2.0]), "search", chance)
    assert (found.estimate, found.n) == (2.0, 3)
    assert median(rows, np.full(4, np.nan), "search", chance) is None
