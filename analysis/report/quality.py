"""The page's section on quality: final scores by arm, and which arms are told apart by them."""

from __future__ import annotations

from functools import partial

from analysis import figures
from analysis.report import pair_tables
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, joined, section, tag
from analysis.report.subject import replicas_of, subject_of
from analysis.report.writer import FigureWriter
from analysis.wording import listed, named, number


def quality(findings: Findings, writer: FigureWriter) -> Section:
    """Final quality of the replicas, and which arms are distinguishable."""
    if not findings.one_metric:
        goals = [f"{study} by {named(metric)}" for study, (metric, _) in findings.goals.items()]
        said = (
            f"The studies were searched by different metrics, {listed(goals)}: quality is compared within each alone."
        )
        return section("Quality", tag("p", said))
    if not findings.quality:
        return section("Quality", tag("p", f"No replica has a final {named(findings.metric)} yet."))
    parts = [
        writer.figure(
            f"quality-{findings.phase}",
            partial(figures.quality_strips, findings.quality, findings.palette),
            f"Final {named(findings.metric)}, one mark per replica: {replicas_of(findings)}. Above them the"
            " median with its 95 % interval, and behind it that of the interquartile mean. Diverged replicas are"
            " counted.",
            f"Median of the final {named(findings.metric)}: {_medians(findings)}. The table below has intervals.",
        ),
        writer.table(pair_tables.quality_table(findings.quality, findings.comparison, subject_of(findings).note)),
    ]
    if findings.comparison is not None:
        parts.append(_pairs(findings, writer))
    if findings.profiles:
        parts.append(
            writer.figure(
                f"profiles-{findings.phase}",
                partial(figures.profiles, findings.profiles, findings.palette),
                "Performance profiles: the share of each arm's replicas at least as good as τ, with pointwise 95 %"
                " intervals. Diverged replicas never are.",
                "Performance profiles by arm.",
            )
        )
    return section("Quality", *parts)


def _medians(findings: Findings) -> str:
    return ", ".join(f"{one.arm} {number(one.median.estimate)}" for one in findings.quality)


def _pairs(findings: Findings, writer: FigureWriter) -> Html:
    comparison = findings.comparison
    assert comparison is not None
    matrix = writer.figure(
        f"pairs-{findings.phase}",
        lambda columns: figures.pairwise_matrix(comparison, columns if len(comparison.arms) > 6 else 1),
        f"Probability in per cent that a {comparison.each} of the row's arm is better than one of the column's, ties"
        f" half. Bold with a star: told apart at {100 * comparison.alpha:.0f} % after Holm's correction.",
        "Matrix of probabilities of improvement; the table below has the numbers.",
    )
    return joined([matrix, writer.table(pair_tables.pair_table(comparison, subject_of(findings).note))])
