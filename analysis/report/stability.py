"""The page's sections on stability: outcomes, times to failure, signals, and how far thresholds decide."""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis import figures
from analysis.report import alternatives, pair_tables, rules, tables, time_tables
from analysis.report.claims import nothing
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, section, tag
from analysis.report.subject import replicas_of, subject_of
from analysis.report.writer import FigureWriter
from analysis.wording import EVENTS, captured, event_named, never_met, percent


def stability(findings: Findings, writer: FigureWriter) -> Section:
    """Outcomes of the replicas, times to failure, and signals of stability."""
    outcomes = [arm for arm in findings.outcomes[findings.phase] if arm.n]
    if not outcomes:
        return section("Stability", tag("p", f"{nothing(findings)}."))
    rates = [arm.probabilities["converged"] for arm in outcomes]
    bars = writer.figure(
        f"outcomes-{findings.phase}",
        partial(figures.outcome_bars, outcomes),
        f"How the replicas of each arm ended: {replicas_of(findings)}. The line below each bar is the 95 % interval of"
        f" the share that converged (Wilson), which captures {captured(rates, findings.phase)}.",
        alternatives.outcomes(outcomes),
    )
    note = subject_of(findings).note
    seen = {name for arm in outcomes for name, share in arm.probabilities.items() if share.estimate > 0}
    told = rules.in_short(findings.record, seen | {"converged"})
    few = rules.few_evaluations(findings.record)
    parts: list[Html] = [bars, *([tag("p", few)] if few else []), told]
    parts.append(writer.table(tables.outcome_table(outcomes, findings.phase, note)))
    if findings.rates:
        parts.append(writer.table(pair_tables.rate_table(findings.rates, note)))
    parts += _times(findings, writer, note)
    if findings.signals:
        parts.append(writer.table(tables.signal_table(findings.signals, findings.phase, rules.limits(findings.record))))
    return section("Stability", *parts)


def _times(findings: Findings, writer: FigureWriter, note: str) -> list[Html]:
    """When failures came, which of the kinds that compete they were, and collapses undone."""
    never = {one.event: one.kinds for one in findings.survival if not any(curve.events for curve in one.curves)}
    if "failure" not in never:  # of which the others are parts
        unmet = [one.event for one in findings.incidence if not any(curve.events for curve in one.curves)]
        never = {event: (event,) for event in unmet} | never
    parts = [tag("p", " ".join(never_met(event, kinds) for event, kinds in never.items()))] if never else []
    for result in findings.survival:
        if result.event in never:
            continue
        curve = writer.figure(
            f"survival-{result.event}",
            partial(figures.survival_curves, result, findings.palette),
            f"Share of replicas without {event_named(result.event, result.kinds)} over training (Kaplan and Meier),"
            " with pointwise 95 % intervals. Ticks mark replicas that were censored: at the end of their budget, or"
            " stopped before.",
            alternatives.survival(result),
        )
        parts += [curve, writer.table(time_tables.survival_table(result, note))]
        if result.comparison is not None:
            parts.append(writer.table(time_tables.time_table(result, note)))
        if result.event == "failure" and findings.incidence:
            parts += _kinds(findings, writer, note)
    return parts


def _kinds(findings: Findings, writer: FigureWriter, note: str) -> list[Html]:
    """How many replicas met each kind of failure."""
    met = [one for one in findings.incidence if any(curve.events for curve in one.curves)]
    drawn = [
        writer.figure(
            f"incidence-{one.event}",
            partial(figures.incidence_curves, one, findings.palette),
            f"Share of replicas that had met {EVENTS[one.event]} by then (Aalen and Johansen), with pointwise 95 %"
            " intervals; the other kinds of failure compete with it.",
            alternatives.incidence(one),
        )
        for one in met
    ]
    return [*drawn, writer.table(time_tables.incidence_table(findings.incidence, note))]


def thresholds(findings: Findings, writer: FigureWriter) -> Section | None:
    """The dependence of the outcomes on their thresholds, which those of maps alone do not have."""
    if findings.thresholds is None or not len(findings.thresholds.changed) or not rules.Kinds.of(findings.record).data:
        return None
    changed = np.asarray(findings.thresholds.changed["changed"], np.float64)
    most = float(changed.max(initial=0.0))
    lead = f"At most {percent(most)} of the replicas change" if most else "No replica changes"
    lead += " its outcome over the values tried." if not most else " their outcome over the values tried."
    return section("Thresholds", tag("p", lead), writer.table(tables.threshold_changes(findings.thresholds)))
