"""Several measurements of every arm in one table, for a paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.record.own import own_measurements
from analysis.record.schema import QUALITY
from analysis.report.findings import Findings
from analysis.report.subject import subject_of
from analysis.report.table_files import Head, Table, Value
from analysis.results.compare import ArmQuality, quality
from analysis.results.selection import select
from analysis.statistics.bootstrap import Resampling
from analysis.wording import captured, named

USUAL = ("high_quality", "modes_covered", "precision", "recall")  # shown unless told otherwise, where measured


def metric_table(findings: Findings, metrics: Sequence[str] = ()) -> Table:
    """The share of replicas that converged and the median of each of `metrics` by arm, in the order of the plan.

    `metrics` are measurements of quality, or the user's own, by their columns; by default the study's metric and
    `USUAL`. Diverged replicas rank last in each.

    Raises:
        ValueError: a metric that the record has no values of, or that does not say which way is better; the message
            names it, and those that there are.
    """
    selected = select(findings.record, findings.phase)
    there = [
        name
        for name in (*(column.name for column in QUALITY), *own_measurements(findings.record))
        if not name.endswith(("_error", "_low", "_high")) and selected.trials[name].notna().any()
    ]
    for name in metrics:
        if name not in there:
            raise ValueError(f"metrics: expected some of {', '.join(there) or 'none, as nothing ended'}, got {name}")
    chosen = metrics or [name for name in dict.fromkeys((findings.metric, *USUAL)) if name in there]
    resampling = Resampling(np.random.default_rng(0))
    found: dict[str, dict[str, ArmQuality]] = {}
    for name in chosen:
        known = findings.quality if name == findings.metric else quality(selected, name, resampling=resampling)
        found[name] = {one.arm: one for one in known}
    outcomes = [one for one in findings.outcomes[findings.phase] if one.n]

    def cell(arm: str, name: str) -> Value:
        return found[name][arm].median if arm in found[name] else None

    intervals = [one.median for of_arms in found.values() for one in of_arms.values()]
    captures = captured([*(one.probabilities["converged"] for one in outcomes), *intervals], findings.phase)
    return Table(
        f"metrics-{findings.phase}",
        "The share of replicas that converged, and medians of what was measured at the end of training, diverged"
        f" replicas ranking last, with 95 % intervals, which capture {captures}.{subject_of(findings).note}",
        f"trials.parquet: phase = {findings.phase}, columns outcome, {', '.join(chosen)}",
        (
            Head("arm"),
            Head("replicas", "count"),
            Head("converged", "share"),
            *(Head(named(n), "number") for n in chosen),
        ),
        tuple(
            (one.arm, one.n, one.probabilities["converged"], *(cell(one.arm, name) for name in chosen))
            for one in sorted(outcomes, key=lambda one: findings.arms.index(one.arm))
        ),
    )  # fmt: skip
