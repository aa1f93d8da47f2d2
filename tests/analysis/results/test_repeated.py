import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.compare import outcomes, quality
from analysis.results.effects import Sample
from analysis.results.pairs import compare
from analysis.results.rates import rates
from analysis.results.repeated import TEST, by_rank, by_share, by_time
from analysis.results.selection import select
from analysis.statistics import repeats
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.restricted_mean import pseudo_times

SEEDS = 16


def drawn(seed, levels, between, m=5):
    """Log costs (k, m, S): an arm's level, what its searches chose with sd `between`, seeds with sd 1/2."""
    random = np.random.default_rng(seed)
    shape = (len(levels), m, SEEDS)
    chosen = np.array(levels)[:, None] + between * random.normal(size=shape[:2])
    return chosen[..., None] + 0.5 * random.normal(size=shape)


def samples(costs):
    """One sample for each arm of (k, m, S)."""
    found = []
    for arm, values in zip("abcdef", costs, strict=False):
        repeat, seed = np.indices(values.shape)
        found.append(
            Sample(arm, values.ravel(), np.array([f"{arm}{r}" for r in repeat.ravel()]), repeat.ravel(), seed.ravel())
        )
    return found


def rows(costs, missing=()):
    """Confirmed rows of these log costs; `missing` names places (arm, repeat) that are not confirmed."""
    return pd.DataFrame(
        {
            "study": "s", "phase": "confirm", "arm": "abcdef"[arm], "repeat": repeat, "index": 0,
            "trial_id": f"confirm-{'abcdef'[arm]}-r{repeat}-0000", "seed": seed, "status": "completed",
            "outcome": "converged" if costs[arm, repeat, seed] < 1 else "stalled",
            "fid": np.exp(costs[arm, repeat, seed]),
        }
        for arm, repeat, seed in np.ndindex(costs.shape)
        if (arm, repeat) not in missing
    )  # fmt: skip


def confirmed(costs, missing=()):
    table = rows(costs, missing)
    return select(Record(table, table, {}), "confirm")


