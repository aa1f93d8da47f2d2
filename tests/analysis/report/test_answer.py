"""The sentences, against what the numbers allow to be said."""

from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.record.schema import OUTCOMES
from analysis.report.answer import answer
from analysis.report.findings import Measured
from analysis.results.compare import ArmOutcomes, ArmQuality
from analysis.results.effects import Effect, Shift
from analysis.results.pairs import compared
from analysis.results.survival import Survival
from analysis.results.unbegun import Unbegun
from analysis.statistics.intervals import Interval
from analysis.statistics.restricted_mean import RestrictedMean

CONFIG = {"scientific": {"objective": ["a", "b"], "model": ["gan"]}, "data": {"name": "ring", "modes": 8}}


def arm(name, converged, low, high, n=16):
    shares = {one: Interval(0.0, 0.0, 0.2, n, "Wilson", "seeds") for one in OUTCOMES if one != "failed"}
    shares["converged"] = Interval(converged, low, high, n, "Wilson", "seeds")
    return ArmOutcomes(name, n, 1, 0, 0, shares)


def unjudged(name, n):
    """Of an arm whose evaluations are lost."""
    nothing = Interval(np.nan, np.nan, np.nan, 0, "Wilson", "seeds")
    return ArmOutcomes(name, 0, 0, 0, 0, dict.fromkeys(arm(name, 0.0, 0.0, 0.2).probabilities, nothing), n)


def quality(name, median, floor=0.001):
    interval = Interval(median, median / 2, median * 2, 16, "bootstrap", "seeds")
    return ArmQuality(
        name, "fid", "min", "confirm", 16, 1, 0, 0, 0, 0, 0, floor, interval, interval, np.zeros(16), np.zeros(16, int),
        ("",) * 16,
    )  # fmt: skip


def effect(a, b, estimate, p_holm, null=0.5, shift=None):
    interval = Interval(estimate, estimate - 0.1, estimate + 0.1, 32, "by hand", "seeds")
    found = shift and Shift("ratio", Interval(shift, shift / 2, 2 * shift, 32, "by hand", "seeds"))
    return Effect(a, b, 16, 16, interval, null, p_holm, p_holm, found)


def comparison(arms, told=(), subject="fid", null=0.5, estimate=0.75):
    """Every arm is ahead of those after it; `told` are the pairs told apart, "ab" of a and b."""
    pairs = [
        effect(a, b, estimate, 0.01 if a + b in told else 0.3, null, 0.5 if subject == "fid" else None)
        for a, b in combinations(arms, 2)
    ]
    return compared(pairs, arms, subject, "confirm", "replica", "a test", 0.05)


def lasting(told=(), arms="abc", events=3, estimate=30.0, clock="updates"):
    """The time to failure of 16 replicas of each arm until step 1,000, `events` of which failed in each."""
    horizon, ends = (1.0, (0.9, 0.8, 1.0)) if clock == "budget" else (1000.0, (900.0, 800.0, 950.0))
    mean = Interval(*ends, 16, "by hand", "seeds")
    means = tuple(RestrictedMean(arm, "failure", horizon, mean, 1.0) for arm in arms)
    curves = tuple(SimpleNamespace(n=16, events=events) for _ in arms)
    return Survival(
        "failure", "confirm", curves, None, (), clock, means, comparison(arms, told, "failure", 0.0, estimate)
    )


def findings(unmeasured=(), quality=(), comparison=None, **changes):
    settings = {
        "record": SimpleNamespace(about={"config": CONFIG}),
        "measured": (Measured("fid", "min", tuple(unmeasured), tuple(quality), comparison, ()),),
        "phase": "confirm", "searches": {"a": 1}, "arms": (), "all_arms": 0, "rates": {}, "same_within": None,
        "outcomes": {"confirm": [], "search": []}, "survival": (), "selection_bias": (), "standings": (),
        "one_data_set": True, "crossing": None, "chosen": (), "unbegun": (), "overview": {},
    }  # fmt: skip
    return SimpleNamespace(**{**settings, **changes})


def said(**changes):
    return [sentence.replace("\u00a0", " ") for sentence in answer(findings(**changes)).found]


def test_how_often_samples_are_of_the_class_asked_for_is_said_where_quality_does_not_see_it():
    fidelity = (quality("cgan", 0.121, floor=0.994), replace(quality("gan", np.nan), n=0))
    shares = (SimpleNamespace(relative=np.ones((2, 3, 10))),)
    caveats = answer(findings(overview={"label_fidelity": fidelity}, shares=shares)).caveats
    assert [one for one in caveats if "label fidelity" in one] == [
        "None of this sees whether samples are of the class that was asked for, or translations of that of their"
        " partner. The share that is (label fidelity), in the median over replicas: 0.121 of cgan; of fresh real"
        " samples, 0.994; of one that ignores what is asked and makes 10 classes alike, 0.100."
    ]
    seen = (Measured("class_fid", "min", (), (), None, ()),)
    assert not any("fidelity" in one for one in answer(findings()).caveats)
    by_class = answer(findings(overview={"label_fidelity": fidelity}, shares=shares, measured=seen))
    assert not any("fidelity" in one for one in by_class.caveats)


