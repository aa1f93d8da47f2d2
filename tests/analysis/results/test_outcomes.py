"""The outcome of a replica: every rule and their order, cases that a former rule got wrong, and whole records."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.curves import Curves
from analysis.record.loading import Record
from analysis.record.schema import OUTCOMES
from analysis.results.nearness import Floor
from analysis.results.outcomes import Thresholds, judge, judge_record, judged_afresh, verdicts
from analysis.results.signals import signals

EVALUATIONS = 20
FLOOR = Floor(
    {"fid": 0.002, "high_quality": 0.99, "precision": 0.99, "mass_js": 0.002}, {"fid": 0.001, "mass_js": 0.0004}
)
GOOD = {"fid": 0.01, "mass_js": 0.02, "held_fraction": 1.0, "covered_fraction": 1.0, "gradient_norm_generator": 0.2,
        "high_quality": 0.9, "precision": 0.9, "hop": 0.01, "diverged": 0.0}  # fmt: skip
BAD = {"high_quality": 0.4, "mass_js": 0.3, "mass_js_error": 0.005}


def curve(**changes):
    """One replica's curve: every evaluation as GOOD, save what is given as a number or as EVALUATIONS numbers."""
    values = {
        name: np.broadcast_to(np.asarray(value, float), (1, EVALUATIONS)) for name, value in (GOOD | changes).items()
    }
    return Curves(np.arange(1, EVALUATIONS + 1)[None], np.array([EVALUATIONS]), values)


def outcome(status="completed", thresholds=None, floor=FLOOR, **changes):
    return judge(curve(**changes), status, floor, thresholds or Thresholds())[0]


def late(value, usual, count=1):
    return np.r_[np.full(EVALUATIONS - count, usual), np.full(count, value)]


