from dataclasses import replace
from math import comb

import pytest

from analysis.record.join import join
from analysis.record.loading import load
from analysis.report import find
from analysis.report.answer import answer
from analysis.report.repeat_words import enough, enough_of_shares
from analysis.report.subject import subject_of
from analysis.wording import named


@pytest.fixture(scope="module")
def said(simulate, tmp_path_factory):
    """`said(repeats)`: the answer to a small study of two arms with as many searches of each, one after the other."""

    def said(repeats, drop=(), **given):
        folder = simulate(
            tmp_path_factory.mktemp("repeats"),
            **{"arms": ("hinge", "wasserstein"), "trials": 4, "confirm": 6, "repeats": repeats, **given},
        )
        record = load(folder)
        gone = record.trials["trial_id"].isin(drop)
        history = record.history[~record.history["trial_id"].isin(drop)]
        findings = find(replace(record, trials=record.trials[~gone], history=history))
        return findings, answer(findings)

    return said


def words(found):
    return " ".join([found.question, *found.found, *found.caveats]).replace("\u00a0", " ")


def test_of_one_search_the_page_speaks_of_chosen_configurations(said):
    findings, found = said(1)
    assert found.question.startswith("One search chose a configuration for each choice of objective: which of them")
    assert "hosen configuration" in found.found[0]
    assert "search.repeats: 3 or more" in words(found)
    assert (subject_of(findings).over, findings.measured[0].comparison.unit) == ("", "replica")


def test_of_three_searches_it_speaks_of_arms_tuned_by_them_and_says_what_would_do(said):
    findings, found = said(3)
    assert found.question.startswith("Which choice of objective, tuned by its search, trains most stably on")
    assert found.question.endswith("? There were 3 searches of each.")
    assert "on fresh seeds, over 3 searches" in found.found[0]
    assert "chosen configuration" not in words(found)
    assert "its repeats are the units of all tests" in words(found)
    assert "intervals over seeds and searches" in words(found)
    assert "own median has none over fewer than 6 searches" in words(found)
    assert "what 3 searches found encloses the true one in no more than 75 % of studies" in words(found)
    assert findings.measured[0].comparison.unit == "repeat"
    assert not any(one.told for one in (findings.measured[0].comparison, *findings.rates.values()))
    assert "These data do not suffice to tell any two arms apart: 3 searches of each" in words(found)
    assert "By quality it takes search.repeats: 4 to find even a difference as plain as can be" in words(found)
    assert "That two cannot be told apart does not show them to be equal" in words(found)


def test_joined_studies_of_other_data_have_their_own_seeds_and_searches_and_no_quality(simulate, tmp_path_factory):
    folders = []
    for data, arms, repeats in (("ring", ("hinge", "wasserstein"), 2), ("grid", ("b", "c"), 3)):
        about = {"config": {"data": data, "budget": {"steps": 1000}, "search": {"repeats": repeats}}}
        sizes = {"repeats": repeats, "trials": 2, "confirm": 4, "evaluations": 8}
        folders.append(simulate(tmp_path_factory.mktemp(data), study=data, arms=arms, about=about, **sizes))
    findings = find(join([load(folder) for folder in folders]))
    found = answer(findings)
    own = "2 to 3 searches of each arm, and what each chose was trained on the same fresh seeds, those of its study."
    assert own in words(found)
    assert not any(one.comparison for one in findings.measured)
    (lacking,) = [one for one in found.caveats if "do not suffice" in one]
    assert ": 2 to 3 searches of each say little" in lacking
    assert "quality" not in lacking


def test_of_many_searches_that_differ_plainly_nothing_is_lacking(said):
    findings, found = said(7, arms=("hinge", "b", "c", "d", "e", "wasserstein"), confirm=12)
    assert findings.measured[0].comparison.told
    assert "do not suffice" not in words(found)
    assert "own median has none" not in words(found)


def test_arms_with_fewer_searches_are_named(said):
    _, found = said(3, drop=("confirm-wasserstein-r1-0000", *(f"confirm-wasserstein-r2-{k:04d}" for k in range(4))))
    assert "2 to 3 searches" in found.question or "1 to 3 searches" in found.question
    assert "fewer than 3 have wasserstein (" in words(found)


