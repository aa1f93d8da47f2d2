import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm, trim_mean

from analysis.statistics import bootstrap as module
from analysis.statistics.bootstrap import Resampling, bootstrap, ordered_quantiles, percentiles, resampled
from analysis.statistics.intervals import fewest, quantile

SCORES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=24)


def estimate(values, statistic):
    return bootstrap(values, statistic=statistic, resampling=Resampling(np.random.default_rng(0), 50)).estimate


def interval(values, groups=None, seed=0, resamples=1000, **options):
    return bootstrap(values, groups, resampling=Resampling(np.random.default_rng(seed), resamples), **options)


@pytest.mark.golden
def test_estimates_by_hand():
    assert estimate([1, 2, 3, 10], "median") == 2.5
    assert estimate([3, 1, 10], "median") == 3
    assert estimate([1, 2, 3, 4, 5, 6, 70, 80], "iqm") == (3 + 4 + 5 + 6) / 4
    assert estimate([1, 2, 3, 4, 5], "iqm") == pytest.approx((0.75 * 2 + 3 + 0.75 * 4) / 2.5)  # parts of 2 and 4


@pytest.mark.property
@given(SCORES)
def test_the_estimates_are_numpys_and_scipys(values):
    assert estimate(values, "median") == pytest.approx(np.median(values), abs=1e-9)
    whole = values[: len(values) // 4 * 4]
    if whole:
        assert estimate(whole, "iqm") == pytest.approx(trim_mean(whole, 0.25), abs=1e-6)


@pytest.mark.golden
def test_rliables_interquartile_mean_leaves_out_whole_values():
    """Of 5, 6 and 7 values ours has 2.5, 3 and 3.5 in the middle half, rliable's the inner 3, 4 and 5."""
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    for n, weights in ((5, [0.75, 1, 0.75]), (6, [0.5, 1, 1, 0.5]), (7, [0.25, 1, 1, 1, 0.25])):
        assert estimate(values[:n], "iqm") == pytest.approx(np.average(values[1 : n - 1], weights=weights))
        assert trim_mean(values[:n], 0.25) == pytest.approx(values[1 : n - 1].mean())


@pytest.mark.property
@given(SCORES, st.floats(-100, 100), st.floats(0.1, 10))
def test_shifting_and_scaling_move_the_interval_along(values, shift, scale):
    one, other = interval(values, resamples=50), interval(np.array(values) * scale + shift, resamples=50)
    assert other.estimate == pytest.approx(one.estimate * scale + shift, abs=1e-6)
    assert other.low == pytest.approx(one.low * scale + shift, abs=1e-6, nan_ok=True)
    assert other.high == pytest.approx(one.high * scale + shift, abs=1e-6, nan_ok=True)
    assert math.isnan(one.low) == (len(values) < 6)


@pytest.mark.golden
def test_the_draws_of_three_replicas_are_known():
    """Two of three are drawn: the same one twice with chance 1/9 each, each pair with 2/9."""
    _, draws, freedom = resampled([1.0, 2.0, 4.0], None, Resampling(np.random.default_rng(0), 40_000), ("median",))
    values, counts = np.unique(draws, return_counts=True)
    np.testing.assert_array_equal(values, [1, 1.5, 2, 2.5, 3, 4])
    np.testing.assert_allclose(counts / 40_000, np.array([1, 2, 1, 2, 2, 1]) / 9, atol=0.01)
    assert freedom == 2


@pytest.mark.parametrize("n", [6, 7, 16, 17, 32])
@pytest.mark.parametrize("infinite", [0, 1, 5])
def test_the_median_of_one_configuration_has_the_percentiles_of_all_its_draws(n, infinite):
    values = np.exp(np.random.default_rng(n).normal(size=n))
    values[:infinite] = math.inf
    exact = interval(values, statistic="median")
    [estimate], [draws], freedom = resampled(values, None, Resampling(np.random.default_rng(0), 100_000), ("median",))
    drawn = percentiles(estimate, draws, freedom, n, "seeds")
    assert (exact.estimate, exact.n, exact.captures) == (drawn.estimate, n, "seeds")
    # Levels as of the drawn ones, within what 100,000 draws tell.
    tail = norm.cdf(-quantile(0.95, n - 1))
    for end, level in ((exact.low, tail), (exact.high, 1 - tail)):
        assert (draws < end).mean() - 0.003 <= level <= (draws <= end).mean() + 0.003


def test_the_ends_of_a_median_do_not_hang_on_the_seed():
    values = np.exp(np.random.default_rng(5).normal(size=16))  # 1,000 draws hop between two order statistics
    assert len({interval(values, np.zeros(16), seed=seed, statistic="median") for seed in range(10)}) == 1


def test_the_median_of_very_many_replicas_is_drawn():
    values = np.arange(2001.0)
    found = interval(values, statistic="median")
    assert found.method == "stratified bootstrap"
    exact = interval(values[:-1], statistic="median")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=10)