def outcomes(*arms, phase="confirm"):
    return {"confirm": [], "search": [], phase: list(arms)}


def test_the_question_names_what_is_varied_and_on_what():
    place = "on the data set “ring” (modes 8)?"
    one = f"One search chose a configuration for each choice of objective: which of them trains most stably {place}"
    assert answer(findings()).question == one
    several = answer(findings(searches={"a": 3, "c": 3})).question
    assert several.startswith(f"Which choice of objective, tuned by its search, trains most stably {place}")
    assert answer(findings(phase="search")).question == f"Which choice of objective trains most stably {place}"


def test_arms_that_are_no_product_are_asked_for_by_name():
    about = {"config": {**CONFIG, "scientific": [{"name": "WGAN"}, {"name": "R3GAN"}]}}
    asked = {"record": SimpleNamespace(about=about), "arms": ("WGAN", "R3GAN")}
    place = "on the data set “ring” (modes 8)?"
    assert answer(findings(**asked)).question == (
        f"One search chose a configuration for each of WGAN and R3GAN: which of them trains most stably {place}"
    )
    tuned = answer(findings(**asked, searches={"WGAN": 3, "R3GAN": 3})).question
    assert tuned.startswith(f"Which of WGAN and R3GAN, tuned by its search, trains most stably {place}")
    asked["arms"] = tuple("abcdefg")
    assert answer(findings(**asked, phase="search")).question == f"Which arm trains most stably {place}"


def test_studies_joined_ask_together():
    def joined(*configs):
        about = {"joined": [{"study": name, "config": one} for name, one in zip("xyz", configs, strict=False)]}
        return answer(findings(record=SimpleNamespace(about=about), searches={"x/a": 2})).question

    expected = (
        "Which arm of the studies x and y, tuned by its search, trains most stably on the data set “ring” (modes 8)?"
        " There were 2 searches of each."
    )
    assert joined(CONFIG, CONFIG) == expected
    assert joined(CONFIG, {"data": "digits"}).endswith(
        "on the data set “ring” (modes 8) and the data set “digits”? There were 2 searches of each."
    )


def test_a_study_of_one_arm_asks_how_stable_it_is():
    about = {"config": {"scientific": {"objective": ["a"]}, "data": "digits"}}
    asked = answer(findings(record=SimpleNamespace(about=about))).question
    assert asked == "How stably does this configuration train, on the data set “digits”?"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"name": "arrays", "path": "/home/me/moons.npy", "classes": 0}, "“moons.npy”"),
        ({"name": "images", "root": "/home/me/shapes", "size": 16, "classes": 2}, "“shapes” (size 16, classes 2)"),
        ({"name": "cifar10", "root": "/data/torchvision", "classes": 10}, "“cifar10” (classes 10)"),
    ],
)
def test_data_of_ones_own_are_called_by_their_file(data, name):
    about = {"config": {**CONFIG, "data": data}}
    assert answer(findings(record=SimpleNamespace(about=about))).question.endswith(f"on the data set {name}?")


def test_without_a_result_nothing_is_said():
    assert said() == ["No trial has ended yet; nothing can be said."]
    lost = said(outcomes=outcomes(unjudged("a", 4)))
    assert lost == ["What became of the 4 replicas that ended cannot be told; nothing can be said."]


def converged(arms, *told, estimate=0.3):
    return {"converged": comparison(arms, told, "converged", 0.0, estimate)}


BEST, NEAR, FAR = arm("a", 0.9375, 0.72, 0.99), arm("b", 0.8, 0.55, 0.93), arm("c", 0.1, 0.02, 0.3)
LEAD = (
    "The chosen configuration of a converged most often on fresh seeds: 15 of 16 replicas, 94 % [72 %, 99 %], 30 [20,"
    " 40] percentage points more than that of b;"
)


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        (
            ("ac",),
            "it is told apart from that of c (p = 0.010 after Holm’s correction), and cannot be told apart from that of"
            " b.",
        ),
        (("ab", "ac"), "it is told apart from every other (p ≤ 0.010 after Holm’s correction)."),
        (("bc",), "told apart are b from c (p = 0.010 after Holm’s correction)."),
        ((), "no two can be told apart."),
    ],
)
def test_the_most_stable_arm_comes_with_what_it_is_told_apart_from(told, ending):
    assert said(outcomes=outcomes(BEST, NEAR, FAR), rates=converged("abc", *told)) == [f"{LEAD} {ending}"]


