"""The sentences, against what the numbers allow to be said."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.record.schema import OUTCOMES
from analysis.report.answer import answer
from analysis.results.compare import ArmOutcomes, ArmQuality
from analysis.results.pairs import Comparison
from analysis.results.survival import LogRank, Survival
from analysis.statistics.intervals import Interval

CONFIG = {"scientific": {"objective": ["a", "b"], "model": ["gan"]}, "data": {"name": "ring", "modes": 8}}


def arm(name, converged, low, high, n=16):
    shares = {one: Interval(0.0, 0.0, 0.2, n, "Wilson", "seeds") for one in OUTCOMES if one != "failed"}
    shares["converged"] = Interval(converged, low, high, n, "Wilson", "seeds")
    return ArmOutcomes(name, n, 1, 0, 0, shares)


def quality(name, median, floor=0.001):
    interval = Interval(median, median / 2, median * 2, 16, "bootstrap", "seeds")
    return ArmQuality(
        name, "fid", "min", "confirm", 16, 1, 0, 0, 0, 0, 0, floor, interval, interval, np.zeros(16), np.zeros(16, int)
    )


def comparison(arms, indistinguishable):
    return Comparison("fid", "min", "confirm", "replica", "brunner_munzel", 0.05, arms, arms[0], indistinguishable, ())


def rank(arms, p):
    return LogRank(arms, 4.0, 1, p, p, "by hand", "seeds")


def findings(**changes):
    settings = {
        "record": SimpleNamespace(about={"config": CONFIG}),
        "metric": "fid", "mode": "min", "phase": "confirm", "unmeasured": (), "arms": (),
        "outcomes": {"confirm": [], "search": []},
        "survival": (), "quality": (), "comparison": None, "selection_bias": (),
    }  # fmt: skip
    return SimpleNamespace(**{**settings, **changes})


def said(**changes):
    return [sentence.replace("\u00a0", " ") for sentence in answer(findings(**changes)).found]


def outcomes(*arms, phase="confirm"):
    return {"confirm": [], "search": [], phase: list(arms)}


def test_the_question_names_what_is_varied_and_on_what():
    expected = "Which choice of objective trains most stably on the data set “ring” (modes 8)?"
    assert answer(findings()).question == expected


def test_studies_joined_ask_together():
    def joined(*configs):
        about = {"joined": [{"study": name, "config": one} for name, one in zip("xyz", configs, strict=False)]}
        return answer(findings(record=SimpleNamespace(about=about))).question

    expected = "Which arm of the studies x and y trains most stably, on the data set “ring” (modes 8)?"
    assert joined(CONFIG, CONFIG) == expected
    assert joined(CONFIG, {"data": "digits"}).endswith("on the data set “ring” (modes 8) and the data set “digits”?")


def test_a_study_of_one_arm_asks_how_stable_it_is():
    about = {"config": {"scientific": {"objective": ["a"]}, "data": "digits"}}
    asked = answer(findings(record=SimpleNamespace(about=about))).question
    assert asked == "How stably does this configuration train, on the data set “digits”?"


def test_without_a_result_nothing_is_said():
    assert said() == ["No trial has ended yet; nothing can be said."]


def test_the_most_stable_arm_comes_with_its_interval_and_with_how_the_others_lie():
    best, near, far = arm("a", 0.9375, 0.72, 0.99), arm("b", 0.8, 0.55, 0.93), arm("c", 0.1, 0.02, 0.3)
    where = "converged most often on fresh seeds of the chosen configuration: 15 of 16 replicas, 94 % [72 %, 99 %]"
    assert said(outcomes=outcomes(best, near, far)) == [f"a {where}, and the interval of c lies wholly below."]
    assert said(outcomes=outcomes(best, far)) == [f"a {where}, and the other's interval lies below."]
    assert said(outcomes=outcomes(best, near)) == [f"a {where}, but the other's interval overlaps."]


def test_ties_are_shared():
    first, second = arm("a", 0.5, 0.3, 0.7), arm("b", 0.5, 0.3, 0.7)
    (sentence,) = said(outcomes=outcomes(first, second))
    assert sentence.startswith("All arms converged equally often on fresh seeds")
    (sentence,) = said(outcomes=outcomes(first, second, arm("c", 0.2, 0.1, 0.4)))
    assert sentence.startswith("a and b converged most often")


def test_arms_that_were_not_confirmed_are_not_spoken_for():
    first, second = arm("a", 0.5, 0.3, 0.7), arm("b", 0.5, 0.3, 0.7)
    found = answer(findings(outcomes=outcomes(first, second), arms=("a", "b", "c")))
    assert found.found[0].startswith("All confirmed arms converged equally often")
    assert "Not confirmed, and therefore in the search's results alone: c." in found.caveats
    found = answer(findings(outcomes=outcomes(first, second), arms=("a", "b", *"cdefg")))
    assert "Not confirmed, and therefore in the search's results alone: 5 of the 7 arms." in found.caveats
    found = answer(findings(outcomes=outcomes(first, second), arms=("a", "b")))
    assert not any("Not confirmed" in caveat for caveat in found.caveats)


NONE = "No arm converged: not one of 32 replicas on fresh seeds of the chosen configuration settled near the data"


def ended(name, **counts):
    """An arm of 16 replicas none of which converged."""
    shares = {one: Interval(counts.get(one, 0) / 16, 0.0, 1.0, 16, "Wilson", "seeds") for one in OUTCOMES}
    return ArmOutcomes(name, 16, 1, 0, 0, {one: share for one, share in shares.items() if one != "failed"})


def test_where_none_converged_what_they_did_instead_is_said_the_most_frequent_first():
    (sentence,) = said(outcomes=outcomes(ended("a", stalled=10, collapsed=6), ended("b", stalled=5, diverged=11)))
    assert sentence == f"{NONE} (15 stalled, 11 diverged, 6 collapsed)."
    every = {"oscillating": 5, "hopping": 4, "frozen": 3, "truncated": 3, "learning": 1}
    (sentence,) = said(outcomes=outcomes(ended("a", **every), ended("b", stalled=16)))
    assert sentence == (
        f"{NONE} (16 stalled, 5 oscillated, 4 hopped, 3 froze, 3 were stopped early, 1 was still learning)."
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
    assert found.caveats[0].startswith("Provisional: no configuration has been confirmed")


@pytest.mark.parametrize(
    ("tied", "ending"),
    [
        (("a", "b", "c"), "; at 5 % no other arm can be told from it."),
        (("a",), ", and is told apart from every other arm at 5 % (Holm)."),
        (("a", "b"), "; it cannot be told from b, and is told apart from the rest at 5 % (Holm)."),
    ],
)
def test_quality_claims_no_more_than_the_tests(tied, ending):
    arms = [quality("a", 0.01), quality("b", 0.02), quality("c", 0.03)]
    (sentence,) = said(quality=arms, comparison=comparison(("a", "b", "c"), tied))
    lead = "In quality, a reached the lowest median Fréchet distance, 0.0100 [0.00500, 0.0200] (real data: 0.00100)"
    assert sentence == lead + ending


def test_an_unknown_floor_is_not_mentioned():
    (sentence,) = said(quality=[quality("a", 0.01, floor=np.nan)])
    assert sentence == "a reached a median Fréchet distance of 0.0100 [0.00500, 0.0200]."


def test_times_to_failure_are_told_apart_by_holm():
    overall, told = rank(("a", "b", "c"), 0.001), rank(("a", "c"), 0.01)
    result = Survival("failure", "confirm", (), overall, (told, rank(("a", "b"), 0.3), rank(("b", "c"), 0.2)))
    (sentence,) = said(survival=(result,))
    assert sentence.startswith("In the time to failure (divergence, freezing, or a collapse that lasts) the arms")
    assert "the arms differ (log-rank test of all, p = 0.001)" in sentence
    assert "a from c can be told apart" in sentence
    (sentence,) = said(survival=(replace(result, pairs=result.pairs[1:], overall=rank(("a", "b"), 0.4)),))
    assert "do not differ measurably" in sentence
    assert "no two arms can be told apart" in sentence


def test_no_event_is_said_in_words():
    result = Survival("failure", "confirm", (), rank(("a", "b"), np.nan), ())
    assert said(survival=(result,)) == ["No replica diverged, froze or collapsed for good."]


def test_events_that_no_test_can_compare_are_counted():
    """All of two against none of two configurations, say: the log-rank test is NaN, and that is not "never"."""
    curves = (SimpleNamespace(n=2, events=2), SimpleNamespace(n=2, events=0))
    result = Survival("failure", "confirm", curves, rank(("a", "b"), np.nan), ())
    (sentence,) = said(survival=(result,))
    assert sentence.startswith("2 of 4 replicas met failure (divergence, freezing, or a collapse that lasts); the test")


def test_biased_winners_and_unmeasured_arms_are_caveats():
    biased = SimpleNamespace(arm="a", biased=True)
    caveats = answer(findings(selection_bias=(biased,), unmeasured=("b",))).caveats
    assert any("Selection bias: a scored worse on fresh seeds" in caveat for caveat in caveats)
    assert any("fid was not measured in b" in caveat for caveat in caveats)


def test_an_arm_that_settles_on_bad_samples_is_not_praised_alone():
    stable = outcomes(arm("a", 1.0, 0.8, 1.0), arm("b", 0.6, 0.4, 0.8))
    told = {"quality": (quality("b", 0.005), quality("a", 0.2)), "comparison": comparison(("b", "a"), ("b",))}
    caveat = answer(findings(outcomes=stable, **told)).caveats[0]
    assert caveat == "Converged most often is not best: a has a median Fréchet distance of 0.200, b one of 0.00500."
    alike = {**told, "comparison": comparison(("b", "a"), ("b", "a"))}
    assert not answer(findings(outcomes=stable, **alike)).caveats[0].startswith("Converged most often")
    none = outcomes(arm("a", 0.0, 0.0, 0.2), arm("b", 0.0, 0.0, 0.2))
    assert not answer(findings(outcomes=none, **told)).caveats[0].startswith("Converged most often")
