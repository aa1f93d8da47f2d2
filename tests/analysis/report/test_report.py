"""The whole page: what it says is in the record, it fetches nothing, and it is there for any state of a study."""

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from html import unescape

import numpy as np
import pytest
import yaml
from scipy.stats import binomtest

from analysis import report
from analysis.record.loading import load
from analysis.report import table_files
from analysis.report.derivation import find
from analysis.report.script import SCRIPT
from analysis.report.stylesheet import CSS
from analysis.results.criteria import metric_and_mode
from analysis.wording import number, percent

pytestmark = pytest.mark.xdist_group("report")

HOSTILE = "<script>alert('x')</script>&{}$_%"
SECTIONS = [
    "Stability", "Quality", "Which configuration won", "Training", "The search", "Budget",
    "What matters within an arm", "Thresholds", "The objectives", "What was left out", "Definitions", "How it was made",
]  # fmt: skip


def test_the_sections_stand_in_reading_order(page):
    assert re.findall(r"<h2>(.*?)</h2>", page) == SECTIONS
    assert page.index('class="question"') < page.index('class="answer"') < page.index("<h2>")


def test_nothing_is_fetched_and_nothing_runs_but_the_pages_own_script(page):
    assert not re.search(r"""(?:src|href|action|data|poster)\s*=\s*["'](?!data:|#|figures/|samples/|tables/)""", page)
    assert not re.search(r"url\((?!#)|@import|<iframe|<object|<embed|<link|javascript:", page)
    assert re.findall(r"<script.*?</script>", page, re.DOTALL) == [f"<script>{SCRIPT}</script>"]
    assert "http://" not in page
    assert "https://" not in page


def test_the_markup_is_well_formed(page):
    plain = page.removeprefix("<!DOCTYPE html>").replace(SCRIPT, "")
    closed = re.sub(r"<(meta|img|br|hr|input)\b([^>]*[^/>])>", r"<\1\2/>", plain)
    ElementTree.fromstring(closed)  # every tag is closed where it should be


def test_links_lead_to_every_file_beside_the_page(written, page):
    linked = set(re.findall(r'(?:href|src)="((?:figures|samples|tables)/.*?)"', page))
    folder = written / "report"
    assert linked == {str(one.relative_to(folder)) for one in folder.glob("*/*")}


def test_anchors_lead_to_sections(page):
    targets = set(re.findall(r'<section id="(.*?)"', page))
    assert set(re.findall(r'<a href="#(.*?)"', page)) == targets


def test_every_share_can_be_counted_in_the_record(written, rows):
    trials = load(written).trials
    confirmed = trials[trials["phase"] == "confirm"]
    for row in rows(written, "outcomes-confirm"):
        mine = confirmed[confirmed["arm"] == row["arm"]]
        held = int((mine["outcome"] == "converged").sum())
        assert int(row["replicas"]) == len(mine)
        assert float(row["converged"]) == pytest.approx(held / len(mine))
        wilson = binomtest(held, len(mine)).proportion_ci(method="wilson")
        assert float(row["converged low"]) == pytest.approx(wilson.low, abs=1e-9)
        assert float(row["converged high"]) == pytest.approx(wilson.high, abs=1e-9)


def test_every_median_is_that_of_the_records_rows(written, rows):
    trials = load(written).trials
    confirmed = trials[trials["phase"] == "confirm"]
    for row in rows(written, "quality-confirm"):
        mine = confirmed[confirmed["arm"] == row["arm"]]
        scores = np.where(mine["outcome"] == "diverged", np.inf, mine["fid"])
        assert float(row["median Fréchet distance"]) == pytest.approx(np.median(scores))
        assert int(row["diverged"]) == int(np.isinf(scores).sum())


def test_the_tables_on_the_page_are_those_beside_it(written, page, words, rows):
    seen = words(page)
    for name in ("outcomes-confirm", "quality-confirm", "pairs-confirm", "selection-bias", "thresholds-confirm"):
        for row in rows(written, name):
            assert next(iter(row.values())) in seen
    assert f"{load(written).trials['trial_id'].nunique()} trials" in seen


