"""A page of some arms, by chosen measurements and under names of one's own, has the numbers of the page of all."""

import re
from types import SimpleNamespace

import pytest

from analysis import report
from analysis.record.loading import load
from analysis.report import Choice
from analysis.report.table_files import latex
from analysis.results.survival import Survival
from analysis.wording import calling

pytestmark = pytest.mark.xdist_group("report")
SOME = Choice(arms=("hinge", "non_saturating"), labels={"hinge": "Hinge + R1"})


@pytest.fixture(scope="module")
def whole(simulated):
    return report.find(load(simulated))


@pytest.fixture(scope="module")
def some(simulated):
    return report.find(load(simulated), choice=SOME)


def test_arms_stand_in_the_configurations_order_under_their_labels(some):
    assert some.arms == ("non_saturating", "Hinge + R1")
    assert [one.arm for one in some.outcomes["confirm"]] == list(some.arms)
    assert set(some.shown) == set(some.palette) == set(some.searches) == set(some.arms)


def test_numbers_and_colours_are_those_of_the_page_of_all_arms(whole, some):
    assert some.palette["Hinge + R1"] == whole.palette["hinge"]
    (mine,), (all_of_it,) = some.measured, whole.measured
    known = {one.arm: (one.median, one.iqm) for one in all_of_it.quality}
    assert [(one.median, one.iqm) for one in mine.quality] == [known["non_saturating"], known["hinge"]]


def test_tests_stay_corrected_for_all_pairs(whole, some):
    for mine, every in (
        (some.measured[0].comparison, whole.measured[0].comparison),
        (some.rates["converged"], whole.rates["converged"]),
        (some.survival[0].comparison, whole.survival[0].comparison),
    ):
        (pair,) = mine.pairs
        known = every.pair("non_saturating", "hinge")
        assert (pair.p, pair.p_holm, pair.effect) == (known.p, known.p_holm, known.effect)
        assert pair.p_holm >= pair.p
    (logrank,) = some.survival[0].pairs
    assert logrank.arms == ("non_saturating", "Hinge + R1")
    assert isinstance(some.survival[0], Survival)


def test_the_page_its_tables_and_latex_know_no_other_arm_and_say_that_they_were_chosen(simulated, tmp_path, words):
    chosen = Choice(("hinge", "non_saturating"), ("fid", "high_quality"), {"hinge": "Hinge + R1", "fid": "FID"})
    with calling(chosen.labels):
        found = report.find(report.read([simulated], chosen.metrics), choice=chosen)
        tables = {table.name: table for table in report.every_table(found, tmp_path)}
    assert {"quality-confirm", "quality-confirm-high_quality", "pairs-confirm-high_quality"} <= set(tables)
    several = latex(tables["metrics-confirm"])
    assert "arm & replicas & converged & FID & share of high-quality samples" in several
    assert "Hinge + R1 &" in several
    for table in tables.values():
        cells = {cell for row in table.rows for cell in row if isinstance(cell, str)}
        assert not cells & {"hinge", "least_squares"}, table.name
    assert list(dict.fromkeys(curve.metric for curve in found.learning)) == ["fid", "high_quality"]
    said = " ".join(report.chosen_words(found))
    assert "This page shows 2 of the 3 arms" in said
    assert "corrected for all 3 pairs nevertheless" in said


def test_one_arm_that_is_shown_is_compared_with_no_other():
    assert report.chosen_words(SimpleNamespace(arms=("hinge",), all_arms=3, picked=False)) == [
        "This page shows 1 of the 3 arms, as was chosen for it, and compares it with no other. Tests of all arms at"
        " once are of all of them, shown or not."
    ]


def test_nothing_is_said_where_nothing_was_chosen(whole):
    assert report.chosen_words(whole) == []


def test_an_arm_of_joined_studies_may_be_named_without_its_study():
    arms = ("one/a", "one/b", "two/a", "two/b")
    assert Choice(arms=("b",), labels={"b": "B"}).names(arms, ()) == {"one/b": "one/B", "two/b": "two/B"}
    assert Choice(arms=("two/a",)).names(arms, ()) == {"two/a": "two/a"}
    assert list(Choice().names(arms, ())) == list(arms)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(arms=("hing",)), "arms: expected some of hinge, hinge_r1, other (nearest: hinge, hinge_r1), got hing"),
        (Choice(arms=("zzz",)), "arms: expected some of hinge, hinge_r1, other, got zzz"),
        (
            Choice(labels={"fidd": "FID"}),
            "label: expected some of hinge, hinge_r1, other, fid (nearest: fid), got fidd",
        ),
        (
            Choice(labels={"hinge": "H", "hinge_r1": "H"}),
            "label: expected another for each arm, got 'H' for hinge, hinge_r1",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(choice, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        choice.names(("hinge", "hinge_r1", "other"), ("fid",))


def test_a_measurement_without_values_is_refused(simulated):
    with pytest.raises(ValueError, match=r"^metrics: expected some of fid, .*high_quality.*, got inception_score$"):
        report.find(load(simulated), choice=Choice(metrics=("inception_score",)))
