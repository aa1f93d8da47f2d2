"""What the page says of the budget: what was equal, what was not, and what each arm has spent."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from analysis.record.loading import load
from analysis.report.derivation import find
from analysis.report.spending import best_of_k_table, equality, spent_table
from analysis.report.table_files import csv_text
from analysis.results.spending import EqualBudget

EVEN = {"steps": (6000, 6000), "critic_updates": (6000, 6000), "real_samples": (384000, 384000)}
UNEVEN = {"steps": (1200, 6000), "critic_updates": (6000, 6000), "real_samples": (384000, 391680)}


def plain(sentences):
    return [sentence.replace("\u202f", " ").replace("\u00a0", " ") for sentence in sentences]


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (
            EqualBudget("rings", "steps", 6000, EVEN),
            "Every replica had the same budget: 6 000 generator updates.",
        ),
        (
            EqualBudget("rings", "steps", 6000, {**EVEN, "real_samples": (384000, 1920000)}),
            "Every replica had the same budget: 6 000 generator updates. Not equal were real samples"
            " (384 000 to 1 920 000).",
        ),
        (
            EqualBudget("rings", "real_samples", 384000, UNEVEN),
            "Every replica had the same budget: 384 000 real samples, kept to within 2 %. Not equal"
            " were generator updates (1 200 to 6 000). Times are told as shares of the budget.",
        ),
        (
            EqualBudget("rings", "operations", 3.97e10, {}),
            "Every replica had the same budget: 3.97·10¹⁰ floating-point operations. Times are told as"
            " shares of the budget.",
        ),
    ],
)
def test_what_was_equal_and_what_was_not_is_said_in_words(budget, sentence):
    assert plain(equality([budget])) == [sentence]


def test_studies_that_differ_are_told_apart():
    one, other = EqualBudget("rings", "steps", 10, {}), EqualBudget("grids", "steps", 20, {})
    assert len(equality([one, replace(one, study="grids")])) == 1
    assert [sentence.split(":")[0] for sentence in equality([one, other])] == ["rings", "grids"]
    assert equality([]) == []
    samples = EqualBudget("lines", "real_samples", 20, {})
    assert equality([one, samples])[-1] == "Times are told as shares of the budget."  # of all studies


def test_the_tables_of_spending_are_the_records(simulated):
    findings = find(load(simulated))
    rows = list(csv.DictReader(csv_text(spent_table(findings.spent["search"])).splitlines()))
    trials = findings.record.trials.query("phase == 'search'")
    for row in rows:
        mine = trials[trials["arm"] == row["arm"]]
        assert float(row["generator updates"]) == mine["steps"].sum()
        assert float(row["real samples"]) == mine["real_samples"].sum()
        assert float(row["core-seconds"]) == mine.drop_duplicates("trial_id")["core_seconds"].sum()
    best = list(csv.DictReader(csv_text(best_of_k_table(findings.best_of_k, findings.best_by_spending)).splitlines()))
    curve = findings.best_of_k[0]
    assert [float(row["median best"]) for row in best[: curve.n]] == pytest.approx(curve.median.estimate)
    assert [float(row["core-seconds"]) for row in best[: curve.n]] == pytest.approx(10.0 * np.arange(1, curve.n + 1))


def test_what_an_earlier_record_does_not_say_is_a_dash(simulated):
    record = load(simulated)
    trials = record.trials.assign(operations=np.nan, core_seconds=np.nan)
    findings = find(replace(record, trials=trials))
    assert findings.best_by_spending["core_seconds"] == ()
    row = next(csv.DictReader(csv_text(spent_table(findings.spent["search"])).splitlines()))
    assert (row["operations"], row["core-seconds"]) == ("", "")
    assert row["generator updates"]
