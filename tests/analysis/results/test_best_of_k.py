import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import lognorm

from analysis.results.best_of_k import best_of_k, expected_best, median_best
from analysis.statistics.bootstrap import Resampling

COSTS = st.lists(st.one_of(st.integers(0, 20).map(float), st.just(math.inf)), min_size=1, max_size=7)


@pytest.fixture
def curve(scored, of_phase):
    """`curve(*parts)`: that of the first arm."""

    def curve(*parts, **options):
        resampling = Resampling(np.random.default_rng(0))
        return best_of_k(of_phase(scored(*parts), "search"), "fid", resampling=resampling, **options)[0]

    return curve


@pytest.mark.golden
def test_best_of_k_by_hand(curve):
    found = curve(*[("a", "search", k, [score]) for k, score in enumerate([4.0, 1.0, 3.0])])
    np.testing.assert_array_equal(found.mean.x, [1, 2, 3])
    np.testing.assert_allclose(found.mean.estimate, [8 / 3, (1 + 1 + 3) / 3, 1])
    np.testing.assert_array_equal(found.median.estimate, [3, 1, 1])  # the 1/2, 0.29 and 0.21 quantiles
    assert (found.n, found.floor, found.mean.captures, found.mode) == (3, 0.1, "configurations", "min")
    np.testing.assert_array_equal(found.none_finite, [0, 0, 0])


@pytest.mark.property
@given(COSTS)
def test_the_expected_best_is_the_mean_over_all_subsets(costs):
    ordered, ks = np.sort(costs), np.arange(1, len(costs) + 1)
    known = [np.mean([min(some) for some in combinations(costs, k)]) for k in ks]
    np.testing.assert_allclose(expected_best(ordered, ks), known)


@pytest.mark.property
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_more_configurations_are_never_worse(costs):
    ordered, ks = np.sort(costs), np.arange(1, len(costs) + 1)
    middle, low, high = median_best(ordered, ks)
    for ends in (expected_best(ordered, ks), middle, low, high):
        assert (ends[1:] <= ends[:-1] + 1e-9).all()
    assert (low <= middle).all()
    assert (middle <= high).all()


def test_diverged_configurations(curve):
    found = curve(("a", "search", 0, [2.0]), ("a", "search", 1, [math.nan]), ("a", "search", 2, [math.nan]))
    np.testing.assert_array_equal(found.mean.estimate, [math.inf, math.inf, 2])
    np.testing.assert_allclose(found.none_finite, [2 / 3, 1 / 3, 0])
    assert found.median.estimate[0] == math.inf
    assert found.median.estimate[2] == 2


def test_a_configuration_is_its_median_over_replicas(curve):
    found = curve(("a", "search", 0, [1.0, 2.0, math.nan]), ("a", "search", 1, [5.0, math.nan, math.nan]))
    np.testing.assert_array_equal(found.mean.estimate, [math.inf, 2.0])


def test_a_stopped_configuration_was_paid_for_and_is_never_the_best(curve):
    found = curve(("a", "search", 0, [2.0]), ("a", "search", 1, None))
    assert found.n == 2
    np.testing.assert_array_equal(found.mean.estimate, [math.inf, 2.0])


def test_where_more_is_better(curve):
    found = curve(*[("a", "search", k, [score]) for k, score in enumerate([4.0, 1.0, 3.0, math.nan])], mode="max")
    assert found.mode == "max"
    np.testing.assert_allclose(found.mean.estimate, [-math.inf, (4 * 3 + 3 * 2 + 1) / 6, (4 * 3 + 3) / 4, 4])
    assert (found.median.low <= found.median.estimate).all()
    assert found.median.high[-1] == math.inf


def test_confirmed_rows_take_no_part_and_most_cuts_the_curve(scored, of_phase, curve):
    parts = [("a", "search", k, [1.0 + k]) for k in range(9)]
    found = curve(*parts, ("a", "confirm", 0, [0.0] * 4), most=3)
    assert len(found.mean.x) == len(found.none_finite) == 3
    assert found.mean.estimate[0] == pytest.approx(5)
    assert (
        best_of_k(
            of_phase(scored(("a", "confirm", 0, [1.0])), "search"),
            "fid",
            resampling=Resampling(np.random.default_rng(0)),
        )
        == ()
    )


def test_the_mean_has_an_interval_only_where_it_is_to_be_trusted(curve):
    found = curve(*[("a", "search", k, [score]) for k, score in enumerate(np.geomspace(1, 9, 40))])
    given_at = found.mean.x[~np.isnan(found.mean.low)]
    np.testing.assert_array_equal(given_at, [2, 3, 4])
    assert np.nanmin(found.mean.high - found.mean.low) > 0
    again = curve(*[("a", "search", k, [score]) for k, score in enumerate(np.geomspace(1, 9, 40))])
    np.testing.assert_array_equal(found.mean.low, again.mean.low)


@pytest.mark.golden
def test_the_median_of_one_has_the_binomial_interval():
    """Of 20 the 6th and 15th in order enclose the median with 95.9 %: any table of the sign test."""
    _, low, high = median_best(np.arange(1.0, 21), np.array([1]))
    assert (low[0], high[0]) == (6, 15)


@pytest.mark.parametrize("k", [1, 3, 10, 20])
def test_the_median_best_is_covered(k):
    generator = np.random.default_rng(1)
    truth = lognorm.ppf(1 - 0.5 ** (1 / k), 1.0)
    scores = np.sort(np.exp(generator.normal(size=(1000, 20))), axis=1)
    found = [median_best(row, np.array([k])) for row in scores]
    covered = np.mean([low[0] <= truth <= high[0] for _, low, high in found])
    print(f"median best of {k} from 20: {covered:.3f}")
    assert covered >= 0.93  # exact intervals of counts cover at least what they say


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("n", "k"), [(20, 2), (50, 5), (100, 10)])
def test_the_expected_best_is_covered(n, k, spread, scored, of_phase):
    generator = np.random.default_rng(2)
    places = (np.arange(200_000) + 0.5) / 200_000
    truth = lognorm.ppf(1 - (1 - places) ** (1 / k), spread).mean()
    covered = 0
    for _ in range(1000):
        scores = np.exp(spread * generator.normal(size=n))
        rows = scored(*[("a", "search", place, [score]) for place, score in enumerate(scores)])
        mean = best_of_k(of_phase(rows, "search"), "fid", resampling=Resampling(generator, 600), most=k)[0].mean
        covered += mean.low[k - 1] <= truth <= mean.high[k - 1]
    print(f"expected best of {k} from {n}, spread {spread}: {covered / 1000:.3f}")
    assert 0.92 <= covered / 1000 <= 0.98, covered