def test_an_arm_whose_budget_was_too_short_to_tell_is_named():
    slow = ended("c", learning=12, hopping=4)
    expected = (
        "Still learning when the budget ended were 12 of 16 replicas of the chosen configuration of c: a longer one"
        " might change this."
    )
    assert said(outcomes=outcomes(BEST, slow), rates=converged("ac", "ac"))[1] == expected
    half = said(outcomes=outcomes(BEST, ended("c", learning=8, hopping=8)), rates=converged("ac", "ac"))
    assert not any("Still learning" in sentence for sentence in half)


def test_replicas_that_stalled_near_the_worst_are_said_to_need_a_longer_budget():
    one = Unbegun("a", 12, 16, "mass_js", 0.6931, 0.65, 0.34)
    lead = "Stalled are called 12 of 16 replicas of a whose JS of where the mass lies is still at 0.650, where 0.693 is"
    told = " ".join(answer(findings(unbegun=(one,))).caveats).replace("\u00a0", " ")
    assert f"{lead} the worst: with a longer budget they might begin. Half of the replicas that converged" in told
    assert "converged were below half of the worst by 34 % of theirs." in told
    more = Unbegun("a", 12, 16, "coverage", 0.0, 0.0, 0.34)
    told = " ".join(answer(findings(unbegun=(more,))).caveats).replace("\u00a0", " ")
    assert "whose coverage is still at 0, where 0 is the worst: with a longer budget they might begin." in told
    assert "converged were above it by 34 % of theirs." in told
    unknown = " ".join(answer(findings(unbegun=(replace(one, begun=float("nan")),))).caveats)
    assert "they might begin." in unknown
    assert "Half of the replicas" not in unknown


def test_other_outcomes_in_which_arms_are_told_apart_are_said():
    rates = converged("ab") | {"diverged": comparison("ab", ("ab",), "diverged", 0.0, 0.3)}
    assert said(outcomes=outcomes(BEST, NEAR), rates=rates)[1] == (
        "In other outcomes, each tested at 5 % over its pairs, some are told apart: diverged (a less often than b by"
        " 30 [20, 40] percentage points)."
    )


def test_of_two_arms_the_p_is_said():
    assert said(outcomes=outcomes(BEST, FAR), rates=converged("ac", "ac"))[0].endswith(
        "; the two are told apart (p = 0.010)."
    )
    assert said(outcomes=outcomes(BEST, FAR), rates=converged("ac"))[0].endswith("; the two cannot be told apart.")


def test_of_repeated_searches_and_of_a_search_the_arms_are_spoken_of():
    (sentence,) = said(outcomes=outcomes(BEST, FAR), rates=converged("ac"), searches={"a": 3, "c": 3})
    assert sentence.startswith("a converged most often on fresh seeds")
    assert sentence.endswith("30 [20, 40] percentage points more than c; the two cannot be told apart.")
    assert "configuration" not in sentence


def test_the_same_share_is_not_called_equal():
    first, second = arm("a", 0.5, 0.3, 0.7), arm("b", 0.5, 0.3, 0.7)
    found = answer(findings(outcomes=outcomes(first, second), rates=converged("ab", estimate=0.0)))
    assert found.found[0].replace("\u00a0", " ") == (
        "All 2 chosen configurations converged in the same share of replicas on fresh seeds, 50 % [30 %, 70 %]; the two"
        " cannot be told apart."
    )
    assert "That two cannot be told apart does not show them to be equal: these data do not decide." in found.caveats
    (sentence,) = said(outcomes=outcomes(first, second, arm("c", 0.2, 0.1, 0.4)), rates=converged("abc"))
    assert sentence.startswith("The chosen configurations of a and b converged most often")


def test_arms_that_were_not_confirmed_are_not_spoken_for():
    first, second = arm("a", 0.5, 0.3, 0.7), arm("b", 0.5, 0.3, 0.7)
    found = answer(findings(outcomes=outcomes(first, second), arms=("a", "b", "c")))
    assert found.found[0].startswith("All 2 chosen configurations converged in the same share")
    assert "Not confirmed, and therefore in the search's results alone: c." in found.caveats
    found = answer(findings(outcomes=outcomes(first, second), arms=("a", "b", *"cdefg")))
    assert "Not confirmed, and therefore in the search's results alone: 5 of the 7 arms." in found.caveats
    lost = outcomes(first, second, unjudged("c", 4))  # it was confirmed
    for found in (
        answer(findings(outcomes=outcomes(first, second), arms=("a", "b"))),
        answer(findings(outcomes=lost, arms=("a", "b", "c"))),
    ):
        assert not any("Not confirmed" in caveat for caveat in found.caveats)


def test_what_repeats_would_add_is_said_where_each_arm_was_searched_once():
    one, three = (answer(findings(outcomes=outcomes(BEST, FAR), searches={"a": count})).caveats for count in (1, 3))
    assert one[0].startswith("Each arm was searched once, so that all of this is true of the configurations")
    assert "With search.repeats: 3 or more" in one[0]
    assert not any("With search.repeats: 3 or more" in caveat for caveat in three)
    assert three[0].startswith("There were 3 searches of each arm")