def test_the_chosen_configurations_are_those_that_were_confirmed_digit_for_digit(written, page, words, rows):
    trials = load(written).trials
    confirmed = trials[trials["phase"] == "confirm"].drop_duplicates("trial_id").set_index("trial_id")
    found = rows(written, "chosen")
    assert [row["trial"] for row in found] == list(confirmed.index)
    for row in found:
        assert float(row["generator_lr"]) == confirmed.loc[row["trial"], "config.generator_lr"]
        assert float(row["critic_lr"]) == confirmed.loc[row["trial"], "config.critic_lr"]
        assert row["trial"] in words(page)
    bias = {row["arm"]: row for row in rows(written, "selection-bias")}
    for row in found:
        for end in ("", " low", " high"):
            assert row[f"median Fréchet distance{end}"] == bias[row["arm"]][f"on fresh seeds{end}"]


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_repeated_searches_is_reported_repeat_by_repeat(simulate, tmp_path, words, rows):
    folder = simulate(tmp_path, arms=("hinge", "minimax"), repeats=3, trials=6, replicas=3, confirm=5)
    report.write(folder)
    trials = load(folder, []).trials
    confirmed = trials[trials["phase"] == "confirm"].drop_duplicates("trial_id")
    for name in ("chosen", "selection-bias"):
        found = [(row["arm"], int(row["repeat"])) for row in rows(folder, name)]
        assert found == [(arm, repeat) for arm in ("hinge", "minimax") for repeat in range(3)]
    assert [row["trial"] for row in rows(folder, "chosen")] == list(confirmed["trial_id"])
    assert {row["replicas"] for row in rows(folder, "outcomes-search")} == {str(3 * 6 * 3)}
    assert {row["replicas"] for row in rows(folder, "outcomes-confirm")} == {str(3 * 5)}
    seen = words((folder / "report" / "index.html").read_text(encoding="utf-8"))
    assert "after k configurations of the search, those of an arm's 3 searches taken together, median over" in seen


