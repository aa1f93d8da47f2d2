import itertools
import math

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.selection import select
from analysis.results.survival import EVENTS, kaplan_meier, survival, times
from analysis.results.thresholds import Thresholds
from analysis.statistics.holm import holm

STEPS = (100, 200, 300, 400)


def replica(arm="hinge", index=0, seed=0, phase="confirm", modes=(1.0, 1.0, 1.0, 1.0), fell=None, status="completed"):
    """One replica: `modes`, its captured share at each evaluation there was; `fell`, the step it diverged at."""
    keys = {"study": "rings", "phase": phase, "arm": arm, "trial_id": f"{phase}-{arm}-{index:04d}", "seed": seed}
    evaluated = STEPS[: len(modes)]
    history = [
        {**keys, "step": step, "diverged": fell is not None and step >= fell,
         "mode_fraction": math.nan if fell is not None and step >= fell else share}
        for step, share in zip(evaluated, modes, strict=True)
    ]  # fmt: skip
    trial = {**keys, "index": index, "status": status, "diverged_step": fell, "steps": max(evaluated, default=0)}
    return history, trial


def record(*replicas, **about):
    history = pd.DataFrame([row for rows, _ in replicas for row in rows])
    trials = pd.DataFrame([trial for _, trial in replicas]).astype({"diverged_step": "Int64"})
    return Record(history, trials, about)


def time_of(event, *, patience=0.5, thresholds=None, **one):
    found = times(
        select(record(replica(**one), replica(seed=1)), "confirm"), event, patience=patience, thresholds=thresholds
    )
    row = found[found["seed"] == 0].iloc[0]
    return row["time"], bool(row["observed"])


@pytest.mark.golden
@pytest.mark.parametrize(
    ("event", "one", "expected"),
    [
        ("diverged", {}, (400, False)),
        ("diverged", {"fell": 137}, (137, True)),
        ("diverged", {"status": "truncated", "modes": (1.0, 1.0)}, (200, False)),
        ("diverged", {"status": "running", "modes": (1.0,)}, (100, False)),
        ("collapsed", {"modes": (1.0, 1.0, 0.25, 0.25)}, (300, True)),
        ("collapsed", {"modes": (1.0, 0.25, 1.0, 1.0)}, (200, True)),  # recovers: it had collapsed all the same
        ("collapsed", {"modes": (0.25, 1.0, 1.0, 1.0)}, (400, False)),  # found the modes within half of its budget
        ("collapsed", {"modes": (0.25, 0.25, 0.25, 1.0)}, (200, True)),  # did not
        ("collapsed", {"modes": (1.0, 1.0), "status": "truncated"}, (200, False)),
        ("collapsed", {"fell": 250}, (250, False)),  # divergence censors it
        ("collapsed", {"modes": (1.0, 0.25, 1.0, 1.0), "fell": 250}, (200, True)),
        ("either", {"modes": (1.0, 0.25, 1.0, 1.0), "fell": 250}, (200, True)),
        ("either", {"fell": 250}, (250, True)),
        ("either", {}, (400, False)),
    ],
)
def test_when_it_happened(event, one, expected):
    assert time_of(event, **one) == expected


def test_patience_and_threshold_move_the_collapse():
    slow = {"modes": (0.25, 0.25, 1.0, 1.0)}
    assert time_of("collapsed", **slow) == (200, True)
    assert time_of("collapsed", patience=0.75, **slow) == (400, False)
    assert time_of("collapsed", thresholds=Thresholds(modes=0.2), **slow) == (400, False)


def test_the_studys_own_threshold_is_the_default():
    low = record(replica(modes=(0.4, 0.4, 0.4, 0.4)), config={"outcomes": {"modes": 0.3}})
    assert not times(select(low, "confirm"), "collapsed")["observed"].any()


def test_the_budget_is_the_configured_one_where_it_is_known():
    cut = record(replica(modes=(0.25, 0.25), status="truncated"))
    assert times(select(cut, "confirm"), "collapsed")["observed"].all()  # 200 is all the budget that can be seen
    cut.trials["config.steps"] = 1000
    assert not times(select(cut, "confirm"), "collapsed")["observed"].any()


