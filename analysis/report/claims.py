"""What is claimed of the arms, sentence by sentence: the share that converged, the time to failure, and quality.

No sentence claims more than its test: two are told apart only where the corrected test of the effect that the sentence
names rejects, and what cannot be told apart is never called equal, unless its interval lies within a margin that was
asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.report.findings import Findings
from analysis.report.subject import FEW, Subject
from analysis.results.compare import ArmOutcomes, ArmQuality
from analysis.results.effects import Effect
from analysis.results.pairs import Comparison
from analysis.statistics.holm import holm
from analysis.wording import (
    DID,
    NEVER,
    clock_time,
    counted,
    event_named,
    listed,
    named,
    number,
    p_value,
    spoken,
    spoken_points,
    spoken_share,
    spoken_time,
)

ALPHA = 0.05
TIME = "the time to failure"


def convergence(findings: Findings, subject: Subject) -> list[str]:
    """The shares that converged; what replicas did instead where none did; or that nothing can be said yet."""
    outcomes = [arm for arm in findings.outcomes[findings.phase] if arm.n]
    if not outcomes:
        return []
    where = "on fresh seeds" if findings.phase == "confirm" else "over the search"
    where += f", over {subject.over}" * bool(subject.over)
    total = sum(arm.n for arm in outcomes)
    stopped = sum(_count(arm, "truncated") for arm in outcomes)
    if stopped == total:
        return [
            f"{counted(total, 'replica')} ended, and the scheduler stopped {'it' if total == 1 else 'every one'} before"
            " its budget: nothing can be said yet of how they would have ended."
        ]
    top = max(arm.probabilities["converged"].estimate for arm in outcomes)
    if top == 0:
        return [_none_converged(outcomes, where, subject)]
    best = [arm for arm in outcomes if arm.probabilities["converged"].estimate == top]
    share = spoken_share(best[0].probabilities["converged"])
    if len(outcomes) == 1:
        lead = f"{_start(subject, best[0].arm)} converged in {share} of {counted(best[0].n, 'replica')} {where}"
    elif len(best) == len(outcomes):
        lead = f"{_sentence(subject.all(len(outcomes)))} converged in the same share of replicas {where}, {share}"
    else:
        held = f"{_count(best[0], 'converged')} of {best[0].n} replicas, " if len(best) == 1 else ""
        lead = f"{_start(subject, *(arm.arm for arm in best))} converged most often {where}: {held}{share}"
    if stopped:
        return [
            f"{lead}. {counted(stopped, 'replica')} that the scheduler stopped count as not converged, and yet might"
            " have: such shares are not compared."
        ]
    comparison = findings.rates.get("converged")
    if comparison is None:
        return [f"{lead}."]
    if comparison.best and len(best) == 1:
        following = comparison.arms[1]
        lead += f", {spoken_points(comparison.pair(comparison.best, following).effect)} more than that of {following}"
    return [f"{lead}; {verdict(comparison, subject)}.", *_other_outcomes(findings)]


def times(findings: Findings, subject: Subject) -> list[str]:
    """How long the arms went without a failure, and which are told apart in that."""
    result = findings.survival[0] if findings.survival else None
    if result is None or result.comparison is None or result.event != "failure":
        return []
    if not any(curve.events for curve in result.curves):
        return [NEVER[result.event]]
    comparison, clock, event = result.comparison, result.clock, event_named(result.event)
    until = f"Until {clock_time(clock, result.means[0].horizon)}"
    if comparison.best is None:
        nobody = _nobody(comparison, subject)
        return [f"{until}, in the time without {event}, {nobody}; {verdict(comparison, subject)}."]
    best, following = comparison.arms[:2]
    mean = spoken_time(clock, next(one.mean for one in result.means if one.arm == best))
    more = spoken_time(clock, comparison.pair(best, following).effect)
    lead = f"{until} {subject.the(best)} went longest without {event}"
    return [f"{lead}: {mean} on average, {more} more than that of {following}; {verdict(comparison, subject)}."]


def quality(findings: Findings, subject: Subject) -> list[str]:
    """Which arm is ahead in quality, by how much, and from which it is told apart."""
    if not findings.one_data_set:
        return []
    comparison, metric = findings.comparison, named(findings.metric)
    by_arm = {arm.arm: arm for arm in findings.quality}
    if comparison is None:
        return [f"{_start(subject, arm)} has {_median(one)}." for arm, one in by_arm.items()]
    if comparison.best is None:
        return [f"In quality ({metric}) {_nobody(comparison, subject)}; {verdict(comparison, subject)}."]
    best, following = comparison.arms[:2]
    others = subject.those(comparison.arms[1:], len(by_arm) - 1)
    lead = f"In quality ({metric}) {subject.the(best)} is ahead of {others}"
    if not comparison.told:
        lead = f"In quality ({metric}) no two can be told apart; ahead in these data is {subject.the(best)}"
    pair = comparison.pair(best, following)
    likely = spoken_share(pair.effect)
    chance = f"a {comparison.each} of it is better than one of {following}, the next, with probability {likely}"
    amount = f", {_amount(pair)}" if pair.shift else ""
    told = f" {_sentence(verdict(comparison, subject))}." if comparison.told else ""
    return [f"{lead}: {chance}{amount}.{told} It has {_median(by_arm[best])}."]


def verdict(comparison: Comparison, subject: Subject) -> str:
    """Which arms are told apart, and at which level, in words that follow "hinge is ahead"."""
    told, pairs = comparison.told, len(comparison.pairs)
    if all(np.isnan(pair.p) for pair in comparison.pairs):
        return "no test can compare them"
    if not told:
        return "the two cannot be told apart" if pairs == 1 else "no two can be told apart"
    largest = p_value(max(one.p_holm for one in told))
    sign = "" if largest.startswith("<") else "=\u00a0" if pairs == 1 else "≤\u00a0"
    level = f"(p\u00a0{sign}{largest}{'' if pairs == 1 else ' after Holm’s correction'})"
    others = [arm for arm in comparison.arms if arm != comparison.best]
    from_best = [arm for arm in others if arm not in comparison.indistinguishable]
    if pairs == 1:
        return f"the two are told apart {level}"
    if comparison.best is None or not from_best:
        return f"told apart are {_few([f'{one.a} from {one.b}' for one in told], counted(pairs, 'pair'))} {level}"
    if len(from_best) == len(others):
        return f"it is told apart from every other {level}"
    tied = [arm for arm in others if arm not in from_best]
    return (
        f"it is told apart from {subject.those(from_best, len(others))} {level}, and cannot be told apart from"
        f" {subject.those(tied, len(others), 'or')}"
    )


def same(findings: Findings) -> list[str]:
    """Which arms are shown to be the same within the margin that was asked for."""
    margin = findings.same_within
    if margin is None:
        return []
    parts = []
    for what, comparison in _asked(findings):
        scale = findings.survival[0].means[0].horizon if what == TIME else 1.0
        alike = [f"{pair.a} with {pair.b}" for pair in comparison.pairs if pair.within(margin * scale)]
        if alike:
            parts.append(f"in {what} {_few(alike, counted(len(comparison.pairs), 'pair'))}")
    meant = f"within {100 * margin:g}\u00a0% (percentage points of shares, of the budget, quality {_factor(findings)})"
    if not parts:
        return [
            f"No two are shown to be the same {meant}: that takes narrower intervals, and so more {_more(findings)}."
        ]
    return [f"Shown to be the same {meant} are {'; '.join(parts)}."]


def jointly(findings: Findings) -> list[str]:
    """What remains told apart when all questions of the page are corrected together."""
    asked = _asked(findings)
    found = [(what, pair) for what, comparison in asked for pair in comparison.pairs]
    if len(asked) < 2:
        return []
    corrected = holm([pair.p for _, pair in found])
    names = [
        f"{pair.a} from {pair.b} in {what}" for (what, pair), p in zip(found, corrected, strict=True) if p <= ALPHA
    ]
    alone = sum(len(comparison.told) for _, comparison in asked)
    if not alone:
        return []
    lead = f"Each of {listed([what for what, _ in asked])} is tested at 5\u00a0% over its pairs"
    if len(names) == alone:
        return [f"{lead}; what is told apart stays so when all {len(found)} tests are corrected together."]
    kept = f"{_few(names, counted(len(found), 'pair'))} remain{'s' * (len(names) == 1)}" if names else "nothing remains"
    return [f"{lead}; when all {len(found)} tests are corrected together, {kept} told apart."]


def _other_outcomes(findings: Findings) -> list[str]:
    """Which arms are told apart in other outcomes than convergence."""
    told = [
        f"{name} ({pair.a} less often than {pair.b}, by {spoken_points(pair.effect)})"
        for name, comparison in findings.rates.items()
        if name != "converged"
        for pair in comparison.told
    ]
    if not told:
        return []
    pairs = counted(sum(len(one.pairs) for name, one in findings.rates.items() if name != "converged"), "pair")
    return [f"In other outcomes, each tested at 5\u00a0% over its pairs, told apart are {_few(told, pairs)}."]


def _asked(findings: Findings) -> list[tuple[str, Comparison]]:
    """The questions of the page that compare arms, and how each came out."""
    lasted = findings.survival[0].comparison if findings.survival else None
    every = (
        ("convergence", findings.rates.get("converged")),
        (TIME, lasted),
        ("quality", findings.comparison),
    )
    return [(what, comparison) for what, comparison in every if comparison is not None and comparison.pairs]


def _more(findings: Findings) -> str:
    """What intervals become narrower by."""
    repeated = any(comparison.unit == "repeat" for _, comparison in _asked(findings))
    return "searches of each arm (search.repeats)" if repeated else "replicas"


def _factor(findings: Findings) -> str:
    """What the margin means in quality."""
    margin, comparison = findings.same_within or 0.0, findings.comparison
    ratio = any(pair.shift and pair.shift.scale == "ratio" for pair in comparison.pairs) if comparison else True
    return f"by a factor of {1 + margin:g}" if ratio else f"by {margin:g}"


def _nobody(comparison: Comparison, subject: Subject) -> str:
    """That no arm is ahead of every other, and why."""
    if len(comparison.arms) == 2:
        return "neither is ahead of the other"
    first, *others = comparison.arms
    effects = {arm: comparison.pair(first, arm) for arm in others}
    behind = [arm for arm, pair in effects.items() if pair.effect.estimate < pair.null]
    level = [arm for arm, pair in effects.items() if pair.effect.estimate == pair.null]
    if len(level) == len(others):
        return f"no {subject.one} is ahead of another"
    total = counted(len(others), "other")
    said = [f"behind {_few(behind, total)}"] if behind else []
    said += [f"level with {_few(level, total)}"] if level else []
    return f"no {subject.one} is ahead of every other: {first}, ahead of most, is {listed(said)}"


def _median(one: ArmQuality) -> str:
    floor = f" (real data: {number(one.floor)})" if np.isfinite(one.floor) else ""
    return f"a median of {spoken(one.median)}{floor}"


def _amount(pair: Effect) -> str:
    """By how much, in the measurement's own unit."""
    assert pair.shift is not None
    words = spoken(pair.shift.interval)
    return f"its value {words} times as large" if pair.shift.scale == "ratio" else f"its value higher by {words}"