CRASH = {"high_quality": late(0.0, 0.9), "mass_js": late(0.69, 0.02), "fid": late(9.0, 0.01)} | {
    name: late(0.125, 1.0) for name in ("held_fraction", "covered_fraction")
}  # at the last evaluation
STILL = {"gradient_norm_generator": 1e-5}
WAVES = np.tile([0.5, 0.3, 0.1, 0.3], 5)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("converged", {}),
        ("diverged", {"diverged": late(1.0, 0.0)}),
        ("stalled", BAD),
        ("stalled", {"covered_fraction": 0.75}),
        ("frozen", STILL | BAD),
        ("frozen", STILL | BAD | {"held_fraction": 0.1}),
        ("converged", STILL),  # no gradient at the equilibrium either
        ("stalled", STILL | BAD | {"gradient_norm_generator": late(0.1, 1e-5, 4)}),
        ("hopping", {"hop": late(0.6, 0.0, 5)}),
        ("hopping", {"hop": 0.9, "held_fraction": 0.125}),  # from mode to mode: asked before collapse
        ("converged", {"hop": late(0.0, 0.5, 7)}),  # moved about, early
        ("converged", {"hop": late(0.05, 0.6, 4)}),  # ... and no more in the last half of the tail
        ("hopping", {"hop": np.tile([0.0, 0.99, 0.0, 0.0], 5), "held_fraction": 0.125}),  # wholly, now and then
        ("collapsed", {"held_fraction": 0.5, "covered_fraction": 0.5}),
        ("stalled", {"held_fraction": 0.75, "covered_fraction": 0.75}),  # not under three quarters
        ("collapsed", BAD | {"held_fraction": 0.5, "high_quality": late(0.02, 0.0)}),
        ("stalled", BAD | {"held_fraction": 0.5, "high_quality": 0.0}),  # far out: in no mode at all
        ("learning", BAD | {"high_quality": 0.001, "fid": 0.9 ** np.arange(EVALUATIONS)}),  # FID sees it, off all modes
        ("stalled", BAD | {"high_quality": 0.02, "fid": 0.9 ** np.arange(EVALUATIONS)}),
        ("converged", {"held_fraction": late(1.0, 0.125, 8)}),  # found the modes in the end
        ("converged", {"held_fraction": late(0.125, 1.0), "covered_fraction": late(0.125, 1.0)}),  # one bad last one
        ("converged", CRASH),
        ("oscillating", BAD | {"mass_js": WAVES}),
        ("stalled", BAD | {"mass_js": np.r_[WAVES[:12], np.full(8, 0.3)]}),  # early
        ("converged", {"mass_js": WAVES / 10}),  # near the data all the time
        ("oscillating", {"mass_js": WAVES / 10, "high_quality": np.tile([0.5, 0.9, 0.9], 7)[:20]}),
        ("converged", {"high_quality": late(0.9, 0.4, 4)}),  # near the data in the end
        ("learning", {"mass_js": 0.3 * 0.95 ** np.arange(20), "high_quality": np.linspace(0.5, 0.95, 20)}),
        ("converged", {"mass_js": 0.3 * 0.95 ** np.arange(20), "high_quality": np.linspace(0.85, 0.95, 20)}),
        ("learning", BAD | {"mass_js": np.r_[np.linspace(0.65, 0.2, 16), 0.6, 0.1, 0.1, 0.1]}),  # a setback, made good
        ("learning", BAD | {"mass_js": 0.6 * 0.95 ** np.arange(EVALUATIONS)}),
        ("learning", BAD | {"mass_js": np.linspace(0.6, 0.2, 20) * np.tile([1.0, 0.6], 10)}),  # with a wobble: new lows
        ("oscillating", BAD | {"mass_js": np.r_[np.full(12, 0.15), np.linspace(0.5, 0.2, 8)]}),  # what was lost, back
        ("oscillating", BAD | {"mass_js": np.r_[np.linspace(0.6, 0.2, 18), 0.6, 0.6]}),  # lost what it had learnt
        ("converged", {"mass_js": 0.02 * 0.95 ** np.arange(EVALUATIONS)}),
        ("stalled", BAD | {"mass_js": 0.6 * 1.02 ** np.arange(EVALUATIONS)}),  # ever worse
    ],
)
def test_the_table_of_outcomes(expected, changes):
    assert outcome(**changes) == expected


def test_how_the_trial_ended_comes_after_divergence_and_before_quality():
    bad = {"held_fraction": 0.0}
    assert outcome("truncated", **bad) == "truncated"
    assert outcome("failed", **bad) == "failed"
    assert outcome("diverged") == "diverged"  # every replica did, and the evaluation that shows it is lost
    for status in ("truncated", "failed", "diverged", "completed"):
        assert outcome(status, **bad, diverged=late(1.0, 0.0, 3)) == "diverged"


def test_a_bad_or_missing_last_evaluation_decides_nothing_and_the_share_near_the_data_shows_a_bad_one():
    whole, bad = curve(), curve(**CRASH)
    missing = Curves(whole.steps, np.array([EVALUATIONS - 1]), whole.values)
    assert [judge(one, "completed", FLOOR)[0] for one in (whole, bad, missing)] == ["converged"] * 3
    assert [signals(one, FLOOR, Thresholds()).near[0] for one in (whole, bad, missing)] == [1.0, 0.875, 1.0]


