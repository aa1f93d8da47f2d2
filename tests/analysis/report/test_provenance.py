"""The definitions on the page are of the thresholds in use, and say where a study was judged otherwise before."""

from types import SimpleNamespace

import pytest

from analysis.record.schema import OUTCOMES
from analysis.report import provenance
from analysis.results.thresholds import Thresholds

EARLIER = {
    "modes": 0.5, "hop_rate": 0.1, "oscillation": 1.0, "metric": "fid", "tail": 0.25, "critic_accuracy": 0.99,
    "gradient_norm": 0.001, "quality": 0.25,
}  # fmt: skip


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
        return words(provenance.definitions(SimpleNamespace(about=about)).markup)

    return definitions


def test_every_outcome_is_defined_in_the_order_in_which_it_is_asked_for(definitions):
    assert sorted(provenance.ORDER) == sorted(OUTCOMES)
    seen = definitions({})
    places = [seen.index(f" {name} ") for name in ("diverged", "failed", "truncated", "frozen", "hopping", "collapsed")]
    assert places == sorted(places)
    assert provenance.AFRESH not in seen


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


def test_definitions_say_what_fid_is_and_what_the_authors_measurements_are(words):
    def defined(features, **about):
        config = {"outcomes": {}, "evaluation": {"features": features}}
        return words(provenance.definitions(SimpleNamespace(about={"config": config, **about})).markup)

    assert "The Fréchet distance (fid) is of the data themselves (raw)." in defined("raw")
    seen = defined("efficientnet_lite0", own={"own.blur": {"better": "low", "meaning": "How blurred."}})
    assert "(fid) is FD-EffNetLite0" in seen
    assert "in the author's words: own.blur How blurred." in seen


def test_a_study_of_the_earlier_rule_is_said_to_be_judged_afresh(definitions):
    assert definitions(EARLIER) == f"{definitions({})} {provenance.AFRESH}"
    assert definitions({}, EARLIER).endswith(provenance.AFRESH)
    assert definitions({"modes": Thresholds().modes}, {}) == definitions({})


def test_a_record_from_before_a_setting_does_not_differ_in_it():
    def said(*budgets):
        studies = [{"study": f"s{place}", "config": {"budget": one}} for place, one in enumerate(budgets)]
        return provenance.joining(SimpleNamespace(about={"joined": studies}))[-1]

    updates, samples = ({"name": "updates", "per_step": None}, {"name": "samples", "per_step": 64.0})
    assert "differ not in their arms alone" not in said({"steps": 10}, {"steps": 10, "equal": updates})
    assert "also in budget.equal: so may" in said({"steps": 10}, {"steps": 10, "equal": samples})