def _none_converged(outcomes: Sequence[ArmOutcomes], where: str, subject: Subject) -> str:
    """That no replica converged, and what the others did instead, the most frequent first."""
    total = sum(arm.n for arm in outcomes)
    lead = f"No {subject.one} converged: not one of {counted(total, 'replica')} {where} settled near the data"
    names = [name for name in outcomes[0].probabilities if name != "converged"]
    counts = {name: sum(_count(arm, name) for arm in outcomes) for name in names}
    if counts["learning"] == total:
        return f"{lead}; all were still learning when their budget ended, which says nothing of their stability."
    seen = sorted((name for name in names if counts[name]), key=lambda name: -counts[name])
    still = " A longer budget might change that." if counts["learning"] > total / 2 else ""
    said = [f"{counts[name]} {DID[name].replace('were', 'was') if counts[name] == 1 else DID[name]}" for name in seen]
    return f"{lead} ({', '.join(said)}).{still}"


def _count(arm: ArmOutcomes, outcome: str) -> int:
    return round(arm.n * arm.probabilities[outcome].estimate)


def _few(items: Sequence[str], of: str) -> str:
    """The items by name, or how many of `of`, "10 pairs", they are."""
    return listed(items) if len(items) <= FEW else f"{len(items)} of {of}"


def _start(subject: Subject, *arms: str) -> str:
    """Them at the beginning of a sentence; an arm's name keeps its small letter."""
    return _sentence(subject.the(*arms)) if subject.chosen else subject.the(*arms)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