def test_thresholds_decide():
    assert outcome(held_fraction=0.75, thresholds=Thresholds(modes=0.8)) == "collapsed"
    assert outcome(hop=0.4, thresholds=Thresholds(hop_rate=0.5)) == "converged"
    assert outcome(**BAD, thresholds=Thresholds(quality=0.4)) == "converged"
    assert outcome(covered_fraction=0.75, thresholds=Thresholds(coverage=0.7)) == "converged"
    assert outcome(**BAD | {"mass_js": WAVES}, thresholds=Thresholds(swing=20.0)) == "stalled"
    assert outcome(**BAD | {"mass_js": WAVES}, thresholds=Thresholds(metric="fid")) == "stalled"
    assert outcome(**BAD | {"mass_js": WAVES, "mass_js_error": 0.2}) == "stalled"
    assert outcome(hop=late(0.6, 0.0, 5), thresholds=Thresholds(tail=1.0)) == "converged"
    assert outcome(**BAD | {"mass_js": 0.6 * 0.95 ** np.arange(20)}, thresholds=Thresholds(progress=2.0)) == "stalled"
    images = dict.fromkeys(("high_quality", "mass_js", "covered_fraction"), math.nan) | {"fid": 0.005}
    assert outcome(**images) == "converged"
    assert outcome(**images, thresholds=Thresholds(factor=2.0)) == "stalled"


def test_pictures_that_are_no_pictures_yet_have_not_collapsed_whatever_class_they_are_told_to_be():
    blobs = dict.fromkeys(("high_quality", "mass_js", "covered_fraction"), math.nan) | {"fid": 5000.0, "precision": 0.0}
    assert outcome(**blobs, held_fraction=0.1) == "stalled"
    assert outcome(**blobs | {"precision": late(0.0, 0.02, 5)}, held_fraction=0.1) == "collapsed"
    assert outcome(**blobs | {"precision": math.nan}, held_fraction=0.1) == "collapsed"


@pytest.mark.parametrize("modes", [7, 9, 12, 25])
def test_a_replica_that_holds_exactly_as_many_modes_as_asked_has_not_collapsed(modes):
    middling = np.tile([1 / modes, (modes - 1) / modes], EVALUATIONS // 2)  # the median of the tail's eight is 1/2
    assert outcome(thresholds=Thresholds(modes=0.5), held_fraction=middling) == "converged"
    assert outcome(thresholds=Thresholds(modes=0.5), held_fraction=middling - 0.01) == "collapsed"


def test_what_was_not_measured_speaks_against_nobody_and_for_nobody():
    assert outcome(**dict.fromkeys(GOOD, math.nan)) == ""
    assert outcome(floor=Floor()) == ""
    assert outcome(floor=Floor(), held_fraction=0.1) == "collapsed"
    assert outcome(**dict.fromkeys(GOOD, math.nan), dirac_converged=0.5) == "converged"
    assert outcome(**dict.fromkeys(GOOD, math.nan), dirac_converged=0.0) == "oscillating"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"modes": 1.5}, r"outcomes.modes: expected a share in \[0, 1\], got 1.5"),
        ({"quality": math.nan}, "outcomes.quality: expected a share"),
        ({"hop_rate": -0.1}, "outcomes.hop_rate: expected a number >= 0, got -0.1"),
        ({"swing": 0.5}, "outcomes.swing: expected a number >= 1, got 0.5"),
        ({"tail": 0}, "outcomes.tail: expected a share above 0, got 0"),
        ({"progress": "much"}, "outcomes.progress: expected a number, got 'much'"),
        ({"quality": True}, "outcomes.quality: expected a number, got True"),
        ({"metric": 3}, "outcomes.metric: expected one of mass_js, fid, kid, mmd, whose sampling noise is known, or"),
        ({"metric": "recall"}, "outcomes.metric: expected one of .*, or null, got 'recall'"),
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
    count = 600
    lengths = generator.integers(1, 16, size=count)
    present = np.arange(15) < lengths[:, None]
    level = {"held_fraction": 1.05, "covered_fraction": 1.6, "gradient_norm_generator": 4e-3, "hop": 0.5,
             "high_quality": 1.3}  # fmt: skip
    values = {
        name: np.where(present, top * generator.random((count, 1)) * generator.uniform(0.7, 1, present.shape), np.nan)
        for name, top in level.items()
    }
    calm = generator.choice([0.0, 0.03, 1.0], (count, 1))
    values["mass_js"] = np.exp(calm * generator.standard_normal(present.shape) - 0.05 * np.arange(15))
    values["diverged"] = np.where(present, generator.random(present.shape) < 0.02, np.nan)
    status = generator.choice(["completed", "truncated", "failed"], p=[0.8, 0.1, 0.1], size=count)
    thresholds = Thresholds(modes=0.4, quality=0.5)
    together = judge(Curves(np.where(present, np.arange(15), -1), lengths, values), status, FLOOR, thresholds)
    for row, length in enumerate(lengths):
        single = Curves(
            np.arange(length)[None], lengths[row : row + 1], {k: v[row : row + 1, :length] for k, v in values.items()}
        )
        assert judge(single, status[row], FLOOR, thresholds)[0] == together[row]
    assert set(together) == set(OUTCOMES)


