import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from analysis.statistics.risk_sets import (
    incidence_curve,
    incidence_influence,
    risk_sets,
    survival_curve,
    survival_influence,
)


@st.composite
def samples(draw):
    """Times, which event was met (0 for none, 1 for that of interest, 2), and units of up to 30 replicas."""
    size = draw(st.integers(2, 30))
    times = draw(arrays.arrays(np.float64, size, elements=st.integers(1, 6).map(float)))
    return times, *(draw(arrays.arrays(np.int64, size, elements=st.integers(0, most))) for most in (2, 5))


def sets_of(times, met, groups):
    return risk_sets(times, met > 0, met == 1, groups, 6)


def weighted(times, met, weights, step):
    """Survival and incidence at a step of replicas that count as often as their weights say."""
    alive, fallen = 1.0, 0.0
    for at in np.unique(times[(met > 0) & (times <= step)]):
        risk, now = weights[times >= at].sum(), times == at
        fallen += alive * weights[now & (met == 1)].sum() / risk
        alive *= 1 - weights[now & (met > 0)].sum() / risk
    return np.array([alive, fallen])


@pytest.mark.golden
def test_counts_by_hand():
    """Units 0 and 1: one meets the event at 2, one the other at 3, one is censored at 3, one goes on to 5."""
    sets = risk_sets(
        np.array([2.0, 3.0, 3.0, 5.0]),
        np.array([True, True, False, False]),
        np.array([True, False, False, False]),
        np.array([0, 1, 0, 1]),
        2,
    )
    np.testing.assert_array_equal(sets.steps, [0, 2, 3, 5])
    np.testing.assert_array_equal(sets.waiting, [[2, 2, 1, 0], [2, 2, 2, 1]])
    np.testing.assert_array_equal(sets.risk, [4, 4, 3, 1])
    np.testing.assert_array_equal(sets.left, [4, 3, 2, 1])
    np.testing.assert_array_equal(survival_curve(sets), [1, 3 / 4, 1 / 2, 1 / 2])
    np.testing.assert_array_equal(incidence_curve(sets), [0, 1 / 4, 1 / 4, 1 / 4])


@pytest.mark.property
@given(samples())
def test_curves_and_influences_are_those_of_weights(sample):
    """The influence against the difference that a little more or less weight makes."""
    times, met, groups = sample
    sets = sets_of(times, met, groups)
    curves = np.stack([survival_curve(sets), incidence_curve(sets)])
    influences = np.stack([survival_influence(sets), incidence_influence(sets)])
    for column, step in enumerate(sets.steps):
        np.testing.assert_allclose(curves[:, column], weighted(times, met, np.ones(len(times)), step), atol=1e-12)
        for row in range(6):
            above, below = (
                weighted(times, met, np.where(groups == row, 1 + change, 1.0), step) for change in (1e-4, -1e-4)
            )
            np.testing.assert_allclose(influences[:, row, column], (above - below) / 2e-4, atol=1e-6)


@pytest.mark.property
@given(samples())
def test_influences_add_up_to_0(sample):
    sets = sets_of(*sample)
    np.testing.assert_allclose(survival_influence(sets).sum(0), 0, atol=1e-12)
    np.testing.assert_allclose(incidence_influence(sets).sum(0), 0, atol=1e-12)


@pytest.mark.property
@given(samples())
def test_the_variance_of_single_replicas_is_greenwoods_and_its_like_for_incidence(sample):
    """The delta method for Aalen and Johansen's estimate: Marubini & Valsecchi (1995), section 10.3."""
    times, met, _ = sample
    sets = risk_sets(times, met > 0, met == 1, np.arange(len(times)), len(times))
    risk, died, own, left = sets.risk, sets.died.sum(0), sets.own.sum(0), np.maximum(sets.left, 1)
    alive, fallen = survival_curve(sets), incidence_curve(sets)
    before = np.r_[1.0, alive[:-1]]
    greenwood = alive**2 * np.cumsum(died / (risk * left))
    np.testing.assert_allclose((survival_influence(sets) ** 2).sum(0), greenwood, atol=1e-12)
    for at in range(len(risk)):
        rest = fallen[at] - fallen[: at + 1]
        part = slice(at + 1)
        delta = (
            rest**2 * died[part] / (risk[part] * left[part])
            + before[part] ** 2 * own[part] * (risk[part] - own[part]) / risk[part] ** 3
            - 2 * rest * before[part] * own[part] / risk[part] ** 2
        ).sum()
        assert (incidence_influence(sets)[:, at] ** 2).sum() == pytest.approx(delta, abs=1e-12)


def test_the_variance_over_configurations_is_the_jackknifes():
    """40 configurations of 8, ties and censoring: the curves without each one in turn."""
    generator = np.random.default_rng(3)
    groups = np.repeat(range(40), 8)
    hazard = np.repeat(np.exp(generator.normal(size=40)), 8)
    times, end = np.ceil(4 * generator.exponential(size=320) / hazard), np.repeat(generator.integers(3, 12, 40), 8)
    met = np.where(times <= end, generator.integers(1, 3, 320), 0)
    times = np.minimum(times, end)
    sets = risk_sets(times, met > 0, met == 1, groups, 40)
    influences = np.stack([survival_influence(sets), incidence_influence(sets)])
    for step in (1, 3, 5):
        left_out = [weighted(times, met, (groups != one) * 1.0, step) for one in range(40)]
        found = (influences[:, :, sets.steps == step][..., 0] ** 2).sum(1) * 40 / 39
        np.testing.assert_allclose(found, 39 * np.var(left_out, axis=0), rtol=0.08)


@pytest.mark.parametrize("replicas", [3, 5, 7, 49])
def test_units_exactly_alike_have_no_influence_though_they_fall_at_different_times(replicas):
    """In each of six one replica falls, at a step of its own; in each another is lost to a competing event, then."""
    steps = np.arange(6.0)
    time = np.stack([1 + steps, 10 + steps[::-1], *[np.full(6, 99.0)] * (replicas - 2)], axis=1).ravel()
    met = np.tile([1, 2, *[0] * (replicas - 2)], 6)
    sets = risk_sets(time, met > 0, met == 1, np.repeat(range(6), replicas), 6)
    at = np.searchsorted(sets.steps, 50) - 1
    assert (survival_influence(sets)[:, at] == 0).all()
    assert (incidence_influence(sets)[:, at] == 0).all()
    assert (incidence_influence(sets)[:, 3] != 0).any()


def test_what_are_no_times_is_refused():
    held = np.array([True])
    with pytest.raises(ValueError, match=r"time: expected \(N,\) steps >= 0, N > 0, as many as observed \(1,\), got"):
        risk_sets(np.array([1.0, 2.0]), held, held, np.zeros(1, np.int64), 1)
