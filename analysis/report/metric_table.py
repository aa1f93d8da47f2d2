"""Several measurements of every arm in one table, for a paper."""

from __future__ import annotations

from analysis.report.findings import Findings
from analysis.report.subject import subject_of
from analysis.report.table_files import Head, Table, Value
from analysis.wording import captured, named, too_few


def metric_table(findings: Findings) -> Table:
    """The share of replicas that converged and the median of each measurement of the overview, by arm."""
    medians = {name: {one.arm: one.median for one in found} for name, found in findings.overview.items()}
    outcomes = {one.arm: one for one in findings.outcomes[findings.phase] if one.n}

    def cell(arm: str, name: str) -> Value:
        return medians[name].get(arm)

    intervals = [*(one.probabilities["converged"] for one in outcomes.values())]
    intervals += [interval for of_arms in medians.values() for interval in of_arms.values()]
    return Table(
        f"metrics-{findings.phase}",
        "The share of replicas that converged, and medians of what was measured at the end of training, diverged"
        f" replicas ranking last, with 95 % intervals, which capture {captured(intervals, findings.phase)}."
        f"{too_few(intervals, findings.phase)}{subject_of(findings).note}",
        f"trials.parquet: phase = {findings.phase}, columns outcome, {', '.join(medians)}",
        (
            Head("arm"), Head("replicas", "count"), Head("converged", "share"),
            *(Head(named(name), "number") for name in medians),
        ),
        tuple(
            (arm, outcomes[arm].n, outcomes[arm].probabilities["converged"], *(cell(arm, name) for name in medians))
            for arm in findings.arms
            if arm in outcomes
        ),
    )  # fmt: skip
