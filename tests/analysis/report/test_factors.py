from dataclasses import replace
from types import SimpleNamespace

import pytest

from analysis import report
from analysis.record.loading import load
from analysis.report import Choice
from analysis.report.factors import factor_table, factors
from analysis.report.writer import FigureWriter

ARMS = ("hinge-none", "hinge-r1", "wasserstein-none", "wasserstein-r1")


def test_a_table_has_a_row_for_each_effect_and_says_what_is_corrected(crossing):
    table = factor_table(crossing)
    assert [row[:4] for row in table.rows] == [
        ("objective", "wasserstein", "hinge", "all"),
        ("penalty", "r1", "none", "all"),
        ("penalty", "r1", "none", "wasserstein rather than hinge"),
    ]
    assert [row[7] for row in table.rows] == ["yes", "no", "yes"]
    assert [row[-1] for row in table.rows] == ["no", "yes", ""]
    assert "of which each arm has 3 to 4" in table.caption
    assert "The three questions, of levels, of differences of differences and of quality," in table.caption
    assert "The two questions" in factor_table(replace(crossing, quality=())).caption


@pytest.mark.parametrize(
    ("unit", "phase", "said"),
    [
        ("replica", "confirm", "As each arm was searched once, what follows is of the configurations that these"),
        ("configuration", "search", "What follows is of all configurations that the searches tried."),
        ("repeat", "confirm", "every level of the other. Averaged"),
    ],
)
def test_a_section_says_of_what_the_effects_are(unit, phase, said, crossing):
    record = SimpleNamespace(about={})
    findings = SimpleNamespace(crossing=replace(crossing, unit=unit), phase=phase, searches={"a": 1}, record=record)
    section = factors(findings, FigureWriter(None, {}))
    assert section.title == "What each factor does"
    assert "The 4 arms cross objective (hinge and wasserstein) with penalty (none and r1)" in section.body
    assert said in section.body
    assert factors(SimpleNamespace(crossing=None), FigureWriter(None, {})) is None


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
