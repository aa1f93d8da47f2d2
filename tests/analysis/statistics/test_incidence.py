import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from analysis.statistics.incidence import compare, incidence
from analysis.statistics.intervals import proportion, wilson
from analysis.statistics.kaplan_meier import kaplan_meier
from analysis.statistics.logrank import clustered as logrank

# Scrucca, Santucci & Aversa (2010), Bone Marrow Transplantation 45, 1388: months from transplantation to a relapse, to
# death without one, or until last seen, in two kinds of leukaemia
TRANSPLANTS = {
    ("ALL", "relapse"): """
        2 3.57 6.13 5.37 2.87 3.07 1.7 1.8 1.67 7.53 2.53 4.23 13.07 7.57 2.4 1.23 8.63 1.1 20.83 4.07 7.93
        17.23 3.63 9.43 1.87 7.63 2.23 10.3
    """,
    ("ALL", "death"): """
        0.67 24.03 1.47 2.23 10.53 1.7 0.4 0.87 7.5 2.8 3.63 6.03 8 6 7.47 1.43 8.17 1.1 3.3 5.43 4.17 0.37
        0.27 3.43 12.17 6.6 3.23 2.7
    """,
    ("ALL", ""): """
        131.77 124.83 123.9 121.1 112.23 82.6 72.93 71.83 56.6 45.3 43.67 35.5 29.2 24.77 19.9 16.83 16.13
    """,
    ("AML", "relapse"): """
        9.5 35 5.7 4.2 6.2 28.53 3.03 5.87 9.13 6.07 1.6 5.63 12.57 6.63 1.87 1.3 6 42.17 12.27 4.73 2.03 5
        5.6 1.2 7 2.53 2.3 7.63
    """,
    ("AML", "death"): """
        6.33 2.3 5.27 6.3 10.9 7.63 20.93 2.83 9.63 3.17 9.97 9.17 8.73 4.8 3.57 3.47 1 6.1 1.97 3.6 4.4
        13.8 9.2 6.7 11.8 1.23 3.9 4.57 4.4 3.7 3.4 8.6 2 8.8 7.2 9 0.13 3.93 5.23 3.5 2.8 1.47 0.87 7.2
        3.57 4.57 1.77
    """,
    ("AML", ""): """
        114.7 114.1 112.93 110.37 106.13 85.1 81.67 77 76.03 67.8 70.2 68.83 59.17 58.23 58 49.27 43.2 42.5
        41.3 35.5 32.63 29.9 28.7 26.13 16.6 15.17 14.5 10.2 9.97
    """,
}


@st.composite
def samples(draw):
    """Times, events met and configurations of up to 30 replicas."""
    size = draw(st.integers(1, 30))
    times = draw(arrays.arrays(np.float64, size, elements=st.integers(1, 6).map(float)))
    met = draw(st.lists(st.sampled_from(["", "collapsed", "diverged"]), min_size=size, max_size=size))
    return times, np.array(met), draw(arrays.arrays(np.int64, size, elements=st.integers(0, 5)))


def patients(kind):
    found = {met: np.array(times.split(), float) for (own, met), times in TRANSPLANTS.items() if own == kind}
    return np.concatenate(list(found.values())), np.repeat(list(found), [len(times) for times in found.values()])


@pytest.mark.golden
def test_transplants():
    """Gray's test by R's cmprsk: 2.8623 (p .0907) for relapse, .4481 (p .5032) for death; scores come close to it.

    The incidence at 20 months is that of lifelines' AalenJohansenFitter.
    """
    arms = [patients("ALL"), patients("AML")]
    assert [len(times) for times, _ in arms] == [73, 104]
    for event, statistic, p, shares in (
        ("relapse", 2.8623, 0.0907, (0.37139, 0.24145)),
        ("death", 0.4481, 0.5032, (0.36986, 0.44391)),
    ):
        found = compare(arms, event)
        assert found == (pytest.approx(statistic, rel=0.01), 1, pytest.approx(p, rel=0.01))
        at = [incidence(*arm, event).at(20).estimate for arm in arms]
        assert at == pytest.approx(shares, abs=1e-5)


@pytest.mark.golden
def test_by_hand():
    """Of 4 one collapses: 1/4. Of 3 one diverges: 1/2 left. One is censored; the last collapses: 1/4 + 1/2."""
    found = incidence([1, 2, 3, 4], ["collapsed", "diverged", "", "collapsed"], "collapsed", arm="hinge")
    assert [found.at(step).estimate for step in (0, 1, 2, 3, 4, 9)] == [0, 1 / 4, 1 / 4, 1 / 4, 3 / 4, 3 / 4]
    assert (found.events, found.competing, found.n, found.arm, found.unmet) == (2, 1, 4, "hinge", 0)
    np.testing.assert_array_equal(found.at_risk, [4, 4, 3, 2, 1])


