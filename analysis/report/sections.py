"""The page's sections on results: stability, quality, training, and the search."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis import figures
from analysis.figures.parts import TOGETHER
from analysis.record.join import studies_of
from analysis.record.snapshots import Snapshots, snapshots
from analysis.report import pair_tables, tables, time_tables
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, joined, section, tag
from analysis.report.subject import subject_of
from analysis.report.writer import FigureWriter
from analysis.results.density import densities
from analysis.wording import EVENTS, NEVER, captured, event_named, listed, named, percent


def stability(findings: Findings, writer: FigureWriter) -> Section:
    """Outcomes of the replicas, times to failure, and signals of stability."""
    outcomes = [arm for arm in findings.outcomes[findings.phase] if arm.n]
    if not outcomes:
        return section("Stability", tag("p", "No trial has ended yet."))
    rates = [arm.probabilities["converged"] for arm in outcomes]
    bars = writer.figure(
        f"outcomes-{findings.phase}",
        figures.outcome_bars(outcomes, columns=2),
        f"How the replicas of each arm ended: {_whose(findings)}. The line below each bar is the 95 % interval of"
        f" the share that converged (Wilson), which captures {captured(rates, findings.phase)}.",
        "Bars of outcome shares by arm; the table below has the numbers.",
    )
    note = subject_of(findings).note
    parts: list[Html] = [bars, writer.table(tables.outcome_table(outcomes, findings.phase, note))]
    if findings.rates:
        parts.append(writer.table(pair_tables.rate_table(findings.rates, note)))
    parts += _times(findings, writer, note)
    if findings.signals:
        parts.append(writer.table(tables.signal_table(findings.signals, findings.phase)))
    return section("Stability", *parts)


def _times(findings: Findings, writer: FigureWriter, note: str) -> list[Html]:
    """When failures came, which of the kinds that compete they were, and collapses undone."""
    never = [one.event for one in findings.survival if not any(curve.events for curve in one.curves)]
    if "failure" not in never:  # of which the others are parts
        never[:0] = [one.event for one in findings.incidence if not any(curve.events for curve in one.curves)]
    parts = [tag("p", " ".join(NEVER[event] for event in never))] if never else []
    for result in findings.survival:
        if result.event in never:
            continue
        curve = writer.figure(
            f"survival-{result.event}",
            figures.survival_curves(result, findings.palette, columns=2),
            f"Share of replicas without {event_named(result.event)} over training (Kaplan and Meier), with pointwise"
            " 95 % intervals. Ticks mark replicas that were censored: at the end of their budget, or stopped before.",
            f"Survival curves until {EVENTS[result.event]} by arm.",
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
            figures.incidence_curves(one, findings.palette, columns=2),
            f"Share of replicas that had met {EVENTS[one.event]} by then (Aalen and Johansen), with pointwise 95 %"
            " intervals; the other kinds of failure compete with it.",
            f"Incidence of {EVENTS[one.event]} by arm.",
        )
        for one in met
    ]
    return [*drawn, writer.table(time_tables.incidence_table(findings.incidence, note))]


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
            figures.quality_strips(findings.quality, findings.palette, columns=2),
            f"Final {named(findings.metric)}, one mark per replica: {_whose(findings)}. Above them the"
            " median with its 95 % interval, and behind it that of the interquartile mean. Diverged replicas are"
            " counted.",
            f"Strips of the final {named(findings.metric)} by arm; the table below has medians and intervals.",
        ),
        writer.table(pair_tables.quality_table(findings.quality, findings.comparison, subject_of(findings).note)),
    ]
    if findings.comparison is not None:
        parts.append(_pairs(findings, writer))
    if findings.profiles:
        parts.append(
            writer.figure(
                f"profiles-{findings.phase}",
                figures.profiles(findings.profiles, findings.palette, columns=2),
                "Performance profiles: the share of each arm's replicas at least as good as τ, with pointwise 95 %"
                " intervals. Diverged replicas never are.",
                "Performance profiles by arm.",
            )
        )
    return section("Quality", *parts)


def _whose(findings: Findings) -> str:
    """Of what the replicas are that are judged."""
    if findings.phase == "search":
        return "all configurations of the search"
    over = subject_of(findings).over
    return f"fresh seeds of what each arm's {over} chose" if over else "fresh seeds of each arm's chosen configuration"


def _pairs(findings: Findings, writer: FigureWriter) -> Html:
    comparison = findings.comparison
    assert comparison is not None
    matrix = writer.figure(
        f"pairs-{findings.phase}",
        figures.pairwise_matrix(comparison, columns=2 if len(comparison.arms) > 6 else 1),
        f"Probability in per cent that a {comparison.each} of the row's arm is better than one of the column's, ties"
        f" half. Bold with a star: told apart at {100 * comparison.alpha:.0f} % after Holm's correction.",
        "Matrix of probabilities of improvement; the table below has the numbers.",
    )
    return joined([matrix, writer.table(pair_tables.pair_table(comparison, subject_of(findings).note))])


def training(findings: Findings, writer: FigureWriter, folder: Path) -> Section:
    """The course of training: learning curves, shares of modes, samples."""
    parts: list[Html] = []
    if findings.learning:
        parts.append(
            writer.figure(
                f"learning-{findings.phase}",
                figures.learning_curves(findings.learning, findings.palette),
                f"Over training: median{_and_quartiles(findings)} of {_whose(findings)}. A diverged replica is"
                " worse than any other in quality, so that a line ends where half have diverged; other signals are of"
                " the replicas still training. Dotted: the score of the same number of fresh real samples.",
                "Learning curves by arm.",
            )
        )
    if findings.shares:
        parts.append(
            writer.figure(
                "modes",
                figures.mode_shares(findings.shares),
                "Share of the samples in each mode (one line of cells per mode) over training, first seeds of each"
                " arm's best configuration. Even grey is coverage, one black line collapse; a line that breaks off"
                " where another begins is mode hopping.",
                "Mode shares over training by arm and seed.",
            )
        )
    return section("Training", *parts, *_samples(findings, writer, folder))


def _samples(findings: Findings, writer: FigureWriter, folder: Path) -> list[Html]:
    found = [one for arm, trial in findings.shown.items() if (one := snapshots(folder, arm, trial)) is not None]
    drawn = [one for one in found if one.kind in ("plane", "images")]
    lines = [densities(one) for one in found if one.kind == "line"]
    parts = []
    if drawn:
        parts.append(
            writer.figure(
                "samples",
                figures.samples_over_time(drawn),
                "Samples over training of the first seed of each arm's best configuration (the seed is not chosen by"
                f" its result). {'Circles: the true modes, three standard deviations. ' if _true(drawn) else ''}"
                f"Trials: {', '.join(one.trial_id for one in drawn)}.",
                "Generated samples over training by arm.",
            )
        )
    if lines:
        parts.append(
            writer.figure(
                "densities",
                figures.density_pictures(lines, findings.palette),
                "Density of the data (grey) and of the generator's samples (line, a kernel estimate, which smooths)"
                f" over training, first seed. Trials: {', '.join(one.trial_id for one in lines)}.",
                "Densities over training by arm.",
            )
        )
    return parts


def _and_quartiles(findings: Findings) -> str:
    """Whether the learning curves of so many arms have bands."""
    arms = {curve.arm for curve in findings.learning}
    return " and quartiles" if len(arms) <= TOGETHER else f" (quartiles are left out of more than {TOGETHER})"


def _true(drawn: list[Snapshots]) -> bool:
    return any(one.means is not None for one in drawn)


def search(findings: Findings, writer: FigureWriter) -> Section | None:
    """Best of k configurations, the bias of selection, and the outcomes in the search."""
    parts: list[Html] = []
    if findings.selection_bias:
        caption = (
            "Each winner in the search that chose it (open), this corrected for the choice (pale), and on fresh seeds"
            " (filled); 95 % intervals over seeds."
        )
        picture = figures.selection_bias(findings.selection_bias, findings.palette, columns=2)
        parts.append(writer.figure("selection-bias", picture, caption, "Search beside confirmed scores by arm."))
        parts.append(writer.table(tables.selection_bias_table(findings.selection_bias)))
    if findings.best_of_k:
        parts.append(
            writer.figure(
                "best-of-k",
                figures.best_of_k(findings.best_of_k, findings.palette, columns=2),
                f"The best {named(findings.metric)} after k configurations of the search, median over which k they are,"
                " with 95 % intervals, which capture configurations. A configuration's score is its median replica."
                " Where a band ends at its line, the data give no bound on how good the best could be."
                f"{_adaptive(findings)}",
                "Best score by number of configurations tried, by arm.",
            )
        )
    outcomes = [arm for arm in findings.outcomes["search"] if arm.n]
    if outcomes and findings.phase == "confirm":
        parts.append(
            writer.figure(
                "outcomes-search",
                figures.outcome_bars(outcomes, columns=2),
                "How the replicas ended in the search, over all configurations: how stable an arm is without"
                " tuning. The line is the 95 % interval of the share that converged, over configurations and"
                " seeds.",
                "Bars of outcome shares in the search by arm.",
            )
        )
        parts.append(writer.table(tables.outcome_table(outcomes, "search")))
    return section("The search", *parts) if parts else None


def _adaptive(findings: Findings) -> str:
    """That the curves take configurations as independent draws, where a sampler drew them near good ones."""
    searches = [about.get("config", {}).get("search", {}) for about in studies_of(findings.record.about)]
    samplers = list(dict.fromkeys(str(search.get("sampler", "tpe")) for search in searches))
    adaptive = [name for name in samplers if name != "random"]
    if not adaptive:
        return ""
    return (
        f" The search was adaptive ({listed(adaptive)}): it drew later configurations near good earlier ones, but"
        " curves and bands take all as independent draws. They describe a random search among these configurations,"
        " not what a search of k by this sampler would find."
    )


def sensitivity(findings: Findings, writer: FigureWriter) -> Section | None:
    """Which nuisance hyperparameters matter in which arm."""
    parts: list[Html] = []
    for response, words in (("stability", "not diverging"), ("quality", "quality")):
        usable = [one for one in findings.sensitivity if one.response == response and one.importances and not one.note]
        if not usable:
            continue
        parts.append(
            writer.figure(
                f"importance-{response}",
                figures.importances(usable, findings.palette, columns=2),
                f"What matters for {words} in the search: the share of the variance that a forest no longer explains"
                " when a hyperparameter is shuffled, with 95 % intervals, which capture configurations.",
                f"Importance of hyperparameters for {words} by arm.",
            )
        )
        parts.append(
            writer.figure(
                f"dependence-{response}",
                figures.dependence(usable, findings.palette),
                f"Partial dependence of {words} on each hyperparameter, the others as they were in the search.",
                f"Partial dependence of {words} by arm.",
            )
        )
    unexplained = [f"{one.arm} ({one.response})" for one in findings.sensitivity if one.r2 and not one.r2.estimate > 0]
    if unexplained:
        parts.append(tag("p", f"The forest explains nothing in {listed(unexplained)}; importances there mean little."))
    notes: dict[str, list[str]] = {}
    for one in findings.sensitivity:
        if one.note:
            notes.setdefault(one.note, []).append(f"{one.arm} ({one.response})")
    parts += [tag("p", f"Not estimated, as {why}: {listed(who)}.") for why, who in notes.items()]
    return section("What matters within an arm", *parts) if parts else None


def thresholds(findings: Findings, writer: FigureWriter) -> Section | None:
    """The dependence of the outcomes on their thresholds."""
    if findings.thresholds is None or not len(findings.thresholds.changed):
        return None
    changed = np.asarray(findings.thresholds.changed["changed"], np.float64)
    most = float(changed.max(initial=0.0))
    lead = f"At most {percent(most)} of the replicas change" if most else "No replica changes"
    lead += " its outcome over the values tried." if not most else " their outcome over the values tried."
    return section("Thresholds", tag("p", lead), writer.table(tables.threshold_changes(findings.thresholds)))
