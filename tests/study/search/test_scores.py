import math
from typing import Any

import pytest

from study.config.goal import Goal
from study.search.scores import LARGEST, finite, medians, replica_scores

MIN, MAX = Goal(("fid",), ("min",)), Goal(("modes",), ("max",))
BOTH = Goal(("fid", "modes"), ("min", "max"))
COLUMNS: dict[str, list[Any]] = {
    "fid": [3.0, math.nan, 1.0],
    "modes": [8.0, math.nan, 2.0],
    "diverged": [False, True, False],
}


def test_a_diverged_replica_has_no_score() -> None:
    assert replica_scores(COLUMNS, MIN) == [3.0, None, 1.0]
    assert replica_scores(COLUMNS, BOTH) == [[3.0, 8.0], None, [1.0, 2.0]]


def test_a_metric_that_was_not_measured_is_named() -> None:
    with pytest.raises(KeyError, match=r"search.metric: expected one of diverged, fid, modes, got kid"):
        replica_scores(COLUMNS, Goal(("kid",), ("min",)))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1.0, 2.0, 9.0], 2.0),
        ([1.0, 2.0, None], 2.0),
        ([1.0, None, None], math.inf),
        ([1.0, None], math.inf),
        ([1.0, 3.0], 2.0),
        ([None], math.inf),
        ([math.nan, 1.0, 2.0], 2.0),
        ([math.nan, math.nan, 2.0], math.inf),
    ],
)
def test_the_median_counts_divergence_as_worse_than_any_finite_score(
    scores: list[float | None], expected: float
) -> None:
    assert medians(scores, MIN) == (expected,)
    assert medians([None if s is None else -s for s in scores], MAX) == (-expected,)


def test_several_metrics_have_a_median_each() -> None:
    assert medians([[1.0, 8.0], [2.0, 6.0], None], BOTH) == (2.0, 6.0)
    assert medians([None, None, [1.0, 8.0]], BOTH) == (math.inf, -math.inf) == BOTH.worst()


def test_tune_gets_finite_numbers_in_the_same_order() -> None:
    values = [-math.inf, -1.0, 0.0, 2.5, math.inf]
    assert [finite(value) for value in values] == [-LARGEST, -1.0, 0.0, 2.5, LARGEST]
