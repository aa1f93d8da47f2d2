import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.outcomes import JUDGED, judge_record
from analysis.results.selection import select
from analysis.results.survival import EVENTS, event_steps, kaplan_meier, survival, times
from analysis.results.thresholds import Thresholds
from analysis.statistics.holm import holm

STEPS = tuple(range(100, 1700, 100))


def replica(
    arm="hinge", index=0, seed=0, phase="confirm", modes=(1.0,) * 4, fell=None, status="completed", gradient=0.1
):
    """One replica: `modes`, its held share at each evaluation there was; `fell`, the step it diverged at; `gradient`,
    its generator's norm, one or one for each evaluation. It is near the data where it holds all modes."""
    keys = {
        "study": "rings",
        "phase": phase,
        "arm": arm,
        "repeat": 0,
        "trial_id": f"{phase}-{arm}-{index:04d}",
        "seed": seed,
    }
    evaluated = STEPS[: len(modes)]
    norms = gradient if isinstance(gradient, tuple) else (gradient,) * len(modes)
    history = []
    for step, share, norm in zip(evaluated, modes, norms, strict=True):
        gone = fell is not None and step >= fell
        measured = {"held_fraction": share, "covered_fraction": share, "gradient_norm_generator": norm, "mass_js": 0.1,
                    "high_quality": 0.95 if share == 1 else 0.1, "hop": 0.0, "fid": 0.1}  # fmt: skip
        row = dict.fromkeys(JUDGED, math.nan) | (dict.fromkeys(measured, math.nan) if gone else measured)
        history.append({**keys, "step": step, **row, "diverged": gone})
    trial = {**keys, "index": index, "status": status, "diverged_step": fell, "steps": max(evaluated, default=0),
             "floor.high_quality": 0.99, "floor.fid": 0.01}  # fmt: skip
    return history, trial


def record(*replicas, **about):
    history = pd.DataFrame([row for rows, _ in replicas for row in rows])
    trials = pd.DataFrame([trial for _, trial in replicas]).astype({"diverged_step": "Int64"})
    return Record(history, trials, about)


def time_of(event, *, thresholds=None, **one):
    found = times(select(record(replica(**one), replica(seed=1)), "confirm"), event, thresholds=thresholds)
    row = found[found["seed"] == 0].iloc[0]
    return row["time"], bool(row["observed"])


LOST, BACK = (1.0,) * 5 + (0.25,) * 7, (1.0,) * 5 + (0.25,) * 5 + (1.0,) * 6


@pytest.mark.golden
@pytest.mark.parametrize(
    ("event", "one", "expected"),
    [
        ("diverged", {}, (400, False)),
        ("diverged", {"fell": 137}, (137, True)),
        ("diverged", {"status": "truncated", "modes": (1.0, 1.0)}, (200, False)),
        ("diverged", {"status": "running", "modes": (1.0,)}, (100, False)),
        ("diverged", {"status": "diverged"}, (400, True)),  # the evaluation that showed it is lost
        ("failure", {"status": "diverged"}, (400, True)),
        ("collapsed", {"status": "diverged", "modes": LOST}, (1200, False)),
        ("collapsed", {"modes": LOST}, (600, True)),
        ("collapsed", {"modes": BACK}, (1600, False)),  # undone: an event of its own
        ("collapsed", {"modes": (0.25,) * 5 + (1.0,) * 11}, (1600, False)),  # had yet to find the modes
        ("collapsed", {"modes": (0.125,) * 8}, (100, True)),  # never found them
        ("collapsed", {"modes": (0.125,) * 8, "status": "truncated"}, (800, False)),  # had not had its time
        ("collapsed", {"modes": LOST, "status": "truncated"}, (600, True)),
        ("collapsed", {"modes": (1.0,) * 7 + (0.25,)}, (800, False)),  # one bad last evaluation
        ("collapsed", {"modes": LOST, "gradient": 1e-6}, (1200, False)),  # its outcome is frozen
        ("collapsed", {"fell": 250}, (250, False)),  # divergence censors it
        ("frozen", {"modes": LOST, "gradient": (0.1,) * 3 + (1e-6,) * 9}, (400, True)),
        ("frozen", {"gradient": 1e-6}, (400, False)),  # near the data: at rest, not frozen
        ("frozen", {"modes": LOST}, (1200, False)),
        ("undone", {"modes": BACK}, (600, True)),
        ("undone", {"modes": LOST}, (1200, False)),
        ("failure", {"modes": LOST}, (600, True)),
        ("failure", {"modes": BACK}, (1600, False)),
        ("failure", {"fell": 250}, (250, True)),
        ("failure", {"modes": (0.25,) * 4, "gradient": 0.0}, (100, True)),
        ("failure", {}, (400, False)),
    ],
)
def test_when_it_happened(event, one, expected):
    assert time_of(event, **one) == expected


