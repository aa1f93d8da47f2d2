import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binom, hypergeom

from analysis.record.curves import Curves
from analysis.record.loading import Record
from analysis.results.outcomes import (
    OUTCOMES,
    Thresholds,
    derive,
    hops,
    judge,
    judge_record,
    means,
    multinomial_noise,
    quantiles,
    signals,
    verdicts,
)  # fmt: skip

EVALUATIONS = 20
GOOD = {"fid": 0.1, "mode_fraction": 1.0, "critic_accuracy": 0.5, "gradient_norm_generator": 0.2, "high_quality": 0.8,
        "hop": 0.01, "diverged": 0.0}  # fmt: skip


def curve(**changes):
    """One replica's curve: every evaluation as GOOD, save what is given as a number or as EVALUATIONS numbers."""
    values = {
        name: np.broadcast_to(np.asarray(value, float), (1, EVALUATIONS)) for name, value in (GOOD | changes).items()
    }
    return Curves(np.arange(1, EVALUATIONS + 1)[None], np.array([EVALUATIONS]), values)


def outcome(status="completed", thresholds=None, **changes):
    return judge(curve(**changes), status, thresholds or Thresholds())[0]


def late(value, usual, count=1):
    return np.r_[np.full(EVALUATIONS - count, usual), np.full(count, value)]


VANISHED = {"critic_accuracy": 1.0, "gradient_norm_generator": 1e-5, "high_quality": 0.02}


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("converged", {}),
        ("diverged", {"diverged": late(1.0, 0.0)}),
        ("collapsed", {"mode_fraction": late(0.375, 1.0)}),  # 3 of 8, at the last evaluation
        ("converged", {"mode_fraction": 0.5}),  # not under a half
        ("converged", {"mode_fraction": late(1.0, 0.125)}),  # found the modes in the end
        ("vanished", VANISHED),
        ("vanished", VANISHED | {"mode_fraction": 0.0}),
        ("converged", VANISHED | {"high_quality": 0.9}),
        ("converged", VANISHED | {"gradient_norm_generator": 0.1}),
        ("converged", VANISHED | {"critic_accuracy": 0.9}),
        ("vanished", VANISHED | {"high_quality": math.nan, "precision": 0.02}),
        ("converged", VANISHED | {"high_quality": math.nan, "precision": 0.9}),
        ("oscillating", {"hop": late(0.3, 0.0, 5)}),
        ("converged", {"hop": late(0.0, 0.5, 5)}),  # moved about, early
        ("oscillating", {"fid": [1.0, 0.1] * 10}),
        ("converged", {"fid": [5.0, 1.0] * 7 + [0.1] * 6}),
        ("collapsed", {"hop": 0.9, "mode_fraction": 0.125}),  # hopping with one mode at a time is collapse
        ("converged", dict.fromkeys(GOOD, math.nan)),  # what was not measured speaks against nobody
    ],
)
def test_the_table_of_outcomes(expected, changes):
    assert outcome(**changes) == expected


def test_how_the_trial_ended_comes_after_divergence_and_before_quality():
    bad = {"mode_fraction": 0.0}
    assert outcome("truncated", **bad) == "truncated"
    assert outcome("failed", **bad) == "failed"
    for status in ("truncated", "failed", "diverged", "completed"):
        assert outcome(status, **bad, diverged=late(1.0, 0.0, 3)) == "diverged"


def test_thresholds_decide():
    assert outcome(mode_fraction=0.75, thresholds=Thresholds(modes=0.8)) == "collapsed"
    assert outcome(hop=0.2, thresholds=Thresholds(hop_rate=0.3)) == "converged"
    assert outcome(fid=[1.0, 0.1] * 10, thresholds=Thresholds(oscillation=20.0)) == "converged"
    assert outcome(fid=[1.0, 0.1] * 10, thresholds=Thresholds(metric="kid")) == "converged"
    assert outcome(hop=late(0.3, 0.0, 5), thresholds=Thresholds(tail=1.0)) == "converged"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"modes": 1.5}, r"outcomes.modes: expected a share in \[0, 1\], got 1.5"),
        ({"critic_accuracy": math.nan}, "outcomes.critic_accuracy: expected a share"),
        ({"hop_rate": -0.1}, "outcomes.hop_rate: expected a number >= 0, got -0.1"),
        ({"tail": 0}, "outcomes.tail: expected a share above 0, got 0"),
        ({"oscillation": "much"}, "outcomes.oscillation: expected a number, got 'much'"),
        ({"quality": True}, "outcomes.quality: expected a number, got True"),
        ({"metric": 3}, "outcomes.metric: expected a measurement's name, got 3"),
    ],
)
def test_thresholds_out_of_range_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        Thresholds(**wrong)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match=r"expected one of completed, .* got running; a running trial has no outcome"):
        outcome("running")
    empty = Curves(np.zeros((1, 0), np.int64), np.array([0]), {})
    with pytest.raises(ValueError, match="no evaluation to be judged by"):
        judge(empty, "completed")
    assert judge(empty, "failed").tolist() == ["failed"]
    assert judge(empty, "truncated").tolist() == ["truncated"]


