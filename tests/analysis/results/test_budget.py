import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import lognorm

from analysis.record.loading import Record
from analysis.results.budget import _change, best_of_k, expected_best, median_best, profiles, selection_bias
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import wilson

COSTS = st.lists(st.one_of(st.integers(0, 20).map(float), st.just(math.inf)), min_size=1, max_size=7)


def frame(*parts):
    """Rows of trials.parquet; a part is (arm, phase, index, scores), NaN where diverged, None for a stopped trial.

    The index is one of repeat 0, or a pair: repeat and index.
    """
    parts = [(arm, phase, at if isinstance(at, tuple) else (0, at), scores) for arm, phase, at, scores in parts]
    rows = [
        {"study": "rings", "phase": phase, "arm": arm, "repeat": repeat, "index": index,
         "trial_id": f"{phase}-{arm}-r{repeat}-{index:04d}", "seed": seed,
         "status": "truncated" if scores is None else "completed",
         "outcome": "truncated" if scores is None else "diverged" if math.isnan(score) else "converged",
         "fid": score, "floor.fid": 0.1}
        for arm, phase, (repeat, index), scores in parts
        for seed, score in enumerate([0.0] if scores is None else scores)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def of_phase(rows, phase):
    return select(Record(rows, rows, {}), phase)


def curve(*parts, **options):
    return best_of_k(
        of_phase(frame(*parts), "search"), "fid", resampling=Resampling(np.random.default_rng(0)), **options
    )[0]


@pytest.mark.golden
def test_best_of_k_by_hand():
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


def test_diverged_configurations():
    found = curve(("a", "search", 0, [2.0]), ("a", "search", 1, [math.nan]), ("a", "search", 2, [math.nan]))
    np.testing.assert_array_equal(found.mean.estimate, [math.inf, math.inf, 2])
    np.testing.assert_allclose(found.none_finite, [2 / 3, 1 / 3, 0])
    assert found.median.estimate[0] == math.inf
    assert found.median.estimate[2] == 2


def test_a_configuration_is_its_median_over_replicas():
    found = curve(("a", "search", 0, [1.0, 2.0, math.nan]), ("a", "search", 1, [5.0, math.nan, math.nan]))
    np.testing.assert_array_equal(found.mean.estimate, [math.inf, 2.0])


def test_a_stopped_configuration_was_paid_for_and_is_never_the_best():
    found = curve(("a", "search", 0, [2.0]), ("a", "search", 1, None))
    assert found.n == 2
    np.testing.assert_array_equal(found.mean.estimate, [math.inf, 2.0])


def test_where_more_is_better():
    found = curve(*[("a", "search", k, [score]) for k, score in enumerate([4.0, 1.0, 3.0, math.nan])], mode="max")
    assert found.mode == "max"
    np.testing.assert_allclose(found.mean.estimate, [-math.inf, (4 * 3 + 3 * 2 + 1) / 6, (4 * 3 + 3) / 4, 4])
    assert (found.median.low <= found.median.estimate).all()
    assert found.median.high[-1] == math.inf


def test_confirmed_rows_take_no_part_and_most_cuts_the_curve():
    parts = [("a", "search", k, [1.0 + k]) for k in range(9)]
    found = curve(*parts, ("a", "confirm", 0, [0.0] * 4), most=3)
    assert len(found.mean.x) == len(found.none_finite) == 3
    assert found.mean.estimate[0] == pytest.approx(5)
    assert (
        best_of_k(
            of_phase(frame(("a", "confirm", 0, [1.0])), "search"),
            "fid",
            resampling=Resampling(np.random.default_rng(0)),
        )
        == ()
    )


def test_the_mean_has_an_interval_only_where_it_is_to_be_trusted():
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
def test_the_expected_best_is_covered(n, k, spread):
    generator = np.random.default_rng(2)
    places = (np.arange(200_000) + 0.5) / 200_000
    truth = lognorm.ppf(1 - (1 - places) ** (1 / k), spread).mean()
    covered = 0
    for _ in range(1000):
        scores = np.exp(spread * generator.normal(size=n))
        rows = frame(*[("a", "search", place, [score]) for place, score in enumerate(scores)])
        mean = best_of_k(of_phase(rows, "search"), "fid", resampling=Resampling(generator, 600), most=k)[0].mean
        covered += mean.low[k - 1] <= truth <= mean.high[k - 1]
    print(f"expected best of {k} from {n}, spread {spread}: {covered / 1000:.3f}")
    assert 0.92 <= covered / 1000 <= 0.98, covered


@pytest.mark.golden
def test_profiles_by_hand():
    rows = frame(("a", "confirm", 0, [1.0, 2.0, 3.0, math.nan]), ("b", "confirm", 0, [2.0, 2.0, 5.0, 5.0]))
    a, b = profiles(of_phase(rows, "confirm"), "fid")
    np.testing.assert_array_equal(a.band.x, [1, 2, 3, 5])
    np.testing.assert_array_equal(a.band.estimate, [0.25, 0.5, 0.75, 0.75])
    np.testing.assert_array_equal(b.band.estimate, [0, 0.5, 0.5, 1])
    known = wilson(2, 4)
    assert (a.band.low[1], a.band.high[1]) == pytest.approx((known.low, known.high))
    assert (a.band.captures, a.floor, a.phase) == ("seeds", 0.1, "confirm")


def test_profiles_where_more_is_better_and_at_given_taus():
    rows = frame(("a", "confirm", 0, [1.0, 2.0, 3.0, math.nan]))
    (found,) = profiles(of_phase(rows, "confirm"), "fid", mode="max")
    np.testing.assert_array_equal(found.band.x, [1, 2, 3])
    np.testing.assert_array_equal(found.band.estimate, [0.75, 0.5, 0.25])
    (found,) = profiles(of_phase(rows, "confirm"), "fid", taus=[2.5, 0.5])
    np.testing.assert_array_equal(found.band.x, [0.5, 2.5])
    np.testing.assert_array_equal(found.band.estimate, [0, 0.5])
    assert profiles(of_phase(rows, "search"), "fid") == ()


def test_profiles_of_a_search_capture_configurations_too_and_stay_within_bounds():
    rows = frame(*[("a", "search", k, [float(k)] * 8) for k in range(30)], *[("b", "search", 0, [0.5] * 8)])
    found = profiles(of_phase(rows, "search"), "fid")[0].band
    assert found.captures == "both"
    middle = np.searchsorted(found.x, 14)
    alone = wilson(120, 240)
    assert found.high[middle] - found.low[middle] > 2 * (alone.high - alone.low)


def test_many_scores_give_a_few_taus():
    scores = np.random.default_rng(0).random(1000).tolist()
    assert len(profiles(of_phase(frame(("a", "confirm", 0, scores)), "confirm"), "fid")[0].band.x) == 200


def test_winners_meet_their_score_on_fresh_seeds():
    rows = frame(
        ("a", "search", 0, [5.0] * 8),
        ("a", "search", 3, [1.0, 1.1, 1.2, 1.3, 1.0, 1.1, 1.2, 1.3]),
        ("a", "confirm", 3, np.linspace(2, 3, 32).tolist()),
        ("b", "search", 1, [1.0, 2.0, 3.0, 4.0]),
        ("b", "confirm", 1, [1.1, 2.1, 3.1, 4.1]),
    )
    a, b = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert (a.arm, a.index, a.search.estimate, a.search.n) == ("a", 3, pytest.approx(1.15), 8)
    assert (a.confirmed.estimate, a.confirmed.n) == (2.5, 32)
    assert a.change.estimate == pytest.approx(1.35)
    assert a.change.low > 0
    assert (a.biased, b.biased) == (True, False)
    assert b.change.low < 0 < b.change.high
    assert a.change.captures == "seeds"


def test_winners_of_repeats_are_compared_with_their_own_search():
    rows = frame(
        ("a", "search", (0, 3), [1.0] * 4),
        ("a", "search", (2, 3), [5.0] * 4),
        ("a", "confirm", (0, 3), [2.0] * 4),
        ("a", "confirm", (2, 3), [5.5] * 4),
    )
    found = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert [(one.repeat, one.index, one.search.estimate, one.confirmed.estimate) for one in found] == [
        (0, 3, 1.0, 2.0),
        (2, 3, 5.0, 5.5),
    ]


def test_selection_bias_where_more_is_better_turns_the_sign():
    rows = frame(("a", "search", 0, [9.0, 9.1, 9.2, 9.3] * 2), ("a", "confirm", 0, np.linspace(5, 6, 16).tolist()))
    (found,) = selection_bias(
        of_phase(rows, "search"),
        of_phase(rows, "confirm"),
        "fid",
        mode="max",
        resampling=Resampling(np.random.default_rng(0)),
    )
    assert found.change.estimate == pytest.approx(5.5 - 9.15)
    assert found.change.high < 0
    assert found.corrected.estimate == pytest.approx(9.15, abs=0.01)  # of a single configuration: nothing was chosen
    assert found.corrected.low < 9.15 < found.corrected.high
    assert found.biased


def test_selection_bias_of_what_diverged_and_of_what_was_stopped():
    rows = frame(
        ("a", "search", 0, [math.nan] * 4),
        ("a", "confirm", 0, [math.nan] * 8),
        ("b", "search", 0, [1.0] * 4),
        ("b", "confirm", 0, [math.nan] * 8),
        ("c", "search", 0, None),
        ("c", "confirm", 0, [1.0, 2.0, 3.0]),
    )
    a, b, c = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert (a.change.estimate, a.biased) == (0, False)
    assert (b.change.estimate, b.biased) == (math.inf, True)
    assert math.isnan(c.search.estimate)
    assert (c.biased, c.confirmed.estimate) == (False, 2)
    assert "no score in the search" in c.search.method


@pytest.mark.parametrize(("searched", "spread"), [(4, 1.0), (8, 0.5), (8, 1.5)])
def test_the_change_is_covered_and_honest_winners_are_rarely_called_biased(searched, spread):
    """A few seeds of the search and 32 fresh ones of one distribution: no change, 2.5 % wrongly called biased."""
    generator = np.random.default_rng(3)
    covered, called = 0, 0
    for _ in range(1000):
        scores = np.exp(spread * generator.normal(size=searched + 32))
        *_, change = _change(scores[:searched], scores[searched:], *[Resampling(generator, 400)] * 2)
        covered += change.low <= 0 <= change.high
        called += change.low > 0
    print(f"change, {searched} and 32 seeds, spread {spread}: {covered / 1000:.3f}, biased {called / 1000:.3f}")
    assert 0.92 <= covered / 1000 <= 0.98
    assert called / 1000 <= 0.05
