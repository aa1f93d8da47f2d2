import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import sem, ttest_ind

from analysis.statistics.intervals import wilson
from analysis.statistics.permutation import least
from analysis.statistics.restricted_mean import compare, difference, longest, pseudo_times, restricted_mean

TIMES = arrays.arrays(np.float64, st.integers(2, 25), elements=st.integers(1, 9).map(float))


@pytest.mark.golden
def test_the_area_by_hand():
    """1 up to 2, 3/4 up to 3.5, one being censored at 3, then 3/8 as one of two falls, up to the horizon 5."""
    found = restricted_mean([2, 3, 3.5, 6], [True, False, True, True], 5.0, arm="hinge", event="failure")
    assert found.mean.estimate == pytest.approx(2 + 3 / 4 * 1.5 + 3 / 8 * 1.5)
    assert (found.arm, found.event, found.horizon) == ("hinge", "failure", 5.0)
    assert (found.mean.n, found.mean.captures) == (4, "seeds")


@pytest.mark.golden
def test_the_classical_error_by_hand():
    """Freireich et al. (1963), 6-MP: error² is the sum of area² d/(r (r - d)) over events, by n/(n - 1)."""
    weeks = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], float)
    relapsed = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], bool)
    steps, curve = [0, 6, 7, 10, 13, 16, 22, 23], [1]
    terms = []
    for at in steps[1:]:
        risk, died = (weeks >= at).sum(), (relapsed & (weeks == at)).sum()
        curve.append(curve[-1] * (1 - died / risk))
        terms.append(died / (risk * (risk - died)))
    areas = np.array(curve) * np.diff([*steps, 35])
    later = np.cumsum(areas[::-1])[::-1]
    found = restricted_mean(weeks, relapsed, 35.0)
    assert found.mean.estimate == pytest.approx(areas.sum())
    assert found.mean.estimate == pytest.approx(23.287, abs=1e-3)  # R's survival: print(fit, rmean = 35)
    assert found.error == pytest.approx(math.sqrt((later[1:] ** 2 * terms).sum() * 21 / 20))


@pytest.mark.property
@given(TIMES, st.integers(1, 12))
def test_without_censoring_it_is_a_plain_mean_with_its_plain_error(times, horizon):
    found, lived = restricted_mean(times, np.ones(len(times)), float(horizon)), np.minimum(times, horizon)
    assert found.mean.estimate == pytest.approx(lived.mean())
    assert found.error == pytest.approx(sem(lived), abs=1e-9)
    assert 0 <= found.mean.low <= found.mean.estimate + 1e-9
    assert found.mean.estimate - 1e-9 <= found.mean.high <= horizon


@pytest.mark.property
@given(TIMES, st.data())
def test_configurations_without_censoring_err_as_their_sums_do(times, data):
    groups = data.draw(arrays.arrays(np.int64, len(times), elements=st.integers(0, 4)))
    found = restricted_mean(times, np.ones(len(times)), 5.0, groups, captures="both")
    lived = np.minimum(times, 5.0)
    labels, count = np.unique(groups), len(np.unique(groups))
    sums = np.array([(lived - lived.mean())[groups == label].sum() for label in labels])
    if count > 1:
        assert found.error == pytest.approx(math.sqrt((sums**2).sum() * count / (count - 1)) / len(times), abs=1e-9)
    else:
        assert math.isnan(found.error)
        assert (found.mean.low, found.mean.high) == (0, 5)


def test_where_nobody_met_the_event_the_share_that_might_have_is_what_is_known():
    found = restricted_mean([1000.0] * 400, [False] * 400, 1000.0)
    assert (found.mean.estimate, found.mean.high, found.error) == (1000, 1000, 0)
    assert found.mean.low == pytest.approx(1000 * wilson(400, 400).low, abs=1)


def test_the_difference_lies_between_the_horizons():
    good = restricted_mean([1000.0] * 16, [False] * 16, 1000.0)
    bad = restricted_mean([10.0] * 12 + [1000.0] * 4, [True] * 12 + [False] * 4, 1000.0)
    found, turned = difference(good, bad), difference(bad, good)
    assert found.estimate == pytest.approx(0.75 * 990)
    assert 0 < found.low < found.estimate < found.high <= 1000
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    with pytest.raises(ValueError, match=r"second: expected the horizon of the first, 1000.0, got 900.0"):
        difference(good, restricted_mean([1000.0] * 16, [False] * 16, 900.0))


def test_without_censoring_the_test_is_welchs():
    generator = np.random.default_rng(0)
    a, b = generator.exponential(1.0, 30), generator.exponential(1.6, 40)
    statistic, p = compare((a, np.ones(30)), (b, np.ones(40)), 2.0)
    theirs = ttest_ind(np.minimum(a, 2), np.minimum(b, 2), equal_var=False)
    assert statistic == pytest.approx(theirs.statistic, rel=1e-6)
    assert p == pytest.approx(theirs.pvalue, rel=0.2)
    assert p >= theirs.pvalue * (1 - 1e-6)


@pytest.mark.golden
def test_few_units_and_none_that_differ():
    early, late = ([1.0] * 16, [True] * 16), ([9.0] * 16, [False] * 16)
    groups = np.repeat([0, 1], 8)
    assert compare(early, late, 9.0, (groups, groups))[1] == pytest.approx(1 / 3)
    assert compare(early, late, 9.0)[1] == pytest.approx(least([16, 16]))
    assert compare(early, early, 9.0) == compare(late, late, 9.0) == (0, 1)
    assert math.isnan(compare(early, late, 9.0, (np.zeros(16), np.zeros(16)))[1])
    statistic, p = compare(([1.0], [True]), ([5.0, 6.0, 7.0], [True] * 3), 9.0)
    assert math.isnan(statistic)
    assert p == pytest.approx(1 / 4)


