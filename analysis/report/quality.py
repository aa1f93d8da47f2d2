"""The page's section on quality: final scores by arm, and which arms are told apart by them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from analysis import figures
from analysis.report import alternatives, pair_tables
from analysis.report.findings import Findings, Measured
from analysis.report.metric_table import metric_table
from analysis.report.page import Html, Section, joined, section, tag
from analysis.report.subject import replicas_of, subject_of
from analysis.report.writer import FigureWriter
from analysis.results.compare import ArmQuality
from analysis.results.pairs import Comparison
from analysis.wording import listed, named, percent

ASIDE = (
    "Each measurement is a question of its own, corrected over its pairs. The search went by {searched}, and what it"
    " chose is best by that."
)


def quality(findings: Findings, writer: FigureWriter) -> Section:
    """Final quality of the replicas, and which arms are distinguishable."""
    if not findings.one_metric and not findings.picked:
        goals = [f"{study} by {named(metric)}" for study, (metric, _) in findings.goals.items()]
        said = (
            f"The studies were searched by different metrics, {listed(goals)}: quality is compared within each alone."
        )
        return section("Quality", tag("p", said))
    if not any(one.quality for one in findings.measured):
        metrics = listed([named(one.metric) for one in findings.measured], "or")
        return section("Quality", tag("p", f"No replica has a final {metrics} yet."))
    parts: list[Html] = []
    if findings.picked:
        searched = listed(list(dict.fromkeys(named(metric) for metric, _ in findings.goals.values())))
        parts.append(tag("p", ASIDE.format(searched=searched)))
    if findings.overview:
        parts.append(writer.table(metric_table(findings)))
    for place, one in enumerate(findings.measured):
        if len(findings.measured) > 1:
            parts.append(tag("h3", named(one.metric)))
        parts += _by(findings, one, writer, f"-{one.metric}" if place else "")
    return section("Quality", *parts)


def _by(findings: Findings, one: Measured, writer: FigureWriter, ending: str) -> list[Html]:
    """Quality by one measurement; names of files end in `ending`."""
    if not one.quality:
        return [tag("p", f"No replica has a final {named(one.metric)} yet.")]
    note = subject_of(findings).note
    parts = [
        writer.figure(
            f"quality-{findings.phase}{ending}",
            partial(figures.quality_strips, one.quality, findings.palette),
            f"Final {named(one.metric)}, one mark per replica: {replicas_of(findings)}. Above them the median"
            f"{_interval(one.quality)}. Diverged replicas are counted.",
            alternatives.quality(one),
        ),
        writer.table(pair_tables.quality_table(one.quality, one.comparison, note, ending)),
    ]
    if one.comparison is not None:
        parts.append(_pairs(findings, one.comparison, writer, ending))
    if not one.profiles:
        parts.append(tag("p", f"No replica has a finite final {named(one.metric)}: there are no profiles of it."))
    else:
        parts.append(
            writer.figure(
                f"profiles-{findings.phase}{ending}",
                partial(figures.profiles, one.profiles, findings.palette),
                "Performance profiles: the share of each arm's replicas at least as good as τ, with pointwise 95 %"
                " intervals. Diverged replicas never are.",
                alternatives.profiles(one),
            )
        )
    return parts


def _interval(quality: Sequence[ArmQuality]) -> str:
    """What is drawn about the medians, where an arm's replicas are enough for an interval."""
    if all(math.isnan(arm.median.low) for arm in quality):
        return ""
    return " with its 95 % interval, and behind it that of the interquartile mean"


def _pairs(findings: Findings, comparison: Comparison, writer: FigureWriter, ending: str) -> Html:
    matrix = writer.figure(
        f"pairs-{findings.phase}{ending}",
        lambda columns: figures.pairwise_matrix(comparison, columns if len(comparison.arms) > 6 else 1),
        f"Probability in per cent that a {comparison.each} of the row's arm is better than one of the column's, ties"
        f" half. Bold with a star: told apart at {percent(comparison.alpha)} after Holm's correction.",
        alternatives.pairs(comparison),
    )
    return joined([matrix, writer.table(pair_tables.pair_table(comparison, subject_of(findings).note, ending))])
