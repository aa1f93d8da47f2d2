"""What is claimed of the arms, sentence by sentence: the share that converged, the time to failure, and quality.

No sentence claims more than its test: two are told apart only where the corrected test of the effect that the sentence
names rejects, and what cannot be told apart is never called equal, unless its interval lies within a margin that was
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.record.schema import HIGHER
from analysis.report.findings import Findings, Measured
from analysis.report.pair_words import few, nobody_ahead, sentence, verdict
from analysis.report.subject import FEW, Subject
from analysis.results.compare import ArmOutcomes, ArmQuality
from analysis.results.effects import Effect
from analysis.results.unbegun import WORST
from analysis.statistics.intervals import Interval
from analysis.wording import (
    DID,
    bounds_nothing,
    clock_time,
    counted,
    event_named,
    listed,
    named,
    never_met,
    number,
    spoken,
    spoken_points,
    spoken_share,
    spoken_time,
)

REACHED = ("converged", "hopping", "collapsed")  # outcomes of replicas that had samples in some mode
UNBOUNDED = "fid"  # tells samples apart that are far from the data


def nothing(findings: Findings) -> str:
    """Why there is nothing to claim, without a full stop: no trial has ended, every one that has failed, or what those
    that have measured is lost."""
    outcomes = findings.outcomes.get(findings.phase, ())
    if failed := sum(arm.failed for arm in outcomes):
        return f"Every trial that has ended failed, with {counted(failed, 'replica')}"
    if unknown := sum(arm.not_judged for arm in outcomes):
        return f"What became of the {counted(unknown, 'replica')} that ended cannot be told"
    return "No trial has ended yet"


def convergence(findings: Findings, subject: Subject) -> list[str]:
    """The shares that converged; what replicas did instead where none did; or that nothing can be said yet."""
    outcomes = [arm for arm in findings.outcomes[findings.phase] if arm.n]
    if not outcomes:
        return []
    where = "over all seeds" if subject.fixed else "over the search"
    where = "on fresh seeds" if findings.phase == "confirm" else where
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
    if stopped:
        return [_not_compared(outcomes, where, stopped, total)]
    best = [arm for arm in outcomes if arm.probabilities["converged"].estimate == top]
    share = spoken_share(best[0].probabilities["converged"])
    if len(outcomes) == 1:
        lead = f"{_start(subject, best[0].arm)} converged in {share} of {counted(best[0].n, 'replica')} {where}"
    elif len(best) == len(outcomes):
        lead = f"{sentence(subject.all(len(outcomes)))} converged in the same share of replicas {where}, {share}"
    else:
        held = f"{_count(best[0], 'converged')} of {best[0].n} replicas, " if len(best) == 1 else ""
        lead = f"{_start(subject, *(arm.arm for arm in best))} converged most often {where}: {held}{share}"
    comparison = findings.rates.get("converged")
    if comparison is None:
        return [f"{lead}."]
    if comparison.best and len(best) == 1:
        following = comparison.arms[1]
        lead += (
            f", {spoken_points(comparison.pair(comparison.best, following).effect)} more than {subject.that(following)}"
        )
    return [f"{lead}; {verdict(comparison, subject)}.", *_still_learning(outcomes, subject), *_other_outcomes(findings)]


def times(findings: Findings, subject: Subject) -> list[str]:
    """How long the arms went without a failure, and which are told apart in that."""
    result = findings.survival[0] if findings.survival else None
    if result is None or result.comparison is None or result.event != "failure":
        return []
    if not any(curve.events for curve in result.curves):
        said = never_met(result.event, result.kinds)  # of these replicas: `status` counts those of the search, too
        return [f"On fresh seeds {said[0].lower()}{said[1:]}" if findings.phase == "confirm" else said]
    comparison, clock, event = result.comparison, result.clock, event_named(result.event, result.kinds)
    until = f"Until {clock_time(clock, result.means[0].horizon)}"
    if comparison.best is None:
        nobody = nobody_ahead(comparison, subject)
        return [f"{until}, in the time without {event}, {nobody}; {verdict(comparison, subject)}."]
    best, following = comparison.arms[:2]
    mean = spoken_time(clock, next(one.mean for one in result.means if one.arm == best))
    more = spoken_time(clock, comparison.pair(best, following).effect)
    lead = f"{until} {subject.the(best)} went longest without {event}"
    return [f"{lead}: {mean} on average, {more} more than {subject.that(following)}; {verdict(comparison, subject)}."]


def quality(findings: Findings, subject: Subject) -> list[str]:
    """Which arm is ahead in quality, by how much, and from which it is told apart; by each measurement."""
    if not findings.one_data_set:
        return []
    return [
        said
        for one in findings.measured
        for said in ([_none_begun(findings, one, subject)] if one.none_begun else _quality(one, subject))
    ]


def _first(metric: str) -> str:
    """A measurement where it is first spoken of, with its range where its name does not tell which way is better."""
    if metric in HIGHER or metric not in WORST:
        return named(metric)
    return f"{named(metric)}, from 0, as the data's, to {number(WORST[metric])}, all astray"


def _none_begun(findings: Findings, one: Measured, subject: Subject) -> str:
    """That the measurement says nothing of who is ahead, as all are near its worst, and what another one says."""
    ends = np.concatenate([arm.values for arm in one.quality])
    best = float(np.min(ends) if one.mode == "min" else np.max(ends))
    near = "the worst" if best == WORST[one.metric] else "near the worst"
    who = f"no {subject.one} has begun, and nobody is ahead" if len(one.quality) > 1 else "it has not begun"
    if any(_count(arm, outcome) for arm in findings.outcomes[findings.phase] for outcome in REACHED):
        who = "nobody is ahead"
    said = (
        f"In quality ({_first(one.metric)}) {who}: the best replica of all is at {number(best)}, {near}. A"
        " longer budget might change that."
    )
    other = findings.overview.get(UNBOUNDED, ())
    if one.metric == UNBOUNDED or not 1 < len(other) <= FEW:
        return said
    medians = listed([f"{number(arm.median.estimate)} of {arm.arm}" for arm in other])
    return (
        f"{said} What far-off samples can differ in is the {named(UNBOUNDED)}: medians of {medians}, not tested here."
    )


def _quality(measured: Measured, subject: Subject) -> list[str]:
    comparison, metric = measured.comparison, _first(measured.metric)
    by_arm = {arm.arm: arm for arm in measured.quality}
    if comparison is None:
        of = f" {named(measured.metric)}"
        return [f"{_start(subject, arm)} has {_median(one, of)}." for arm, one in by_arm.items()]
    if comparison.best is None:
        return [f"In quality ({metric}) {nobody_ahead(comparison, subject)}; {verdict(comparison, subject)}."]
    best, following = comparison.arms[:2]
    others = subject.those(comparison.arms[1:], len(by_arm) - 1)
    lead = f"In quality ({metric}) {subject.the(best)} is ahead of {others}"
    if not comparison.told:
        lead = f"In quality ({metric}) no two can be told apart; ahead in these data is {subject.the(best)}"
    elif len(comparison.indistinguishable) > 1:
        lead = f"In quality ({metric}) ahead in these data is {subject.the(best)}"
    pair = comparison.pair(best, following)
    likely = spoken_share(pair.effect)
    chance = f"a {comparison.each} of it is better than one of {following}, the next, with probability {likely}"
    amount = _amount(pair)
    told = f" {sentence(verdict(comparison, subject))}." if comparison.told else ""
    return [f"{lead}: {chance}{amount}.{told} It has {_median(by_arm[best])}."]


def _still_learning(outcomes: Sequence[ArmOutcomes], subject: Subject) -> list[str]:
    """Of which arms the budget was too short to tell, for most of their replicas."""
    short = [arm for arm in outcomes if _count(arm, "learning") > arm.n / 2]
    if not short:
        return []
    most = [f"{_count(arm, 'learning')} of {arm.n} replicas of {subject.the(arm.arm)}" for arm in short]
    whose = few(most, f"the {len(outcomes)} {subject.one}s, by most of their replicas")
    return [f"Still learning when the budget ended were {whose}: a longer one might change this."]


def _other_outcomes(findings: Findings) -> list[str]:
    """Which arms are told apart in other outcomes than convergence."""
    told = {
        name: [f"{pair.a} less often than {pair.b} by {spoken_points(pair.effect)}" for pair in comparison.told]
        for name, comparison in findings.rates.items()
        if name != "converged" and comparison.told
    }
    if not told:
        return []
    if sum(map(len, told.values())) > FEW:
        told = {name: [few(pairs, counted(len(findings.rates[name].pairs), "pair"))] for name, pairs in told.items()}
    whose = listed([f"{name} ({listed(pairs)})" for name, pairs in told.items()])
    return [f"In other outcomes, each tested at 5\u00a0% over its pairs, some are told apart: {whose}."]


def _median(one: ArmQuality, what: str = "") -> str:
    floor = f" (real data: {number(one.floor)})" if np.isfinite(one.floor) else ""
    return f"a median{what} of {spoken(one.median)}{floor}"


def _amount(pair: Effect) -> str:
    """By how much, in the measurement's own unit, after a comma; nothing where the data bound it on neither side."""
    if pair.shift is None:
        return ""
    found = pair.shift.interval
    if bounds_nothing(found, pair.shift.scale):
        return ""
    if found.low == found.estimate == found.high:
        return ", its value typically the same"
    if pair.shift.scale == "ratio":
        return f", its value {spoken(found)} times as large"
    return f", its value {'lower' if found.estimate < 0 else 'higher'} by {spoken(_upwards(found))}"


