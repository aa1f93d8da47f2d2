from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from analysis.report.pair_tables import pair_table, quality_table, rate_table
from analysis.report.table_files import csv_text, latex
from analysis.results.compare import ArmQuality
from analysis.results.effects import Effect, Shift
from analysis.results.pairs import compared
from analysis.statistics.intervals import Interval


def interval(estimate):
    return Interval(estimate, estimate - 0.1, estimate + 0.1, 16, "by hand", "seeds")


def quality(arm, **counts):
    counts = {"diverged": 0, "overflowed": 0, "unmeasured": 0, "truncated": 0, "failed": 0, **counts}
    return ArmQuality(
        arm=arm, metric="fid", mode="min", phase="confirm", n=16, configurations=1, floor=np.nan, median=interval(1.0),
        iqm=interval(1.0), values=np.ones(16), configuration=np.zeros(16, int), whose=("",) * 16, **counts,
    )  # fmt: skip


def comparison(*told, estimate=0.75, null=0.5, subject="fid"):
    """Arms a, b and c, each ahead of those after it; `told` are the pairs told apart, "ab" of a and b."""
    ratio = Shift("ratio", interval(0.5))
    pairs = [
        Effect(a, b, 16, 16, interval(estimate), null, 0.02, 0.03 if a + b in told else 0.3, ratio if null else None)
        for a, b in combinations("abc", 2)
    ]
    return compared(pairs, "abc", subject, "confirm", "replica", "a test", 0.05)


ARMS = [quality("c"), quality("b"), quality("a")]


@pytest.mark.parametrize(
    ("told", "best", "tied", "said"),
    [
        (("ab", "ac"), 2, {2}, ""),
        (("ac",), 2, {1, 2}, ""),
        ((), None, set(), " No two can be told apart."),
    ],
)
def test_bold_and_dagger_follow_the_tests(told, best, tied, said):
    table = quality_table(ARMS, comparison(*told))
    assert [row[0] for row in table.rows] == ["c", "b", "a"]
    assert (table.best, set(table.tied)) == (best, tied)
    assert said in table.caption
    assert ("Bold: ahead in these data" in latex(table)) == (best is not None)
    assert ("cannot be told apart from it" in latex(table)) == (len(tied) > 1)


def test_nobody_is_bold_where_none_is_ahead_of_every_other():
    table = quality_table(ARMS, comparison("ab", estimate=0.5))
    assert table.best is None
    assert "None is ahead of every other." in table.caption


def test_every_row_is_tested_against_the_leader():
    table = quality_table(ARMS, comparison("ac"))
    assert table.rows[2][-2:] == (None, None)
    assert table.rows[0][-2:] == (interval(0.75), 0.03)
    assert "“leader is better”: probability that a replica of a is better than one of the row's arm" in table.caption
    assert "p by a test, over replicas, corrected for all pairs by Holm" in table.caption


def test_what_was_not_measured_or_overflowed_has_a_column_where_there_is_any():
    assert [head.name for head in quality_table(ARMS, None).heads][2:3] == ["diverged"]
    table = quality_table([quality("a", unmeasured=2, overflowed=1), quality("b")], None)
    assert [head.name for head in table.heads][2:5] == ["diverged", "overflowed", "not measured"]
    assert table.rows[0][2:5] == (0, 1, 2)
    assert "So do overflowed ones" in table.caption


def test_pairs_have_an_effect_in_the_metrics_own_unit():
    table = pair_table(comparison("ac"), " A note.")
    assert table.rows[0] == ("a", "b", 16, 16, interval(0.75), interval(0.5), 0.02, 0.3)
    assert "a over b, typically" in csv_text(table).splitlines()[0]
    assert "hold for all pairs together (Bonferroni)" in table.caption
    assert table.caption.endswith("A note.")


def test_pairs_of_shares_stand_outcome_by_outcome():
    table = rate_table({name: comparison(estimate=0.3, null=0.0, subject=name) for name in ("converged", "diverged")})
    assert [row[:3] for row in table.rows[2:4]] == [("converged", "b", "c"), ("diverged", "a", "b")]
    assert table.rows[0][5:] == (interval(0.3), 0.02, 0.3)
    assert table.name == "rates-confirm"
    assert "A share's own interval" not in table.caption


def test_of_repeats_the_caption_says_why_a_difference_knows_more_than_its_shares():
    of_repeats = {"converged": replace(comparison(estimate=0.3, null=0.0, subject="converged"), unit="repeat")}
    assert "A share's own interval knows how much searches differ from its arm alone" in rate_table(of_repeats).caption


def test_nobody_is_marked_where_all_are_near_the_worst():
    far = [replace(quality(name), metric="mass_js", values=np.full(16, 0.65)) for name in "abc"]
    table = quality_table(far, comparison("ab", "ac"))
    assert table.best is None
    assert "All are still near the worst: nobody is marked as ahead." in table.caption


def test_the_least_p_of_so_few_searches_is_said_where_there_is_one():
    found = comparison("ac", null=0.0, estimate=0.5, subject="converged")
    assert "No p, corrected or not" not in rate_table({"converged": found}).caption
    pairs = tuple(replace(pair, least=1 / 32) for pair in found.pairs)
    caption = rate_table({"converged": replace(found, pairs=pairs, unit="repeat")}).caption
    assert "No p, corrected or not, is below what searches alone can say, 0.031: how probable" in caption


def test_shares_of_repeats_are_given_by_searches_alone_as_well_and_what_is_assumed_is_said():
    found = comparison("ac", null=0.0, estimate=0.5, subject="converged")
    alone = replace(interval(0.5), low=-0.2, high=0.9)
    pairs = tuple(replace(pair, alone=alone, n_a=3, n_b=4) for pair in found.pairs)
    table = rate_table({"converged": replace(found, pairs=pairs, unit="repeat")})
    place = [head.name for head in table.heads].index("by searches alone")
    assert [row[place] for row in table.rows] == [alone] * 3
    assert "by searches alone low" in csv_text(table).splitlines()[0]
    caption = table.caption.replace("\u00a0", " ")
    assert "half wholly badly, 3 searches end alike in 25 % of studies and show none of it" in caption
    assert "by searches alone" not in rate_table({"converged": found}).caption