def test_a_horizon_is_as_long_as_every_curve_is_known():
    censored, ended = ([3.0, 7.0], [True, False]), ([2.0, 4.0], [True, True])
    assert longest([censored, ended]) == 7
    assert longest([ended]) == math.inf
    assert restricted_mean(*ended, 100.0).mean.estimate == 3
    with pytest.raises(
        ValueError,
        match="horizon: expected a number above 0 and at most 7, where the last replicas are censored, got 8",
    ):
        restricted_mean(*censored, 8.0)
    with pytest.raises(ValueError, match="horizon: expected a number above 0 and finite, got inf"):
        restricted_mean(*ended, math.inf)


def exponential(generator, size, hazard=1.0, limit=math.inf):
    """Censored at 1, and some before it, at uniform times up to the limit."""
    time, end = generator.exponential(size=size) / hazard, np.ones(size)
    if limit < math.inf:
        end = np.minimum(generator.uniform(0, limit, size), 1.0)
    return np.minimum(time, end), time <= end


@pytest.mark.parametrize("replicas", [8, 32])
@pytest.mark.parametrize("hazard", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("limit", [math.inf, 3.0])
def test_the_mean_is_covered(hazard, replicas, limit):
    generator, covered = np.random.default_rng(1), []
    truth = (1 - math.exp(-0.8 * hazard)) / hazard
    for _ in range(600):
        sample = exponential(generator, replicas, hazard, limit)
        if longest([sample]) >= 0.8:
            found = restricted_mean(*sample, 0.8).mean
            covered.append(found.low <= truth <= found.high)
    print(f"restricted mean, hazard {hazard}, {replicas} replicas, censored up to {limit}: {np.mean(covered):.3f}")
    assert np.mean(covered) >= 0.92


@pytest.mark.parametrize("configurations", [8, 20])
@pytest.mark.parametrize("spread", [0.0, 1.0, 2.0])
def test_the_mean_is_covered_over_configurations(spread, configurations):
    """8 replicas each, hazards lognormal between configurations."""
    generator, covered, groups = np.random.default_rng(2), [], np.repeat(range(configurations), 8)
    hazards = np.exp(spread * generator.normal(size=100_000))
    truth = ((1 - np.exp(-hazards)) / hazards).mean()
    for _ in range(600):
        hazard = np.exp(spread * generator.normal(size=configurations))[groups]
        sample = exponential(generator, len(groups), hazard)
        found = restricted_mean(*sample, 1.0, groups, captures="both").mean
        covered.append(found.low <= truth <= found.high)
    print(f"restricted mean over {configurations} configurations, spread {spread}: {np.mean(covered):.3f}")
    assert np.mean(covered) >= 0.92


def crossing(generator, size):
    """Some fall at once, the others never: as long a mean as that of `exponential`, 1 - 1/e."""
    early = generator.random(size) < math.exp(-1) / 0.95
    return np.where(early, 0.1 * generator.random(size), 1.0), early


def narrow(generator, size):
    return 1 - math.exp(-1) + 0.1 * (generator.random(size) - 0.5), np.ones(size, bool)


@pytest.mark.parametrize(("n", "m"), [(8, 8), (16, 16), (8, 32), (32, 8)])
@pytest.mark.parametrize("other", [exponential, crossing, narrow])
def test_the_level_is_kept_and_the_difference_covered_though_curves_cross(other, n, m):
    generator, p, covered = np.random.default_rng(3), [], []
    for _ in range(400):
        arms = exponential(generator, n), other(generator, m)
        p.append(compare(*arms, 1.0)[1])
        found = difference(*(restricted_mean(*arm, 1.0) for arm in arms))
        covered.append(found.low <= 0 <= found.high)
    wrong = np.mean(np.array(p) <= 0.05)
    print(f"restricted means, {other.__name__}, {n} and {m}: level {wrong:.3f}, covered {np.mean(covered):.3f}")
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert np.mean(covered) >= 0.92


@pytest.mark.parametrize("count", [3, 8, 16])
def test_the_level_is_kept_over_configurations(count):
    generator, groups, p = np.random.default_rng(4), np.repeat(range(count), 8), []
    for _ in range(400):
        hazards = np.repeat(np.exp(1.5 * generator.normal(size=(2, count))), 8, axis=1)
        a, b = (exponential(generator, 8 * count, hazard) for hazard in hazards)
        p.append(compare(a, b, 1.0, (groups, groups))[1])
    print(f"restricted means over {count} configurations: {np.mean(np.array(p) <= 0.05):.3f}")
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_pseudo_times_are_times_where_nothing_is_censored():
    times = np.array([100.0, 300, 300, 700, 1000, 1000])
    found = pseudo_times(times, times < 1000, 800.0)
    assert found == pytest.approx(np.minimum(times, 800))


def test_pseudo_times_have_the_restricted_mean_under_censoring():
    generator = np.random.default_rng(0)
    times, observed = generator.uniform(0, 1000, 40).round(), generator.random(40) < 0.6
    times[0], observed[0] = 1000, False
    found = pseudo_times(times, observed, 900.0)
    assert found.mean() == pytest.approx(restricted_mean(times, observed, 900.0).mean.estimate)
    left_out = [restricted_mean(np.delete(times, i), np.delete(observed, i), 900.0).mean.estimate for i in range(1, 40)]
    jackknife = 40 * found.mean() - 39 * np.array(left_out)
    assert np.corrcoef(found[1:], jackknife)[0, 1] > 0.999
