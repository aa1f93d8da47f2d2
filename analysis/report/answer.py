"""The study's question, and its answer in a few sentences, each with its uncertainty.

No sentence claims more than the tests: an arm is called better only if the corrected test (Holm) distinguishes it, and
an answer from the search phase alone is called provisional.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.record.join import studies_of
from analysis.report.findings import Findings
from analysis.results.compare import ArmOutcomes
from analysis.wording import (
    CAPTURES,
    DID,
    NEVER,
    counted,
    event_named,
    listed,
    named,
    number,
    p_value,
    spoken,
    spoken_share,
)

ALPHA = 0.05
FEW = 4  # items up to which a sentence lists them by name


@dataclass(frozen=True)
class Answer:
    """Plain sentences: the question, the findings (the first is the shortest answer), and the caveats."""

    question: str
    found: tuple[str, ...]
    caveats: tuple[str, ...]


def answer(findings: Findings) -> Answer:
    """The question, answer and caveats that follow from the findings."""
    outcomes = [arm for arm in findings.outcomes[findings.phase] if arm.n]
    found = [*_most_stable(findings, outcomes), *_told_apart(findings), *_quality(findings)]
    caveats = (*_stable_yet_worse(findings, outcomes), *_caveats(findings))
    return Answer(question(findings), tuple(found) or ("No trial has ended yet; nothing can be said.",), caveats)


def question(findings: Findings) -> str:
    """The question that the configuration asks, or those of the studies that were joined."""
    studies = studies_of(findings.record.about)
    configs = [about.get("config", {}) for about in studies]
    places = listed(list(dict.fromkeys(_data(config.get("data", {})) for config in configs)))
    if len(studies) > 1:
        names = listed([str(about.get("study", "?")) for about in studies])
        return f"Which arm of the studies {names} trains most stably, on {places}?"
    varied = [key.replace("_", " ") for key, values in configs[0].get("scientific", {}).items() if len(values) > 1]
    subject = f"Which choice of {listed(varied)}" if varied else "How stably does this configuration train,"
    return f"{subject} {'trains most stably ' if varied else ''}on {places}?"


def _data(data: Any) -> str:
    if not isinstance(data, Mapping):
        return f"the data set “{data}”"
    telling = [
        f"{key} {data[key]}" for key in ("modes", "std", "radius", "size", "classes") if data.get(key) is not None
    ]
    return f"the data set “{data.get('name', '?')}”" + (f" ({', '.join(telling)})" if telling else "")


def _most_stable(findings: Findings, outcomes: list[ArmOutcomes]) -> list[str]:
    if not outcomes:
        return []
    where = _where(findings)
    top = max(arm.probabilities["converged"].estimate for arm in outcomes)
    if top == 0:
        return [_none_converged(outcomes, where)]
    best = [arm for arm in outcomes if arm.probabilities["converged"].estimate == top]
    share = spoken_share(best[0].probabilities["converged"])
    if len(outcomes) == 1:
        return [f"{best[0].arm} converged in {share} of {counted(best[0].n, 'replica')} {where}."]
    if len(best) == len(outcomes):
        every = "All confirmed arms" if _unconfirmed(findings) else "All arms"
        return [f"{every} converged equally often {where}: {share} of replicas."]
    held = f"{round(top * best[0].n)} of {best[0].n} replicas, " if len(best) == 1 else ""
    low = best[0].probabilities["converged"].low
    below = [arm.arm for arm in outcomes if arm.probabilities["converged"].high < low]
    arms = listed([arm.arm for arm in best])
    return [f"{arms} converged most often {where}: {held}{share}, {_compared(below, len(outcomes) - len(best))}."]


def _none_converged(outcomes: list[ArmOutcomes], where: str) -> str:
    """That no replica converged, and what the others did instead, the most frequent first."""
    total = sum(arm.n for arm in outcomes)
    lead = f"No arm converged: not one of {counted(total, 'replica')} {where} settled near the data"
    names = [name for name in outcomes[0].probabilities if name != "converged"]
    counts = {name: round(sum(arm.n * arm.probabilities[name].estimate for arm in outcomes)) for name in names}
    if counts["learning"] == total:
        return f"{lead}; all were still learning when their budget ended, which says nothing of their stability."
    seen = sorted((name for name in names if counts[name]), key=lambda name: -counts[name])
    still = " A longer budget might change that." if counts["learning"] > total / 2 else ""
    said = [f"{counts[name]} {DID[name].replace('were', 'was') if counts[name] == 1 else DID[name]}" for name in seen]
    return f"{lead} ({', '.join(said)}).{still}"


def _compared(below: list[str], others: int) -> str:
    """Which of the other arms' intervals lie below the best one's, in words."""
    if len(below) == others:
        return "and the interval of every other arm lies below" if others > 1 else "and the other's interval lies below"
    if not below:
        return "but the intervals of all others overlap with it" if others > 1 else "but the other's interval overlaps"
    if len(below) > FEW:
        return f"and the intervals of {len(below)} of the {others} others lie wholly below"
    several = len(below) > 1
    return f"and the interval{'s' * several} of {listed(below)} lie{'' if several else 's'} wholly below"


def _told_apart(findings: Findings) -> list[str]:
    """The log-rank tests of the first event, in one sentence."""
    overall = findings.survival[0].overall if findings.survival else None
    if overall is None:
        return []
    result = findings.survival[0]
    event = event_named(result.event)
    if np.isnan(overall.p):
        events = sum(curve.events for curve in result.curves)
        total = counted(sum(curve.n for curve in result.curves), "replica")
        untested = f"{events} of {total} met {event}; the test that would compare the arms in this has no value."
        return [untested if events else NEVER[result.event]]
    told = [f"{pair.arms[0]} from {pair.arms[1]}" for pair in result.pairs if pair.p_holm < ALPHA]
    test = f"log-rank test of all, p\u00a0{_equals(overall.p)}"
    all_pairs = counted(len(result.pairs), "pair")
    verdict = (
        f"{listed(told)} can"
        if 0 < len(told) <= FEW
        else f"{len(told)} of {all_pairs} can"
        if told
        else "no two arms can"
    )
    return [
        f"In the time to {event} the arms {_differ(overall.p)} ({test}); at 5\u00a0% after Holm's correction"
        f" {verdict} be told apart."
    ]


def _differ(p: float) -> str:
    return "differ" if p < ALPHA else "do not differ measurably"


def _equals(p: float) -> str:
    words = p_value(p)
    return words if words.startswith("<") else f"=\u00a0{words}"


def _quality(findings: Findings) -> list[str]:
    if not findings.quality:
        return []
    by_arm = {arm.arm: arm for arm in findings.quality}
    comparison = findings.comparison
    best = by_arm[comparison.best] if comparison else findings.quality[0]
    floor = f" (real data: {number(best.floor)})" if np.isfinite(best.floor) else ""
    word = "lowest" if findings.mode == "min" else "highest"
    lead = f"In quality, {best.arm} reached the {word} median {named(findings.metric)}, {spoken(best.median)}{floor}"
    if comparison is None:
        return [f"{best.arm} reached a median {named(findings.metric)} of {spoken(best.median)}{floor}."]
    tied = [arm for arm in comparison.indistinguishable if arm != comparison.best]
    others = len(comparison.arms) - 1
    if len(tied) == others:
        return [f"{lead}; at 5 % no other arm can be told from it."]
    if not tied:
        return [f"{lead}, and is told apart from {'every other' if others > 1 else 'the other'} arm at 5 % (Holm)."]
    return [f"{lead}; it cannot be told from {listed(tied, 'or')}, and is told apart from the rest at 5 % (Holm)."]


def _stable_yet_worse(findings: Findings, outcomes: list[ArmOutcomes]) -> list[str]:
    """A caveat if the arm that converged most often is distinguishably worse than the best in quality."""
    comparison = findings.comparison
    if comparison is None or not outcomes:
        return []
    top = max(arm.probabilities["converged"].estimate for arm in outcomes)
    stable = [arm.arm for arm in outcomes if arm.probabilities["converged"].estimate == top > 0]
    medians = {arm.arm: arm.median.estimate for arm in findings.quality}
    if len(stable) != 1 or stable[0] in comparison.indistinguishable or stable[0] not in medians:
        return []
    return [
        f"Converged most often is not best: {stable[0]} has a median {named(findings.metric)} of"
        f" {number(medians[stable[0]])}, {comparison.best} one of {number(medians[comparison.best])}."
    ]


def _where(findings: Findings) -> str:
    return "on fresh seeds of the chosen configuration" if findings.phase == "confirm" else "over the search"


def _unconfirmed(findings: Findings) -> list[str]:
    """The arms without a replica on fresh seeds, where others have some."""
    if findings.phase != "confirm":
        return []
    confirmed = {arm.arm for arm in findings.outcomes["confirm"] if arm.n}
    return [arm for arm in findings.arms if arm not in confirmed]


def _caveats(findings: Findings) -> tuple[str, ...]:
    said = []
    if findings.phase == "confirm":
        said.append(
            "Brackets are 95 % intervals over seeds: the configuration of each arm is taken as given. What another"
            " search would have chosen is not in them."
        )
    else:
        searched = findings.outcomes["search"]
        drawn = CAPTURES[searched[0].probabilities["converged"].captures if searched else "both"]
        said.append(
            "Provisional: no configuration has been confirmed on fresh seeds. Brackets are 95 % intervals over"
            f" {drawn} as the search drew them; the scores of the best are too good, because they were picked by them."
        )
    if unconfirmed := _unconfirmed(findings):
        who = listed(unconfirmed) if len(unconfirmed) <= FEW else f"{len(unconfirmed)} of the {len(findings.arms)} arms"
        said.append(f"Not confirmed, and therefore in the search's results alone: {who}.")
    if findings.unmeasured:
        said.append(f"{findings.metric} was not measured in {listed(findings.unmeasured)}, left out of all on quality.")
    if lost := [f"{one.unmeasured} of {one.arm}" for one in findings.quality if one.unmeasured]:
        said.append(f"Replicas whose {findings.metric} could not be measured, left out of quality: {listed(lost)}.")
    biased = [one.arm for one in findings.selection_bias if one.biased]
    if biased:
        said.append(f"Selection bias: {listed(biased)} scored worse on fresh seeds than in the search before.")
    return tuple(said)
