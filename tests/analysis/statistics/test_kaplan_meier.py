import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import CensoredData, ecdf

from analysis.statistics.intervals import proportion, wilson, wilson_ends
from analysis.statistics.kaplan_meier import kaplan_meier

TIMES = arrays.arrays(np.float64, st.integers(1, 25), elements=st.integers(1, 9).map(float))

# Freireich et al. (1963), remission under 6-MP in weeks, + censored; its Kaplan-Meier curve is in every textbook,
# e.g. Kalbfleisch & Prentice (2002), table 1.2
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.golden
def test_the_textbook_curve():
    curve = kaplan_meier(WEEKS, RELAPSED)
    known = {0: 1, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448, 35: 0.448}
    for week, share in known.items():
        assert curve.at(week).estimate == pytest.approx(share, abs=6e-4)
    assert curve.at(8).estimate == curve.at(7).estimate
    assert curve.median.estimate == 23
    assert (curve.n, curve.events, len(curve.censored)) == (21, 9, 12)
    assert dict(zip(curve.band.x, curve.at_risk, strict=True)) | {0: 21, 6: 21, 7: 17, 10: 15, 23: 6, 35: 1} == dict(
        zip(curve.band.x, curve.at_risk, strict=True)
    )


@pytest.mark.golden
def test_the_interval_by_hand():
    """After two events among 21 and one of 17 Greenwood's sum is 3/(21·18) + 1/(17·16); Wilson does the rest."""
    curve = kaplan_meier(WEEKS, RELAPSED)
    share, greenwood = 18 / 21 * 16 / 17, 3 / (21 * 18) + 1 / (17 * 16)
    low, high = wilson_ends(share, (1 - share) / (share * greenwood))
    assert (curve.at(7).low, curve.at(7).high) == pytest.approx((float(low), float(high)))


@pytest.mark.property
@given(TIMES, st.data())
def test_the_curve_is_scipys(times, data):
    observed = data.draw(arrays.arrays(bool, len(times)))
    curve = kaplan_meier(times, observed)
    theirs = ecdf(CensoredData.right_censored(times, ~observed)).sf
    np.testing.assert_allclose(curve.band.estimate[1:], theirs.probabilities)
    np.testing.assert_array_equal(curve.band.x[1:], theirs.quantiles)
    assert (np.diff(curve.band.estimate) <= 0).all()
    assert (curve.band.low <= curve.band.estimate + 1e-12).all()
    assert (curve.band.estimate <= curve.band.high + 1e-12).all()


@pytest.mark.property
@given(TIMES)
def test_without_censoring_it_is_the_share_left_with_wilsons_interval(times):
    curve = kaplan_meier(times, np.ones(len(times)))
    for time in [0.0, 0.5, *np.unique(times)]:
        left = int((times > time).sum())
        found, plain = curve.at(time), wilson(left, len(times))
        assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))


def test_before_any_event_those_still_at_risk_are_what_is_known():
    curve = kaplan_meier([1, 2, 3, 3, 3], [False] * 5)
    assert curve.at(1).low == pytest.approx(wilson(5, 5).low)
    assert curve.at(2).low == pytest.approx(wilson(4, 4).low)
    assert curve.at(3).low == pytest.approx(wilson(3, 3).low)
    assert curve.at(3).estimate == curve.at(3).high == 1


def test_nobody_and_everybody_met_the_event():
    none, all_of_them = kaplan_meier([5] * 8, [False] * 8), kaplan_meier([5] * 8, [True] * 8)
    assert none.at(5).low == pytest.approx(wilson(8, 8).low)
    assert (none.median.estimate, none.median.high) == (math.inf, math.inf)
    assert (all_of_them.at(4).estimate, all_of_them.at(5).estimate) == (1, 0)
    assert all_of_them.at(5).high == pytest.approx(wilson(0, 8).high)
    assert all_of_them.median.estimate == 5


def test_past_the_last_replica_only_an_upper_bound_is_known():
    curve = kaplan_meier([1, 2, 3], [True, True, False])
    assert curve.at(3).estimate == pytest.approx(1 / 3)
    past = curve.at(3.5)
    assert math.isnan(past.estimate)
    assert (past.low, past.high) == (0, curve.at(3).high)
    ended = kaplan_meier([1, 2, 3], [True] * 3)
    assert ended.at(99) == ended.at(3)
    assert ended.at(99).estimate == 0
    with pytest.raises(ValueError, match="step: expected a number >= 0, got -1"):
        curve.at(-1)


def test_an_event_at_the_first_step():
    curve = kaplan_meier([0, 3], [True, False])
    np.testing.assert_array_equal(curve.band.x, [0, 3])
    assert curve.at(0).estimate == 0.5


