import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from analysis.statistics.intervals import Band, Interval, effective_units, numbered, proportion, wilson, wilson_ends


@pytest.mark.golden
def test_wilson_by_hand():
    # z = 1.96: none of 10 gives z² / (10 + z²); Newcombe (1998), table I, 15 of 148: 0.0624 to 0.1605
    none = wilson(0, 10)
    assert (none.low, none.high) == pytest.approx((0.0, 3.8415 / 13.8415), abs=1e-4)
    assert (wilson(15, 148).low, wilson(15, 148).high) == pytest.approx((0.0624, 0.1605), abs=1e-4)


@pytest.mark.property
@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_is_scipys(counts, confidence):
    found = wilson(*counts, confidence)
    theirs = binomtest(*counts).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert found.low <= found.estimate <= found.high
    assert (found.n, found.captures) == (counts[1], "seeds")


@pytest.mark.property
@given(st.floats(0, 1), st.floats(0.1, 1e6), st.floats(1.01, 100))
def test_more_units_narrow_the_interval(share, units, times):
    (low, closer_low), (high, closer_high) = (np.array(ends) for ends in wilson_ends(share, [units, units * times]))
    assert low <= closer_low <= share + 1e-12
    assert share - 1e-12 <= closer_high <= high


def test_wilson_of_nothing():
    found = wilson(0, 0)
    assert math.isnan(found.estimate)
    assert (found.low, found.high) == (0.0, 1.0)
    assert proportion([]).n == 0


def test_more_successes_than_replicas_are_refused():
    with pytest.raises(ValueError, match="successes: expected between 0 and 4, got 5"):
        wilson(5, 4)
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1, got 95"):
        wilson(1, 4, confidence=95)


def test_wilson_covers_on_average():
    """Exactly, over all counts: the mean coverage at shares of 0.05 to 0.95 is 95 % within a point."""
    counts = np.arange(33)
    low, high = wilson_ends(counts / 32, 32)
    shares = np.linspace(0.05, 0.95, 181)
    covered = [binom.pmf(counts, 32, p)[(low <= p) & (p <= high)].sum() for p in shares]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)
    assert min(covered) > 0.88


@pytest.mark.parametrize("replicas", [8, 32])
def test_wilson_covers_in_simulations(replicas):
    """Over shares drawn at random; at any one share a count's steps put the exact coverage above or below 95 %."""
    generator = np.random.default_rng(1)
    share = generator.random(1000)
    low, high = wilson_ends(generator.binomial(replicas, share) / replicas, replicas)
    assert 0.92 <= np.mean((low <= share) & (share <= high)) <= 0.98


def test_seeds_alone_give_wilson():
    held = [True] * 3 + [False] * 13
    assert proportion(held) == wilson(3, 16)
    assert proportion(held, np.repeat([0, 1], 8)) == wilson(3, 16)


@pytest.mark.golden
def test_replicas_that_agree_within_configurations_count_as_one():
    """3 of 10 configurations, whole: variance 10/9 · 0.21/10, so 9 units, drawn to 10 by 2 parts in 5, then for t."""
    held = np.repeat([True, False, False, True, False, False, False, False, True, False], 8)
    found = proportion(held, np.repeat(range(10), 8), captures="both")
    low, high = wilson_ends(0.3, (3 * 9 + 2 * 10) / 5 * (1.95996 / 2.26216) ** 2)
    assert (found.low, found.high) == pytest.approx((float(low), float(high)), abs=1e-5)
    assert found.captures == "both"
    assert "10 configurations" in found.method


def test_no_event_in_any_configuration_says_as_little_as_their_number():
    found = proportion(np.zeros(160), np.repeat(range(20), 8), captures="both")
    assert found.low == 0
    assert found.high == pytest.approx(wilson(0, 20).high, abs=0.03)


def test_one_configuration_says_nothing_of_others():
    found = proportion([True, False, True], [7, 7, 7], captures="both")
    assert (found.estimate, found.low, found.high) == (pytest.approx(2 / 3), 0.0, 1.0)


def test_units_never_exceed_the_replicas():
    alike = np.tile([True, False], 40)  # every configuration of 4 has exactly one half
    found = proportion(alike, np.repeat(range(20), 4), captures="both")
    assert found.high - found.low >= wilson(40, 80).high - wilson(40, 80).low - 1e-12
    assert effective_units(0.5, np.zeros((20, 1)), [20], 20, 80) <= 80


def test_labels_are_needed_and_checked():
    with pytest.raises(ValueError, match="configurations: needed for an interval that captures them, got None"):
        proportion([True], captures="both")
    with pytest.raises(ValueError, match="configurations: expected 1 labels, one per replica, got 2"):
        proportion([True], [1, 2])
    with pytest.raises(ValueError, match="captures: expected 'seeds' or 'both', got 'all'"):
        numbered(None, 1, "all")


def test_the_opposite_interval():
    found = Interval(1.0, 0.5, math.inf, 8, "", "seeds").negated()
    assert (found.estimate, found.low, found.high) == (-1.0, -math.inf, -0.5)


def clustered_coverage(configurations, least, alike, count):
    """How often shares from `least` on are covered, of 8 replicas a configuration with this intraclass correlation."""
    generator = np.random.default_rng(2)
    covered, groups, own = 0, np.repeat(range(configurations), 8), (1 - alike) / alike
    for share in generator.uniform(least, 10 * least, count):
        chance = generator.beta(share * own, (1 - share) * own, configurations)
        found = proportion(generator.random(8 * configurations) < chance[groups], groups, captures="both")
        covered += found.low <= share <= found.high
    return covered / count


@pytest.mark.parametrize("least", [0.01, 0.09])
@pytest.mark.parametrize("alike", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("configurations", [20, 60])
def test_shares_cover_when_replicas_come_in_configurations(configurations, least, alike):
    covered = clustered_coverage(configurations, least, alike, 1000)
    print(f"share over {configurations} configurations, from {least}, correlation {alike}: {covered:.3f}")
    assert 0.92 <= covered <= 0.98, covered


def test_a_band_over_steps_holds_until_the_next():
    ends = np.array([[1.0, 0.5], [0.9, 0.2], [1.0, 0.8]])
    band = Band(np.array([0.0, 100.0]), *ends, 16, "by hand", "seeds")
    assert band.at(0) == band.at(99.5) == Interval(1.0, 0.9, 1.0, 16, "by hand", "seeds")
    assert band.at(100) == band.at(1e6) == band.interval(1) == Interval(0.5, 0.2, 0.8, 16, "by hand", "seeds")
    with pytest.raises(ValueError, match="step: expected a number >= 0, got -1"):
        band.at(-1)
