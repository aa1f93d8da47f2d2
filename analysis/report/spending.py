"""The page's words on the budget: what all trials had alike, and what each arm has spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from analysis import figures
from analysis.report import alternatives
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, section
from analysis.report.subject import nothing_searched
from analysis.report.table_files import Head, Table, Value
from analysis.report.writer import FigureWriter
from analysis.results.best_of_k import BestOfK
from analysis.results.spending import EqualBudget, Spent
from analysis.wording import SPENDINGS, counted, listed, named, number, percent

ALIKE = 0.005  # shares below which amounts are said to be the same


def equality(found: Sequence[EqualBudget]) -> list[str]:
    """What all trials of a study had alike, what they had not, and how times are told: sentences, for each study."""
    said = {one.study: _equality(one) for one in found}
    clock = ["Times are told as shares of the budget."] if any(one.spending != "steps" for one in found) else []
    if len(set(said.values())) == 1:
        return [" ".join([*said.values()][:1] + clock)]
    return [f"{study}: {sentence}" for study, sentence in said.items()] + clock


def _equality(one: EqualBudget) -> str:
    kept = f", kept to within {percent(one.missed)}" if one.missed > ALIKE else ""
    budget = f"Every replica had the same budget: {_amount(one.spending, one.amount)}{kept}."
    others = [
        f"{SPENDINGS[name]} ({_number(name, low)} to {_number(name, high)})"
        for name, (low, high) in one.ranges.items()
        if name != one.spending and high > low * (1 + ALIKE)
    ]
    return budget + (f" Not equal were {listed(others)}." if others else "")


def _amount(spending: str, amount: float) -> str:
    if spending == "operations":
        return f"{number(amount)} floating-point operations"
    return counted(round(amount), SPENDINGS[spending].removesuffix("s"))


def _number(spending: str, amount: float) -> str:
    return number(amount) if spending == "operations" else counted(round(amount), "", " ").strip()


def budget(findings: Findings, writer: FigureWriter) -> Section | None:
    """What each arm spent, and the best of a search by what it cost; None while nothing is planned."""
    if not any(findings.spent.values()):
        return None
    parts: list[Html] = [writer.table(spent_table([one for phase in findings.spent.values() for one in phase]))]
    if nothing_searched(findings.record.about):
        return section("Budget", *parts)
    if findings.best_of_k:
        parts.append(writer.beside(best_of_k_table(findings.best_of_k, findings.best_by_spending)))
    timed = findings.best_by_spending.get("core_seconds", ())
    if timed:
        parts.append(
            writer.figure(
                "best-of-budget",
                partial(figures.best_of_k, timed, findings.palette),
                f"The best {named(timed[0].metric)} of a search by what it costs: the curves of best-of-k, each k put"
                " at k times the core-seconds that a configuration of the arm took on average."
                f" tables/best-of-k.csv has the curves over {listed([*SPENDINGS.values()])}.",
                alternatives.best_of_k(timed, "core-seconds"),
            )
        )
    return section("Budget", *parts)


def spent_table(results: Sequence[Spent]) -> Table:
    """What each arm spent in the search and in the confirmation."""
    kinds = {name: "number" if name in ("operations", "core_seconds") else "count" for name in SPENDINGS}
    return Table(
        "spent",
        "What each arm has spent, over all its trials and replicas, failed and stopped ones too; a replica that"
        " diverged counts to the end of its trial. Operations are those that the networks' sizes imply. Core-seconds"
        " are the time that trials took times the cores of each; they depend on the machine and what else it did.",
        "trials.parquet: columns steps, critic_updates, real_samples, operations, core_seconds by arm and phase",
        (
            Head("arm"), Head("phase"), Head("trials", "count"), Head("replicas", "count"),
            *(Head(words, "number" if kinds[name] == "number" else "count") for name, words in SPENDINGS.items()),
        ),
        tuple(
            (one.arm, one.phase, one.trials, one.replicas, *(_known(one.totals[name]) for name in SPENDINGS))
            for one in results
        ),
    )  # fmt: skip


def best_of_k_table(curves: Sequence[BestOfK], by_spending: Mapping[str, Sequence[BestOfK]]) -> Table:
    """Each arm's best-of-k curves, with what k configurations spend on average."""
    metric = curves[0].metric
    spent = {(name, one.arm): one.median.x for name, found in by_spending.items() for one in found}
    rows: list[tuple[Value, ...]] = []
    for curve in curves:
        for place, k in enumerate(curve.median.x):
            costs = [spent.get((name, curve.arm)) for name in SPENDINGS]
            best = (curve.median.interval(place), curve.mean.interval(place))
            rows.append((curve.arm, int(k), *best, *(None if x is None else float(x[place]) for x in costs)))
    return Table(
        "best-of-k",
        f"The best {named(metric)} of k configurations of each arm's search, median and mean over which k they are,"
        " with 95 % intervals, which capture configurations; and what k configurations spend on average.",
        f"trials.parquet: phase = search, column {metric}, median over replicas; and the columns of spending",
        (
            Head("arm"), Head("k", "count"), Head("median best", "number"), Head("expected best", "number"),
            *(Head(words, "number") for words in SPENDINGS.values()),
        ),
        tuple(rows),
    )  # fmt: skip


def _known(amount: float) -> float | None:
    return None if np.isnan(amount) else amount