def test_configurations_that_agree_count_once():
    time, group = np.repeat([100.0, 200.0, 300.0, 400.0, 500.0, 600.0], 8), np.repeat(range(6), 8)
    seeds = kaplan_meier(time, np.ones(48))
    both = kaplan_meier(time, np.ones(48), group, captures="both")
    assert both.at(300).estimate == seeds.at(300).estimate == 0.5
    narrow, wide = (curve.at(300).high - curve.at(300).low for curve in (seeds, both))
    assert wide > 2 * narrow
    assert "6 configurations" in both.band.method


def test_independent_replicas_as_configurations_of_one_come_to_much_the_same():
    generator = np.random.default_rng(0)
    time, limit = generator.exponential(size=200), generator.uniform(0, 3, 200)
    met = time <= limit
    seeds = kaplan_meier(np.minimum(time, limit), met)
    both = kaplan_meier(np.minimum(time, limit), met, np.arange(200), captures="both")
    for at in (0.3, 0.7, 1.5):
        assert both.at(at).low == pytest.approx(seeds.at(at).low, abs=0.01)
        assert both.at(at).high == pytest.approx(seeds.at(at).high, abs=0.01)


@st.composite
def clustered(draw):
    """Times, whether the event was met, and configurations of up to 30 replicas."""
    size = draw(st.integers(2, 30))
    times = draw(arrays.arrays(np.float64, size, elements=st.integers(1, 6).map(float)))
    return times, draw(arrays.arrays(bool, size)), draw(arrays.arrays(np.int64, size, elements=st.integers(0, 5)))


@pytest.mark.golden
def test_ten_of_twenty_configurations_fall_at_one_step():
    """Shares of 0 or 1 in 20 configurations: variance 20/19 · 1/4 / 20, so 19 units, drawn to 20 by 2 parts in 12."""
    groups = np.repeat(range(20), 8)
    found = kaplan_meier(np.full(160, 1000.0), groups < 10, groups, captures="both").at(1000)
    assert (found.low, found.high) == pytest.approx((0.28434, 0.71566), abs=1e-5)


@pytest.mark.property
@given(clustered())
def test_without_censoring_the_band_is_the_shares_own_over_configurations_too(sample):
    times, _, groups = sample
    curve = kaplan_meier(times, np.ones(len(times)), groups, captures="both")
    for step in curve.band.x:
        found, plain = curve.at(step), proportion(times > step, groups, captures="both")
        assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))


@pytest.mark.property
@given(clustered(), st.sampled_from(["seeds", "both"]))
def test_after_the_first_event_the_band_moves_at_events_alone(sample, captures):
    times, met, groups = sample
    curve = kaplan_meier(times, met, groups, captures=captures)
    for step in curve.band.x[1:]:
        if met[times < step].any() and not met[times == step].any():
            here, before = curve.at(step), curve.at(step - 0.5)
            assert (here.estimate, here.low, here.high) == (before.estimate, before.low, before.high)


def test_the_band_stays_where_the_budget_ends():
    """160 replicas in 20 configurations, half of them fallen before: nothing happens at 1000 but the end."""
    generator = np.random.default_rng(0)
    times = np.where(generator.random(160) < 0.5, generator.integers(1, 900, 160), 1000.0)
    curve = kaplan_meier(times, times < 1000, np.repeat(range(20), 8), captures="both")
    last, before = curve.at(1000), curve.at(999)
    assert (last.low, last.high) == (before.low, before.high)


@pytest.mark.parametrize("half", [1, 3, 12, 19, 22, 23, 24, 27, 31, 50])
def test_a_curve_that_stays_at_one_half_has_its_median_where_it_came_there(half):
    times = [101 + 7 * i for i in range(half)] + [1000] * half
    curve = kaplan_meier(times, [1] * half + [0] * half)
    assert curve.median.estimate == times[half - 1]


def test_a_curve_comes_to_one_half_through_censoring_too():
    """15/16 · 6/9 · 4/5 = 1/2, where rounding each factor makes more of it."""
    times = [1.0] + [2.0] * 6 + [3.0] * 3 + [4.0] + [5.0] + [6.0] * 4
    met = [True] + [False] * 6 + [True] * 3 + [False] + [True] + [False] * 4
    assert (1 - 1 / 16) * (1 - 3 / 9) * (1 - 1 / 5) > 0.5
    curve = kaplan_meier(times, met)
    assert (curve.at(5).estimate, curve.median.estimate) == (0.5, 5)