@pytest.mark.property
@given(samples(), st.sampled_from(["seeds", "both"]))
def test_all_incidences_and_survival_add_up_to_1(sample, captures):
    times, met, groups = sample
    shares = [
        incidence(times, met, event, groups, captures=captures).band.estimate for event in ("collapsed", "diverged")
    ]
    curve = kaplan_meier(times, met != "", groups, captures=captures)
    np.testing.assert_allclose(sum(shares) + curve.band.estimate, 1)


@pytest.mark.property
@given(samples(), st.sampled_from(["seeds", "both"]))
def test_where_nothing_competes_it_is_1_less_kaplan_meiers_curve(sample, captures):
    times, met, groups = sample
    met = np.where(met == "diverged", "", met)
    found = incidence(times, met, "collapsed", groups, captures=captures).band
    curve = kaplan_meier(times, met != "", groups, captures=captures).band
    np.testing.assert_allclose(found.estimate, 1 - curve.estimate)
    np.testing.assert_allclose(found.low, 1 - curve.high, atol=1e-9)
    np.testing.assert_allclose(found.high, 1 - curve.low, atol=1e-9)


@pytest.mark.property
@given(samples(), st.sampled_from(["seeds", "both"]))
def test_without_censoring_it_is_the_share_with_its_own_interval(sample, captures):
    times, met, groups = sample
    met = np.where(met == "", "frozen", met)
    curve = incidence(times, met, "collapsed", groups, captures=captures)
    for step in curve.band.x:
        found, plain = curve.at(step), proportion((met == "collapsed") & (times <= step), groups, captures=captures)
        assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))


@pytest.mark.property
@given(samples(), st.sampled_from(["seeds", "both"]))
def test_after_the_first_event_the_band_moves_at_its_events_alone(sample, captures):
    times, met, groups = sample
    curve = incidence(times, met, "collapsed", groups, captures=captures)
    collapsed = met == "collapsed"
    for step in curve.band.x[1:]:
        if collapsed[times < step].any() and not collapsed[times == step].any():
            here, before = curve.at(step), curve.at(step - 0.5)
            assert (here.estimate, here.low, here.high) == (before.estimate, before.low, before.high)


def test_replicas_known_to_have_diverged_count_where_nobody_collapsed():
    """Eight diverged at 1, of the other eight four were censored at 2: at 3 twelve are known not to have collapsed."""
    met = ["diverged"] * 8 + [""] * 8
    curve = incidence([1] * 8 + [2] * 4 + [3] * 4, met, "collapsed")
    assert curve.at(2).high == pytest.approx(wilson(0, 16).high)
    assert curve.at(3).high == pytest.approx(wilson(0, 12).high)


def test_past_the_last_replica_only_a_lower_bound_is_known():
    curve = incidence([1, 2, 3], ["collapsed", "diverged", ""], "collapsed")
    past = curve.at(4)
    assert math.isnan(past.estimate)
    assert (past.low, past.high) == (curve.at(3).low, 1)
    ended = incidence([1, 2, 3], ["collapsed", "diverged", "collapsed"], "collapsed")
    assert ended.at(4) == ended.at(3)
    with pytest.raises(ValueError, match="step: expected a number >= 0, got -1"):
        curve.at(-1)


def test_to_censor_what_competes_would_say_too_much():
    """Half collapse and half diverge, in turn: to censor the diverged says that all collapse in the end."""
    times, met = np.arange(1.0, 41), np.tile(["diverged", "collapsed"], 20)
    assert incidence(times, met, "collapsed").at(40).estimate == 0.5
    assert kaplan_meier(times, met == "collapsed").at(40).estimate == 0


@pytest.mark.property
@given(st.lists(samples(), min_size=2, max_size=3))
def test_censored_at_the_end_alone_the_test_is_log_ranks_of_those_that_stay_exposed(arms):
    arms = [(np.where(met == "", 9.0, times), met, groups) for times, met, groups in arms]
    found = compare([arm[:2] for arm in arms], "collapsed", [arm[2] for arm in arms])
    kept = [(np.where(met == "diverged", 9.0, times), met == "collapsed") for times, met, _ in arms]
    assert found == pytest.approx(logrank(kept, [arm[2] for arm in arms]), nan_ok=True, abs=1e-6)