def test_every_table_that_lies_beside_the_page_can_be_had_without_it(written, tmp_path):
    for table in report.every_table(find(load(written)), written):
        table_files.save(table, tmp_path)
    kept, beside = (
        {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
        for folder in (tmp_path, written / "report" / "tables")
    )
    assert kept == beside


def test_search_and_confirmed_results_are_apart(written, page, words, rows):
    search, confirm = rows(written, "outcomes-search"), rows(written, "outcomes-confirm")
    assert {row["replicas"] for row in search} == {"80"}
    assert {row["replicas"] for row in confirm} == {"12"}
    assert "Never pooled" in words(page)


def test_figures_lie_beside_the_page_in_both_formats(written, page):
    figures = written / "report" / "figures"
    names = {path.stem for path in figures.iterdir()}
    assert {path.name for path in figures.iterdir()} == {f"{n}.{kind}" for n in names for kind in ("pdf", "svg")}
    assert {
        "outcomes-confirm",
        "survival-failure",
        "quality-confirm",
        "pairs-confirm",
        "learning-confirm",
        "modes",
    } <= names
    assert {
        "samples",
        "best-of-k",
        "selection-bias",
        "profiles-confirm",
        "importance-stability",
        "objective-1",
    } <= names
    assert {name for name in names if f'id="{name}-all"' in page} == names
    assert len(re.findall(r'role="img" aria-label="[^"]{15,}"', page)) >= len(names) - 1


def test_what_stands_behind_the_results_is_said(page, words):
    seen = words(page)
    for fact in (
        "python 3.11",
        "host box",
        "10000–10011",
        "generator_lr",
        "simulated",
        "seed",
        "log_uniform",
        "min(0, d - 1)",
    ):
        assert fact in seen, fact


def test_the_same_record_gives_the_same_page(written, page):
    assert report.write(written, objectives=_objectives(written)).read_text(encoding="utf-8") == page


@pytest.mark.usefixtures("undrawn")
def test_what_is_noted_of_the_configuration_is_said_below_the_answer(written, tmp_path):
    said = "wasserstein needs a critic of bounded slope; without one: wasserstein."
    folder = shutil.copytree(written, tmp_path / "study")
    page = report.write(folder, notes=[said]).read_text(encoding="utf-8")
    assert page.count(said) == 1
    assert json.loads((folder / "report" / "answer.json").read_text(encoding="utf-8"))["caveats"][-1] == said
    assert page.index('class="answer"') < page.index(said) < page.index("<h2")


def _objectives(folder):
    return json.loads((folder / "report" / "objectives.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("undrawn")
def test_what_was_left_out_is_said_and_why(simulate, tmp_path, words, rows):
    small = {"trials": 6, "confirm": 4, "evaluations": 4}
    about = {"damaged": 3, "undeclared": ["odd"], "lacking": ["a trial: its plan is gone"]}
    simulate(tmp_path, **small, running=1, failed=2, truncated=1, message=HOSTILE, about=about)
    page = report.write(tmp_path).read_text(encoding="utf-8")
    seen = words(page)
    found = {(row["what"], row["trials"], row["replicas"]) for row in rows(tmp_path, "left-out")}
    assert found == {("running", "1", "4"), ("truncated", "1", "4"), ("failed", "2", "8")}
    assert HOSTILE in seen
    assert page.count("<script") == 1
    assert "This study is not finished: 1 trial had not ended." in seen
    assert "3 lines of the ledger could not be read" in seen
    assert "a trial: its plan is gone." in seen
    assert "odd" in seen


def test_hostile_names_are_text_everywhere(simulate, tmp_path, words):
    config = {"scientific": {HOSTILE: [1, 2]}, "data": {"name": HOSTILE}, "search": {"metric": "fid"}}
    session = {"time": 1.0, "host": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    about = {"study": HOSTILE, "config": config, "sessions": [session]}
    simulate(tmp_path, arms=("a", "<img src=x>"), trials=3, replicas=2, confirm=3, evaluations=4, about=about)
    page = report.write(tmp_path, objectives=[]).read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "<img src=x" not in page
    assert f"<title>{HOSTILE}" not in page
    assert words(page).count(HOSTILE) >= 4


@pytest.mark.usefixtures("undrawn")
def test_a_study_under_way_is_said_to_be_so(simulate, tmp_path, words):
    simulate(tmp_path, trials=4, replicas=2, confirm=0, evaluations=4, running=2)
    state = {"state": "running", "trials": {"done": 10, "failed": 0, "running": 2, "interrupted": 0, "missing": 3}}
    seen = words(report.write(tmp_path, state=state).read_text(encoding="utf-8"))
    assert "10 of 15 trials are done; 2 trials under way and 3 trials not begun. Numbers will change. This is a" in seen
    assert "This is a look before the end: tests hold their 5 % only if" in seen
    assert "Provisional: there are no results on fresh seeds" in seen
    stopped = {"time": 1e9, "reason": "the disk is full."}
    state |= {"state": "interrupted", "stopped": stopped}
    seen = words(report.write(tmp_path, state=state).read_text(encoding="utf-8"))
    assert "3 trials not begun. It stopped 2001-09-09 01:46 UTC: the disk is full. Numbers will change." in seen


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_which_every_trial_failed_says_so(simulate, tmp_path, words):
    simulate(tmp_path, arms=("a",), trials=2, replicas=2, confirm=0, evaluations=4, failed=2)
    seen = words(report.write(tmp_path).read_text(encoding="utf-8"))
    assert "Every trial that has ended failed, with 4 replicas; nothing can be said." in seen
    assert "No trial has ended yet" not in seen


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_which_nothing_has_ended_has_a_page(simulate, tmp_path, words):
    simulate(tmp_path, arms=("a",), trials=2, replicas=2, confirm=0, evaluations=4, running=2)
    seen = words(report.write(tmp_path).read_text(encoding="utf-8"))
    assert "No trial has ended yet; nothing can be said." in seen


@pytest.mark.usefixtures("undrawn")
def test_a_study_of_which_everything_failed_has_a_page(simulate, tmp_path, words):
    simulate(tmp_path, arms=("a",), trials=2, replicas=2, confirm=0, evaluations=4, failed=2)
    assert "out of memory" in words(report.write(tmp_path).read_text(encoding="utf-8"))


@pytest.mark.usefixtures("undrawn")
def test_one_arm_has_a_page_without_comparisons_and_nothing_of_a_former_report_is_left(simulate, tmp_path):
    figures = tmp_path / "report" / "figures"
    simulate(tmp_path, arms=("a", "b"), trials=3, replicas=2, confirm=4, evaluations=4)
    report.write(tmp_path)
    (figures / "mine.svg").touch()
    assert (figures / "pairs-confirm.svg").exists()
    simulate(tmp_path, arms=("a",), trials=3, replicas=2, confirm=4, evaluations=4)
    report.write(tmp_path)
    assert not list(figures.glob("pairs-confirm.*"))
    assert {"mine.svg", "quality-confirm.svg"} <= {path.name for path in figures.iterdir()}


@pytest.mark.usefixtures("undrawn")
def test_a_margin_is_asked_for(simulate, tmp_path, words):
    simulate(tmp_path, trials=3, replicas=2, confirm=4, evaluations=4)
    assert "the same within 50 %" in words(report.write(tmp_path, same_within=0.5).read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"same_within: expected a number above 0 and below 1, got 5"):
        report.write(tmp_path, same_within=5)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("sampler", "said"), [(None, "adaptive (tpe)"), ("cmaes", "adaptive (cmaes)"), ("random", "")])
def test_best_of_k_says_that_a_search_is_adaptive(simulate, tmp_path, sampler, said, words):
    search = {"metric": "fid", "mode": "min", **({"sampler": sampler} if sampler else {})}
    simulate(tmp_path, trials=3, replicas=2, confirm=4, evaluations=4, about={"config": {"search": search}})
    seen = words(report.write(tmp_path).read_text(encoding="utf-8"))
    assert ("The search was adaptive" in seen) == bool(said)
    assert said in seen


def test_there_must_be_a_record(tmp_path):
    with pytest.raises(FileNotFoundError, match="no record there"):
        report.write(tmp_path)


def test_findings_hang_on_the_seed_alone(simulate, tmp_path):
    record = load(simulate(tmp_path, trials=4, replicas=3, evaluations=4))
    first, second, other = find(record), find(record), find(record, seed=1)
    assert [one.iqm for one in first.measured[0].quality] == [one.iqm for one in second.measured[0].quality]
    assert [one.iqm for one in first.measured[0].quality] != [one.iqm for one in other.measured[0].quality]


def test_the_metric_is_the_one_that_the_search_went_by():
    assert metric_and_mode({}) == ("fid", "min")
    assert metric_and_mode({"config": {"search": {"metric": "coverage", "mode": "max"}}}) == ("coverage", "max")
    assert metric_and_mode({"config": {"search": {"metric": ["kid", "fid"], "mode": ["min", "max"]}}}) == ("kid", "min")


@pytest.mark.usefixtures("undrawn")
def test_that_nothing_happened_is_said_once(simulate, tmp_path, words):
    """A replica that did not fail did not diverge: one sentence, not two."""
    simulate(tmp_path, arms=("a",), trials=3, replicas=2, confirm=4, evaluations=4, seed=1)
    assert not any(one.curves[0].events for one in find(load(tmp_path)).survival)
    seen = words(report.write(tmp_path).read_text(encoding="utf-8"))
    begin, end = "How the replicas of each arm ended", "Signals that outcomes are judged by"
    stability = seen[seen.index(begin) : seen.index(end)]
    assert stability.count("No replica diverged, froze or collapsed for good. No replica collapsed and recovered.") == 1
    assert "No replica diverged." not in seen


def test_the_whole_configuration_is_yaml_and_folded(written, page):
    (shown,) = re.findall(r"<details><summary>The whole configuration</summary><pre>(.*?)</pre>", page, re.DOTALL)
    assert yaml.safe_load(unescape(shown)) == load(written, []).about["config"]


def test_what_stands_for_a_picture_states_its_result(written, page, rows):
    shares = [f"{row['arm']} {percent(float(row['converged']))}" for row in rows(written, "outcomes-confirm")]
    assert f'aria-label="Share of replicas that converged: {", ".join(shares)}."' in page
    (medians,) = set(re.findall(r'aria-label="Median of the final Fréchet distance: (.*?)\."', page))
    for row in rows(written, "quality-confirm"):
        assert f"{row['arm']} {number(float(row['median Fréchet distance']))}" in medians.split(", ")


def test_the_style_sheet_s_rules_for_a_section_are_of_one_that_pages_have(page):
    named = re.findall(r"\n\s*#([a-z][a-z-]+) ", CSS)
    assert named
    assert set(named) <= set(re.findall(r'<section id="([^"]+)"', page))