@pytest.mark.parametrize("sizes", [(3, 4), (4, 4, 6), (8, 8, 5, 7), (32, 31)])
def test_a_resamples_median_is_that_of_the_replicas_it_drew(sizes):
    """Each drawn as often as its weight in whole numbers says, against numpy's median; halves are met exactly."""
    generator, groups = np.random.default_rng(2), np.repeat(range(len(sizes)), sizes)
    values = np.sort(generator.normal(size=len(groups)))
    weights = module._within(groups, 300, generator)
    drawn = [np.median(np.repeat(values, row.astype(int))) for row in weights]
    np.testing.assert_array_equal(module._statistic(values, np.cumsum(weights, axis=1), "median"), drawn)


def test_the_variance_of_the_draws_is_without_bias():
    """Four strata of four: drawing n of n would give 3/4 of the variance of a mean-like statistic."""
    generator = np.random.default_rng(1)
    groups = np.repeat(range(4), 4)
    ratio = []
    for _ in range(300):
        values = generator.normal(size=16)
        weights = module._within(groups, 300, generator)
        within = np.mean([values[groups == g].var(ddof=1) for g in range(4)])
        ratio.append((weights @ values / weights.sum(1)).var() / (within / 16))
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("captures", ["seeds", "both"])
def test_the_generator_fixes_the_result_and_is_used(captures):
    values, groups = np.random.default_rng(3).normal(size=64), np.repeat(range(16), 4)
    assert interval(values, groups, captures=captures) == interval(values, groups, captures=captures)
    assert interval(values, groups, captures=captures) != interval(values, groups, seed=1, captures=captures)


def test_pieces_change_nothing(monkeypatch):
    values = np.random.default_rng(3).normal(size=20)
    whole = interval(values, resamples=100)
    monkeypatch.setattr(module, "CHUNK", 200)
    assert interval(values, resamples=100) == whole


def test_seeds_know_nothing_of_the_spread_between_configurations():
    values = np.repeat(np.arange(1.0, 8), 4) + np.tile([-0.01, 0.0, 0.0, 0.01], 7)
    seeds = interval(values, np.repeat(range(7), 4))
    both = interval(values, np.repeat(range(7), 4), captures="both")
    assert seeds.high - seeds.low < 0.1
    assert both.high - both.low > 1
    assert (seeds.captures, both.captures) == ("seeds", "both")


def test_diverged_replicas_rank_worst():
    some, most = [1.0, 2.0, 3.0, 4.0, math.inf], [1.0, 2.0, math.inf, math.inf, math.inf]
    assert estimate(some, "median") == 3
    assert estimate(most, "median") == math.inf
    assert estimate([1.0, 2.0, 3.0, math.inf], "iqm") == 2.5
    assert estimate([1.0, 2.0, math.inf, math.inf], "iqm") == math.inf
    found = interval([1.0, 2.0, 3.0, 4.0, math.inf, math.inf, math.inf], statistic="median")
    assert (found.estimate, found.high) == (4, math.inf)
    assert math.isfinite(found.low)