def test_a_study_that_asks_for_repeats_and_was_interrupted_is_not_told_to_ask_for_them():
    about = {"config": {**CONFIG, "search": {"repeats": 2}}}
    found = answer(findings(record=SimpleNamespace(about=about), outcomes=outcomes(BEST, FAR)))
    assert "The configuration asks for 2 searches of each (search.repeats), of which so far one has" in found.caveats[0]
    assert "search.repeats: 3" not in found.caveats[0]


def test_where_the_scheduler_stopped_every_replica_nothing_can_be_said():
    """S7 of the shared cases: it was said that no arm was stable."""
    stopped = outcomes(ended("a", truncated=16), ended("b", truncated=2, n=2), phase="search")
    assert said(phase="search", outcomes=stopped) == [
        "18 replicas ended, and the scheduler stopped every one before its budget: nothing can be said yet of how they"
        " would have ended."
    ]


def test_where_the_scheduler_stopped_most_the_few_that_were_left_are_not_spoken_of_as_the_arms():
    stopped = outcomes(ended("a", truncated=16), ended("b", truncated=1, diverged=1, n=2), phase="search")
    assert said(phase="search", outcomes=stopped) == [
        "The scheduler stopped 17 of 18 replicas over the search before their budget. Of the 1 left none converged (1"
        " diverged): so few say nothing of how the arms would have ended."
    ]


def test_shares_of_replicas_that_were_stopped_are_not_compared():
    some = replace(arm("a", 0.5, 0.3, 0.7), probabilities=dict(ended("a", truncated=4).probabilities))
    some.probabilities["converged"] = Interval(0.5, 0.3, 0.7, 16, "Wilson", "both")
    (sentence,) = said(phase="search", outcomes=outcomes(some, arm("b", 0.25, 0.1, 0.5), phase="search"))
    assert sentence == (
        "12 of 32 replicas converged over the search, 8 of 16 of a and 4 of 16 of b. 4 replicas that the scheduler"
        " stopped count as not converged, and yet might have: such shares are not compared."
    )


def test_of_one_arm_whose_replicas_were_stopped_and_of_many_only_the_count_is_said():
    some = replace(arm("a", 0.5, 0.3, 0.7), probabilities=dict(ended("a", truncated=1).probabilities))
    some.probabilities["converged"] = Interval(0.5, 0.3, 0.7, 16, "Wilson", "both")
    ending = "1 replica that the scheduler stopped counts as not converged, and yet might have"
    assert said(phase="search", outcomes=outcomes(some, phase="search")) == [
        f"8 of 16 replicas converged over the search. {ending}."
    ]
    others = [arm(name, 0.25, 0.1, 0.5) for name in "bcde"]
    assert said(phase="search", outcomes=outcomes(some, *others, phase="search")) == [
        f"24 of 80 replicas converged over the search. {ending}: such shares are not compared."
    ]


def test_an_arm_that_the_scheduler_stopped_whole_does_not_lose_to_the_other():
    stopped, scored = outcomes(ended("a", truncated=16), arm("b", 0.5, 0.3, 0.7), phase="search"), comparison("ab")
    found = answer(
        findings(phase="search", outcomes=stopped, quality=(quality("a", 0.1), quality("b", 0.2)), comparison=scored)
    )
    assert found.found[0] == (
        "8 of 32 replicas converged over the search, 0 of 16 of a and 8 of 16 of b. 16 replicas that the scheduler"
        " stopped count as not converged, and yet might have: such shares are not compared."
    )
    assert not any("Converged most often" in caveat for caveat in found.caveats)


NONE = "No chosen configuration converged: not one of 32 replicas on fresh seeds settled near the data"


def ended(name, n=16, **counts):
    """An arm of `n` replicas none of which converged."""
    shares = {one: Interval(counts.get(one, 0) / n, 0.0, 1.0, n, "Wilson", "seeds") for one in OUTCOMES}
    return ArmOutcomes(name, n, 1, 0, 0, {one: share for one, share in shares.items() if one != "failed"})


def test_a_sentence_goes_on_after_the_comma_that_it_opened():
    (sentence,) = said(outcomes=outcomes(ended("a", stalled=16), ended("b", stalled=16)), searches={"a": 2, "b": 2})
    assert "not one of 32 replicas on fresh seeds, over 2 searches, settled near the data" in sentence


def test_where_none_converged_what_they_did_instead_is_said_the_most_frequent_first():
    (sentence,) = said(outcomes=outcomes(ended("a", stalled=10, collapsed=6), ended("b", stalled=5, diverged=11)))
    assert sentence == f"{NONE} (15 stalled, 11 diverged, 6 collapsed)."
    every = {"oscillating": 5, "hopping": 4, "frozen": 3, "truncated": 3, "learning": 1}
    (sentence,) = said(outcomes=outcomes(ended("a", **every), ended("b", stalled=16)))
    assert sentence == (
        f"{NONE} (16 stalled, 5 oscillated, 4 hopped from mode to mode, 3 froze, 3 were stopped early, 1 was still"
        " learning)."
    )


