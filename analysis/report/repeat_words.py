"""What is said of a study whose arms were searched several times: what its answer is about, and what would do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import comb

from analysis.record.join import studies_of
from analysis.report.findings import Findings
from analysis.report.pair_words import few
from analysis.report.subject import FEW, Subject
from analysis.results.effects import Effect
from analysis.results.pairs import Comparison
from analysis.statistics.intervals import fewest
from analysis.statistics.two_shares import barnard
from analysis.wording import counted, listed, named, p_value, percent

MOST = 100  # more searches than any study makes


def repeated(findings: Findings, subject: Subject) -> list[str]:
    """The caveats of repeats: what is compared, how far intervals are to be trusted, arms with fewer searches than
    others, and that the data do not suffice."""
    assert subject.searches is not None
    least, most = subject.searches
    own = ", those of its study" if len(studies_of(findings.record.about)) > 1 else ""
    return [
        f"There were {subject.over} of each arm, and what each chose was trained on the same fresh seeds{own}."
        " What is compared is an arm tuned by this search with its budget: its repeats are the units of all tests.",
        _brackets([count for count in findings.searches.values() if count > 1]),
        *_uneven(findings, least, most),
        *_too_few(findings),
        *_only_if_alike(findings),
        *_only_if_not_wholly(findings),
        *_insufficient(findings, subject),
    ]


def enough(pairs: int, alpha: float = 0.05) -> int:
    """The least number of searches of each arm with which a difference of quality as plain as can be is told apart
    after the correction for so many pairs, whatever lies between searches (`analysis.statistics.repeats`)."""
    return next(count for count in range(2, MOST) if 2 / comb(2 * count, count) <= alpha / pairs)


def least_of_searches(pairs: Sequence[Effect]) -> str:
    """That no p is below what so few searches can say, a sentence; empty where it is not asked for."""
    least = {p_value(pair.least) for pair in pairs if pair.least > 0}
    if not least:
        return ""
    return (
        f" No p, corrected or not, is below what searches alone can say, {listed(sorted(least), 'or')}: how probable it"
        " is at most that of two arms that are alike all searches of the one end wholly well and all of the other"
        " wholly badly (Barnard)."
    )


def _brackets(counts: list[int]) -> str:
    words = "Brackets are 95\u00a0% intervals over seeds and searches; those of pairs hold for all pairs together."
    least = min(counts)
    if least >= fewest():
        return words
    covered = percent(1 - 2.0 ** (1 - least))
    return (
        f"{words} An arm’s own median has none over fewer than {fewest()} searches: where searches differ by more than"
        f" seeds do, what {counted(least, 'search', 'searches')} found encloses the true one in no more than {covered}"
        " of studies."
    )


def _uneven(findings: Findings, least: int, most: int) -> list[str]:
    """Which arms have fewer searches than others."""
    if least == most:
        return []
    fewer = [f"{arm} ({count})" for arm, count in findings.searches.items() if count < most]
    who = listed(fewer) if len(fewer) <= FEW else counted(len(fewer), "arm")
    said = [f"Not all arms have results of as many searches: fewer than {most} have {who}."]
    if least == 1:
        said.append(
            "Of an arm with a single search it is not known how others would come out: its tests take that from the"
            " other arms, and its own intervals are over seeds alone."
        )
    return said


def enough_of_shares(alpha: float = 0.05) -> int:
    """The least number of searches of each arm with which shares of 0 and 1 are told apart."""
    return next(count for count in range(2, MOST) if barnard(count, count, 0, count) <= alpha)


def _too_few(findings: Findings) -> list[str]:
    """That no two shares are told apart by so few searches, and what would do."""
    converged = findings.rates.get("converged")
    if converged is None or not converged.pairs or min(pair.least for pair in converged.pairs) <= converged.alpha:
        return []
    chance = percent(min(pair.least for pair in converged.pairs))
    return [
        "So few searches tell no two arms apart by how often replicas converged, not even all from none: where each"
        f" search ends wholly well or wholly badly, arms that are alike may end so in {chance} of studies. By that it"
        f" takes search.repeats: {enough_of_shares()}."
    ]


def assumed(comparison: Comparison, what: str) -> str:
    """What the tests and intervals of a `what`, a share or a mean, take for granted, where that fails, and what does
    not: sentences."""
    searches = min(min(pair.n_a, pair.n_b) for pair in comparison.pairs)
    return (
        f" A {what}'s own interval knows how much searches differ from its arm alone, that of a difference and its p"
        " from all arms together: it can therefore be far shorter, and holds as far as the searches of each arm differ"
        " about as much. If half of an arm's searches end wholly well and half wholly badly,"
        f" {counted(searches, 'search ends', 'searches end')} alike in {percent(2.0 ** (1 - searches))} of studies and"
        " show none of it: beside an arm whose searches are alike the difference is then missed. “by searches alone”"
        " takes every search as one replica, which is the most that searches can differ by."
    )


def _only_if_alike(findings: Findings) -> list[str]:
    """Which arms are told apart by shares or times only if the searches of all arms differ about as much."""
    lasted = findings.survival[0].comparison if findings.survival else None
    asked = (("how often they converged", findings.rates.get("converged")), ("their time without a failure", lasted))
    if not (said := _undecided_alone(asked)):
        return []
    return [
        f"Told apart only if the searches of all arms differ about as much: {said}. With every search"
        " taken as one replica, the most that searches can differ by, they would not be."
    ]


def _only_if_not_wholly(findings: Findings) -> list[str]:
    """Which arms are told apart by quality only if searches do not end wholly well or wholly badly."""
    if not (said := _undecided_alone((named(one.metric), one.comparison) for one in findings.measured)):
        return []
    return [
        f"Told apart only if searches do not end wholly well or wholly badly: {said}. Of arms that are alike"
        " and have such searches some are told apart too often, and here an arm’s searches fall into two groups, all"
        " replicas of the one worse than all of the other, or are too few to show it. With every search taken as one"
        " replica they would not be."
    ]


def _undecided_alone(asked: Iterable[tuple[str, Comparison | None]]) -> str:
    """Which arms are told apart, but not with every search as one replica, by what of the `asked`; "" where none."""
    said = []
    for what, comparison in asked:
        told = comparison.told if comparison else ()
        if pairs := [f"{pair.a} from {pair.b}" for pair in told if pair.alone_undecided]:
            said.append(f"by {what}, {few(pairs, counted(len(told), 'pair'))}")
    return "; ".join(said)


def _insufficient(findings: Findings, subject: Subject) -> list[str]:
    """That the data do not suffice, and what would."""
    assert subject.searches is not None
    lasted = findings.survival[0].comparison if findings.survival else None
    every = (findings.rates.get("converged"), lasted, *(one.comparison for one in findings.measured))
    asked = [one for one in every if isinstance(one, Comparison) and one.pairs]
    if not asked or any(one.told for one in asked):
        return []
    needed = enough(max(len(one.pairs) for one in asked))
    crossed = findings.crossing
    means = crossed is not None and crossed.told((*crossed.converged, *crossed.quality))
    though = " tell levels of a factor apart, as means over several arms, but" if means else ""
    short = f"These data{though} do not suffice to tell any two arms apart"
    lead = f"{short}: {subject.over} of each say"
    if needed > subject.searches[1]:
        lead += " little of what another would find."
        if any(one.comparison for one in findings.measured):
            lead += (
                f" By quality it takes search.repeats: {needed} to find even a difference as plain as can be, if"
                " nothing is taken for granted of how searches differ; smaller ones take more."
            )
        return [
            f"{lead} How many find a difference of some size, where searches differ as they usually do,"
            " `ganstudy check` says."
        ]
    return [f"{lead} too little for differences as small as these; a larger search.repeats would say more."]