def test_an_arm_with_a_single_search_says_nothing_of_others(said):
    drop = tuple(f"confirm-wasserstein-r{repeat}-{k:04d}" for repeat in (1, 2) for k in range(4))
    findings, found = said(3, drop=drop)
    assert "fewer than 3 have wasserstein (1)" in words(found)
    assert "Of an arm with a single search it is not known how others would come out" in words(found)
    assert [one.median.captures for one in findings.measured[0].quality] == ["both", "seeds"]


def test_enough_is_the_least_number_that_dealing_out_anew_lets_reject():
    assert [enough(pairs) for pairs in (1, 3, 15, 66)] == [4, 5, 6, 7]
    assert 2 / comb(14, 7) <= 0.05 / 66 < 2 / comb(12, 6)


def test_two_searches_are_said_to_be_too_few_for_shares_and_three_are_not(said):
    _, found = said(3)
    assert "tell no two arms apart by how often" not in words(found)
    _, found = said(2)
    assert (
        "So few searches tell no two arms apart by how often replicas converged, not even all from none: where each"
        " search ends wholly well or wholly badly, arms that are alike may end so in 12 % of studies. By that"
        " it takes search.repeats: 3." in words(found)
    )


def test_enough_of_shares_is_the_least_number_of_coins_that_fall_so_seldom_enough():
    assert enough_of_shares() == 3
    assert 2 / 2**6 <= 0.05 < 2 / 2**4
    assert enough_of_shares(0.01) == 4


def test_what_is_told_apart_only_by_the_searches_of_all_arms_is_named(said):
    findings, _ = said(7, confirm=12)
    converged = findings.rates["converged"]
    (pair,) = converged.pairs
    assert pair.alone.low <= pair.effect.estimate <= pair.alone.high

    def caveats(low, p):
        alone = replace(pair.alone, low=low, high=0.9)
        changed = replace(converged, pairs=(replace(pair, p_holm=p, alone=alone),))
        return words(answer(replace(findings, rates={**findings.rates, "converged": changed})))

    sentence = (
        "Told apart only if the searches of all arms differ about as much: by how often they converged,"
        f" {pair.a} from {pair.b}. With every search taken as one replica, the most that searches can differ by, they"
        " would not be."
    )
    turned = sentence.replace(f"{pair.a} from {pair.b}", f"{pair.b} from {pair.a}")
    assert sentence in caveats(-0.1, 0.01) or turned in caveats(-0.1, 0.01)
    assert "only if the searches of all arms" not in caveats(0.1, 0.01)
    assert "only if the searches of all arms" not in caveats(-0.1, 0.2)


def test_times_that_are_told_apart_only_so_are_named_beside_the_shares(said):
    findings, _ = said(7, confirm=12)
    lasted = findings.survival[0]
    (pair,) = lasted.comparison.pairs
    assert pair.alone.low <= pair.effect.estimate <= pair.alone.high

    def caveats(low, p):
        changed = replace(pair, p_holm=p, alone=replace(pair.alone, low=low, high=900.0))
        comparison = replace(lasted.comparison, pairs=(changed,))
        survival = (replace(lasted, comparison=comparison), *findings.survival[1:])
        return words(answer(replace(findings, rates={}, survival=survival)))

    lead = "Told apart only if the searches of all arms differ about as much: by their time without a failure"
    assert lead in caveats(-100.0, 0.01)
    assert lead not in caveats(100.0, 0.01)
    assert lead not in caveats(-100.0, 0.2)


def test_what_is_told_by_quality_only_if_searches_do_not_end_wholly_is_named(said):
    findings, found = said(7, confirm=12)
    one = findings.measured[0]
    (pair,) = one.comparison.pairs
    assert pair.alone is None
    assert "end wholly well" not in words(found)

    def caveats(low, p):
        changed = replace(pair, p_holm=p, alone=replace(pair.effect, low=low, high=1.0))
        measured = replace(one, comparison=replace(one.comparison, pairs=(changed,)))
        return words(answer(replace(findings, measured=(measured, *findings.measured[1:]), rates={})))

    lead = f"Told apart only if searches do not end wholly well or wholly badly: by {named(one.metric)},"
    named_pairs = [f"{lead} {a} from {b}." for a, b in ((pair.a, pair.b), (pair.b, pair.a))]
    assert any(one in caveats(0.4, 0.01) for one in named_pairs)
    assert "fall into two groups, all replicas of the one worse than all of the other" in caveats(0.4, 0.01)
    assert lead not in caveats(0.6, 0.01)
    assert lead not in caveats(0.4, 0.2)
