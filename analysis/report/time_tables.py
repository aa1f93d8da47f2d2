"""Tables of times to events: curves by arm, every pair by its mean time, and the incidence of each kind of failure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.report.repeat_words import assumed, least_of_searches
from analysis.report.table_files import Head, Kind, Table
from analysis.results.incidence import Incidences
from analysis.results.survival import Survival
from analysis.wording import EVENTS, captured, clock_time, number, p_value


def survival_table(result: Survival, note: str = "") -> Table:
    """Events, medians and mean times by arm; `note` ends the caption."""
    horizon = clock_time(result.clock, result.means[0].horizon)
    kind: Kind = "number" if result.clock == "updates" else "share"
    median = "median step" if result.clock == "updates" else "median part of the budget"
    heads = (
        Head("arm"), Head("replicas", "count"), Head("events", "count"),
        Head(median, kind), Head(f"mean until {horizon}", kind),
    )  # fmt: skip
    means = {one.arm: one.mean for one in result.means}
    rows = [(curve.arm, curve.n, curve.events, curve.median, means.get(curve.arm)) for curve in result.curves]
    overall = result.overall
    test = ""
    if overall is not None and np.isfinite(overall.statistic):
        test = (
            f" Log-rank test of all arms: chi-squared {number(overall.statistic)} on {overall.df}, p"
            f" {p_value(overall.p)} ({overall.method})."
        )
    return Table(
        f"survival-{result.event}-{result.phase}",
        f"Time to {EVENTS[result.event]}: median by Kaplan and Meier, ∞ where half never met it, and how long a replica"
        f" went without, on average until {horizon}; 95 % intervals, which capture"
        f" {captured([curve.band for curve in result.curves], result.phase)}.{test}{note}",
        f"history.parquet and trials.parquet: phase = {result.phase}",
        heads,
        tuple(rows),
    )


def time_table(result: Survival, note: str = "") -> Table:
    """Every pair of arms by its mean times, the log-rank test beside it; raises ValueError with a single arm."""
    comparison = result.comparison
    if comparison is None:
        raise ValueError("result: expected a time of two arms or more, got one of a single arm")
    horizon = clock_time(result.clock, result.means[0].horizon)
    kind: Kind = "number" if result.clock == "updates" else "points"
    repeats = comparison.unit == "repeat"
    heads = (
        Head("a"), Head("b"), Head("n a", "count"), Head("n b", "count"), Head("a longer than b by", kind),
        *([Head("by searches alone", kind)] if repeats else []),
        Head("p", "p"), Head("p (Holm)", "p"), Head("log-rank p (Holm)", "p"),
    )  # fmt: skip
    beside = {frozenset(one.arms): one for one in result.pairs}
    rows = [
        (
            o.a, o.b, o.n_a, o.n_b, o.effect, *([o.alone] if repeats else []), o.p, o.p_holm,
            beside[frozenset((o.a, o.b))].p_holm,
        )
        for o in comparison.pairs
    ]  # fmt: skip
    return Table(
        f"times-{result.event}-{result.phase}",
        f"All pairs of arms by how long a replica went without {EVENTS[result.event]}, on average until {horizon};"
        " 95 % intervals of the differences hold for all pairs together (Bonferroni);"
        f" p by {comparison.test}, n being {comparison.unit}s, corrected for all pairs by Holm."
        f"{least_of_searches(comparison.pairs)} Beside it the log-rank test, which sees little of a difference where"
        f" curves cross.{assumed(comparison, 'mean') if repeats else ''}{note}",
        f"history.parquet and trials.parquet: phase = {result.phase}, two arms at a time",
        heads,
        tuple(rows),
    )


def incidence_table(results: Sequence[Incidences], note: str = "") -> Table:
    """How many replicas of each arm met each kind of failure; `note` ends the caption."""
    first = results[0]
    tests = [f"{EVENTS[one.event]} {p_value(one.p)}" for one in results if np.isfinite(one.p)]
    tested = f" Test whether all arms have the same incidence (Gray), p: {', '.join(tests)}." if tests else ""
    return Table(
        f"incidence-{first.phase}",
        f"Share of replicas with each kind of failure by {clock_time(first.clock, first.horizon)}, the others competing"
        " (Aalen and Johansen): a replica that diverged did not collapse, and is not censored; 95 % intervals capture"
        f" {captured([curve.band for curve in first.curves], first.phase)}.{tested}{note}",
        f"history.parquet and trials.parquet: phase = {first.phase}",
        (Head("arm"), Head("replicas", "count"), *(Head(EVENTS[one.event], "share") for one in results)),
        tuple(
            (curve.arm, curve.n, *(one.at_horizon[place] for one in results))
            for place, curve in enumerate(first.curves)
        ),
    )
