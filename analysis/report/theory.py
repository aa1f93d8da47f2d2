"""The page's section on theory: critics' estimates beside the truth, spectra of the game, maps of Dirac-GANs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis import figures
from analysis.figures.dirac import MOST
from analysis.report import tables
from analysis.report.findings import Findings
from analysis.report.page import Html, joined, section, tag
from analysis.report.writer import FigureWriter
from analysis.results.dirac import ENDS, DiracMap, dirac_map
from analysis.wording import counted, listed, percent

FEW = 4  # arms that are named one by one


def theory(findings: Findings, plates: FigureWriter, folder: Path) -> Html:
    """What theory says beside what happened; nothing where nothing of the kind was measured."""
    parts = [*_divergence(findings, plates), *_spectra(findings, plates), *_dirac(findings, plates, folder)]
    return section("Held against theory", *parts) if parts else joined([])


def _divergence(findings: Findings, plates: FigureWriter) -> list[Html]:
    if not findings.divergences:
        return []
    parts: list[Html] = [tag("h3", "What the critics estimate")]
    if findings.divergence_curves:
        parts.append(
            plates.figure(
                f"divergence-{findings.phase}",
                figures.divergence_curves(findings.divergence_curves, findings.palette),
                "What each arm's critic estimates over training, and in black the divergence that the best of all"
                " critics would find between the data and the generator of the moment: medians and quartiles of the"
                " replicas, each arm on an axis of its own. Where the coloured line runs below the black one the critic"
                " has not caught up or is held back by its penalty, and the generator does not follow the divergence"
                " that the pair stands for; both falling together is what training is for.",
                "Curves of the estimated and the true divergence over training by arm; the table below has the ends.",
            )
        )
    parts.append(
        plates.figure(
            f"divergence-errors-{findings.phase}",
            figures.divergence_errors(findings.divergences, findings.palette),
            "How far off the critics are at the end of training, a mark a replica, above them the median with its 95 %"
            " interval. Left: the truth less the estimate, 0 for the best critic; below 0 lies what the finite held-out"
            " sample adds by luck, the same sample for all. Right: the mean distance of the critic's own p / (p + q)"
            " from the true one, where the pair lets it be read.",
            "Strips of the gap and of the ratio's error by arm; the table below has medians and intervals.",
        )
    )
    return [*parts, plates.table(tables.divergence_table(findings.divergences))]


def _spectra(findings: Findings, plates: FigureWriter) -> list[Html]:
    if not findings.spectra:
        return []
    right = [one.arm for one in findings.spectra if one.leaves.estimate == 1]
    left = [one.arm for one in findings.spectra if one.leaves.estimate == 0]
    lead = (
        f"Of {counted(len(findings.spectra), 'arm')} {_named(left)} ended with every leading eigenvalue on the side"
        f" where the players settle, {_named(right)} with every one on the side where they leave."
    )
    picture = plates.figure(
        f"spectra-{findings.phase}",
        figures.spectra(findings.spectra, findings.palette),
        "The eigenvalue of the game's Jacobian that decides, the one with the largest real part, at the end of"
        " training: in the complex plane with its conjugate, then by arm. In the green half small gradient steps draw"
        " the players to where they stand; right of the line they leave. On the axis they go straight (imaginary share"
        " 0 %), far from it in circles (100 %). A positive real part means that some direction is not settled, often"
        " one in which the critic could still improve; it does not mean that training will diverge. Plain steps of"
        " both players at once above 2 over the spectral radius settle nowhere.",
        "Leading eigenvalues in the complex plane and by arm; the table below has medians and intervals.",
    )
    table = plates.table(tables.spectrum_table(findings.spectra))
    return [tag("h3", "Settling, leaving, turning"), tag("p", lead), picture, table]


def _dirac(findings: Findings, plates: FigureWriter, folder: Path) -> list[Html]:
    if not findings.dirac:
        return []
    some = [one.arm for one in findings.dirac if one.converged.estimate > 0]
    worst = min(findings.dirac, key=lambda one: one.predicted.estimate)
    predicted = "every cell of every arm"
    if worst.predicted.estimate < 1:
        predicted = f"{percent(worst.predicted.estimate)} of the cells of {worst.arm} and no less of any other arm's"
    lead = (
        f"Cells converged in {_named(some)} of {counted(len(findings.dirac), 'arm')}. The eigenvalues foretold"
        f" {predicted}; where nothing converges and nothing was to, that is easily done."
    )
    shown = [(one.arm, findings.shown[one.arm]) for one in findings.dirac if one.arm in findings.shown]
    maps = [one for arm, trial in shown if (one := dirac_map(folder, arm, trial)) is not None]
    parts = [tag("h3", "Maps of the Dirac-GAN"), tag("p", lead), *_maps(maps, plates)]
    return [*parts, plates.table(tables.dirac_table(findings.dirac))]


def _maps(maps: Sequence[DiracMap], plates: FigureWriter) -> list[Html]:
    sheets = [maps[first : first + MOST] for first in range(0, len(maps), MOST)]
    return [
        plates.figure(
            "dirac-maps" if len(sheets) == 1 else f"dirac-maps-{number}",
            figures.dirac_maps(sheet),
            f"Where gradient descent on the Dirac-GAN went after {sheet[0].moves} moves from its first start, and"
            " beside it what the eigenvalues foretell (the spectral radius to the power of the moves). Dark: converged,"
            f" nearer than {sheet[0].tolerance:g} of the start's distance; pale: nearer than half of it; cream: about"
            " as far, going in circles or hardly moving; orange: more than twice as far, or lost. Diamonds: converged"
            " though not foretold to, or the other way round. The first start is not chosen by its result.",
            f"Maps over step and gamma of {', '.join(ENDS)} by arm; the table below has the shares.",
        )
        for number, sheet in enumerate(sheets, 1)
    ]


def _named(arms: Sequence[str]) -> str:
    """None, a few by their names, or how many."""
    return listed(arms) if 0 < len(arms) <= FEW else str(len(arms) or "none")