def test_verdicts_of_one_replica_do_not_depend_on_the_others():
    seen = signals(curve(), FLOOR)
    assert verdicts(seen, "completed").tolist() == ["converged"]


# Over a record


def recorded(kinds, trials):
    """A record of replicas with curves of 8 evaluations, GOOD but for changes, in shuffled rows."""
    rows = []
    for ((trial, seed), changes), step in itertools.product(kinds.items(), range(1, 9)):
        keys = {"study": "s", "phase": "search", "arm": "x", "repeat": 0, "trial_id": trial, "seed": seed, "step": step}
        unmeasured = (
            "dirac_converged",
            "density",
            "coverage",
            "fid_error",
            "mass_js_error",
            "mode_fraction",
            "modes_held",
            "modes_covered",
        )
        nothing = dict.fromkeys(unmeasured, math.nan)
        rows.append({**keys, **GOOD, **nothing, **changes})
    history = pd.DataFrame(rows).sample(frac=1, random_state=0)
    floors = {f"floor.{name}": value for name, value in FLOOR.mean.items()}
    return Record(history, trials.assign(**floors), {})


def test_a_record_is_judged_in_its_own_order():
    collapsed = {"held_fraction": 0.25, "covered_fraction": 0.25}
    kinds = {("a", 1): {}, ("a", 2): collapsed, ("b", 1): {"diverged": 1.0}, ("b", 2): {"hop": 0.5}}
    trials = pd.DataFrame(
        {"study": "s", "phase": "search", "arm": "x", "repeat": 0, "trial_id": list("ccbbaa"), "seed": [1, 2] * 3}
    )
    trials["status"] = ["failed", "running"] + ["completed"] * 4
    trials.index = pd.Index(range(10, 16))
    record = recorded(kinds, trials)
    judged = judge_record(record)
    assert judged.index.tolist() == trials.index.tolist()
    assert judged["outcome"].tolist()[2:] == ["diverged", "hopping", "converged", "collapsed"]
    assert judged["outcome"].tolist()[0] == "failed"
    assert pd.isna(judged["outcome"].iloc[1])
    assert judged["evaluations"].tolist() == [0, 0, 8, 8, 8, 8]
    assert judged["hop_rate"].tolist()[3] == 0.375
    afresh = judged_afresh(record).trials
    assert afresh["outcome"].tolist()[2:] == judged["outcome"].tolist()[2:]
    assert afresh["near"].tolist()[2:] == [1, 1, 1, 0]


def test_a_record_is_not_judged_by_what_it_lacks():
    trials = pd.DataFrame([{"study": "s", "phase": "search", "arm": "x", "repeat": 0, "trial_id": "a", "seed": 1}])
    record = recorded({("a", 1): {}}, trials.assign(status="completed"))
    with pytest.raises(ValueError, match=r"outcomes.metric: expected one of mass_js, fid, or null, got 'kid'"):
        judge_record(record, Thresholds(metric="kid"))