def test_where_most_were_still_learning_a_longer_budget_is_suggested():
    (sentence,) = said(outcomes=outcomes(ended("a", learning=16), ended("b", learning=1, stalled=15)))
    assert sentence == f"{NONE} (17 were still learning, 15 stalled). A longer budget might change that."
    (sentence,) = said(outcomes=outcomes(ended("a", learning=16), ended("b", stalled=16)))
    assert sentence == f"{NONE} (16 stalled, 16 were still learning)."


def test_where_all_were_still_learning_nothing_is_said_of_their_stability():
    (sentence,) = said(outcomes=outcomes(ended("a", learning=16), ended("b", learning=16)))
    assert sentence == (
        f"{NONE}; all were still learning when their budget ended, which says nothing of their stability."
    )


def test_the_search_alone_makes_a_provisional_answer():
    found = answer(findings(phase="search", outcomes=outcomes(arm("a", 0.5, 0.3, 0.7), phase="search")))
    assert "over the search" in found.found[0]
    assert found.caveats[0].startswith("Provisional: there are no results on fresh seeds")


@pytest.mark.parametrize("phase", ["search", "confirm"])
def test_where_nothing_was_searched_an_arm_is_its_configuration_and_nothing_is_provisional(phase):
    about = {"config": CONFIG, "searched": {"a": [], "b": []}}
    both = outcomes(arm("a", 0.5, 0.3, 0.7), arm("b", 0.2, 0.1, 0.4), phase=phase)
    found = answer(findings(phase=phase, outcomes=both, record=SimpleNamespace(about=about)))
    where = "over all seeds" if phase == "search" else "on fresh seeds"
    assert found.found[0].startswith(f"a converged most often {where}: 8 of 16 replicas")
    assert found.caveats[0].startswith("Each arm is one configuration: nothing was searched")
    assert found.question.startswith("Which choice of objective trains")
    about["searched"]["b"] = ["generator_lr"]
    assert (
        not answer(findings(phase=phase, outcomes=both, record=SimpleNamespace(about=about)))
        .caveats[0]
        .startswith("Each arm is one")
    )


def test_a_typical_difference_of_nothing_is_said_in_words():
    pair = replace(
        comparison("ab").pairs[0], shift=Shift("difference", Interval(0.0, 0.0, 0.0, 32, "by hand", "seeds"))
    )
    level = compared([pair], "ab", "fid", "confirm", "replica", "a test", 0.05)
    sentences = said(quality=[quality("a", 1.0), quality("b", 1.0)], comparison=level)
    assert any("with probability 75 % [65 %, 85 %], its value typically the same. It" in one for one in sentences)


AHEAD = (
    "a replica of it is better than one of b, the next, with probability 75 % [65 %, 85 %], its value 0.50 [0.25,"
    " 1.00] times as large."
)
MEDIAN = " It has a median of 0.0100 [0.0050, 0.0200] (real data: 0.00100)."
OF_A = "In quality (Fréchet distance) the chosen configuration of a is ahead of every other: "
HOLM = "(p ≤ 0.010 after Holm’s correction)"
OF_ONE = HOLM.replace("≤", "=")
LEADS = "In quality (Fréchet distance) ahead in these data is the chosen configuration of a: "


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            (),
            "In quality (Fréchet distance) no two can be told apart; ahead in these data is the chosen configuration of"
            f" a: {AHEAD}{MEDIAN}",
        ),
        (("ab", "ac"), f"{OF_A}{AHEAD} It is told apart from every other {HOLM}.{MEDIAN}"),
        (
            ("ac",),
            f"{LEADS}{AHEAD} It is told apart from that of c {OF_ONE}, and cannot be told apart from that of"
            f" b.{MEDIAN}",
        ),
        (("bc",), f"{LEADS}{AHEAD} Told apart are b from c {OF_ONE}.{MEDIAN}"),
    ],
)
def test_quality_claims_no_more_than_the_tests(told, expected):
    arms = [quality("a", 0.01), quality("b", 0.02), quality("c", 0.03)]
    (sentence,) = said(quality=arms, comparison=comparison("abc", told))
    assert sentence == expected


def test_the_p_is_that_of_the_pairs_that_the_sentence_names():
    """Another pair's is larger, and was quoted."""
    arms = [quality("a", 0.01), quality("b", 0.02), quality("c", 0.03)]
    pairs = [effect("a", "b", 0.75, 0.2), effect("a", "c", 0.75, 0.023), effect("b", "c", 0.75, 0.03)]
    found = compared(pairs, "abc", "fid", "confirm", "replica", "a test", 0.05)
    (sentence,) = said(quality=arms, comparison=found)
    assert "It is told apart from that of c (p = 0.023 after Holm’s correction), and cannot be" in sentence
    assert "0.030" not in sentence