def test_the_threshold_moves_the_collapse():
    assert time_of("collapsed", modes=LOST, thresholds=Thresholds(modes=0.2)) == (1200, False)


def test_the_studys_own_threshold_is_the_default():
    low = record(replica(modes=(0.4, 0.4, 0.4, 0.4)), config={"outcomes": {"modes": 0.3}})
    assert not times(select(low, "confirm"), "collapsed")["observed"].any()


def lives(count=400):
    """Replicas of all kinds, of up to 16 evaluations, as keywords of `replica`."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        length = int(rng.integers(1, 17))
        held = (rng.random(length) < rng.choice([0.1, 0.5, 0.9])) * 0.75 + 0.25
        yield {
            "modes": tuple(np.sort(held)[::-1] if rng.random() < 0.5 else held),
            "gradient": tuple(np.where(np.arange(length) < rng.integers(0, 40), 0.1, 1e-6)),
            "fell": int(rng.integers(1, 100 * length)) if rng.random() < 0.2 else None,
            "status": str(rng.choice(["completed", "truncated"])),
        }


EVERY = record(*(replica(seed=seed, **life) for seed, life in enumerate(lives())))


def met(event):
    """The steps at which the replicas of EVERY met an event, inf where they did not; and their last steps."""
    found = times(select(EVERY, "confirm"), event).set_index("seed").sort_index()
    assert len(found) == 400
    return np.where(found["observed"], found["time"], np.inf), found["time"].to_numpy()


@pytest.mark.property
def test_a_collapse_or_freezing_is_an_event_just_where_it_is_the_outcome():
    judged = judge_record(EVERY)
    whole = (EVERY.trials["status"] == "completed").to_numpy()
    for event in ("collapsed", "frozen", "diverged"):
        seen = np.isfinite(met(event)[0])
        assert seen.any()
        assert (seen == (judged["outcome"] == event))[whole].all()


@pytest.mark.property
def test_failure_is_the_first_of_its_kinds_and_undone_is_none_of_them():
    kinds = [met(event)[0] for event in ("diverged", "collapsed", "frozen")]
    either, last = met("failure")
    assert (either == np.minimum.reduce(kinds)).all()
    undone = met("undone")[0]
    assert np.isfinite(undone).any()
    collapsed = kinds[1]
    assert (undone < collapsed)[np.isfinite(undone)].all()
    assert (last <= 1600).all()


def test_one_pass_serves_every_event():
    selected = select(EVERY, "confirm")
    steps = event_steps(selected)
    assert set(steps) == set(EVENTS)
    for event in EVENTS:
        pd.testing.assert_frame_equal(times(selected, event, met=steps), times(selected, event))


def test_a_replica_that_was_never_trained_is_left_out():
    found = times(select(record(replica(), replica(seed=1, modes=(), status="failed")), "confirm"), "diverged")
    assert found["seed"].tolist() == [0]


def test_phases_are_not_pooled_and_errors_say_what_was_expected():
    both = record(replica(), replica(phase="search", fell=100))
    assert times(select(both, "confirm"), "diverged")["observed"].tolist() == [False]
    with pytest.raises(ValueError, match="phase: expected one of search, confirm, got 'all'"):
        times(select(both, "all"), "diverged")
    with pytest.raises(
        ValueError, match="event: expected one of failure, diverged, frozen, collapsed, undone, got 'vanished'"
    ):
        times(select(both, "confirm"), "vanished")
    blind = record(replica(modes=(math.nan,) * 4))
    with pytest.raises(ValueError, match="event: collapsed needs the measurement held_fraction"):
        times(select(blind, "confirm"), "collapsed")
    assert set(event_steps(select(blind, "confirm"))) == {"failure", "diverged", "frozen"}
    blind.history["gradient_norm_generator"] = math.nan
    with pytest.raises(ValueError, match="event: frozen needs the measurement gradient_norm_generator"):
        times(select(blind, "confirm"), "frozen")
    assert survival(select(blind, "confirm"), "failure").kinds == ("diverged",)


def arms(phase, counts, replicas=8):
    """`counts`: for each arm how many of its replicas diverged at step 150."""
    return record(
        *(
            replica(arm, k // replicas, k, phase, fell=150 if k < count else None)
            for arm, (count, size) in counts.items()
            for k in range(size)
        )
    )


def test_curves_and_tests_of_confirmed_arms():
    found = survival(select(arms("confirm", {"a": (0, 16), "b": (12, 16), "c": (1, 16)}, 16), "confirm"), "diverged")
    assert [curve.arm for curve in found.curves] == ["a", "b", "c"]
    b = found.curves[1]
    assert (b.events, b.n, b.at(150).estimate, b.at(149).estimate) == (12, 16, 0.25, 1)
    assert (
        b.band.estimate.tolist()
        == kaplan_meier([150.0] * 12 + [400.0] * 4, [True] * 12 + [False] * 4).band.estimate.tolist()
    )
    assert b.band.captures == "seeds"
    assert [pair.arms for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    np.testing.assert_allclose([pair.p_holm for pair in found.pairs], holm([pair.p for pair in found.pairs]))
    assert found.overall is not None
    assert (found.overall.df, found.overall.arms) == (2, ("a", "b", "c"))
    assert found.overall.p < 1e-4
    assert found.pairs[0].p_holm < 0.001 < found.pairs[1].p_holm


@pytest.mark.golden
def test_arms_are_ordered_and_told_apart_by_their_mean_times():
    """Without censoring before the end the mean is that of the times: 150 or 400."""
    found = survival(select(arms("confirm", {"a": (0, 16), "b": (12, 16), "c": (1, 16)}, 16), "confirm"), "diverged")
    assert {one.arm: one.mean.estimate for one in found.means} == pytest.approx({"a": 400, "b": 212.5, "c": 384.375})
    assert {one.horizon for one in found.means} == {400}
    comparison = found.comparison
    assert (comparison.arms, comparison.best, comparison.unit) == (("a", "c", "b"), "a", "replica")
    assert comparison.pair("a", "b").effect.estimate == pytest.approx(187.5)
    assert [(pair.a, pair.b) for pair in comparison.told] == [("a", "b"), ("c", "b")]
    assert comparison.indistinguishable == ("a", "c")


def test_curves_that_cross_are_told_apart_by_their_means_or_not_at_all():
    """a falls late and always, b early and seldom: the means, not the tails, say who lasts longer."""
    late = [replica("a", seed=k, fell=350) for k in range(16)]
    early = [replica("b", seed=k, fell=50 if k < 6 else None) for k in range(16)]
    found = survival(select(record(*late, *early), "confirm"), "diverged")
    means = {one.arm: one.mean.estimate for one in found.means}
    assert means == pytest.approx({"a": 350, "b": (6 * 50 + 10 * 400) / 16})
    assert found.comparison.best == "a"


def test_a_search_is_tested_by_configurations():
    found = survival(select(arms("search", {"a": (24, 80), "b": (0, 80)}), "search"), "diverged")
    naive = survival(select(arms("confirm", {"a": (24, 80), "b": (0, 80)}), "confirm"), "diverged")
    assert (found.pairs[0].captures, found.curves[0].band.captures) == ("both", "both")
    assert naive.pairs[0].p < found.pairs[0].p
    a, plain = found.curves[0].at(200), naive.curves[0].at(200)
    assert a.high - a.low > plain.high - plain.low


@pytest.mark.golden
@pytest.mark.parametrize("phase", ["confirm", "search"])
def test_where_all_diverged_at_one_step_the_arms_cannot_be_told_apart(phase):
    """2 arms of 2 × 8: all of them fell, which is not that nobody did."""
    found = survival(select(arms(phase, {"a": (16, 16), "b": (16, 16)}), phase), "diverged")
    assert [(curve.events, curve.n) for curve in found.curves] == [(16, 16), (16, 16)]
    assert (found.overall.statistic, found.overall.p, found.pairs[0].p_holm) == (0, 1, 1)
    assert (found.comparison.best, found.comparison.pairs[0].p) == (None, 1)
    assert [one.mean.estimate for one in found.means] == [150, 150]


@pytest.mark.golden
def test_two_configurations_against_two_are_no_proof():
    """All of one arm's fell and none of the other's: of the six ways to deal four out two are as far apart."""
    found = survival(select(arms("search", {"a": (16, 16), "b": (0, 16)}), "search"), "diverged")
    assert found.pairs[0].p == pytest.approx(1 / 3)
    assert found.pairs[0].method == "log-rank scores of configurations, dealt out anew"


def test_one_arm_has_no_test_and_no_events_have_none():
    alone = survival(select(arms("confirm", {"a": (1, 8)}), "confirm"), "diverged")
    assert (alone.overall, alone.pairs, alone.comparison) == (None, (), None)
    quiet = survival(select(arms("confirm", {"a": (0, 8), "b": (0, 8)}), "confirm"), "diverged")
    assert math.isnan(quiet.pairs[0].p)
    assert math.isnan(quiet.pairs[0].p_holm)
    assert (quiet.comparison.best, quiet.comparison.pairs[0].p) == (None, 1)
    assert survival(select(arms("confirm", {"a": (0, 8)}), "search"), "diverged").curves == ()


def test_where_samples_are_equal_times_are_shares_of_the_budget():
    """Half of the budget is half of it in both arms, though one takes four times the updates."""
    about = {"config": {"budget": {"equal": {"name": "samples"}}}}
    replicas = [replica("few", 0, seed, modes=(1.0,) * 4, fell=200) for seed in range(2)]
    replicas += [replica("many", 0, seed, modes=(1.0,) * 16, fell=800) for seed in range(2)]
    found = record(*replicas, **about)
    found = Record(found.history, found.trials.assign(**{"config.steps": [400, 400, 1600, 1600]}), about)
    rows = times(select(found, "confirm"), "diverged")
    assert rows["time"].tolist() == [0.5] * 4
    result = survival(select(found, "confirm"), "diverged")
    assert result.clock == "budget"
    assert [curve.median.estimate for curve in result.curves] == [0.5, 0.5]
    assert result.overall.statistic == pytest.approx(0.0)


def test_a_trial_whose_plan_is_lost_has_no_share_of_a_budget():
    about = {"config": {"budget": {"equal": {"name": "arithmetic"}}}}
    found = record(replica(seed=0), replica(seed=1), **about)
    assert len(times(select(found, "confirm"), "diverged")) == 0
    planned = Record(found.history, found.trials.assign(**{"config.steps": pd.array([400, None], "Int64")}), about)
    assert times(select(planned, "confirm"), "diverged")["seed"].tolist() == [0]
