"""The section on chosen configurations: what the table shows and rounds, and the YAML below it."""

import csv
import math
import re
from html import unescape
from types import MappingProxyType, SimpleNamespace

import pytest

from analysis.report.chosen import chosen, chosen_table, snippet
from analysis.report.table_files import shown
from analysis.report.writer import LONGEST, FigureWriter
from analysis.results.chosen import Chosen
from analysis.results.spending import EqualBudget
from analysis.statistics.intervals import Interval

HOSTILE = "</pre><script>alert(1)</script>&{}"
SCORE = Interval(0.0123456, 0.01, 0.02, 16, "by hand", "seeds")
SETTINGS = {
    "scientific": {"objective": {"name": "hinge"}, "penalty": {"name": "r1", "weight": 0.1}},
    "nuisance": {"generator_lr": 0.0012345678901234567, "critic_steps": 2},
    "fixed": {"critic": {"kind": "mlp", "hidden": [64, 64], "batch_norm": False}},
    "defaults": {"model": "gan", "generator_loss": "min(0, d)"},
}
YAML = """fixed:
  # scientific
  objective: {name: hinge}
  penalty: {name: r1, weight: 0.1}
  # nuisance
  generator_lr: 0.0012345678901234567
  critic_steps: 2
  # fixed
  critic:
    kind: mlp
    hidden: [64, 64]
    batch_norm: false
  # defaults
  model: gan
  generator_loss: min(0, d)
"""


def one(arm="hinge", **changes):
    drawn = {"generator_lr": 0.0012345678901234567, "critic_steps": 2, "generator.batch_norm": True, "penalty": "r1_1"}
    told = {
        "repeat": 0,
        "trial_id": f"confirm-{arm}-0003",
        "phase": "confirm",
        "metric": "fid",
        "mode": "min",
        "score": SCORE,
        "replicas": 16,
        "converged": 0.75,
    }
    return Chosen(**{"arm": arm, **told, "searched": drawn, "settings": SETTINGS, **changes})


def written(folder, *results, budgets=(), about=MappingProxyType({})):
    palette = {result.arm: SimpleNamespace(colour="#000000") for result in results}
    findings = SimpleNamespace(chosen=results, budgets=budgets, record=SimpleNamespace(about=about))
    return chosen(findings, FigureWriter(folder, palette))


def test_a_hyperparameter_is_a_column_a_dash_where_it_was_not_searched(tmp_path):
    section = written(tmp_path, one(), one("clip", searched={"penalty.bound": 0.25}))
    with (tmp_path / "tables" / "chosen.csv").open(encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "arm": "hinge", "trial": "confirm-hinge-0003", "replicas": "16", "converged": "0.75",
        "median Fréchet distance": "0.0123456",
        "median Fréchet distance low": "0.01", "median Fréchet distance high": "0.02", "critic_steps": "2",
        "generator_lr": "0.0012345678901234567", "generator.batch_norm": "true", "penalty": "r1_1", "penalty.bound": "",
    }  # fmt: skip
    assert (second["generator_lr"], second["penalty.bound"]) == ("", "0.25")
    seen = re.findall(r"<td[^>]*>(.*?)</td>", section.body)
    assert [unescape(cell) for cell in seen[4:9]] == ["0.00123", "2", "true", "r1_1", "–"]


def test_repeats_have_a_column_where_there_are_several(tmp_path):
    section = written(tmp_path, one(), one(repeat=1, trial_id="confirm-hinge-r1-0002"))
    with (tmp_path / "tables" / "chosen.csv").open(encoding="utf-8") as file:
        found = [(row["arm"], row["repeat"], row["trial"]) for row in csv.DictReader(file)]
    assert found == [("hinge", "0", "confirm-hinge-0003"), ("hinge", "1", "confirm-hinge-r1-0002")]
    assert "each of an arm&#x27;s independent searches, its repeats" in section.body
    assert "YAML of hinge (confirm-hinge-r1-0002)" in section.body
    note = "In a trial’s name -r1 before the last number is repeat 1, and no penalty."
    assert note in section.body
    assert note not in chosen_table([one()]).caption


def test_whole_numbers_are_counts_and_mixtures_numbers():
    table = chosen_table([one(searched={"a": 1, "b": 1, "c": None}), one("b", searched={"a": 2, "b": 0.5, "c": "x"})])
    assert {head.name: head.kind for head in table.heads[4:-1]} == {"a": "count", "b": "setting", "c": "text"}


def test_a_score_that_is_not_there_is_a_dash(tmp_path):
    missing = Interval(math.nan, math.nan, math.nan, 0, "none", "seeds")
    table = chosen_table([one(score=missing)])
    assert shown(table.rows[0][1], table.heads[1].kind) == "–"


@pytest.mark.golden
def test_the_yaml_is_a_section_to_paste():
    assert snippet(one()) == YAML


