"""The page's sections on the search: best of k, the bias of selection, and which hyperparameters mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from analysis import figures
from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.report import alternatives, tables
from analysis.report.findings import Findings
from analysis.report.page import Html, Section, section, tag
from analysis.report.subject import nothing_searched, subject_of
from analysis.report.table_files import Head, Table
from analysis.report.writer import FigureWriter
from analysis.results.random_search import RandomSearch
from analysis.wording import listed, named

RESPONSES = {"stability": "not diverging", "quality": "quality"}


def search(findings: Findings, writer: FigureWriter) -> Section | None:
    """Best of k configurations, the bias of selection, and the outcomes in the search."""
    parts: list[Html] = []
    searched = not nothing_searched(findings.record.about)
    if findings.selection_bias and searched:
        caption = (
            "Each winner in the search that chose it (open), this corrected for the choice (pale), and on fresh seeds"
            " (filled); 95 % intervals over seeds, where there are six or more."
        )
        picture = partial(figures.selection_bias, findings.selection_bias, findings.palette)
        said = alternatives.selection_bias(findings.selection_bias)
        parts.append(writer.figure("selection-bias", picture, caption, said))
        parts.append(writer.table(tables.selection_bias_table(findings.selection_bias)))
    if findings.best_of_k and searched:
        parts.append(
            writer.figure(
                "best-of-k",
                partial(figures.best_of_k, findings.best_of_k, findings.palette),
                f"The best {named(findings.best_of_k[0].metric)} after k configurations of {_searches(findings)},"
                " median over which k they are, with 95 % intervals, which capture configurations. A configuration's"
                " score is its median replica."
                " Where a band ends at its line, the data give no bound on how good the best could be."
                f"{_adaptive(findings)}",
                alternatives.best_of_k(findings.best_of_k),
            )
        )
    if findings.random_search:
        parts.append(writer.table(random_search_table(findings.random_search)))
    outcomes = [arm for arm in findings.outcomes["search"] if arm.n]
    if outcomes and findings.phase == "confirm":
        parts.append(
            writer.figure(
                "outcomes-search",
                partial(figures.outcome_bars, outcomes),
                "How the replicas ended in the search, over all configurations: how stable an arm is without"
                " tuning. The line is the 95 % interval of the share that converged, over configurations and"
                " seeds.",
                alternatives.outcomes(outcomes),
            )
        )
        parts.append(writer.table(tables.outcome_table(outcomes, "search")))
    return section("The search", *parts) if parts else None


def random_search_table(found: RandomSearch) -> Table:
    """Every pair of arms, tuned by a random search of part of the configurations."""
    return Table(
        "random-search",
        f"The objectives themselves, by {named(found.metric)}: each arm tuned by a random search of {found.k}"
        " configurations, as many of which lie in the one that was made (a U-statistic over all of them). “a better"
        " than b”: probability that a replica of a so tuned is better than one of b, ties half, with 95 % intervals"
        " that hold for all pairs together; p by Student’s t of searches, corrected for all pairs by Holm. It says what"
        " repeats of the search would say of a shorter search, from the search's own seeds.",
        f"trials.parquet: phase = search, column {found.metric}; configurations that have it on every seed",
        (
            Head("a"), Head("b"), Head("configurations of a", "count"), Head("of b", "count"),
            Head("a better than b", "share"), Head("p", "p"), Head("p (Holm)", "p"),
        ),
        tuple((one.a, one.b, one.n_a, one.n_b, one.effect, one.p, one.p_holm) for one in found.effects),
    )  # fmt: skip


def _searches(findings: Findings) -> str:
    """Of which searches the curves take configurations."""
    over = subject_of(findings).over
    return f"the search, those of an arm's {over} taken together" if over else "the search"


def _adaptive(findings: Findings) -> str:
    """That the curves take configurations as independent draws, where a sampler drew them near good ones."""
    studies = studies_of(findings.record.about)
    samplers = list(dict.fromkeys(stated(about, "config.search.sampler", "tpe") for about in studies))
    adaptive = [name for name in samplers if name != "random"]
    if not adaptive:
        return ""
    return (
        f" The search was adaptive ({listed(adaptive)}): it drew later configurations near good earlier ones, but"
        " curves and bands take all as independent draws. They describe a random search among these configurations,"
        " not what a search of k by this sampler would find."
    )


def sensitivity(findings: Findings, writer: FigureWriter) -> Section | None:
    """Which nuisance hyperparameters matter in which arm; None where nothing was searched."""
    if nothing_searched(findings.record.about):
        return None
    parts: list[Html] = []
    for response, words in RESPONSES.items():
        usable = [one for one in findings.sensitivity if one.response == response and one.importances and not one.note]
        if not usable:
            continue
        parts.append(
            writer.figure(
                f"importance-{response}",
                partial(figures.importances, usable, findings.palette),
                f"What matters for {words} in the search: the share of the variance that a forest no longer explains"
                " when a hyperparameter is shuffled, with 95 % intervals, which capture configurations.",
                alternatives.importances(usable),
            )
        )
        parts.append(
            writer.figure(
                f"dependence-{response}",
                partial(figures.dependence, usable, findings.palette),
                f"Partial dependence of {words} on each hyperparameter, the others as they were in the search.",
                alternatives.dependence(usable),
            )
        )
    unexplained = [one for one in findings.sensitivity if one.r2 and not one.r2.estimate > 0]
    if unexplained:
        where = listed([f"{one.arm} ({RESPONSES[one.response]})" for one in unexplained])
        parts.append(tag("p", f"The forest explains nothing in {where}; importances there mean little."))
    notes: dict[str, dict[str, list[str]]] = {}
    for one in findings.sensitivity:
        if one.note:
            notes.setdefault(one.note, {}).setdefault(one.arm, []).append(RESPONSES[one.response])
    parts += [tag("p", f"Not estimated, as {why}: {_by_response(whose)}.") for why, whose in notes.items()]
    return section("What matters within an arm", *parts) if parts else None


def _by_response(whose: Mapping[str, Sequence[str]]) -> str:
    """`a and b (stability and quality); c (quality)`: arms with what was not estimated of them."""
    arms: dict[str, list[str]] = {}
    for arm, responses in whose.items():
        arms.setdefault(listed(responses), []).append(arm)
    return "; ".join(f"{listed(those)} ({responses})" for responses, those in arms.items())
