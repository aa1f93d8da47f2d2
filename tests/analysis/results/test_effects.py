import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.results.effects import (
    Effect,
    Sample,
    Shift,
    by_rank,
    by_share,
    by_time,
    corrected_together,
    together,
)
from analysis.results.pairs import compared
from analysis.results.survival import common_horizon
from analysis.statistics.intervals import Interval
from analysis.statistics.ranks import rank_test, relative_effect
from analysis.statistics.restricted_mean import compare, difference, restricted_mean
from analysis.statistics.shift import shift

GOOD = norm.ppf((np.arange(16) + 0.5) / 16)


def sample(arm, values, configuration=0):
    size = len(values)
    return Sample(
        arm, np.asarray(values, float), np.broadcast_to(configuration, (size,)), np.zeros(size, int), np.arange(size)
    )


def test_an_effect_comes_with_test_correction_and_an_interval_for_all_pairs():
    first, *_, last = by_rank([sample("a", GOOD), sample("b", GOOD + 0.5), sample("c", GOOD + 1)], "replica")
    assert (first.a, first.b, last.a, last.b) == ("a", "b", "b", "c")
    expected = relative_effect(GOOD, GOOD + 0.5)
    assert first.effect.estimate == expected.estimate
    assert (first.effect.low, first.effect.high) == expected.ends(1 - 0.05 / 3)
    assert (first.p, first.n_a, first.n_b) == (rank_test(GOOD, GOOD + 0.5)[1], 16, 16)
    assert (first.shift.scale, first.shift.interval.estimate) == ("difference", pytest.approx(-0.5))
    assert (first.shift.interval.low, first.shift.interval.high) == shift(GOOD, GOOD + 0.5, 1 - 0.05 / 3)[1:]
    assert (first.effect.confidence, first.effect.captures) == (0.95, "seeds")