@pytest.mark.golden
@pytest.mark.parametrize("replicas", [4, 5, 6, 7, 10, 48, 49])
def test_configurations_exactly_alike_have_no_variance(replicas):
    """One of each six falls: the variance says nothing, so six units are taken, whatever the number of replicas."""
    groups, first = np.repeat(range(6), replicas), np.arange(6 * replicas) % replicas == 0
    low, high = wilson_ends(1 - 1 / replicas, 6 * (1.959964 / 2.570582) ** 2)
    curve = kaplan_meier(np.where(first, 100.0, 1000.0), first, groups, captures="both").at(500)
    plain = proportion(~first, groups, captures="both")
    assert (curve.low, curve.high) == pytest.approx((float(low), float(high)), abs=1e-6)
    assert (plain.low, plain.high) == pytest.approx((float(low), float(high)), abs=1e-6)


def test_configurations_exactly_alike_through_censoring_have_no_variance():
    """Each of six loses one of five to the event, then one to censoring, then one to the event again."""
    times, met = np.tile([1.0, 2.0, 3.0, 9.0, 9.0], 6), np.tile([True, False, True, False, False], 6)
    found = kaplan_meier(times, met, np.repeat(range(6), 5), captures="both").at(4)
    low, high = wilson_ends(4 / 5 * 2 / 3, 6 * (1.959964 / 2.570582) ** 2)
    assert (found.low, found.high) == pytest.approx((float(low), float(high)), abs=1e-6)


def test_what_are_no_times_is_refused():
    with pytest.raises(
        ValueError, match=r"time: expected \(N,\) steps >= 0, N > 0, as many as observed \(1,\), got \(2"
    ):
        kaplan_meier([1.0, 2.0], [True])
    with pytest.raises(ValueError, match="time: expected"):
        kaplan_meier([-1.0], [True])
    with pytest.raises(ValueError, match="configurations: needed for an interval that captures them, got None"):
        kaplan_meier([1.0], [True], captures="both")


@pytest.mark.parametrize("replicas", [8, 16, 32])
@pytest.mark.parametrize("limit", [2.0, 20.0, math.inf])
def test_the_curve_is_covered_at_a_step(replicas, limit):
    """Exponential times, censored at uniform ones up to `limit`, at the step of a true share drawn from 0.1 to 0.95.

    At one share the steps of a count put the exact coverage above or below 95 %, as for `wilson`.
    """
    generator = np.random.default_rng(1)
    covered = []
    for share in generator.uniform(0.1, 0.95, 600):
        time = generator.exponential(size=replicas)
        end = generator.uniform(0, limit, replicas) if limit < math.inf else np.full(replicas, limit)
        found = kaplan_meier(np.minimum(time, end), time <= end).at(-math.log(share))
        covered.append(found.low <= share <= found.high)
    print(f"Kaplan-Meier, {replicas} replicas, censoring up to {limit}: {np.mean(covered):.3f}")
    assert 0.92 <= np.mean(covered) <= 0.98, np.mean(covered)


def coverage_of_configurations(spread, configurations, count, evaluations=math.inf):
    """8 replicas each, hazards lognormal between configurations, these censored as wholes, steps drawn as above.

    With a number of evaluations, which are evenly spread up to a step, an event is known at the next of them.
    """
    generator = np.random.default_rng(2)
    hazards = np.exp(spread * generator.normal(size=20_000))
    groups, covered = np.repeat(range(configurations), 8), 0
    for share in generator.uniform(0.1, 0.95, count):
        at = -math.log(share)
        hazard = np.repeat(np.exp(spread * generator.normal(size=configurations)), 8)
        end = np.repeat(generator.uniform(0, 6, configurations), 8)
        time = generator.exponential(size=len(groups)) / hazard
        if evaluations < math.inf:
            time, end = np.ceil(time / at * evaluations), np.maximum(np.floor(end / at * evaluations), 1)
        met = time <= end
        step = at if evaluations == math.inf else evaluations
        found = kaplan_meier(np.minimum(time, end), met, groups, captures="both").at(step)
        covered += found.low <= np.exp(-at * hazards).mean() <= found.high
    print(f"Kaplan-Meier, {configurations} configurations, {spread}, {evaluations} evaluations: {covered / count:.3f}")
    return covered / count


@pytest.mark.parametrize("configurations", [20, 60])
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_the_curve_is_covered_when_replicas_come_in_configurations(spread, configurations):
    assert 0.92 <= coverage_of_configurations(spread, configurations, 600) <= 0.98


@pytest.mark.parametrize("evaluations", [1, 3])
def test_the_curve_is_covered_when_many_fall_at_one_evaluation(evaluations):
    assert 0.92 <= coverage_of_configurations(1.0, 20, 600, evaluations) <= 0.98


def test_few_configurations_that_are_all_alike_are_not_known_to_be_so():
    """The interval then covers more than it says: 20 configurations cannot show that a 21st would be no different."""
    assert 0.95 <= coverage_of_configurations(0.0, 20, 600) <= 0.99