@pytest.mark.parametrize(
    ("scale", "ends", "expected"),
    [
        ("ratio", (1.0, 0.0, np.inf), "with probability 75 % [65 %, 85 %]. It has"),
        ("ratio", (1.0, 0.5, np.inf), "its value 1.00 [0.50, ∞] times as large."),
        ("difference", (-0.2, -0.3, 0.1), "its value lower by 0.20 [−0.10, 0.30]."),
        ("difference", (0.2, 0.1, 0.3), "its value higher by 0.20 [0.10, 0.30]."),
        ("difference", (0.2, -np.inf, np.inf), "with probability 75 % [65 %, 85 %]. It has"),
    ],
)
def test_by_how_much_is_said_with_its_direction_and_not_where_there_is_no_bound(scale, ends, expected):
    apart = Shift(scale, Interval(*ends, 32, "by hand", "seeds"))
    found = compared(
        [replace(effect("a", "b", 0.75, 0.3), shift=apart)], "ab", "fid", "confirm", "replica", "a test", 0.05
    )
    (sentence,) = said(quality=[quality("a", 0.01), quality("b", 0.02)], comparison=found)
    assert expected in sentence


def test_what_told_apart_means_is_said_where_some_are():
    meant = "Two are told apart where a test finds that they differ, at 5 % for all pairs of a question together."

    def caveats(*told):
        return [one.replace("\u00a0", " ") for one in answer(findings(rates=converged("ab", *told))).caveats]

    assert meant in caveats("ab")
    assert meant not in caveats()


def test_where_no_arm_has_begun_nobody_is_ahead_and_the_frechet_distances_are_said():
    """Medians of 0.629 and 0.633 of at most 0.693 made a winner, whose Fréchet distance was far larger."""
    far = [
        replace(quality(name, at, floor=0.002), metric="mass_js", values=np.array([at, at + 0.01]))
        for name, at in (("a", 0.629), ("b", 0.633))
    ]
    found = findings(
        measured=(Measured("mass_js", "min", (), tuple(far), comparison("ab", ("ab",)), ()),),
        overview={"fid": (quality("a", 3.1), quality("b", 0.0172))},
    )
    (sentence,) = answer(found).found
    assert sentence == (
        "In quality (JS of where the mass lies, from 0, as the data's, to 0.693, all astray) no chosen configuration"
        " has begun, and nobody is ahead: the best replica of all is at 0.629, near the worst. A longer budget might"
        " change that. What far-off samples can differ in is the Fréchet distance: medians of 3.10 of a and 0.0172 of"
        " b, not tested here."
    )
    hopped = outcomes(ended("a", hopping=2, stalled=14), ended("b", stalled=16))
    moved = answer(findings(measured=found.measured, outcomes=hopped)).found[-1]
    assert "begun" not in moved
    assert "nobody is ahead" in answer(findings(measured=found.measured, outcomes=outcomes(unjudged("a", 4)))).found[0]
    assert "all astray) nobody is ahead: the best replica of all is at 0.629, near the worst." in moved
    near = replace(far[1], values=np.array([0.1, 0.2]))
    begun = findings(measured=(Measured("mass_js", "min", (), (far[0], near), comparison("ba", ("ba",)), ()),))
    assert "has begun" not in answer(begun).found[0]


@pytest.mark.parametrize(("metric", "mode", "worst"), [("mass_js", "min", np.inf), ("coverage", "max", -np.inf)])
def test_a_longer_budget_is_no_advice_where_every_replica_diverged(metric, mode, worst):
    fell = tuple(replace(quality(name, worst), metric=metric, mode=mode, values=np.full(8, worst)) for name in "ab")
    found = findings(measured=(Measured(metric, mode, (), fell, comparison("ab", estimate=0.5), ()),))
    said = " ".join(answer(found).found)
    assert "neither is ahead of the other; the two cannot be told apart" in said
    assert "begun" not in said
    assert "longer budget" not in said


def test_where_all_tie_at_the_worst_of_what_is_maximised_nobody_has_begun():
    tied = tuple(replace(quality(name, 0.0), metric="coverage", values=np.array([0.0, -np.inf])) for name in "ab")
    found = findings(
        measured=(Measured("coverage", "max", (), tied, comparison("ab"), ()),),
        overview={"fid": (quality("a", 3.1), quality("b", 0.0172))},
    )
    (sentence,) = answer(found).found
    assert sentence == (
        "In quality (coverage) no chosen configuration has begun, and nobody is ahead: the best replica of all is at 0,"
        " the worst. A longer budget might change that. What far-off samples can differ in is the Fréchet distance:"
        " medians of 3.10 of a and 0.0172 of b, not tested here."
    )
    ahead = replace(tied[1], values=np.array([0.0, 0.2]))
    begun = findings(measured=(Measured("coverage", "max", (), (tied[0], ahead), comparison("ba"), ()),))
    assert "has begun" not in answer(begun).found[0]