def test_all_alike_is_certain():
    found = interval([3.0] * 8)
    assert (found.estimate, found.low, found.high) == pytest.approx((3, 3, 3))
    found = interval([math.inf] * 8, statistic="median")
    assert (found.estimate, found.low, found.high) == (math.inf,) * 3


@pytest.mark.parametrize(
    ("captures", "groups", "words"),
    [("seeds", [0, 1, 2], "one replica per configuration"), ("both", [0, 0, 0], "one configuration")],
)
def test_what_was_not_repeated_has_no_interval(captures, groups, words):
    found = interval([1.0, 2.0, 3.0], groups, captures=captures, statistic="median")
    assert found.estimate == 2
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert words in found.method


def test_a_lone_replica_keeps_its_place_beside_larger_strata():
    weights = module._within(np.array([0, 0, 0, 1]), 50, np.random.default_rng(0))
    np.testing.assert_array_equal(weights[:, 3], 2)
    np.testing.assert_array_equal(weights[:, :3].sum(1), 6)


def test_what_is_no_score_is_refused():
    with pytest.raises(
        ValueError, match=r"values: expected \(N,\) numbers without NaN, N > 0, got shape \(2,\) with 1"
    ):
        interval([1.0, math.nan])
    with pytest.raises(ValueError, match="statistic: expected one of median, iqm, got 'mean'"):
        interval([1.0, 2.0], statistic="mean")


def test_quantiles_are_draws():
    assert ordered_quantiles(np.array([3.0, 1.0, math.inf, 2.0]), (0.0, 0.25, 0.5, 0.99)) == (1, 1, 2, math.inf)
    hundred, few = np.arange(1.0, 101), np.arange(1.0, 26)
    assert ordered_quantiles(hundred, (0.07, 0.93, 0.57)) == (7, 93, 57)
    assert ordered_quantiles(few, (0.28, 0.56)) == (7, 14)


DRAWS = {
    "lognormal": lambda generator, shape: np.exp(generator.normal(size=shape)),
    "heavy": lambda generator, shape: np.exp(1.5 * generator.standard_t(4, size=shape)),
    "diverging": lambda generator, shape: np.where(
        generator.random(shape) < 0.2, np.inf, np.exp(generator.normal(size=shape))
    ),
}


def known(values, statistic):
    return module._statistic(np.sort(values), np.arange(1.0, len(values) + 1)[None], statistic)[0]