def test_each_configuration_has_its_yaml_folded_away(tmp_path):
    section = written(tmp_path, one(), one("clip", settings={}))
    assert section.title == "Which configuration won"
    assert "trained alone, with trials_per_arm: 1 and repeats: 1 under search. By the same search.seed" in section.body
    summaries = re.findall(r"<details><summary>(.*?)</summary><pre>(.*?)</pre></details>", section.body, re.S)
    assert [(name, unescape(block)) for name, block in summaries] == [("YAML of hinge (confirm-hinge-0003)", YAML)]


def test_what_was_chosen_before_the_search_went_on_is_named(tmp_path):
    assert "fewer trials" not in written(tmp_path, one()).body
    about = {"study": "rings", "no_longer_chosen": ["confirm-hinge-0001"]}
    said = written(tmp_path, one(), about=about).body
    assert "<p>confirm-hinge-0001 was confirmed as the best of fewer trials. The search has gone on since" in said
    assert "and found a better one, which was confirmed too, so that no comparison" in said
    about["no_longer_chosen"] = [f"confirm-hinge-{index:04d}" for index in range(6)]
    assert (
        "confirm-hinge-0002, confirm-hinge-0003 and others were confirmed as"
        in written(tmp_path, one(), about=about).body
    )


def test_a_budget_that_is_not_of_updates_has_to_be_pasted_too(tmp_path):
    said = "The section budget has to be that of study.yaml, in which equal.per_step is written out."
    assert said in written(tmp_path, one(), budgets=(EqualBudget("rings", "real_samples", 6400, {}),)).body
    assert said not in written(tmp_path, one(), budgets=(EqualBudget("rings", "steps", 100, {}),)).body


def test_without_any_specification_there_is_the_table_alone(tmp_path):
    body = written(tmp_path, one(settings={})).body
    assert "<table>" in body
    assert "In place of the sections" not in body


def test_what_is_shown_is_text(tmp_path):
    odd = {"scientific": {"objective": {"name": HOSTILE, HOSTILE: HOSTILE}}}
    body = written(tmp_path, one(HOSTILE, searched={HOSTILE: HOSTILE}, settings=odd)).body
    assert "<script" not in body
    assert body.count("</pre>") == 1
    assert unescape(body).count(HOSTILE) == 13


def test_of_very_many_arms_the_first_have_yaml_on_the_page(tmp_path):
    body = written(tmp_path, *(one(f"arm{place}") for place in range(LONGEST + 3))).body
    assert body.count("<pre>") == LONGEST
    assert "The values of 3 more are in tables/chosen.csv." in body


def test_the_best_of_all_is_named_with_its_values(tmp_path):
    better = Interval(0.01, 0.005, 0.02, 16, "by hand", "seeds")
    seen = unescape(written(tmp_path, one(), one("clip", score=better)).body).replace("\u00a0", " ")
    assert (
        "The best median Fréchet distance on fresh seeds has clip (confirm-clip-0003): 0.0100 [0.0050, 0.0200], 75 % of"
        " 16 replicas converged, with generator_lr 0.00123, critic_steps 2, generator.batch_norm true and penalty r1_1."
        " As the best of 2 it may owe something to luck"
    ) in seen


def test_while_nothing_is_chosen_there_is_no_section(tmp_path):
    assert written(tmp_path) is None


def test_several_with_the_best_score_are_named_and_none_of_them_is_the_best(tmp_path):
    seen = unescape(written(tmp_path, one(), one("clip")).body)
    assert (
        "The best median Fréchet distance on fresh seeds, 0.0123, have hinge (confirm-hinge-0003) and clip"
        " (confirm-clip-0003)." in seen
    )
    assert "it may owe something to luck" not in seen


def test_where_nothing_was_searched_nothing_is_said_to_be_chosen(tmp_path):
    results = [one(arm, phase="search", searched={}, trial_id=f"search-{arm}-0000") for arm in ("hinge", "clip")]
    about = {"searched": {"hinge": [], "clip": []}}
    seen = unescape(written(tmp_path, *results, about=about).body)
    assert "What each arm, a single configuration, ended with. Median" in seen
    assert "The best median Fréchet distance, 0.0123, have" in seen
    assert not any(word in seen for word in ("search chose", "picked", "A dash", "in the search"))
    about["searched"]["clip"] = ["generator_lr"]
    assert "What each arm's search chose" in unescape(written(tmp_path, *results, about=about).body)


def test_a_block_is_said_to_be_confirmed_alike_where_something_was_confirmed(tmp_path):
    said = "By the same search.seed and confirm it is confirmed on the same fresh seeds."
    assert said in written(tmp_path, one(phase="search"), one("clip")).body
    assert said not in written(tmp_path, one(phase="search")).body
