import math
from typing import Any

import pytest

from study.config.goal import Goal
from study.search.scores import LARGEST, Score, beyond, excess, medians, ordered, replica_scores

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
        ([-math.inf, 1.0, 2.0], 2.0),  # better than any number is no score, as in a report
        ([-math.inf, -math.inf, 2.0], math.inf),
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
    values = [-1e300, -1.0, 0.0, 2.5, math.inf]
    assert [ordered([value], MIN) for value in values] == [-LARGEST, -1.0, 0.0, 2.5, LARGEST]
    assert ordered([None], MAX) == -LARGEST


def test_the_bound_is_on_the_share_of_replicas_that_diverged() -> None:
    goal = Goal(("fid",), ("min",), 0.25)
    assert excess([1.0, None, 2.0, 3.0], MIN) is None
    assert beyond([None] * 4, MIN) == 0
    assert [excess(scores, goal) for scores in ([1.0] * 4, [1.0, None, 2.0, 3.0], [None, None, 2.0, 3.0])] == [
        -0.25, 0.0, 0.25,
    ]  # fmt: skip
    assert [beyond(scores, goal) for scores in ([1.0] * 4, [None, None, 2.0, 3.0])] == [0.0, 0.25]
    assert excess([math.nan, 1.0, 2.0, 3.0], goal) == -0.25  # it did not diverge
    assert excess([[1.0, 8.0], None], Goal(("fid", "modes"), ("min", "max"), 0.0)) == 0.5


@pytest.mark.parametrize(("mode", "sign"), [("min", 1), ("max", -1)])
def test_what_is_allowed_goes_first_and_then_what_diverged_least(mode: str, sign: int) -> None:
    """Deb's rule; of what is not allowed the median decides in `study.search.ranking.best_first`, not here."""
    goal = Goal(("fid",), (mode,), 0.25)
    best_first: list[list[Score]] = [
        [sign * 5.0] * 8,
        [None, None, *[sign * 6.0] * 6],  # its median is of eight, not of six
        [sign * 1e31] * 8,
        [None, None, None, *[sign * 1.0] * 5],
        [None] * 4 + [sign * 0.5] * 4,
        [None] * 8,
    ]
    found = [sign * ordered(scores, goal) for scores in best_first]
    assert found == sorted(found)
    assert len({*found}) == len(found)
    assert all(math.isfinite(value) for value in found)