def test_each_row_is_judged_by_its_own_floor():
    trials = pd.DataFrame({"study": ["s", "t"], "phase": "search", "arm": "x", "repeat": 0, "trial_id": "a", "seed": 1})
    kinds = {("a", 1): dict.fromkeys(("high_quality", "mass_js", "covered_fraction"), math.nan) | {"fid": 0.01}}
    record = recorded(kinds, trials.assign(status="completed"))
    both = pd.concat([record.history, record.history.assign(study="t")])
    record.trials["floor.fid"] = [0.003, 0.002]
    assert judge_record(Record(both, record.trials, {}))["outcome"].tolist() == ["converged", "stalled"]


def test_a_record_from_before_modes_were_counted_is_judged_by_captured_ones():
    trials = pd.DataFrame({"study": "s", "phase": "search", "arm": "x", "repeat": 0, "trial_id": "a", "seed": [1, 2]})
    older = dict.fromkeys(("held_fraction", "covered_fraction", "mass_js"), math.nan)
    kinds = {("a", 1): older | {"mode_fraction": 1.0}, ("a", 2): older | {"mode_fraction": 0.5}}
    record = recorded(kinds, trials.assign(status="completed"))
    assert judge_record(record)["outcome"].tolist() == ["converged", "collapsed"]


# What a former rule got wrong


def test_one_last_evaluation_decides_nothing():
    """Modes 6 5 3 6 1 of 8, as five evaluations found them, were called collapsed by the last one."""
    held = np.array([6, 5, 3, 6, 1]) / 8
    values = {name: np.full((1, 5), value) for name, value in (GOOD | BAD).items()}
    values |= {"held_fraction": held[None], "hop": np.array([[math.nan, 0.2, 0.4, 0.45, 0.6]])}
    moved = Curves(np.arange(5)[None], np.array([5]), values)
    assert judge(moved, "completed", FLOOR).tolist() == ["hopping"]
    values["hop"] = np.full((1, 5), 0.01)  # nothing moves: of most modes it has crumbs that come and go
    assert judge(Curves(moved.steps, moved.lengths, values), "completed", FLOOR).tolist() == ["collapsed"]  # median 5
    values["held_fraction"] = np.array([[8, 7, 8, 7, 1]]) / 8
    assert judge(Curves(moved.steps, moved.lengths, values), "completed", FLOOR).tolist() == ["stalled"]


COLLAPSED = BAD | {"held_fraction": 0.125, "covered_fraction": 0.125, "mass_js": 0.5}
WHOLE = {"mass_js_error": 0.001, "held_fraction": 1.0, "covered_fraction": 1.0, "mass_js": 0.01, "high_quality": 0.95}


@pytest.mark.parametrize("count", [5, 6, 8, 10, 12, 16, 20, 24])
@pytest.mark.parametrize(
    ("usual", "odd", "expected"), [(COLLAPSED, WHOLE, "collapsed"), (WHOLE, COLLAPSED, "converged")]
)
def test_one_odd_evaluation_decides_nothing_wherever_it_is(count, usual, odd, expected):
    """Of a collapsed replica one with all modes, and of a converged one with a single mode, to which all mass goes."""
    for place in range(1, count):  # a first one that is worse than all others is where learning began
        values = {name: np.full((1, count), value) for name, value in (GOOD | usual).items()}
        for name, value in odd.items():
            values[name][0, place] = value
        values["hop"][0, place : place + 2] = 7 / 8
        once = Curves(np.arange(count)[None], np.array([count]), values)
        assert judge(once, "completed", FLOOR).tolist() == [expected], place


def test_improvement_is_no_oscillation():
    """FID over the tail 1.68, .016, .011 had an interquartile range of fifty medians."""
    images = dict.fromkeys(("high_quality", "mass_js", "covered_fraction"), math.nan)
    fid = np.r_[np.full(EVALUATIONS - 5, 3.0), [1.68, 0.9, 0.1, 0.016, 0.011]]
    assert outcome(**images, fid=fid) == "learning"