def test_effects_are_those_of_repeats_with_seeds_crossed():
    costs = drawn(0, [0, 0.3, 1], 0.3)
    found, expected = by_rank(samples(costs)), repeats.by_rank(costs)
    assert [(pair.a, pair.b) for pair in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    low, high = expected.ends(simultaneous=True)
    np.testing.assert_allclose([pair.effect.estimate for pair in found], expected.estimate)
    np.testing.assert_allclose([(pair.effect.low, pair.effect.high) for pair in found], np.stack([low, high], -1))
    np.testing.assert_allclose([(pair.p, pair.p_holm) for pair in found], np.stack([expected.p, expected.p_holm], -1))
    assert {(pair.n_a, pair.n_b, pair.null, pair.effect.captures) for pair in found} == {(5, 5, 0.5, "both")}


def test_shares_and_times_are_compared_by_their_means():
    held = (drawn(1, [0, 1], 0.3) < 0.5).astype(float)
    [share], expected = by_share(samples(held)), repeats.by_mean(held)
    assert (share.effect.estimate, share.p) == (expected.estimate[0], expected.p[0])
    [worse] = by_share(samples(held), sign=-1)
    assert (worse.effect.estimate, worse.effect.low) == (-share.effect.estimate, -share.effect.high)
    times = np.clip(np.round(100 * np.exp(drawn(2, [0, 1], 0.3))), 1, 300)
    met = [values.ravel() < 300 for values in times]
    [longer] = by_time(samples(times), met, 300.0)
    scores = [pseudo_times(values.ravel(), known, 300.0) for values, known in zip(times, met, strict=True)]
    assert longer.effect.estimate == pytest.approx(scores[0].mean() - scores[1].mean())
    assert longer.p == repeats.by_mean(np.reshape(scores, times.shape), 300.0).p[0]


def test_the_shift_is_the_median_difference_and_excludes_zero_where_the_test_rejects():
    for seed in range(20):
        costs = drawn(seed, [0, 0.7], 0.3)
        [pair] = by_rank(samples(costs))
        apart = (costs[0].ravel()[:, None] - costs[1].ravel()).ravel()
        assert pair.shift.interval.estimate == pytest.approx(np.median(apart))
        low, high = pair.shift.interval.low, pair.shift.interval.high
        assert (low <= 0 <= high) == (pair.p > 0.05)
        assert np.isfinite([low, high]).all()
    [ratio] = by_rank(samples(np.exp(costs)), scale="ratio")
    assert ratio.shift.interval.high == pytest.approx(np.exp(high))
    [turned] = by_rank(samples(costs), sign=-1)
    assert (turned.shift.interval.estimate, turned.shift.interval.low) == pytest.approx((-np.median(apart), -high))


def test_replicas_that_all_diverged_are_told_apart_and_no_shift_is_known():
    costs = drawn(0, [0, 0], 0.3)
    costs[1] = np.inf
    [pair] = by_rank(samples(costs))
    assert (pair.effect.estimate, pair.p < 0.05, pair.shift.interval.estimate) == (1, True, -np.inf)
    [none] = by_rank(samples(np.full((2, 5, 4), np.inf)))
    assert (none.effect.estimate, none.p, np.isnan(none.shift.interval.estimate)) == (0.5, 1, True)


def test_several_configurations_of_one_search_stand_beside_each_other_and_are_one_unit():
    costs = drawn(3, [0, 1], 0.3)
    doubled = [
        Sample(
            one.arm,
            np.tile(one.values, 2),
            np.r_[np.char.add(one.configuration, "x"), np.char.add(one.configuration, "y")],
            np.tile(one.repeat, 2),
            np.tile(one.seed, 2),
        )
        for one in samples(costs)
    ]
    [pair], expected = by_rank(doubled), repeats.by_rank(np.concatenate([costs, costs], -1))
    assert (pair.p, pair.n_a) == (expected.p[0], 5)


def test_identical_arms_are_not_told_apart():
    """.35 of such studies with two arms, and more with more, where replicas are the units."""
    told = [len(compare(confirmed(drawn(seed, [0, 0, 0], 0.4)), "fid").told) for seed in range(40)]
    assert sum(count > 0 for count in told) <= 5  # of 40 at 5 %: P(6 or more) is .014


def test_a_plain_difference_is_found_over_five_repeats():
    found = compare(confirmed(drawn(0, [0, 2.5, 2.5], 0.4)), "fid")
    assert (found.unit, found.each, found.test, found.best) == ("repeat", "replica", TEST, "a")
    assert found.indistinguishable == ("a",)
    assert rates(confirmed(drawn(0, [-1, 2.5], 0.4)))["converged"].told


@pytest.mark.parametrize("m", [2, 3, 5])
def test_one_lucky_configuration_is_no_difference_of_arms(m):
    """One search of five found a configuration that is better on every seed; its replicas alone would tell."""
    costs = drawn(4, [0, 0], 0.0, m=m)
    costs[0, 0] -= 4
    assert not compare(confirmed(costs), "fid").told
    table = rows(costs)
    alone = table[table["repeat"] == 0]
    assert compare(select(Record(alone, alone, {}), "confirm"), "fid").told


def test_one_repeat_is_judged_by_its_replicas():
    selected = confirmed(drawn(0, [0, 2], 0.4, m=1))
    assert (selected.unit, selected.captures, selected.repeats) == ("replica", "seeds", {"a": 1, "b": 1})
    assert compare(selected, "fid").unit == "replica"


def test_of_an_unfinished_study_the_repeats_that_are_confirmed_count():
    selected = confirmed(drawn(0, [0, 2.5, 0], 0.3), missing={(1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (2, 4)})
    assert (selected.unit, selected.repeats) == ("repeat", {"a": 5, "b": 3, "c": 1})
    found = compare(selected, "fid")
    assert (found.pair("a", "b").n_a, found.pair("a", "b").n_b, found.pair("c", "a").n_a) == (5, 3, 1)
    assert all(np.isfinite([pair.p for pair in found.pairs]))
    captured = {one.arm: one.probabilities["converged"].captures for one in outcomes(selected)}
    assert captured == {"a": "both", "b": "both", "c": "seeds"}


def test_a_repeat_that_still_runs_is_none_yet():
    table = rows(drawn(0, [0, 2], 0.3, m=2))
    table.loc[table["repeat"] == 1, ["status", "outcome", "fid"]] = "running", None, np.nan
    selected = select(Record(table, table, {}), "confirm")
    assert (selected.unit, compare(selected, "fid").unit, selected.repeats) == ("replica", "replica", {"a": 1, "b": 1})


def test_intervals_of_an_arm_draw_its_repeats():
    costs = drawn(0, [0, 0], 0.0, m=7)
    costs[:, :, :] += np.linspace(-2, 2, 7)[None, :, None]
    resampling = Resampling(np.random.default_rng(0))
    one = quality(confirmed(costs), "fid", resampling=resampling)[0]
    alone = quality(confirmed(costs[:, 3:4]), "fid", resampling=resampling)[0]
    assert (one.median.captures, alone.median.captures) == ("both", "seeds")
    assert one.median.high / one.median.low > 4 * alone.median.high / alone.median.low


def test_shares_and_times_carry_what_their_searches_alone_can_say_and_quality_does_not():
    costs = drawn(5, [-3, 3], 0.1, m=3)
    [share] = by_share(samples((costs < 0).astype(float)))
    assert (share.p, share.p_holm, share.least) == (1 / 32, 1 / 32, 1 / 32)
    assert share.unbounded < share.p
    [quality] = by_rank(samples(costs))
    assert (quality.least, quality.unbounded) == (0, quality.p)


def test_shares_have_an_interval_by_searches_alone_too_turned_with_them():
    cells = (drawn(6, [0, 1, 2], 0.3, m=4) < 1).astype(float)
    low, high = repeats.by_searches(cells).ends(simultaneous=True)
    found, turned = by_share(samples(cells)), by_share(samples(cells), sign=-1)
    assert [one.alone.estimate for one in found] == [one.effect.estimate for one in found]
    np.testing.assert_allclose([(one.alone.low, one.alone.high) for one in found], np.stack([low, high], -1))
    np.testing.assert_allclose([(one.alone.low, one.alone.high) for one in turned], np.stack([-high, -low], -1))


def test_quality_has_one_where_searches_may_end_wholly_well_or_badly():
    costs = drawn(7, [0, 1], 0.1, m=3)
    assert [one.alone for one in by_rank(samples(costs))] == [None]
    costs[1, 2] += 20
    found = by_rank(samples(costs), confidence=0.9)
    low, high = repeats.by_searches_rank(costs).ends(0.9, simultaneous=True)
    assert [(one.alone.low, one.alone.high) for one in found] == [(low[0], high[0])]
    assert found[0].alone.estimate == found[0].effect.estimate
    [two] = by_rank(samples(drawn(7, [0, 5], 0.1, m=2)))
    assert two.p < 0.05
    assert two.alone_undecided


def test_times_have_one_too_and_searches_that_all_end_alike_do_not_shorten_it():
    horizon = 1000.0
    own = np.array([np.linspace(600, 1000, 8), np.linspace(100, 500, 8)])
    times = np.repeat(own[:, None], 3, 1)
    cells = samples(times)
    met = [one.values < horizon for one in cells]
    [found] = by_time(cells, met, horizon)
    low, high = repeats.by_searches(times, horizon).ends(simultaneous=True)
    assert (found.alone.low, found.alone.high) == pytest.approx((low[0], high[0]))
    assert found.alone.low < found.effect.low < found.effect.estimate == 500 < found.effect.high < found.alone.high
