"""The page's section on factors: what each does over all levels of the others, where the arms cross several."""

from __future__ import annotations

from math import prod

from analysis.report.factor_words import sentences
from analysis.report.findings import Findings
from analysis.report.page import Section, section, tag
from analysis.report.subject import subject_of
from analysis.report.table_files import Head, Table, Value
from analysis.report.writer import FigureWriter
from analysis.results import repeated
from analysis.results.crossing import Crossing, FactorEffect
from analysis.wording import counted, listed, named

TESTS = {
    "replica": "Student’s t of replicas",
    "configuration": "Student’s t of configurations",
    "repeat": repeated.TEST,
}


def factors(findings: Findings, writer: FigureWriter) -> Section | None:
    """What each factor does; None where the arms are no full crossing of several."""
    found = findings.crossing
    if found is None:
        return None
    said = [_crossed(found), *_scope(findings, found), *sentences(found)]
    return section("What each factor does", tag("p", " ".join(said)), writer.table(factor_table(found)))


def factor_table(found: Crossing) -> Table:
    """Every effect of a factor, and every difference of two."""
    by_name = {(one.factor, one.level, one.instead_of): one for one in found.quality}
    rows = [
        (*_row(one, found), *_beside(by_name.get((one.factor, one.level, one.instead_of)), one, found))
        for one in (*found.converged, *found.differences)
    ]
    least, most = found.units
    n = f"{least}" if least == most else f"{least} to {most}"
    quality = (
        f" “better”: the probability that a replica of the level is better in {named(found.metric)} than one of the"
        " other with all else the same, ties half; there is no difference of such."
    )
    families = "three" if found.quality else "two"
    heads = (
        Head("factor"), Head("level"), Head("instead of"), Head("beside"),
        Head("converged more often", "points"), Head("p", "p"), Head("p (Holm)", "p"), Head("told"),
    )  # fmt: skip
    ends = (Head("better", "share"), Head("p, better", "p"), Head("p, better (Holm)", "p"), Head("told, better"))
    return Table(
        f"factors-{found.phase}",
        "What a level of a factor does instead of another. “converged more often”: by how many percentage points,"
        " beside all: on average over all levels of the other factors, each counting the same; beside one level rather"
        " than another: by how much more than beside the other, a difference of differences, from −200 to 200."
        f"{quality if found.quality else ''} p by {TESTS[found.unit]}, of which each arm has {n}. The {families}"
        " questions, of levels, of differences of differences" + " and of quality," * bool(found.quality) + " are each"
        " corrected for all their rows: p by Holm, 95 % intervals by Bonferroni. Those of points are at least as wide"
        " as the levels’ own shares ask (Zou & Donner 2008), but end at no difference where p says that there is one.",
        f"trials.parquet: phase = {found.phase}, outcome by arm, averaged over arms",
        heads + ends * bool(found.quality),
        tuple(rows),
    )


def _crossed(found: Crossing) -> str:
    names = [f"{factor} ({listed(list(levels))})" for factor, levels in found.levels.items()]
    arms = counted(prod(map(len, found.levels.values())), "arm")
    one = "the other" if len(names) == 2 else "each other"
    return f"The {arms} cross {listed(names, 'with')}: there is every level of one beside every level of {one}."


def _scope(findings: Findings, found: Crossing) -> list[str]:
    """Of what the effects are."""
    subject = subject_of(findings)
    if found.unit == "repeat" or subject.fixed:
        return []
    if subject.chosen:
        return ["As each arm was searched once, what follows is of the configurations that these searches chose."]
    return ["What follows is of all configurations that the searches tried."]


def _row(one: FactorEffect, found: Crossing) -> tuple[Value, ...]:
    beside = "all" if one.beside is None else f"{one.beside[1]} rather than {one.beside[2]}"
    return (one.factor, one.level, one.instead_of, beside, one.effect, one.p, one.p_holm, _verdict(one, found))


def _beside(quality: FactorEffect | None, one: FactorEffect, found: Crossing) -> tuple[Value, ...]:
    """The same level's quality, in the same row."""
    if not found.quality:
        return ()
    if quality is None or one.beside is not None:
        return (None, None, None, "")
    return (quality.effect, quality.p, quality.p_holm, _verdict(quality, found))


def _verdict(one: FactorEffect, found: Crossing) -> str:
    return "yes" if found.told([one]) else "no"