def test_where_none_is_ahead_of_every_other_nobody_is_called_the_best():
    arms = [quality("a", 0.01), quality("b", 0.02), quality("c", 0.03)]
    circle = [effect("a", "b", 0.6, 0.01), effect("b", "c", 0.6, 0.3), effect("a", "c", 0.45, 0.3)]
    found = compared(circle, "abc", "fid", "confirm", "replica", "a test", 0.05)
    assert said(quality=arms, comparison=found) == [
        "In quality (Fréchet distance) no chosen configuration is ahead of every other: a, ahead of most, is behind c;"
        f" told apart are a from b {OF_ONE}."
    ]
    level = comparison("abc", estimate=0.5)
    assert said(quality=arms, comparison=level) == [
        "In quality (Fréchet distance) no chosen configuration is ahead of another; no two can be told apart."
    ]
    (sentence,) = said(quality=arms[:2], comparison=comparison("ab", estimate=0.5))
    assert sentence.endswith("neither is ahead of the other; the two cannot be told apart.")


def test_an_unknown_floor_is_not_mentioned():
    (sentence,) = said(quality=[quality("a", 0.01, floor=np.nan)])
    assert sentence == "The chosen configuration of a has a median Fréchet distance of 0.0100 [0.0050, 0.0200]."


def test_what_stays_told_apart_when_all_is_corrected_together_is_said():
    arms = [quality("a", 0.01), quality("b", 0.02)]
    both = {"outcomes": outcomes(BEST, FAR), "quality": arms}
    *_, last = said(**both, rates=converged("ab", "ab"), comparison=comparison("ab", ("ab",)))
    assert last == (
        "Each of convergence and quality is tested at 5 % over its pairs; what is told apart stays so when all 2 tests"
        " are corrected together."
    )
    weak = compared([effect("a", "b", 0.7, 0.04)], "ab", "fid", "confirm", "replica", "a test", 0.05)
    *_, last = said(**both, rates=converged("ab"), comparison=weak)
    assert last.endswith("when all 2 tests are corrected together, nothing remains told apart.")
    *_, last = said(**both, rates=converged("ab", "ab"), comparison=weak)
    assert last.endswith("what is told apart stays so when all 2 tests are corrected together.")
    assert len(said(**both, rates=converged("ab"), comparison=comparison("ab"))) == 2


def test_times_to_failure_are_told_apart_by_their_means():
    lead = (
        "Until step 1\u202f000 the chosen configuration of a went longest without failure (divergence, freezing or a"
        " collapse that lasts): 900 [800, 950] updates on average, 30.0 [29.9, 30.1] updates more than that of b;"
    )
    assert said(survival=(lasting(),)) == [f"{lead} no two can be told apart."]
    assert said(survival=(lasting(("ac",)),)) == [
        f"{lead} it is told apart from that of c {OF_ONE}, and cannot be told apart from that of b."
    ]
    (sentence,) = said(survival=(lasting(estimate=0.0),))
    assert sentence.endswith("no chosen configuration is ahead of another; no two can be told apart.")
    (sentence,) = said(survival=(lasting(clock="budget"),))
    assert sentence.startswith("Until 100 % of the budget the chosen configuration of a went longest")
    assert "90 % [80 %, 100 %] of the budget on average" in sentence


def test_no_event_is_said_in_words():
    """Of replicas on fresh seeds, as some of the search may have failed nevertheless."""
    (sentence,) = said(survival=(lasting(events=0),))
    assert sentence == "On fresh seeds no replica diverged, froze or collapsed for good."
    (sentence,) = said(survival=(lasting(events=0),), phase="search", outcomes=outcomes(phase="search"))
    assert sentence == "No replica diverged, froze or collapsed for good."


def test_times_are_corrected_with_the_others():
    *_, last = said(survival=(lasting(("ab",), "ab"),), outcomes=outcomes(BEST, FAR), rates=converged("ab"))
    assert last.startswith("Each of convergence and the time to failure is tested at 5 % over its pairs")


def test_biased_winners_and_unmeasured_arms_are_caveats():
    winners = tuple(
        SimpleNamespace(arm=name, biased=biased) for name, biased in (("a", True), ("c", True), ("c", False))
    )
    caveats = answer(findings(selection_bias=winners, unmeasured=("b",))).caveats
    expected = "Selection bias: of the chosen configurations that of a and 1 of 2 of c scored worse on fresh seeds"
    assert any(expected in caveat for caveat in caveats)
    assert any("fid was not measured in b" in caveat for caveat in caveats)