def coverage(name, configurations, replicas, statistic, count, resamples, seed):
    """How often the interval over seeds covers what a million fresh seeds of the same configurations give."""
    generator = np.random.default_rng(seed)
    apart = np.linspace(0, 2, configurations)[:, None]

    def draw(size):
        return (DRAWS[name](generator, (configurations, size)) + apart).ravel()

    truth = known(draw(1_000_000 // configurations), statistic)
    groups = np.repeat(range(configurations), replicas)
    options = {"statistic": statistic, "resampling": Resampling(generator, resamples)}
    found = [bootstrap(draw(replicas), groups, **options) for _ in range(count)]
    return np.mean([one.low <= truth <= one.high for one in found])


@pytest.mark.parametrize("statistic", ["median", "iqm"])
def test_intervals_of_one_configuration_cover(statistic):
    assert 0.92 <= coverage("lognormal", 1, 32, statistic, 1000, 400, 4) <= 0.98


@pytest.mark.parametrize(("replicas", "least", "most"), [(3, 0.72, 0.78), (4, 0.82, 0.89), (5, 0.89, 0.96)])
def test_few_replicas_have_no_interval_as_percentiles_would_cover_too_little(replicas, least, most):
    """As the module's docstring says; the values enclose the median in 1 - 2^(1-n)."""
    generator = np.random.default_rng(4)
    truth = known(DRAWS["lognormal"](generator, 1_000_000), "iqm")
    covered = 0
    for _ in range(1000):
        values = DRAWS["lognormal"](generator, replicas)
        [middle], [draws], freedom = resampled(values, None, Resampling(generator, 400), ("iqm",))
        one = percentiles(middle, draws, freedom, replicas, "seeds")
        covered += one.low <= truth <= one.high
    print(f"bootstrap iqm of {replicas} replicas: {covered / 1000:.3f}")
    assert least <= covered / 1000 <= most
    for statistic in module.STATISTICS:
        none = interval(values, statistic=statistic)
        assert math.isfinite(none.estimate)
        assert math.isnan(none.low)
        assert math.isnan(none.high)
        assert none.method == "no interval: fewer than 6 seeds"


def test_few_configurations_have_no_interval_where_they_are_drawn():
    values, groups = np.random.default_rng(0).normal(size=48), np.repeat(range(6), 8)
    assert math.isfinite(interval(values, groups, captures="both").low)
    few = interval(values[:40], groups[:40], captures="both")
    assert (math.isnan(few.low), few.method) == (True, "no interval: fewer than 6 configurations")
    assert math.isfinite(interval(values[:40], groups[:40]).low)


def test_how_few_are_too_few_follows_from_the_confidence():
    four = bootstrap([1.0, 2.0, 3.0, 4.0], resampling=Resampling(np.random.default_rng(0), 200, 0.8))
    assert four.low < 2.5 < four.high
    assert [fewest(confidence) for confidence in (0.5, 0.75, 0.8, 0.95, 0.99)] == [2, 3, 4, 6, 8]
    assert all(1 - 2.0 ** (1 - fewest(c)) >= c > 1 - 2.0 ** (2 - fewest(c)) for c in (0.6, 0.8, 0.9, 0.95, 0.99))


def covered_by_order_statistics(n):
    """How often the median's interval of n continuous values, n even, holds the true median: its ends are the i-th and
    the j-th of them, and as many as a coin of n throws says lie below it."""
    ends = interval(np.arange(1.0, n + 1), statistic="median")
    return float(binom.cdf(ends.high - 1, n, 0.5) - binom.cdf(ends.low - 1, n, 0.5))


@pytest.mark.golden
@pytest.mark.parametrize(("n", "low", "ways"), [(6, 1, 2), (8, 2, 18), (16, 4, 1394), (32, 11, 215_188_426)])
def test_the_median_of_one_configuration_covers_as_often_as_a_binomial_says(n, low, ways):
    """`ways`: of 2ⁿ, to have fewer than `low` values on one side of the median."""
    found = interval(np.arange(1.0, n + 1), statistic="median")
    assert (found.low, found.high) == (low, n + 1 - low)
    assert covered_by_order_statistics(n) == pytest.approx(1 - ways / 2**n)
    assert 2 * sum(math.comb(n, k) for k in range(low)) == ways


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["median", "iqm"])
@pytest.mark.parametrize(("configurations", "replicas"), [(1, 32), (1, 16), (1, 8), (4, 8), (4, 4), (20, 8)])
@pytest.mark.parametrize("name", sorted(DRAWS))
def test_intervals_cover(name, configurations, replicas, statistic):
    covered = coverage(name, configurations, replicas, statistic, 1000, 1000, 5)
    print(f"bootstrap {statistic}, {name}, {configurations} × {replicas}: {covered:.3f}")
    if statistic == "median" and configurations == 1:
        exact = covered_by_order_statistics(replicas)
        assert covered == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 1000) ** 0.5)
    else:
        assert 0.92 <= covered <= 0.98, covered


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["median", "iqm"])
@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_intervals_over_configurations_cover(statistic, spread):
    """20 configurations of 8 replicas, the configurations drawn anew each time."""
    generator = np.random.default_rng(6)

    def draw(count):
        return np.exp(spread * generator.normal(size=(count, 1)) + generator.normal(size=(count, 8))).ravel()

    truth = known(draw(200_000), statistic)
    groups = np.repeat(range(20), 8)
    options = {"statistic": statistic, "captures": "both", "resampling": Resampling(generator)}
    found = [bootstrap(draw(20), groups, **options) for _ in range(1000)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    print(f"bootstrap over configurations {statistic}, spread {spread}: {covered:.3f}")
    assert 0.92 <= covered <= 0.98, covered
