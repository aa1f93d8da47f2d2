"""The page's section on the course of training: learning curves, shares of modes, samples."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

from analysis import figures
from analysis.figures.parts import TOGETHER
from analysis.record.snapshots import Snapshots, snapshots
from analysis.report import alternatives
from analysis.report.findings import Findings
from analysis.report.floor_words import dotted
from analysis.report.leaves import leaves
from analysis.report.page import Html, Section, section
from analysis.report.subject import replicas_of
from analysis.report.writer import FigureWriter
from analysis.results.density import densities


def training(findings: Findings, writer: FigureWriter, folder: Path) -> Section:
    """The course of training: learning curves, shares of modes, samples."""
    parts: list[Html] = []
    if findings.learning:
        floor = any(math.isfinite(curve.floor) for curve in findings.learning)
        parts.append(
            writer.figure(
                f"learning-{findings.phase}",
                partial(figures.learning_curves, findings.learning, findings.palette),
                f"Over training: median{_and_quartiles(findings)} of {replicas_of(findings)}. A diverged replica is"
                " worse than any other in quality, so that a line ends where half have diverged; other signals are of"
                f" the replicas still training.{f' {dotted(findings.record.about)}' if floor else ''}",
                alternatives.learning(findings.learning),
            )
        )
    if findings.shares:
        parts.append(
            writer.figure(
                "modes",
                partial(figures.mode_shares, findings.shares),
                "Share of the samples in each mode or class (one line of cells each, in their order) over training,"
                " over the share that it should have, first seeds of each arm's best configuration. Even grey is"
                " coverage, one black line collapse; a line that breaks off"
                " where another begins is mode hopping.",
                alternatives.mode_shares(findings.shares),
                apart=False,
            )
        )
    return section("Training", *parts, *_samples(findings, writer, folder), leaves(findings, writer, folder))


def _samples(findings: Findings, writer: FigureWriter, folder: Path) -> list[Html]:
    found = [one for arm, trial in findings.shown.items() if (one := snapshots(folder, arm, trial)) is not None]
    drawn = [one for one in found if one.kind in ("plane", "images")]
    lines = [densities(one) for one in found if one.kind == "line"]
    parts = []
    if drawn:
        parts.append(
            writer.figure(
                "samples",
                partial(figures.samples_over_time, drawn),
                "Samples over training of the first seed of each arm's best configuration (the seed is not chosen by"
                f" its result). {'Circles: the true modes, three standard deviations. ' if _true(drawn) else ''}"
                f"{_real_points(drawn)}Trials: {', '.join(one.trial_id for one in drawn)}.",
                _ends(drawn, findings),
                apart=False,
            )
        )
    if lines:
        parts.append(
            writer.figure(
                "densities",
                partial(figures.density_pictures, lines, findings.palette),
                "Density of the data (grey) and of the generator's samples (line, a kernel estimate, which smooths)"
                f" over training, first seed. Trials: {', '.join(one.trial_id for one in lines)}.",
                _ends([one for one in found if one.kind == "line"], findings),
                apart=False,
            )
        )
    return parts


def _ends(drawn: list[Snapshots], findings: Findings) -> str:
    return alternatives.samples([(one.arm, one.trial_id, one.seed) for one in drawn], findings.record.trials)


def _real_points(drawn: list[Snapshots]) -> str:
    """What the grey points are, and what plane is shown of data with more than two dimensions."""
    if all(one.real is None for one in drawn):
        return ""
    plane = " Both axes are the data's first two principal axes." if any(one.projected for one in drawn) else ""
    return f"Grey: held-out real points.{plane} "


def _and_quartiles(findings: Findings) -> str:
    """Whether the learning curves of so many arms have bands."""
    arms = {curve.arm for curve in findings.learning}
    return " and quartiles" if len(arms) <= TOGETHER else f" (quartiles are left out of more than {TOGETHER})"


def _true(drawn: list[Snapshots]) -> bool:
    return any(one.means is not None for one in drawn)