def test_an_arm_that_settles_on_bad_samples_is_not_praised_alone():
    stable = outcomes(arm("a", 1.0, 0.8, 1.0), arm("b", 0.6, 0.4, 0.8))
    told = {"quality": (quality("b", 0.005), quality("a", 0.2)), "comparison": comparison("ba", ("ba",))}
    caveat = answer(findings(outcomes=stable, **told)).caveats[0]
    assert caveat == "Converged most often is not best: a has a median Fréchet distance of 0.200, b one of 0.00500."
    alike = {**told, "comparison": comparison("ba")}
    assert not answer(findings(outcomes=stable, **alike)).caveats[0].startswith("Converged most often")
    none = outcomes(arm("a", 0.0, 0.0, 0.2), arm("b", 0.0, 0.0, 0.2))
    assert not answer(findings(outcomes=none, **told)).caveats[0].startswith("Converged most often")


def narrow(a, b, width, subject):
    """A pair whose interval is so wide about no difference."""
    null = 0.0 if subject == "converged" else 0.5
    likely = Interval(null, null - width, null + width, 32, "by hand", "seeds")
    ratio = Shift("ratio", Interval(1.0, 1 - width, 1 + width, 32, "by hand", "seeds"))
    pair = Effect(a, b, 16, 16, likely, null, 1.0, 1.0, None if subject == "converged" else ratio)
    return compared([pair], a + b, subject, "confirm", "replica", "a test", 0.05)


def test_the_same_within_a_margin_is_said_where_it_was_asked_and_shown():
    arms = [quality("a", 0.01), quality("b", 0.02)]
    given = {"outcomes": outcomes(BEST, NEAR), "quality": arms, "comparison": narrow("a", "b", 0.2, "fid")}
    meant = "within 5 % (percentage points of shares, of the budget, quality by a factor of 1.05)"
    asked = {**given, "rates": {"converged": narrow("a", "b", 0.04, "converged")}, "same_within": 0.05}
    assert said(**asked)[-1] == f"Shown to be the same {meant} are in convergence a with b."
    wide = {**asked, "rates": {"converged": narrow("a", "b", 0.3, "converged")}}
    assert said(**wide)[-1] == (
        f"No two are shown to be the same {meant}: that takes narrower intervals, and so more replicas."
    )
    assert not any("same within" in sentence for sentence in said(**{**asked, "same_within": None}))


def test_a_better_median_of_an_arm_that_is_behind_is_explained():
    told = {"quality": (quality("b", 1.1), quality("a", 1.0)), "comparison": comparison("ba", ("ba",))}
    caveat = answer(findings(**told)).caveats[0]
    assert caveat.startswith("By its median a would be ahead of b (1.00 against 1.10), but taken one against one its")


def test_what_could_not_be_measured_is_no_divergence_and_said():
    lost = [replace(quality("a", 0.01), unmeasured=2), quality("b", 0.02)]
    caveats = answer(findings(quality=lost, comparison=comparison("ab"))).caveats
    assert "Replicas whose fid could not be measured, left out of quality: 2 of a." in caveats


def test_an_arm_of_which_no_configuration_is_allowed_is_said_to_be_one():
    searches = [SimpleNamespace(arm=name, barred=name == "b") for name in "abb"]
    (one,) = [caveat for caveat in answer(findings(chosen=searches)).caveats if "diverged_at_most" in caveat]
    assert one.startswith(
        "Of b what was chosen had diverged in more replicas of the search than search.diverged_at_most"
    )
    assert not any("diverged_at_most" in caveat for caveat in answer(findings(chosen=searches[:1])).caveats)


def test_a_bracket_that_takes_in_no_difference_though_two_are_told_apart_is_explained():
    def caveats(estimate):
        told = comparison("ab", ("ab",), estimate=estimate)
        return " ".join(answer(findings(quality=[quality("a", 1.0), quality("b", 2.0)], comparison=told)).caveats)

    assert "that of two told apart may take in no difference, or end at it" in caveats(0.55)
    assert "Two are told apart where" in caveats(0.75)
    assert "may take in no difference" not in caveats(0.75)


def test_a_floor_of_fewer_points_than_samples_is_a_caveat():
    about = {"config": {**CONFIG, "evaluation": {"samples": 100}}, "floor": {"fid": 35.5}, "floor_samples": 30}
    assert [
        said for said in answer(findings(record=SimpleNamespace(about=about))).caveats if "30 points held out" in said
    ]
    assert not [said for said in answer(findings()).caveats if "held out" in said]


@pytest.mark.parametrize(("ranks", "first"), [((1.5, 1.5), False), ((1.0, 2.0), True)])
def test_a_tie_of_all_over_data_sets_is_not_the_shortest_answer(ranks, first):
    over = SimpleNamespace(
        endpoint="quality", unit="data set", units=("x", "y"), arms=("a", "b"), needed=6, drawn_alike=(),
        test=SimpleNamespace(average_ranks=ranks),
    )  # fmt: skip
    found = said(standings=(over,), outcomes=outcomes(ended("a", stalled=16), ended("b", stalled=16)))
    assert [sentence.startswith("Over 2 data sets") for sentence in found] == [first, not first]
