import math

import numpy as np
import pytest

from analysis.results.cohort import cohorts
from analysis.results.selection import SPAN
from analysis.results.winner import corrected
from analysis.statistics.winner import hybrid, median_error


@pytest.fixture
def searched(trial, frame, of_phase):
    """A search's cohort: a configuration for each tuple of scores."""

    def searched(*configurations, mode="min", repeats=(0,)):
        rows = frame(*(trial(index=k, fid=one, repeat=r) for r in repeats for k, one in enumerate(configurations)))
        (found,) = cohorts(of_phase(rows, "search"), "fid", mode)
        return found

    return searched


def test_the_winner_is_corrected_by_the_spread_of_the_best_configurations(searched):
    scores = [(1.0, 1.2, 1.1), (1.2, 1.3, 1.4), (1.5, 1.6, 1.4), (8.0, 20.0, 3.0)]
    found = corrected(searched(*scores), 0, "difference")
    pooled = math.sqrt(np.mean([np.var(one, ddof=1) for one in scores[:3]]))  # the fourth is none of the best
    expected = hybrid([np.median(one) for one in scores], pooled * median_error(3), 0.95, 6)
    assert (found.estimate, found.low, found.high) == pytest.approx((expected.estimate, expected.low, expected.high))
    assert found.estimate > 1.1
    assert (found.n, found.captures) == (3, "seeds")


def test_ratios_are_corrected_by_their_logarithms(searched):
    scores = [(1.0, 1.2, 1.1), (1.2, 1.3, 1.4), (1.5, 1.6, 1.4)]
    plain = corrected(searched(*scores), 0, "ratio")
    tenfold = corrected(searched(*[tuple(10 * value for value in one) for one in scores]), 0, "ratio")
    assert tenfold.estimate == pytest.approx(10 * plain.estimate)
    assert tenfold.high == pytest.approx(10 * plain.high)


def test_what_did_not_win_or_was_not_repeated_has_no_correction(searched):
    scores = [(1.0, 1.2, 1.1), (1.2, 1.3, 1.4)]
    assert math.isnan(corrected(searched(*scores), 1, "ratio").estimate)
    assert math.isnan(corrected(searched((1.0,), (2.0,)), 0, "ratio").estimate)
    assert math.isnan(corrected(searched(*scores), 7, "ratio").estimate)
    assert math.isnan(corrected(searched((math.inf, math.inf), (math.inf, math.inf)), 0, "ratio").estimate)


def test_each_search_has_its_own_winner(searched):
    cohort = searched((1.0, 1.2, 1.1), (1.2, 1.3, 1.4), repeats=(0, 1))
    first, second = (corrected(cohort, repeat * SPAN, "ratio") for repeat in (0, 1))
    assert first == second


def test_where_more_is_better_the_cost_is_corrected(searched):
    cohort = searched((1.0, 1.2, 1.1), (1.2, 1.3, 1.4), mode="max")
    assert corrected(cohort, 1, "difference").estimate > -1.3
    assert math.isnan(corrected(cohort, 0, "difference").estimate)


def test_a_diverged_replica_does_not_make_the_error_infinite(trial, frame, of_phase):
    rows = frame(trial(index=0, fid=(1.0, 1.2, 1.1, 5.0), diverged=(3,)), trial(index=1, fid=(1.3, 1.4, 1.6, 1.5)))
    (cohort,) = cohorts(of_phase(rows, "search"), "fid")
    assert np.isfinite(corrected(cohort, 0, "ratio").high)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "seeds"), [(2, 2), (6, 3), (12, 5), (30, 3), (30, 8)])
def test_the_correction_is_calibrated(searched, count, seeds):
    """Configurations that differ by .4 in the logarithm, seeds by .5: too good in half of the searches, and covered."""
    generator, below, held = np.random.default_rng(1), 0, 0
    for _ in range(400):
        truth = generator.normal(0, 0.4, count)
        scores = np.exp(truth[:, None] + generator.normal(0, 0.5, (count, seeds)))
        best = int(np.median(scores, axis=1).argmin())
        found = corrected(searched(*map(tuple, scores)), best, "ratio")
        below += found.estimate < np.exp(truth[best])
        held += found.low <= np.exp(truth[best]) <= found.high
    assert 0.42 <= below / 400 <= 0.58
    assert held / 400 >= 0.92
