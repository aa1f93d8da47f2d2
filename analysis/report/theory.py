"""The page's sections on theory: the objectives, critics' estimates beside the truth, spectra, maps of Dirac-GANs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from analysis import figures
from analysis.figures.dirac import MOST
from analysis.report import alternatives, tables
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, joined, section, tag
from analysis.report.writer import FigureWriter
from analysis.results.dirac import DiracMap, dirac_map
from analysis.wording import counted, listed, percent, setting

FEW = 4  # arms up to which a sentence lists them by name


def theory(findings: Findings, writer: FigureWriter, folder: Path) -> Section | None:
    """Results compared with theory; None where nothing of the kind was measured."""
    parts = [*_critic_bounds(findings, writer), *_spectra(findings, writer), *_dirac(findings, writer, folder)]
    return section("Compared with theory", *parts) if parts else None


def objectives(explanations: Sequence[Mapping[str, Any]], writer: FigureWriter) -> Section | None:
    """What each pair (f, g) of the study does, known before any training; None where no explanation is given."""
    if not explanations:
        return None
    parts = [tag("p", "What each pair (f, g) does against the best possible critic, known before any training.")]
    for place, explained in enumerate(explanations):
        name = f"{explained.get('name', '')} (generator: {explained.get('generator', '')})"
        pair = f": f(d) = {explained.get('f', '')}, g(d) = {explained.get('g', '')}. "
        caption = joined([tag("strong", name), pair, explained.get("sentence", "")])
        if "pairing" in explained:  # of which no density ratio tells the critic, so that nothing is drawn
            parts.append(tag("p", caption))
            continue
        picture = partial(figures.explanation, {**explained, "sentence": ""})
        parts.append(writer.figure(f"objective-{place + 1}", picture, caption, str(explained.get("sentence", name))))
    return section("The objectives", *parts)


def _critic_bounds(findings: Findings, writer: FigureWriter) -> list[Html]:
    if not findings.critic_bounds:
        return []
    parts: list[Html] = [tag("h3", "What the critics estimate")]
    if findings.bound_curves:
        parts.append(
            writer.figure(
                f"critic-bound-{findings.phase}",
                partial(figures.bound_curves, findings.bound_curves, findings.palette),
                "What each arm's critic estimates over training, and in black the divergence that the best of all"
                " critics would find between the data and the present generator: medians and quartiles of the"
                " replicas, each arm on an axis of its own. Where the coloured line runs below the black one the critic"
                " has not caught up or is held back by its penalty, and the generator does not follow the divergence"
                " that the pair stands for; both falling together is what training is for.",
                alternatives.bound_curves(findings.bound_curves),
            )
        )
    parts.append(
        writer.figure(
            f"critic-bound-errors-{findings.phase}",
            partial(figures.bound_errors, findings.critic_bounds, findings.palette),
            "How far off the critics are at the end of training, one mark per replica, above them the median with its"
            " 95 % interval. Left: the truth less the estimate, 0 for the best critic; below 0 lies what the finite"
            " held-out sample adds by luck, the same sample for all. Right: the mean distance of the critic's own"
            " p / (p + q) from the true one, where the pair lets it be read.",
            alternatives.bound_errors(findings.critic_bounds),
        )
    )
    return [*parts, writer.table(tables.critic_bound_table(findings.critic_bounds))]


def _spectra(findings: Findings, writer: FigureWriter) -> list[Html]:
    if not findings.spectra:
        return []
    right = [one.arm for one in findings.spectra if one.unstable.estimate == 1]
    left = [one.arm for one in findings.spectra if one.unstable.estimate == 0]
    lead = (
        f"Of {counted(len(findings.spectra), 'arm')} {_named(left)} ended with every leading eigenvalue on the"
        f" stable side, {_named(right)} with every one on the unstable side."
    )
    picture = writer.figure(
        f"spectra-{findings.phase}",
        partial(figures.spectra, findings.spectra, findings.palette),
        "The eigenvalue of the game's Jacobian that decides, the one with the largest real part, at the end of"
        " training: in the complex plane with its conjugate, then by arm. In the green half the point is stable"
        " under small gradient steps; right of the line it is unstable. On the axis the players move straight"
        " (imaginary share 0 %), far from it in circles (100 %). A positive real part means that some direction is not"
        " settled, often one in which the critic could still improve; it does not mean that training will diverge."
        " Plain steps of both players at once above 2 over the spectral radius settle nowhere.",
        alternatives.spectra(findings.spectra),
    )
    table = writer.table(tables.spectra_table(findings.spectra))
    return [tag("h3", "Eigenvalues of the Jacobian"), tag("p", lead), picture, table]


def _dirac(findings: Findings, writer: FigureWriter, folder: Path) -> list[Html]:
    if not findings.dirac:
        return []
    some = [one.arm for one in findings.dirac if one.converged.estimate > 0]
    worst = min(findings.dirac, key=lambda one: one.predicted.estimate)
    predicted = "every cell of every arm"
    if worst.predicted.estimate < 1:
        predicted = f"{percent(worst.predicted.estimate)} of the cells of {worst.arm} and no less of any other arm's"
    lead = (
        f"Cells converged in {_named(some)} of {counted(len(findings.dirac), 'arm')}. The eigenvalues predicted"
        f" {predicted}; where nothing converges and nothing was to, that is easily done."
    )
    shown = [(one.arm, findings.shown[one.arm]) for one in findings.dirac if one.arm in findings.shown]
    maps = [one for arm, trial in shown if (one := dirac_map(folder, arm, trial)) is not None]
    parts = [tag("h3", "Maps of the Dirac-GAN"), tag("p", lead), *_maps(maps, writer)]
    return [*parts, writer.table(tables.dirac_table(findings.dirac))]


def _maps(maps: Sequence[DiracMap], writer: FigureWriter) -> list[Html]:
    sheets = [maps[first : first + MOST] for first in range(0, len(maps), MOST)]
    return [
        writer.figure(
            "dirac-maps" if len(sheets) == 1 else f"dirac-maps-{number}",
            partial(figures.dirac_maps, sheet),
            f"Where gradient descent on the Dirac-GAN went after {sheet[0].moves} moves from its first start, and"
            " beside it what the eigenvalues predict (the spectral radius to the power of the moves). Dark: converged,"
            f" nearer than {setting(sheet[0].tolerance)} of the start's distance; pale: nearer than half of it; cream:"
            " about as far, going in circles or hardly moving; orange: more than twice as far, or lost. Diamonds:"
            " converged though not predicted to, or the other way round. The first start is not chosen by its result.",
            alternatives.dirac_maps(sheet),
        )
        for number, sheet in enumerate(sheets, 1)
    ]


def _named(arms: Sequence[str]) -> str:
    """None, a few by their names, or how many."""
    return listed(arms) if 0 < len(arms) <= FEW else str(len(arms) or "none")