def test_a_replica_that_diverged_stays_exposed_as_long_as_it_might_have_been_seen():
    """One of four diverges at 1, of the others one is censored at 2: at 3 it counts 2/3."""
    times, met = np.array([1.0, 2.0, 3.0, 4.0]), np.array(["diverged", "", "collapsed", ""])
    other = (np.array([5.0, 6.0]), np.array(["", ""]))
    statistic, df, p = compare([(times, met), other], "collapsed")
    exposed = np.array([2 / 3, 0, 1, 1, 1, 1])
    scores = np.array([0, 0, 1, 0, 0, 0]) - exposed / exposed.sum()
    between = scores[:4].sum() ** 2 / 4 + scores[4:].sum() ** 2 / 2
    assert (statistic, df) == (pytest.approx(5 * between / (scores**2).sum(), rel=1e-6), 1)
    assert 0 < p <= 1


@pytest.mark.golden
def test_what_the_test_cannot_say():
    none, all_alike = ([1.0, 2.0], ["", "diverged"]), ([5.0] * 6, ["collapsed"] * 3 + ["diverged"] * 3)
    assert math.isnan(compare([none, none], "collapsed")[2])
    assert compare([all_alike, all_alike], "collapsed", [[0, 1, 2, 0, 1, 2]] * 2) == (0, 1, 1)
    assert math.isnan(compare([([1.0], ["collapsed"]), ([2.0], [""])], "collapsed")[2])
    with pytest.raises(ValueError, match=r"samples: expected two or more, none empty, got the sizes \[2, 0\]"):
        compare([none, ([], [])], "collapsed")


def draw(generator, size, chance, rest, censored):
    """Collapse by 1000 with a chance each (size,), else divergence with that of the rest, at 20 evaluations."""
    collapsed, other = generator.random(size) < chance, generator.random(size) < rest
    time = np.ceil(20 * generator.random(size)) * 50
    met = np.where(collapsed, "collapsed", np.where(other, "diverged", ""))
    time = np.where(met == "", 1000.0, time)
    end = np.where(generator.random(size) < censored, np.ceil(20 * generator.random(size)) * 50, 1000.0)
    return np.minimum(time, end), np.where(end < time, "", met)


@pytest.mark.parametrize("censored", [0.0, 0.5])
@pytest.mark.parametrize("replicas", [8, 32])
def test_incidence_is_covered(replicas, censored):
    """At step 500, by when half of the collapses have come, of shares drawn anew each time."""
    generator, covered = np.random.default_rng(1), []
    for share in generator.uniform(0.1, 0.9, 600):
        found = incidence(*draw(generator, replicas, share, 0.5, censored), "collapsed").at(500)
        covered.append(found.low <= share / 2 <= found.high)
    print(f"incidence, {replicas} replicas, {censored} censored: {np.mean(covered):.3f}")
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("censored", [0.0, 0.5])
def test_incidence_is_covered_when_replicas_come_in_configurations(censored):
    """20 of 8 replicas, with beta chances of an intraclass correlation of .5."""
    generator, covered, groups = np.random.default_rng(2), [], np.repeat(range(20), 8)
    for share in generator.uniform(0.1, 0.9, 600):
        chance = generator.beta(share, 1 - share, 20)[groups]
        sample = draw(generator, 160, chance, 0.5, censored)
        found = incidence(*sample, "collapsed", groups, captures="both").at(500)
        covered.append(found.low <= share / 2 <= found.high)
    print(f"incidence over 20 configurations, {censored} censored: {np.mean(covered):.3f}")
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("censored", [0.0, 0.5])
@pytest.mark.parametrize(("n", "m"), [(8, 8), (16, 16), (8, 32)])
def test_the_level_is_kept_where_what_competes_differs(n, m, censored):
    """Of those that do not collapse none diverges in one arm, nine of ten do in the other."""
    generator = np.random.default_rng(3)
    p = [
        compare([draw(generator, n, 0.4, 0.0, censored), draw(generator, m, 0.4, 0.9, censored)], "collapsed")[2]
        for _ in range(500)
    ]
    wrong = np.mean(np.array(p) <= 0.05)
    print(f"incidence compared, {n} and {m}, {censored} censored: {wrong:.3f}")
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


@pytest.mark.parametrize("count", [3, 8, 16])
def test_the_level_is_kept_over_configurations(count):
    generator, groups, p = np.random.default_rng(4), np.repeat(range(count), 8), []
    for _ in range(400):
        arms = [draw(generator, 8 * count, generator.beta(0.4, 0.6, count)[groups], 0.5, 0.2) for _ in range(2)]
        p.append(compare(arms, "collapsed", [groups, groups])[2])
    print(f"incidence compared over {count} configurations: {np.mean(np.array(p) <= 0.05):.3f}")
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
