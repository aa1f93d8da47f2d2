"""The page's section on factors: what each does over all levels of the others, where the arms cross several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from analysis.report.findings import Findings
from analysis.report.page import Section, section, tag
from analysis.report.pair_words import few
from analysis.report.subject import subject_of
from analysis.report.table_files import Head, Table, Value
from analysis.report.writer import FigureWriter
from analysis.results import repeated
from analysis.results.crossing import Crossing, FactorEffect
from analysis.wording import counted, listed, named, p_value, spoken_points, spoken_share

Words = Callable[[FactorEffect], str]
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


def sentences(found: Crossing) -> list[str]:
    """What is told, and what is not, of convergence, of differences of differences, and of quality."""
    averaged = f"Averaged over the {_other(found)}"
    said = [_told(found.converged, found, averaged, "how often replicas converged", _convergence)]
    if unlike := _unlike(found):
        said.append(f"{unlike} No average is what it does beside each.")
    else:
        said.append("Whether a level does more beside one level of another factor than beside the next cannot be told.")
    if found.quality:
        said.append(_told(found.quality, found, f"{averaged} too", f"quality ({named(found.metric)})", _quality))
    return said


def claim(found: Crossing) -> list[str]:
    """What is told of factors, and what levels do unlike beside others, a sentence each, for an answer about arms."""
    families = (
        (found.converged, "how often replicas converged", _convergence),
        (found.quality, f"quality ({named(found.metric)})", _quality),
    )
    said = [f"by {what}: {_few(told, every, words)}" for every, what, words in families if (told := found.told(every))]
    lead = f"As means over the {_other(found)}, not as differences of two arms, levels are told apart"
    return [*([f"{lead} {'; and '.join(said)}."] if said else []), *filter(None, [_unlike(found)])]


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
        " corrected for all their rows: p by Holm, 95 % intervals by Bonferroni.",
        f"trials.parquet: phase = {found.phase}, outcome by arm, averaged over arms",
        heads + ends * bool(found.quality),
        tuple(rows),
    )


def _crossed(found: Crossing) -> str:
    names = [f"{factor} ({listed(list(levels))})" for factor, levels in found.levels.items()]
    arms = counted(prod(map(len, found.levels.values())), "arm")
    one = "the other" if len(names) == 2 else "each other"
    return f"The {arms} cross {listed(names, 'with')}: there is every level of one beside every level of {one}."


def _other(found: Crossing) -> str:
    return "other factor" if len(found.levels) == 2 else "other factors"


def _scope(findings: Findings, found: Crossing) -> list[str]:
    """Of what the effects are."""
    if found.unit == "repeat":
        return []
    if subject_of(findings).chosen:
        return ["As each arm was searched once, what follows is of the configurations that these searches chose."]
    return ["What follows is of all configurations that the searches tried."]


def _told(every: Sequence[FactorEffect], found: Crossing, lead: str, what: str, words: Words) -> str:
    told = found.told(every)
    if not told:
        return f"{lead}, no level of a factor is told from another by {what}."
    return f"{lead}, levels are told apart by {what}: {_few(told, every, words)}."


def _unlike(found: Crossing) -> str:
    """That a level does more beside one level of another factor than beside the next; empty where it is not told."""
    told = found.told(found.differences)
    words = _few(told, found.differences, _difference)
    return f"A level does not do the same beside all others: {words}." if told else ""


def _few(told: Sequence[FactorEffect], every: Sequence[FactorEffect], words: Words) -> str:
    return few([words(one) for one in told], counted(len(every), "comparison"))


def _convergence(one: FactorEffect) -> str:
    level, other, effect = one.level, one.instead_of, one.effect
    if effect.estimate < 0:
        level, other, effect = other, level, effect.negated()
    return f"{one.factor} {level} more often than {other} by {spoken_points(effect)} ({_p(one)})"


def _difference(one: FactorEffect) -> str:
    assert one.beside is not None
    other, more, less = one.beside
    effect = one.effect
    if effect.estimate < 0:
        more, less, effect = less, more, effect.negated()
    gain = f"{one.factor} {one.level} instead of {one.instead_of} adds {spoken_points(effect)} more"
    return f"{gain} beside {other} {more} than beside {less} ({_p(one)})"


def _quality(one: FactorEffect) -> str:
    level, other, effect = one.level, one.instead_of, one.effect
    if effect.estimate < 0.5:
        ends = (1 - effect.estimate, 1 - effect.high, 1 - effect.low)
        level, other, effect = other, level, replace(effect, estimate=ends[0], low=ends[1], high=ends[2])
    return f"{one.factor} {level} is better than {other} with probability {spoken_share(effect)} ({_p(one)})"


def _p(one: FactorEffect) -> str:
    p = p_value(one.p_holm)
    return f"p\u00a0{p}" if p.startswith("<") else f"p\u00a0=\u00a0{p}"


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
