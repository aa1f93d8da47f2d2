from dataclasses import replace
from types import SimpleNamespace

import pytest

from analysis import report
from analysis.record.loading import load
from analysis.report import Choice
from analysis.report.answer import answer
from analysis.report.factors import claim, factor_table, factors, sentences
from analysis.report.writer import FigureWriter
from analysis.results.crossing import Crossing, FactorEffect
from analysis.statistics.intervals import Interval

ARMS = ("hinge-none", "hinge-r1", "wasserstein-none", "wasserstein-r1")


def effect(factor, estimate, p, beside=None, level="r1", instead="none"):
    interval = Interval(estimate, estimate - 0.1, estimate + 0.1, 96, "Student’s t of repeats", "both")
    return FactorEffect(factor, level, instead, beside, interval, p / 2, p)


FOUND = Crossing(
    levels={"objective": ("hinge", "wasserstein"), "penalty": ("none", "r1")},
    phase="confirm",
    unit="repeat",
    units=(3, 4),
    alpha=0.05,
    converged=(effect("objective", -0.3, 0.01, None, "wasserstein", "hinge"), effect("penalty", 0.2, 0.3)),
    differences=(effect("penalty", -0.4, 0.02, ("objective", "wasserstein", "hinge")),),
    metric="fid",
    quality=(effect("objective", 0.5, 0.9, None, "wasserstein", "hinge"), effect("penalty", 0.3, 0.001)),
)


def test_what_is_told_is_said_with_the_better_level_first():
    assert [one.replace("\u00a0", " ") for one in sentences(FOUND)] == [
        "Averaged over the other factor, levels are told apart by how often replicas converged: objective hinge more"
        " often than wasserstein by 30 [20, 40] percentage points (p = 0.010).",
        "A level does not do the same beside all others: penalty r1 instead of none adds 40 [30, 50] percentage points"
        " more beside objective hinge than beside wasserstein (p = 0.020). No average is what it does beside each.",
        "Averaged over the other factor too, levels are told apart by quality (Fréchet distance): penalty none is"
        " better than r1 with probability 70 % [60 %, 80 %] (p = 0.001).",
    ]


def test_what_is_not_told_is_not_called_nothing():
    dull = replace(FOUND, alpha=0.0001, quality=(), levels=FOUND.levels | {"packing": ("1", "2")})
    assert sentences(dull) == [
        "Averaged over the other factors, no level of a factor is told from another by how often replicas converged.",
        "Whether a level does more beside one level of another factor than beside the next cannot be told.",
    ]


def test_an_answer_has_what_is_told_as_a_mean_and_not_of_two_arms():
    assert [one.replace("\u00a0", " ") for one in claim(FOUND)] == [
        "As means over the other factor, not as differences of two arms, levels are told apart by how often replicas"
        " converged: objective hinge more often than wasserstein by 30 [20, 40] percentage points (p = 0.010); and by"
        " quality (Fréchet distance): penalty none is better than r1 with probability 70 % [60 %, 80 %] (p = 0.001).",
        "A level does not do the same beside all others: penalty r1 instead of none adds 40 [30, 50] percentage points"
        " more beside objective hinge than beside wasserstein (p = 0.020).",
    ]
    assert claim(replace(FOUND, alpha=0.0001)) == []
    (alone,) = claim(replace(FOUND, differences=(), quality=()))
    assert alone.endswith("(p\u00a0=\u00a00.010).")


def test_a_table_has_a_row_for_each_effect_and_says_what_is_corrected():
    table = factor_table(FOUND)
    assert [row[:4] for row in table.rows] == [
        ("objective", "wasserstein", "hinge", "all"),
        ("penalty", "r1", "none", "all"),
        ("penalty", "r1", "none", "wasserstein rather than hinge"),
    ]
    assert [row[7] for row in table.rows] == ["yes", "no", "yes"]
    assert [row[-1] for row in table.rows] == ["no", "yes", ""]
    assert "of which each arm has 3 to 4" in table.caption
    assert "The three questions, of levels, of differences of differences and of quality," in table.caption
    assert "The two questions" in factor_table(replace(FOUND, quality=())).caption


@pytest.mark.parametrize(
    ("unit", "phase", "said"),
    [
        ("replica", "confirm", "As each arm was searched once, what follows is of the configurations that these"),
        ("configuration", "search", "What follows is of all configurations that the searches tried."),
        ("repeat", "confirm", "every level of the other. Averaged"),
    ],
)
def test_a_section_says_of_what_the_effects_are(unit, phase, said):
    findings = SimpleNamespace(crossing=replace(FOUND, unit=unit), phase=phase, searches={"a": 1})
    section = factors(findings, FigureWriter(None, {}))
    assert section.title == "What each factor does"
    assert "The 4 arms cross objective (hinge and wasserstein) with penalty (none and r1)" in section.body
    assert said in section.body
    assert factors(SimpleNamespace(crossing=None), FigureWriter(None, {})) is None


@pytest.fixture(scope="module")
def crossed(simulate, tmp_path_factory):
    """A record of two objectives crossed with two penalties, each arm searched three times."""
    folder = simulate(tmp_path_factory.mktemp("crossed"), arms=ARMS, repeats=3, trials=3)
    record = load(folder)
    arm = record.trials["arm"].astype(str).str.split("-", expand=True)
    record.about["config"]["scientific"] = {"objective": ["hinge", "wasserstein"], "penalty": ["none", "r1"]}
    settings = {"config.model": "gan", "config.objective": arm[0], "config.penalty": arm[1]}
    return replace(record, trials=record.trials.assign(**settings))


def test_a_crossing_is_found_in_a_record_and_stands_before_its_arms_are_compared(crossed, simulated):
    findings = report.find(crossed)
    assert findings.crossing.levels == {"objective": ("hinge", "wasserstein"), "penalty": ("none", "r1")}
    assert len(findings.crossing.quality) == 2
    names = [one.name for one in report.every_table(findings, simulated)]
    assert names[0] == "factors-confirm"
    assert names.count("factors-confirm") == 1


def test_without_some_arms_or_without_a_crossing_there_is_none(crossed, simulated):
    assert report.find(crossed, choice=Choice(arms=ARMS[:3])).crossing is None
    assert report.find(crossed, choice=Choice(labels={ARMS[0]: "mine"})).crossing is not None
    assert report.find(load(simulated)).crossing is None


def test_that_no_two_arms_are_told_apart_is_not_said_without_the_factor_that_is(crossed):
    findings = report.find(crossed)
    two = {name: replace(one, pairs=tuple(replace(pair, p_holm=0.3) for pair in one.pairs))
           for name, one in findings.rates.items()}  # fmt: skip
    quality = replace(findings.measured[0].comparison, alpha=0.0)
    untold = {
        "rates": two, "measured": (replace(findings.measured[0], comparison=quality),),
        "survival": tuple(replace(one, comparison=replace(one.comparison, alpha=0.0)) for one in findings.survival),
    }  # fmt: skip
    plain = answer(replace(findings, **untold, crossing=replace(findings.crossing, alpha=0.0)))
    assert any(one.startswith("These data do not suffice to tell any two arms apart: 3") for one in plain.caveats)
    assert not any("levels are told apart" in one for one in plain.found)

    told = answer(replace(findings, **untold, crossing=replace(findings.crossing, alpha=1.0)))
    assert any(one.startswith("As means over the other factor, not as differences of two") for one in told.found)
    lead = (
        "These data tell levels of a factor apart, as means over several arms, but do not suffice to tell any two arms"
    )
    assert any(one.startswith(lead) for one in told.caveats)
    assert not any(one.startswith("These data do not suffice") for one in told.caveats)