SHARES, FALLS = (0.0, 0.25, 0.5, 1.0), (None, 50, 100, 150, 250, 350, 400)
LIVES = [(modes, fell) for modes in itertools.product(SHARES, repeat=4) for fell in FALLS]


def events(lives, event):
    """The time to an event and whether it was observed, of each of `lives` as replicas of one record."""
    held = record(*(replica(seed=seed, modes=modes, fell=fell) for seed, (modes, fell) in enumerate(lives)))
    found = times(select(held, "confirm"), event, patience=0.5, thresholds=None).set_index("seed").sort_index()
    assert len(found) == len(lives)
    return found["time"].to_numpy(), found["observed"].to_numpy(bool)


@pytest.mark.property
@pytest.mark.parametrize("event", EVENTS)
def test_what_follows_an_event_is_ignored(event):
    """Of every life there can be in four evaluations, with another life after the event."""
    others = np.random.default_rng(0).choice(SHARES, (len(LIVES), 4))
    time, observed = events(LIVES, event)
    assert observed.any()
    after = [
        (tuple(np.where(np.array(STEPS) <= till, modes, other)), fell) if seen else (modes, fell)
        for (modes, fell), other, till, seen in zip(LIVES, others, time, observed, strict=True)
    ]
    again, still = events(after, event)
    assert (again == time).all()
    assert (still == observed).all()


@pytest.mark.property
def test_either_is_the_first_of_both():
    either, observed = events(LIVES, "either")
    parts = [np.where(seen, time, np.inf) for time, seen in (events(LIVES, "diverged"), events(LIVES, "collapsed"))]
    first = np.minimum(*parts)
    assert (observed == np.isfinite(first)).all()
    assert (either == np.where(observed, first, 400)).all()


def test_a_replica_that_was_never_trained_is_left_out():
    found = times(select(record(replica(), replica(seed=1, modes=(), status="failed")), "confirm"), "diverged")
    assert found["seed"].tolist() == [0]


def test_phases_are_not_pooled_and_errors_say_what_was_expected():
    both = record(replica(), replica(phase="search", fell=100))
    assert times(select(both, "confirm"), "diverged")["observed"].tolist() == [False]
    with pytest.raises(ValueError, match="phase: expected one of search, confirm, got 'all'"):
        times(select(both, "all"), "diverged")
    with pytest.raises(ValueError, match="event: expected one of diverged, collapsed, either, got 'vanished'"):
        times(select(both, "confirm"), "vanished")
    with pytest.raises(ValueError, match=r"patience: expected a share of the budget in \(0, 1\], got 0"):
        times(select(both, "confirm"), "diverged", patience=0)
    blind = record(replica(modes=(math.nan,) * 4))
    with pytest.raises(ValueError, match="event: collapse needs the measurement mode_fraction"):
        times(select(blind, "confirm"), "collapsed")


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


def test_a_search_is_tested_by_configurations():
    found = survival(select(arms("search", {"a": (24, 80), "b": (0, 80)}), "search"), "diverged")
    naive = survival(select(arms("confirm", {"a": (24, 80), "b": (0, 80)}), "confirm"), "diverged")
    assert (found.pairs[0].captures, found.curves[0].band.captures) == ("both", "both")
    assert naive.pairs[0].p < found.pairs[0].p
    a, plain = found.curves[0].at(200), naive.curves[0].at(200)
    assert a.high - a.low > plain.high - plain.low


def test_one_arm_has_no_test_and_no_events_have_none():
    alone = survival(select(arms("confirm", {"a": (1, 8)}), "confirm"), "diverged")
    assert (alone.overall, alone.pairs) == (None, ())
    quiet = survival(select(arms("confirm", {"a": (0, 8), "b": (0, 8)}), "confirm"), "diverged")
    assert math.isnan(quiet.pairs[0].p)
    assert math.isnan(quiet.pairs[0].p_holm)
    assert survival(select(arms("confirm", {"a": (0, 8)}), "search"), "diverged").curves == ()