def test_a_population_of_unequal_lengths_is_judged_as_each_alone():
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 12, size=200)
    present = np.arange(11) < lengths[:, None]
    scale = {
        "fid": 1.0,
        "mode_fraction": 1.0,
        "critic_accuracy": 1.02,
        "gradient_norm_generator": 2e-3,
        "hop": 0.3,
        "high_quality": 1.0,
    }
    values = {
        name: np.where(present, top * generator.random(present.shape) ** 0.5, np.nan) for name, top in scale.items()
    }
    values["diverged"] = np.where(present, generator.random(present.shape) < 0.02, np.nan)
    status = generator.choice(["completed", "truncated", "failed"], p=[0.8, 0.1, 0.1], size=200)
    thresholds = Thresholds(critic_accuracy=0.6, quality=0.6)
    together = judge(Curves(np.where(present, np.arange(11), -1), lengths, values), status, thresholds)
    for row, length in enumerate(lengths):
        single = Curves(
            np.arange(length)[None], lengths[row : row + 1], {k: v[row : row + 1, :length] for k, v in values.items()}
        )
        assert judge(single, status[row], thresholds)[0] == together[row]
    assert set(together) == set(OUTCOMES)


def test_verdicts_of_one_replica_do_not_depend_on_the_others():
    seen = signals(curve())
    assert verdicts(seen, "completed").tolist() == ["converged"]


# Hop rate


@pytest.mark.golden
@pytest.mark.parametrize(("n", "rest"), [(6, 6), (6, 4), (1, 5), (50, 50)])
def test_noise_against_enumeration_of_all_deals(n, rest):
    for held in range(n + rest + 1):
        share = hypergeom(n + rest, held, n)
        dealt = np.arange(n + 1)
        expected = (share.pmf(dealt) * np.abs(dealt / n - (held - dealt) / rest)).sum()  # both modes the same, halved
        first = min(held, n)
        counts = [first, n - first], [held - first, rest - held + first]
        assert multinomial_noise(*counts) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(("n", "p"), [(5, 0.5), (30, 0.5), (60, 0.02), (60, 0.99)])
def test_hops_of_two_modes_average_to_nothing_exactly(n, p):
    counts = np.arange(n + 1)
    weights = binom.pmf(counts, n, p)
    pairs = np.stack(np.broadcast_arrays(counts[:, None], counts), -1)
    moved = hops(np.stack([pairs, n - pairs], -1))[..., 1]
    assert (weights[:, None] * weights * moved).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("modes", "n"), [(8, 2500), (25, 500), (1000, 2500)])
def test_hops_of_a_sampler_that_stays_average_to_nothing(modes, n):
    generator = np.random.default_rng(1)
    weights = generator.dirichlet(np.ones(modes))
    counts = generator.multinomial(n, weights, size=2001)
    moved = hops(counts)[1:]
    assert abs(moved.mean()) < 4 * moved.std() / math.sqrt(1000)  # successive hops share a sample


def test_hops_between_samples_of_unequal_sizes():
    generator = np.random.default_rng(2)
    weights = np.full(8, 1 / 8)
    pairs = np.stack([generator.multinomial(2000, weights, 4000), generator.multinomial(300, weights, 4000)], 1)
    moved = hops(pairs)[:, 1]
    assert abs(moved.mean()) < 4 * moved.std() / math.sqrt(4000)


