"""The definitions on the page are of the thresholds in use, and say where a study was judged otherwise before."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.record.schema import OUTCOMES
from analysis.report import rules
from analysis.results.thresholds import NUMBERS, Thresholds

EARLIER = {
    "modes": 0.5, "hop_rate": 0.1, "oscillation": 1.0, "metric": "fid", "tail": 0.25, "critic_accuracy": 0.99,
    "gradient_norm": 0.001, "quality": 0.25,
}  # fmt: skip


def of(about, **measured):
    """A record of these metadata, and of replicas of which this was measured."""
    names = dict.fromkeys(["modes", "high_quality", "fid", "dirac_converged", *measured])
    trials = pd.DataFrame(measured, columns=[*names])
    return SimpleNamespace(about=about, trials=trials)


@pytest.fixture
def definitions(words):
    """`definitions(*outcomes)`: the section's text for joined studies with these settings, or for one; those of the
    earlier rule ran under it."""

    def definitions(*outcomes):
        abouts = [
            {"study": f"s{place}", "config": {"outcomes": one}, "earlier_rule": one is EARLIER}
            for place, one in enumerate(outcomes)
        ]
        about = abouts[0] if len(abouts) == 1 else {"joined": abouts}
        return words(rules.definitions(of(about=about)).markup)

    return definitions


def test_every_outcome_is_defined_in_the_order_in_which_it_is_asked_for(definitions):
    assert sorted(rules.ORDER) == sorted(OUTCOMES)
    seen = definitions({})
    places = [seen.index(f" {name} ") for name in ("diverged", "failed", "truncated", "frozen", "hopping", "collapsed")]
    assert places == sorted(places)
    assert rules.AFRESH not in seen


def test_definitions_have_the_thresholds_in_use(definitions):
    seen = definitions({"modes": 0.5, "swing": 3.0, "hop_rate": 0.2, "metric": "kid", "quality": 0.6, "factor": 5.0})
    for words in (
        "Under 50 % of the modes that real samples hold have a tenth of their mass",
        "Kernel distance (KID) both rises and falls by a factor of 3 or more, one of them within the tail",
        "noise taken off, over 0.2 by the mean over the tail",
        "at least 60 % as frequent as among fresh real ones",
        "Fréchet distance at most 5 times that of fresh real samples",
        "the last 40 % of the evaluations (5 at least: the tail)",
        "within the tail, error bars of 1 standard error taken off, and less than 75 % of the tail is near the data",
        "the Fréchet distance by 27 will do",
        "below by a factor of 3, and of others after collapse",
        "more frequent by 7.5 % of their share",
    ):
        assert words in seen
    assert "error bars of 2 standard errors taken off" in definitions({"noise": 2.0})
    assert "JS of where the mass lies or Fréchet distance both rises and falls" in definitions({})


def test_few_evaluations_are_said_to_tell_outcomes_less_surely():
    def said(*evaluations, games=()):
        abouts = [{"study": str(count), "config": {"budget": {"evaluations": count}}} for count in evaluations]
        for place in games:
            abouts[place]["config"]["data"] = {"name": "dirac"}
        return rules.few_evaluations(of(about={"joined": abouts} if len(abouts) > 1 else abouts[0]))

    assert said(20) == said(40, 20) == rules.few_evaluations(of(about={})) == ""
    assert said(40, 5).startswith(
        "These outcomes are told from 5 evaluations of a replica, and less surely than from 20"
    )
    assert said(1).startswith("These outcomes are told from 1 evaluation of a replica")
    assert said(5, games=[0]) == said(5, 20, games=[0]) == ""  # told from its end alone
    assert "from 10 evaluations" in said(5, 10, games=[0])


def test_definitions_say_what_fid_is_and_what_the_authors_measurements_are(words):
    def defined(features, **about):
        config = {"outcomes": {}, "evaluation": {"features": features}}
        return words(rules.definitions(of(about={"config": config, **about})).markup)

    assert "The Fréchet distance (fid) is of the data themselves (raw)." in defined("raw")
    seen = defined("efficientnet_lite0", own={"own.blur": {"better": "low", "meaning": "How blurred."}})
    assert "(fid) is FD-EffNetLite0" in seen
    assert "in the author's words: own.blur How blurred." in seen


def test_a_study_of_the_earlier_rule_is_said_to_be_judged_afresh(definitions):
    assert definitions(EARLIER) == f"{definitions({})} {rules.AFRESH}"
    assert definitions({}, EARLIER).endswith(rules.AFRESH)
    assert definitions({"modes": Thresholds().modes}, {}) == definitions({})


def test_every_threshold_has_its_meaning():
    assert set(rules.MEANINGS) == set(NUMBERS)


def test_beside_the_shares_stand_the_rules_of_outcomes_that_occurred(words):
    shown = words(rules.in_short(of(about={"config": {}}), {"hopping", "converged"}))
    assert "over 0.2 by the mean over the tail" in shown
    assert "frozen" not in shown
    limits = words(rules.limits(of(about={})))
    assert "under 75 % of the modes hold mass, though 1 % of the samples lie in modes or, of data that are no" in limits
    assert (
        "the progress is 1.3 or more, the end better than all before the tail, and, near the data, good samples become"
        " more frequent by 7.5 % of their share among real ones (learning)"
    ) in limits


def test_rules_are_of_the_data_that_there_are(words):
    measured = {
        "mixture": {"modes": [8.0, None], "high_quality": [0.9, None], "fid": [0.1, None]},
        "points": {"fid": [0.1], "config.evaluation.features": ["raw"]},
        "digits": {"modes": [10.0], "fid": [3.0], "config.evaluation.features": ["classifier"]},
    }
    seen = {
        name: words(rules.definitions(of({}, **found)).markup) + words(rules.limits(of({}, **found)))
        for name, found in measured.items()
    }
    for words_, of_them in {
        "JS of where the mass lies": ["mixture"],
        "mass_js": ["mixture"],
        "in modes, the Fréchet distance by": ["mixture"],
        "ones, those of high quality, and": ["mixture"],
        "ones, by the precision, and Fréchet distance at most 4 times": ["digits"],
        "ones, by the precision, and coverage at least 60 % of that of fresh real samples": ["points"],
        "hopping": ["mixture", "digits"],
        "(collapsed)": ["mixture", "digits"],
        "Asked before hopping": ["mixture", "digits"],
        "of data in": [],
    }.items():
        assert [name for name, text in seen.items() if words_ in text] == of_them, words_


def test_of_maps_of_dirac_gans_nothing_is_said_that_only_data_have(words):
    def told(**measured):
        record = of({"config": {"data": {"name": "dirac"}}}, **measured)
        return words(rules.in_short(record, ["converged", "oscillating"])), words(rules.definitions(record).markup)

    maps = told(dirac_converged=[0.1, 0.0])
    for text in maps:
        assert "oscillating A map of Dirac-GANs: none of its cells has converged by the end. converged A map" in text
        assert not [word for word in ("JS", "Fréchet", "near the data", "stalled", "frozen") if word in text]
    assert "truncated A scheduler stopped it" in maps[1]
    for text in told(dirac_converged=[0.1, None], fid=[None, 3.0]):
        assert "Its quality rises and falls again" in text
        assert "is near the data. A map of Dirac-GANs: none of its cells" in text


def test_rules_of_several_kinds_of_data_say_which_is_of_which(words):
    every = words(rules.definitions(of({})).markup)
    assert "ones, of mixtures those of high quality, and 90 % of the modes" in every
    assert "; of data in raw features by the precision, and coverage at least 60 %" in every
    assert "; of data in other features by the precision, and Fréchet distance at most 4 times" in every
