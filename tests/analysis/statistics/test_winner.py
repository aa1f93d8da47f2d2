import math

import numpy as np
import pytest
from scipy.stats import truncnorm

from analysis.statistics.winner import hybrid, median_error


def test_a_single_score_and_a_clear_winner_need_no_correction():
    for scores in ([1.0], [1.0, 9.0, 12.0], [1.0, math.inf]):
        found = hybrid(scores, 0.5)
        assert found.estimate == pytest.approx(1.0, abs=0.01)
        assert (found.low, found.high) == pytest.approx((1 - 0.5 * 1.96, 1 + 0.5 * 1.96), abs=0.07)


@pytest.mark.golden
@pytest.mark.parametrize("gap", [0.5, 1.0, 2.0])
def test_the_estimate_is_the_mean_whose_truncated_distribution_has_its_median_at_the_score(gap):
    """Where the confinement does not bind: of the truncated normal by scipy."""
    found = hybrid([0.0, gap], 1.0).estimate
    assert truncnorm.cdf(0.0, -np.inf, gap - found, loc=found) == pytest.approx(0.5, abs=0.01)


def test_near_a_runner_up_the_estimate_stays_within_the_confinement():
    found = hybrid([0.0, 0.0, 0.0], 1.0)
    assert 2 < found.estimate < 4
    assert found.low <= found.estimate <= found.high


def test_scores_and_errors_move_it_along():
    one, other = hybrid([0.0, 0.7, 1.1], 1.0), hybrid([5.0, 6.4, 7.2], 2.0)
    assert other.estimate == pytest.approx(5 + 2 * one.estimate)
    assert (other.low, other.high) == pytest.approx((5 + 2 * one.low, 5 + 2 * one.high))


def test_few_degrees_of_freedom_widen_the_interval_alone():
    one, other = hybrid([0.0, 0.7], 1.0), hybrid([0.0, 0.7], 1.0, degrees_of_freedom=4)
    assert other.estimate == one.estimate
    assert other.high - other.low > 1.2 * (one.high - one.low)


@pytest.mark.golden
def test_the_median_of_normal_numbers_errs_as_known():
    """n = 1 and 2 are exact, 3 is 1 - √3/π, the others of tables of the order statistics of normal samples."""
    known = {1: 1.0, 2: 0.5, 3: 1 - math.sqrt(3) / math.pi, 4: 0.2982, 5: 0.2868, 7: 0.2104, 8: 0.1682, 9: 0.1661}
    for n, variance in known.items():
        assert median_error(n) ** 2 == pytest.approx(variance, rel=0.01)


@pytest.mark.parametrize(("count", "between"), [(5, 0.0), (20, 0.0), (20, 0.5), (20, 2.0)])
def test_the_winner_is_as_often_too_good_as_too_bad_and_covered(count, between):
    generator, raw, below, held = np.random.default_rng(0), 0, 0, 0
    for _ in range(400):
        truth = generator.normal(0, between, count)
        scores = truth + generator.normal(0, 1, count)
        won = truth[scores.argmin()]
        found = hybrid(scores, 1.0)
        raw += scores.min() < won
        below += found.estimate < won
        held += found.low <= won <= found.high
    assert raw / 400 > 0.55
    assert 0.43 <= below / 400 <= 0.57
    assert held / 400 >= 0.93


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        ([math.nan, 1.0], 1.0, r"scores: expected \(K,\) numbers without NaN, one finite at least"),
        ([math.inf], 1.0, "scores: expected"),
        ([1.0, 2.0], 0.0, "error: expected a finite number above 0, got 0.0"),
    ],
)
def test_what_has_no_winner_is_refused(scores, error, message):
    with pytest.raises(ValueError, match=message):
        hybrid(scores, error)