def test_a_full_move_is_one_and_half_a_move_a_half():
    moved = hops([[2500, 0], [0, 2500], [0, 2500]])
    assert math.isnan(moved[0])
    assert moved[1] == pytest.approx(1 - 1 / math.sqrt(math.pi * 2500), rel=1e-4)
    assert moved[2] == 0
    half = hops([[10**6, 0], [10**6 // 2, 10**6 // 2]])[1]
    assert half == pytest.approx(0.5, abs=1e-3)


def test_an_empty_histogram_has_no_hop():
    assert np.isnan(hops([[5, 5], [0, 0], [5, 5]])).all()
    assert hops(np.zeros((4, 0, 3))).shape == (4, 0)


def test_derived_measurements_come_from_the_histogram():
    counts = np.array([[[50, 50, 0, 0], [50, 50, 0, 0]]], float)
    raw = Curves(np.array([[1, 2]]), np.array([2]), {"modes": np.array([[2.0, 1.0]]), "mode_histogram": counts})
    found = derive(raw).values
    np.testing.assert_array_equal(found["mode_fraction"], [[0.5, 0.25]])
    np.testing.assert_array_equal(found["hop"], hops(counts))
    assert judge(raw, "completed").tolist() == ["collapsed"]
    plain = Curves(raw.steps, raw.lengths, {"fid": np.ones((1, 2))})
    assert derive(plain) is plain


# Oscillation and its statistics


def test_oscillation_is_the_interquartile_range_over_the_median_of_the_last_quarter():
    fid = np.r_[np.full(15, 100.0), [1.0, 2.0, 3.0, 4.0, 5.0]]
    assert signals(curve(fid=fid)).oscillation == pytest.approx((4 - 2) / 3)
    assert signals(curve(fid=-fid)).oscillation == pytest.approx(2 / 3)
    assert signals(curve(fid=0.0)).oscillation == 0
    assert signals(curve(fid=late(math.nan, 1.0, 2))).oscillation == 0
    assert np.isnan(signals(curve(fid=math.nan)).oscillation).all()


def test_three_evaluations_at_least_make_the_last_part():
    measured = Curves(np.array([[1, 2, 3, 4, 5], [1, 2, -1, -1, -1]]), np.array([5, 2]), {})
    assert measured.tail(0.25).tolist() == [[False, False, True, True, True], [True, True, False, False, False]]


cells = st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf)


@pytest.mark.property
@given(arrays.arrays(float, st.tuples(st.integers(1, 5), st.integers(0, 6)), elements=cells), st.floats(0, 1))
def test_quantiles_and_means_are_numpys(values, q):
    mask = np.random.default_rng(0).random(values.shape) < 0.7
    for row, kept in enumerate(mask):
        some = values[row][kept & ~np.isnan(values[row])]
        found = quantiles(values, mask, q)[row]
        if len(some) == 0:
            assert np.isnan(found)
        elif np.isfinite(some).all():
            assert found == pytest.approx(np.quantile(some, q), rel=1e-9, abs=1e-6)
        finite = some[np.isfinite(some)]
        if len(finite):
            assert means(values, mask)[row] == pytest.approx(finite.mean(), rel=1e-9, abs=1e-6)
        else:
            assert np.isnan(means(values, mask)[row])


# Over a record


def test_a_record_is_judged_in_its_own_order():
    kinds = {("a", 1): {}, ("a", 2): {"mode_fraction": 0.25}, ("b", 1): {"diverged": 1.0}, ("b", 2): {"hop": 0.5}}
    rows = []
    for ((trial, seed), changes), step in itertools.product(kinds.items(), range(1, 9)):
        keys = {"study": "s", "phase": "search", "arm": "x", "trial_id": trial, "seed": seed, "step": step}
        rows.append({**keys, **GOOD, "precision": math.nan, "dirac_converged": math.nan, **changes})
    trials = pd.DataFrame({"study": "s", "phase": "search", "arm": "x", "trial_id": list("ccbbaa"), "seed": [1, 2] * 3})
    trials["status"] = ["failed", "running"] + ["completed"] * 4
    trials.index = pd.Index(range(10, 16))
    history = pd.DataFrame(rows).sample(frac=1, random_state=0)
    judged = judge_record(Record(history, trials, {}))
    assert judged.index.tolist() == trials.index.tolist()
    assert judged["outcome"].tolist()[2:] == ["diverged", "oscillating", "converged", "collapsed"]
    assert judged["outcome"].tolist()[0] == "failed"
    assert pd.isna(judged["outcome"].iloc[1])
    assert judged["evaluations"].tolist() == [0, 0, 8, 8, 8, 8]
    assert judged["hop_rate"].tolist()[3] == 0.5


def test_histograms_that_are_null_for_every_replica_derive_nothing() -> None:
    steps, lengths = np.array([[5, 10], [5, 10]]), np.array([2, 2])
    nothing = Curves(steps, lengths, {"mode_histogram": np.full((2, 2), np.nan), "modes": np.full((2, 2), np.nan)})
    assert derive(nothing) is nothing
