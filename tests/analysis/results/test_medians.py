import numpy as np
import pandas as pd

from analysis.results.medians import captures_of, finished, median


def trials(**columns):
    rows = {
        "study": "s", "phase": "search", "arm": list("aaab"), "trial_id": list("ttuv"), "seed": range(4),
        "status": ["completed", "completed", "truncated", "failed"],
        "outcome": ["converged", "diverged", "truncated", None],
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def test_only_replicas_at_the_end_of_their_budget_are_finished():
    ((arm, rows),) = finished(trials(), "search")
    assert arm == "a"
    assert rows["seed"].tolist() == [0]


def test_a_lone_configuration_was_drawn_from_nothing():
    rows = trials()
    assert captures_of(rows, "search") == "both"
    assert captures_of(rows[rows["trial_id"] == "t"], "search") == "seeds"
    assert captures_of(rows, "confirm") == "seeds"


def test_what_is_no_number_is_left_out_and_infinities_count_by_rank():
    rows, chance = trials(trial_id="t"), np.random.default_rng(0)
    found = median(rows, np.array([1.0, np.nan, np.inf, 2.0]), "search", chance)
    assert (found.estimate, found.n) == (2.0, 3)
    assert median(rows, np.full(4, np.nan), "search", chance) is None