@pytest.mark.property
@given(st.data())
def test_an_interval_holds_the_null_where_its_test_does_not_reject_and_only_there(data):
    values = st.lists(st.integers(0, 3).map(float), min_size=2, max_size=9)
    arms = [sample(arm, data.draw(values)) for arm in "abc"[: data.draw(st.integers(2, 3))]]
    each = 1 - together(0.95, len(arms) * (len(arms) - 1) // 2)
    met = [one.values > 1 for one in arms]
    times = [sample(one.arm, one.values + 1, [one.arm] * len(one.values)) for one in arms]
    shares = [sample(one.arm, one.values > 1) for one in arms]
    horizon = common_horizon([(one.values, own) for one, own in zip(times, met, strict=True)])
    for pair in (
        *by_rank(arms, "replica"),
        *by_share(shares, "replica"),
        *by_time(times, met, horizon, "replica"),
    ):
        ends = pair.effect
        if pair.p > each:
            assert ends.low <= pair.null <= ends.high
        else:
            assert ends.low >= pair.null or ends.high <= pair.null


def test_complete_separation_has_a_bound():
    """Eight against eight: the exact test leaves no doubt, and neither does the interval."""
    [pair] = by_rank([sample("a", np.arange(8) + 100.0), sample("b", np.arange(8) + 300.0)], "replica", scale="ratio")
    assert pair.p < 0.001
    assert pair.effect.low >= 0.5
    assert 0 < pair.shift.interval.low < pair.shift.interval.high < 1


def test_configurations_count_as_one_unit_each():
    labels = np.repeat(np.arange(16), 3)
    [pair] = by_rank(
        [sample("a", np.repeat(GOOD, 3), labels), sample("b", np.repeat(GOOD + 1, 3), labels)], "configuration"
    )
    [alone] = by_rank([sample("a", GOOD), sample("b", GOOD + 1)], "replica")
    assert (pair.p, pair.n_a, pair.effect.estimate) == (alone.p, 16, alone.effect.estimate)
    assert pair.effect.captures == "configurations"


def test_ratios_are_of_costs_and_differences_of_the_metric():
    a, b = sample("a", np.exp(GOOD)), sample("b", 3 * np.exp(GOOD))
    [ratio] = by_rank([a, b], "replica", scale="ratio")
    assert ratio.shift.interval.estimate == pytest.approx(1 / 3)
    [more] = by_rank([a, b], "replica", sign=-1)  # costs are the metric's opposites
    assert more.shift.interval.estimate > 0 > more.shift.turned().interval.estimate
    [diverged] = by_rank([a, sample("b", [math.inf] * 16)], "replica", scale="ratio")
    assert (diverged.shift.interval.estimate, diverged.shift.interval.high) == (0, 0)
    assert diverged.turned().shift.interval.estimate == math.inf


@pytest.mark.parametrize(("null", "turned"), [(0.5, (0.25, 0.125, 0.5)), (0.0, (-0.75, -0.875, -0.5))])
def test_a_pair_turns_about_its_null(null, turned):
    one = Effect("a", "b", 3, 4, Interval(0.75, 0.5, 0.875, 7, "by hand", "seeds"), null, 0.1, 0.2)
    other = one.turned()
    assert (other.a, other.b, other.n_a, other.n_b, other.p, other.p_holm) == ("b", "a", 4, 3, 0.1, 0.2)
    assert (other.effect.estimate, other.effect.low, other.effect.high) == turned
    assert other.turned() == one


def test_a_ratio_turns_to_its_inverse():
    ratio = Shift("ratio", Interval(0.5, 0.0, 2.0, 7, "by hand", "seeds")).turned().interval
    assert (ratio.estimate, ratio.low, ratio.high) == (2.0, 0.5, math.inf)


@pytest.mark.parametrize(
    ("low", "high", "difference", "ratio"),
    [(-0.05, 0.04, True, False), (0.96, 1.04, False, True), (0.9, 1.04, False, False), (0.96, 1.06, False, False)],
)
def test_the_same_within_a_margin_is_an_interval_that_lies_in_it(low, high, difference, ratio):
    found = Interval((low + high) / 2, low, high, 32, "by hand", "seeds")
    assert Effect("a", "b", 16, 16, found, 0.0, 0.5, 0.5).within(0.05) == difference
    likely = Interval(0.5, 0.4, 0.6, 32, "by hand", "seeds")
    for scale, expected in (("difference", difference), ("ratio", ratio)):
        assert Effect("a", "b", 16, 16, likely, 0.5, 0.5, 0.5, Shift(scale, found)).within(0.05) == expected


def test_few_replicas_are_never_shown_to_be_the_same():
    [pair] = by_rank([sample("a", [1.0, 1.01]), sample("b", [1.0, 1.01])], "replica")
    assert not pair.within(0.5)
    [pair] = by_share([sample("a", [1.0] * 4), sample("b", [1.0] * 4)], "replica")
    assert not pair.within(0.2)


def test_arms_a_margin_apart_are_rarely_called_the_same():
    generator, said = np.random.default_rng(2), 0
    for _ in range(300):
        a, b = np.exp(generator.normal(0, 0.1, 64)), 1.1 * np.exp(generator.normal(0, 0.1, 64))
        said += by_rank([sample("a", a), sample("b", b)], "replica", scale="ratio")[0].within(0.1)
    assert said / 300 <= 0.05


def test_all_intervals_hold_together_at_bonferronis_level():
    assert (together(0.95, 1), together(0.95, 10), together(0.95, 0)) == pytest.approx((0.95, 0.995, 0.95))
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        pairs = by_rank([sample(str(arm), generator.normal(size=12)) for arm in range(4)], "replica")
        held += all(pair.effect.low <= 0.5 <= pair.effect.high for pair in pairs)
    assert held / 200 >= 0.93


def test_times_have_the_difference_of_restricted_means_and_its_test():
    a, b = sample("a", [400.0] * 8, ["t"] * 8), sample("b", [200.0] * 4 + [400.0] * 4, ["u"] * 8)
    met = [np.zeros(8, bool), np.arange(8) < 4]
    [pair] = by_time([a, b], met, 400, "replica")
    means = [restricted_mean(one.values, own, 400) for one, own in zip((a, b), met, strict=True)]
    expected = difference(*means)
    assert (pair.effect.estimate, pair.effect.low, pair.effect.high) == (100, expected.low, expected.high)
    assert pair.p == compare((a.values, met[0]), (b.values, met[1]), 400)[1]
    assert (pair.null, pair.n_a, pair.shift) == (0, 8, None)


def test_arms_whose_mean_times_are_equal_are_level_whatever_their_times():
    times = {"a": [47.0, 335.0, *[1853.0] * 9], "b": [191.0, 191.0, *[1853.0] * 9]}
    samples = [sample(arm, own, np.arange(11).astype(str)) for arm, own in times.items()]
    pairs = by_time(samples, [np.arange(11) < 2] * 2, 1853, "replica")
    assert (pairs[0].effect.estimate, pairs[0].p) == (0, 1)
    assert compared(pairs, list(times), "diverged", "confirm", "replica", "", 0.05).best is None


def test_times_of_configurations_have_configurations_as_units():
    labels = np.repeat(["t", "u", "v", "w"], 2)
    a, b = sample("a", [400.0] * 8, labels), sample("b", [200.0] * 4 + [400.0] * 4, labels)
    met = [np.zeros(8, bool), np.arange(8) < 4]
    [pair] = by_time([a, b], met, 400, "configuration")
    assert (pair.n_a, pair.effect.captures) == (4, "both")
    assert pair.p == compare((a.values, met[0]), (b.values, met[1]), 400, (labels, labels))[1]


def test_of_several_comparisons_only_what_searches_alone_can_say_is_not_corrected():
    like = Interval(1.0, 0.5, 1.0, 48, "by hand", "both")
    few = Effect("a", "b", 3, 3, like, 0.0, 1 / 32, 1 / 32, unbounded=0.001, least=1 / 32)
    many = Effect("a", "b", 3, 3, like, 0.5, 0.02, 0.02)
    assert corrected_together([few, many, many]) == pytest.approx([1 / 32, 0.04, 0.04])
    few = replace(few, alone=Interval(1.0, -0.1, 1.0, 48, "by hand", "both"))
    assert few.alone_undecided
    assert few.turned().alone_undecided
    assert (few.turned().alone.low, few.turned().alone.high) == (-1.0, 0.1)
    assert not replace(few, alone=Interval(1.0, 0.1, 1.0, 48, "by hand", "both")).alone_undecided
    assert not many.alone_undecided
    assert few.turned().turned() == few
    assert (few.turned().least, few.turned().unbounded) == (1 / 32, 0.001)
