"""The page's section on joined studies of the same arms: how the arms stand over data sets."""

from __future__ import annotations

from functools import partial
from itertools import combinations

from analysis import figures
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, joined, section, tag
from analysis.report.standing_words import ENDPOINTS, alternative, drawn_alike, of_such, scope, units_of, verdict
from analysis.report.table_files import Head, Table, Value
from analysis.report.writer import FigureWriter
from analysis.results.standings import OverDataSets
from analysis.wording import counted, number, p_value, percent

SCORES = {
    "converged": "the share of its replicas that converged",
    "quality": "the probability that a replica of it is better than one of another arm (ties half, divergence worst)",
}


def data_sets(findings: Findings, writer: FigureWriter) -> Section | None:
    """How arms stand over data sets; None unless two joined studies share two arms."""
    if not findings.standings:
        return None
    parts: list[Html] = []
    for sentence in dict.fromkeys(said for one in findings.standings for said in [*drawn_alike(one), *scope(one)]):
        parts.append(tag("p", sentence))
    if len(findings.standings) > 1:
        parts.append(tag("p", "Convergence and quality are two questions; each is tested at 5\u00a0%."))
    for one in findings.standings:
        parts += [tag("h3", f"By {ENDPOINTS[one.endpoint]}"), tag("p", verdict(one)), *_shown(one, writer)]
    return section("Over studies" if findings.standings[0].unit == "study" else "Over data sets", *parts)


def _shown(one: OverDataSets, writer: FigureWriter) -> list[Html]:
    picture = writer.figure(
        f"ranks-{one.endpoint}",
        partial(figures.average_ranks, one),
        f"Average ranks over {units_of(one)}. A bar joins arms, marked by dots, no two of which are told apart at"
        f" {percent(one.alpha)} by the tests of pairs below; arms that share no bar are told apart. (A diagram as"
        " Demšar's of 2006, whose bars are as long as Nemenyi's critical difference instead.)",
        alternative(one),
    )
    return [picture, joined([writer.table(table(one)) for table in (rank_table, unit_table, pair_table)])]


def rank_table(one: OverDataSets) -> Table:
    """Each arm's average rank and mean score."""
    ranks = one.test.average_ranks
    rows: list[tuple[Value, ...]] = [
        (
            one.arms[place],
            float(ranks[place]),
            sum(unit.ranks[place] == min(unit.ranks) for unit in one.units),
            sum(unit.scores[place] for unit in one.units) / len(one.units),
        )
        for place in map(one.arms.index, one.planned)
    ]
    how = "exact" if one.test.method == "exact" else "by Iman and Davenport"
    test = f" Friedman's test of all: χ² {number(one.test.statistic)}, p {p_value(one.test.p)} ({how})."
    alone = sum(rank == ranks[0] for rank in ranks) == 1
    return Table(
        f"over-{one.endpoint}-ranks",
        f"Average rank over {units_of(one)}, on each of which an arm is ranked by {SCORES[one.endpoint]}; how often it"
        f" is the best, or shares the best rank; and the mean of what it is ranked by.{test}",
        _rows(one),
        (
            Head("arm"),
            Head("average rank", "number"),
            Head("best", "count"),
            Head("converged" if one.endpoint == "converged" else "better than another", "share"),
        ),
        tuple(rows),
        one.planned.index(one.arms[0]) if alone else None,
        frozenset(one.planned.index(arm) for arm in one.indistinguishable) if alone else frozenset(),
    )


def unit_table(one: OverDataSets) -> Table:
    """Each arm's score on each data set."""
    return Table(
        f"over-{one.endpoint}-{'studies' if one.unit == 'study' else 'data-sets'}",
        f"Of each arm {SCORES[one.endpoint]}, by {one.unit}.",
        _rows(one),
        (Head(one.unit), *(Head(arm, "share") for arm in one.planned)),
        tuple((unit.name, *(unit.scores[one.arms.index(arm)] for arm in one.planned)) for unit in one.units),
    )


def pair_table(one: OverDataSets) -> Table:
    """Every two arms over all data sets."""
    rope = one.pairs[0].credence.rope
    shares = one.endpoint == "converged"
    rows: list[tuple[Value, ...]] = [
        (
            pair.a, pair.b, pair.better, pair.worse, pair.effect if shares else 0.5 + pair.effect, pair.p, pair.p_holm,
            pair.credence.above, *([pair.credence.within] if rope else []), pair.credence.below,
        )
        for pair in (one.pair(a, b) for a, b in combinations(one.planned, 2))
    ]  # fmt: skip
    effect = "the mean probability that a is better"
    if shares:
        effect = "the mean difference in the share that converged, in percentage points"
    within = "the shares differ by at most" if shares else "that probability differs from one half by at most"
    alike = f", that they are alike ({within} {percent(rope)})" if rope else ""
    return Table(
        f"over-{one.endpoint}-pairs",
        f"Every two arms over {units_of(one)}: on how many either is better; {effect}; p by Wilcoxon's exact signed-"
        f"rank test, corrected for all {counted(len(one.pairs), 'pair')} (Holm). Last, by the Bayesian signed-rank"
        f" test, how probable it is at least that a is the better on {of_such(one)}{alike}, and that b is; what is"
        " missing to 100\u00a0% hangs on the prior. These are not corrected for the number of pairs.",
        _rows(one),
        (
            Head("a"), Head("b"), Head("a better on", "count"), Head("b better on", "count"),
            Head("difference", "points") if shares else Head("a better than b", "share"),
            Head("p", "p"), Head("p (Holm)", "p"),
            Head("a better, at least", "share"), *([Head("alike, at least", "share")] if rope else []),
            Head("b better, at least", "share"),
        ),
        tuple(rows),
    )  # fmt: skip


def _rows(one: OverDataSets) -> str:
    column = "outcome" if one.endpoint == "converged" else "the metric of each study"
    return f"trials.parquet: phase = {one.phase}, {column}, arms of each study alone"