def test_a_generator_is_frozen_whichever_side_its_critic_saturates_on():
    for accuracy in (0.24, 0.5, 0.88, 1.0):
        assert outcome(**BAD | STILL, critic_accuracy=accuracy) == "frozen"


def test_many_replicas_with_a_signed_metric_do_not_oscillate():
    rng = np.random.default_rng(0)
    kid = rng.normal(0, 0.001, (1000, EVALUATIONS))
    values = {name: np.full(kid.shape, value) for name, value in (GOOD | {"high_quality": 0.5}).items()}  # never near
    values |= {"kid": kid, "kid_low": kid - 0.00226, "kid_high": kid + 0.00226}
    steps = np.tile(np.arange(EVALUATIONS), (1000, 1))
    found = judge(Curves(steps, np.full(1000, EVALUATIONS), values), "completed", FLOOR, Thresholds(metric="kid"))
    assert (found == "oscillating").mean() < 0.01


def test_a_replica_that_ends_ahead_by_as_much_as_a_swing_is_learning_even_if_its_mass_moves():
    images = dict.fromkeys(("high_quality", "mass_js", "covered_fraction"), math.nan)
    assert outcome(**images, fid=0.8 ** np.arange(EVALUATIONS), hop=0.6) == "learning"  # ahead by .8 ** -5.5
    assert outcome(**images, fid=0.9 ** np.arange(EVALUATIONS), hop=0.6) == "hopping"  # by .9 ** -5.5, 1.8
    assert outcome(**images, fid=0.05 * 0.8 ** np.arange(EVALUATIONS), hop=0.0) == "converged"  # near all the while


def test_perfect_samples_of_many_modes_are_near_the_data_however_few_they_are():
    """Sixty samples of 25 modes leave one in ten without a sample, real ones as well."""
    floor = Floor({**FLOOR.mean, "modes_held": 22.7, "modes_covered": 22.7}, FLOOR.spread)
    few = {"held_fraction": 0.88, "covered_fraction": 0.88, "modes_held": 22.0, "modes_covered": 22.0}
    assert outcome(**few, floor=floor) == "converged"
    assert outcome(**few) == "stalled"  # where it is not known how many real ones cover


def test_perfect_samples_of_modes_so_rare_that_a_draw_may_miss_them_have_converged():
    """Six of eight modes are hit by one draw in eight: real samples hold 2.75, and a perfect generator often two."""
    counts = 2.0 + np.random.default_rng(0).binomial(6, 0.125, (500, EVALUATIONS))
    spread = dict.fromkeys(("modes_held", "modes_covered"), math.sqrt(6 * 0.125 * 0.875))
    floor = Floor({**FLOOR.mean, **dict.fromkeys(spread, 2.75)}, {**FLOOR.spread, **spread})
    values = {name: np.broadcast_to(value, counts.shape) for name, value in GOOD.items()} | dict.fromkeys(
        spread, counts
    )
    shape = np.tile(np.arange(1, EVALUATIONS + 1), (500, 1)), np.full(500, EVALUATIONS)
    assert set(judge(Curves(*shape, values), "completed", floor)) == {"converged"}
    one = values | dict.fromkeys(spread, np.ones_like(counts))
    assert set(judge(Curves(*shape, one), "completed", floor)) == {"collapsed"}


def test_a_generator_that_moves_wholly_at_every_third_evaluation_hops():
    for phase in range(3):
        place = (np.arange(EVALUATIONS) + phase) // 3 % 8
        values = {name: np.full((1, EVALUATIONS), value) for name, value in (GOOD | BAD).items()}
        del values["hop"], values["held_fraction"], values["covered_fraction"]
        values |= {"mode_histogram": 2500.0 * np.eye(8)[place][None], "modes": np.ones((1, EVALUATIONS))}
        moved = Curves(np.arange(EVALUATIONS)[None], np.array([EVALUATIONS]), values)
        assert judge(moved, "completed", FLOOR).tolist() == ["hopping"]