def _upwards(found: Interval) -> Interval:
    return found.negated() if found.estimate < 0 else found


def _not_compared(outcomes: Sequence[ArmOutcomes], where: str, stopped: int, total: int) -> str:
    """How many converged, naming nobody as ahead, where a scheduler stopped some."""
    did = [_count(arm, "converged") for arm in outcomes]
    lead = f"{sum(did)} of {counted(total, 'replica')} converged {where}"
    if 1 < len(outcomes) <= FEW:
        whose = [f"{count} of {arm.n} of {arm.arm}" for count, arm in zip(did, outcomes, strict=True)]
        lead += f", {listed(whose)}"
    counts, compared = "counts" if stopped == 1 else "count", ": such shares are not compared" * (len(outcomes) > 1)
    return (
        f"{lead}. {counted(stopped, 'replica')} that the scheduler stopped {counts} as not converged, and yet might"
        f" have{compared}."
    )


def _none_converged(outcomes: Sequence[ArmOutcomes], where: str, subject: Subject) -> str:
    """That no replica converged, and what the others did instead, the most frequent first."""
    total, where = sum(arm.n for arm in outcomes), where + "," * ("," in where)
    names = [name for name in outcomes[0].probabilities if name != "converged"]
    counts = {name: sum(_count(arm, name) for arm in outcomes) for name in names}
    stopped = counts["truncated"]
    if stopped > total / 2:
        lead = f"The scheduler stopped {stopped} of {counted(total, 'replica')} {where} before their budget"
        few = f"so few say nothing of how the {subject.one}s would have ended"
        return f"{lead}. Of the {total - stopped} left none converged ({_did(counts, 'truncated')}): {few}."
    lead = f"No {subject.one} converged: not one of {counted(total, 'replica')} {where} settled near the data"
    if counts["learning"] == total:
        return f"{lead}; all were still learning when their budget ended, which says nothing of their stability."
    still = " A longer budget might change that." if counts["learning"] > total / 2 else ""
    return f"{lead} ({_did(counts)}).{still}"


def _did(counts: Mapping[str, int], *but: str) -> str:
    """`3 stalled, 1 was still learning`: what replicas did, the most frequent first, but for some outcomes."""
    seen = sorted((name for name in counts if counts[name] and name not in but), key=lambda name: -counts[name])
    return ", ".join(
        f"{counts[name]} {DID[name].replace('were', 'was') if counts[name] == 1 else DID[name]}" for name in seen
    )


def _count(arm: ArmOutcomes, outcome: str) -> int:
    return round(arm.n * arm.probabilities[outcome].estimate) if arm.n else 0


def _start(subject: Subject, *arms: str) -> str:
    """Them at the beginning of a sentence; an arm's name keeps its small letter."""
    return sentence(subject.the(*arms)) if subject.chosen else subject.the(*arms)
