"""The page's section on what the arms are, where their names do not say it."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.report.findings import Findings
from analysis.report.page import Section, section
from analysis.report.table_files import Head, Table
from analysis.report.writer import FigureWriter
from analysis.results.arm_settings import SEARCHED, ArmSettings


def arms(findings: Findings, writer: FigureWriter) -> Section | None:
    """The hyperparameters in which the arms differ; None where the arms' names hold all of these values."""
    told = all((value or "") in one.arm for one in findings.settings for value in one.values.values())
    return None if told else section("The arms", writer.table(arms_table(findings.settings)))


def arms_table(found: Sequence[ArmSettings]) -> Table:
    """Each arm's value of the hyperparameters in which arms differ."""
    drawn = any(SEARCHED in (value or "") for one in found for value in one.values.values())
    return Table(
        "arms",
        "What the arms are: all hyperparameters in which they differ."
        + " Searched: drawn anew in each trial, from the range or the values that follow." * drawn
        + " A dash: null, or without meaning for the arm's model.",
        "trials.parquet: config.* of each arm's first trial",
        (Head("arm"), *(Head(name) for name in found[0].values)),
        tuple((one.arm, *one.values.values()) for one in found),
    )
