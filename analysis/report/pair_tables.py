"""Tables of what tells arms apart: quality by arm, and every pair by one effect.

Bold, daggers and p-values follow the same effect and test (`analysis.results.pairs`); arms stand in the configuration's
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.report.repeat_words import assumed, least_of_searches
from analysis.report.table_files import Head, Table, Value
from analysis.results.compare import ArmQuality
from analysis.results.pairs import Comparison
from analysis.results.unbegun import none_begun
from analysis.wording import captured, named, number, too_few

APART = {"overflowed": "overflowed", "unmeasured": "not measured"}  # counted in a table where there are any
AMOUNTS = {"ratio": "a over b", "difference": "a less b"}


def quality_table(
    results: Sequence[ArmQuality], comparison: Comparison | None, note: str = "", ending: str = ""
) -> Table:
    """Final quality by arm, against the leader, which is ahead of most; `note` ends the caption, `ending` the name."""
    order = [result.arm for result in results if comparison is None or result.arm in comparison.arms]
    by_arm = {result.arm: result for result in results}
    metric = results[0].metric
    counts = ["diverged", *(name for name in APART if any(getattr(result, name) for result in results))]
    heads = [
        Head("arm"), Head("replicas", "count"), *(Head(APART.get(name, name), "count") for name in counts),
        Head(f"median {named(metric)}", "number"), Head("interquartile mean", "number"),
    ]  # fmt: skip
    if comparison:
        heads += [Head("leader is better", "share"), Head("p (Holm)", "p")]
    rows = [_quality_row(by_arm[arm], counts, comparison) for arm in order]
    medians, phase = [result.median for result in results], results[0].phase
    floor = f" Fresh real samples score {number(results[0].floor)}." if np.isfinite(results[0].floor) else ""
    beyond = " So do overflowed ones, whose score is infinite." if "overflowed" in counts else ""
    lead = "“leader is better”: probability that a {unit} of {leader} is better than one of the row's arm, ties half"
    far = none_begun(metric, (result.values for result in results))
    marked = comparison is not None and comparison.best is not None and len(comparison.told) > 0 and not far
    return Table(
        f"quality-{phase}{ending}",
        f"Final {named(metric)} with bootstrap 95 % intervals, which capture {captured(medians, phase)}; diverged"
        f" replicas rank last.{too_few(medians, phase)}{beyond}{_test(comparison, lead)}{_unmarked(comparison, far)}"
        f"{floor}{note}",
        f"trials.parquet: phase = {phase}, column {metric}; truncated and failed trials, and"
        " replicas that were not measured, left out",
        tuple(heads),
        tuple(rows),
        order.index(comparison.best) if comparison and comparison.best and marked else None,
        frozenset(order.index(arm) for arm in comparison.indistinguishable) if comparison and marked else frozenset(),
    )


def pair_table(comparison: Comparison, note: str = "", ending: str = "") -> Table:
    """Every pair of arms by quality; `note` ends the caption, `ending` the table's name."""
    pairs = comparison.pairs
    ratio = next((pair.shift.scale == "ratio" for pair in pairs if pair.shift), False)
    scale = AMOUNTS["ratio" if ratio else "difference"]
    heads = (
        Head("a"), Head("b"), Head("n a", "count"), Head("n b", "count"), Head("a better than b", "share"),
        Head(f"{scale}, typically", "ratio" if ratio else "number"), Head("p", "p"), Head("p (Holm)", "p"),
    )  # fmt: skip
    metric = named(comparison.subject)
    lead = "“a better than b”: probability that a {unit} of a is better than one of b, ties half"
    return Table(
        f"pairs-{comparison.phase}{ending}",
        f"All pairs of arms by {metric}.{_test(comparison, lead)} “{scale}”: Hodges and Lehmann's"
        f" estimate of the {'ratio' if ratio else 'difference'} of their {metric}. The 95 %"
        f" intervals hold for all pairs together (Bonferroni), for which Holm's p is a little less strict.{note}",
        f"trials.parquet: phase = {comparison.phase}, column {comparison.subject}, two arms at a time",
        heads,
        tuple((o.a, o.b, o.n_a, o.n_b, o.effect, o.shift.interval if o.shift else None, o.p, o.p_holm) for o in pairs),
    )


def rate_table(comparisons: Mapping[str, Comparison], note: str = "") -> Table:
    """Every pair of arms by the share of each outcome; `note` ends the caption."""
    first = next(iter(comparisons.values()))
    newcombe = " by Newcombe," if first.unit != "repeat" else ""
    heads = (
        Head("outcome"), Head("a"), Head("b"), Head("n a", "count"), Head("n b", "count"),
        Head("in favour of a", "points"), *([Head("by searches alone", "points")] if first.unit == "repeat" else []),
        Head("p", "p"), Head("p (Holm)", "p"),
    )  # fmt: skip
    spread = least_of_searches(first.pairs) + assumed(first, "share") if first.unit == "repeat" else ""
    return Table(
        f"rates-{first.phase}",
        "All pairs of arms by how often each outcome occurred. “in favour of a”: by how much more often a converged"
        " than b, or by how much less often it had another outcome, in percentage points,"
        f"{newcombe} with 95 % intervals that hold for all pairs of an outcome together (Bonferroni); p by"
        f" {first.test}, n being {first.unit}s, corrected for all pairs of an outcome by Holm, which is a little less"
        f" strict.{spread}{note}",
        f"trials.parquet: phase = {first.phase}, outcome of two arms at a time",
        heads,
        tuple(
            (
                outcome, o.a, o.b, o.n_a, o.n_b, o.effect, *([o.alone] if first.unit == "repeat" else []), o.p,
                o.p_holm,
            )
            for outcome, comparison in comparisons.items()
            for o in comparison.pairs
        ),
    )  # fmt: skip


def _test(comparison: Comparison | None, lead: str) -> str:
    if comparison is None:
        return ""
    words = lead.format(unit=comparison.each, leader=comparison.arms[0])
    return f" {words}; p by {comparison.test}, over {comparison.unit}s, corrected for all pairs by Holm."


def _unmarked(comparison: Comparison | None, far: bool) -> str:
    """Why no row is marked as the best; `far` where all are near the worst."""
    if comparison is None or len(comparison.arms) < 2:
        return ""
    if far:
        return " All are still near the worst: nobody is marked as ahead."
    if comparison.best is None:
        return " None is ahead of every other."
    return "" if comparison.told else " No two can be told apart."


def _quality_row(result: ArmQuality, counts: Sequence[str], comparison: Comparison | None) -> tuple[Value, ...]:
    row: list[Value] = [result.arm, result.n, *(getattr(result, name) for name in counts), result.median, result.iqm]
    if comparison and result.arm == comparison.arms[0]:
        row += [None, None]
    elif comparison:
        pair = comparison.pair(comparison.arms[0], result.arm)
        row += [pair.effect, pair.p_holm]
    return tuple(row)
