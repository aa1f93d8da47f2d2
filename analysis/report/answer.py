"""The study's question, and its answer in a few sentences, each with its uncertainty.

What is claimed is in `analysis.report.claims`, `analysis.report.factor_words` and `analysis.report.joint_claims`, and
of what in `analysis.report.subject`. An answer from a search alone is called provisional, and one from an unfinished
study a look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.record.schema import HIGHER, OF_LABELS
from analysis.report import claims, joint_claims
from analysis.report.factor_words import claim
from analysis.report.findings import Findings, Measured
from analysis.report.floor_words import of_fewer
from analysis.report.look_words import extended, looked
from analysis.report.repeat_words import repeated
from analysis.report.standing_words import all_tied, drawn_alike, verdict
from analysis.report.subject import FEW, Subject, subject_of
from analysis.results.pairs import Comparison
from analysis.results.unbegun import Unbegun
from analysis.wording import CAPTURES, listed, named, number, percent

NAMED = 6  # arms up to which a question that is no product of choices lists them


@dataclass(frozen=True)
class Answer:
    """Plain sentences: the question, the findings (the first is the shortest answer), and the caveats."""

    question: str
    found: tuple[str, ...]
    caveats: tuple[str, ...]


def answer(findings: Findings) -> Answer:
    """The question, answer and caveats that follow from the findings."""
    subject = subject_of(findings)
    tied = [one for one in findings.standings if all_tied(one)]  # says least, and stands after what says more
    found = [
        *(verdict(one) for one in findings.standings if one not in tied),
        *claims.convergence(findings, subject), *claims.times(findings, subject), *claims.quality(findings, subject),
        *map(verdict, tied),
        *joint_claims.same(findings), *joint_claims.jointly(findings), *claim(findings.crossing),
    ]  # fmt: skip
    shared = dict.fromkeys(said for one in findings.standings for said in drawn_alike(one))
    caveats = (*shared, *_disagreements(findings), *_hardly(findings), *_caveats(findings, subject))
    return Answer(question(findings), tuple(found) or (f"{claims.nothing(findings)}; nothing can be said.",), caveats)


def question(findings: Findings) -> str:
    """The question that the results answer: the configuration's, or that of the studies that were joined; of the chosen
    configurations where each arm was searched once, of arms tuned by their searches where each was searched anew."""
    studies, subject = studies_of(findings.record.about), subject_of(findings)
    places = listed(list(dict.fromkeys(_data(stated(about, "config.data", {})) for about in studies)))
    scientific = stated(studies[0], "config.scientific", {})
    crossed = scientific if isinstance(scientific, Mapping) else {}
    varied = [key.replace("_", " ") for key, values in crossed.items() if len(values) > 1]
    if len(studies) > 1:
        names = listed([str(about.get("study", "?")) for about in studies])
        arms = f"arm of the studies {names}"
    elif varied:
        arms = f"choice of {listed(varied)}"
    elif not crossed and len(findings.arms) > 1:
        arms = f"of {listed(findings.arms)}" if len(findings.arms) <= NAMED else "arm"
    else:
        return f"How stably does this configuration train, on {places}?"
    if subject.chosen:
        return f"One search chose a configuration for each {arms}: which of them trains most stably on {places}?"
    if subject.over:
        tuned = f"Which {arms}, tuned by its search, trains most stably on {places}?"
        return f"{tuned} There were {subject.over} of each."
    return f"Which {arms} trains most stably on {places}?"


def _data(data: Any) -> str:
    if not isinstance(data, Mapping):
        return f"the data set “{data}”"
    said = {key: data.get(key) for key in ("modes", "std", "radius", "size", "classes")}
    telling = [f"{key} {value}" for key, value in said.items() if value is not None and (key, value) != ("classes", 0)]
    own = data.get({"arrays": "path", "images": "root"}.get(str(data.get("name")), ""))
    name = PurePath(str(own)).name if own else data.get("name", "?")
    return f"the data set “{name}”" + (f" ({', '.join(telling)})" if telling else "")


def _disagreements(findings: Findings) -> list[str]:
    """Where one measure is ahead and another is not: of stability and quality, of the effect that is tested and the
    medians."""
    return [said for one in findings.measured for said in _of_one(findings, one)]


def _of_one(findings: Findings, one: Measured) -> list[str]:
    """The same by one measurement of quality."""
    comparison = one.comparison
    outcomes = [arm for arm in findings.outcomes[findings.phase] if arm.n]
    if comparison is None or comparison.best is None or one.none_begun:
        return []
    said, best = [], comparison.best
    medians = {arm.arm: arm.median.estimate for arm in one.quality}
    top = max((arm.probabilities["converged"].estimate for arm in outcomes), default=0.0)
    stopped = any(arm.probabilities["truncated"].estimate for arm in outcomes)  # their shares are not compared
    stable = [arm.arm for arm in outcomes if arm.probabilities["converged"].estimate == top > 0 and not stopped]
    if len(stable) == 1 and stable[0] in medians and stable[0] not in comparison.indistinguishable:
        said.append(
            f"Converged most often is not best: {stable[0]} has a median {named(one.metric)} of"
            f" {number(medians[stable[0]])}, {best} one of {number(medians[best])}."
        )
    sign = 1 if one.mode == "min" else -1
    ahead = [arm for arm in comparison.arms if sign * medians[arm] < sign * medians[best]]
    if ahead:
        said.append(
            f"By its median {ahead[0]} would be ahead of {best} ({number(medians[ahead[0]])} against"
            f" {number(medians[best])}), but taken one against one its {comparison.each}s are worse more often than"
            " better, which is what is tested."
        )
    return said


def _hardly(findings: Findings) -> list[str]:
    """Of the arms that have hardly begun, unless it was said of all by the same measurement."""
    said = {one.metric for one in findings.measured if one.none_begun}
    return [_hardly_begun(one) for one in findings.unbegun if one.metric not in said]


def _hardly_begun(one: Unbegun) -> str:
    """Why replicas that are called stalled may only have had too short a budget."""
    said = (
        f"Stalled are called {one.stalled} of {one.replicas} replicas of {one.arm} whose {named(one.metric)} is still"
        f" at {number(one.median)}, where {number(one.worst)} is the worst: with a longer budget they might begin."
    )
    if math.isnan(one.begun):
        return said
    left = "above it" if one.metric in HIGHER else "below half of the worst"
    return f"{said} Half of the replicas that converged were {left} by {percent(one.begun)} of theirs."


def _unconfirmed(findings: Findings) -> list[str]:
    """The arms without a replica on fresh seeds, where others have some."""
    if findings.phase != "confirm":
        return []
    confirmed = {arm.arm for arm in findings.outcomes["confirm"] if arm.n or arm.not_judged}
    return [arm for arm in findings.arms if arm not in confirmed]


def _labels(findings: Findings) -> list[str]:
    """How often samples are of the class that was asked for, where the measurements shown do not see it."""
    found = [one for one in findings.overview.get("label_fidelity", ()) if one.n]
    if not found or {one.metric for one in findings.measured} & set(OF_LABELS):
        return []
    medians = listed([f"{number(one.median.estimate)} of {one.arm}" for one in found])
    classes = max((row.relative.shape[2] for row in findings.shares), default=0)
    chance = ""
    if classes:
        chance = f"; of one that ignores what is asked and makes {classes} classes alike, {number(1 / classes)}"
    real = f"; of fresh real samples, {number(found[0].floor)}" * math.isfinite(found[0].floor)
    return [
        "None of this sees whether samples are of the class that was asked for, or translations of that of their"
        f" partner. The share that is (label fidelity), in the median over replicas: {medians}"
        f"{real}{chance}."
    ]


def _selection_bias(findings: Findings) -> list[str]:
    """Of which arms a winner scored worse on fresh seeds; of several, how many of them."""
    found = findings.selection_bias
    said = []
    for arm in dict.fromkeys(one.arm for one in found if one.biased):
        own = [one.biased for one in found if one.arm == arm]
        said.append(f"{sum(own)} of {len(own)} of {arm}" if len(own) > 1 else f"that of {arm}")
    if not said:
        return []
    return [
        f"Selection bias: of the chosen configurations {listed(said)} scored worse on fresh seeds than in the search"
        " before."
    ]


def _more_searches(findings: Findings) -> str:
    """What would make an answer about the arms of a study that has results of one search of each."""
    asked = max(stated(about, "config.search.repeats", 1) for about in studies_of(findings.record.about))
    if asked > 1:
        return (
            f"The configuration asks for {asked} searches of each (search.repeats), of which so far one has results on"
            " fresh seeds: once others have, the answer is about the arms."
        )
    return (
        "With search.repeats: 3 or more in its configuration a study searches each arm anew as often, and its answer is"
        " about the arms."
    )


def _stricter(compared: Sequence[Comparison | None]) -> str:
    """Why a bracket may hold no difference where two are told apart; empty where none does."""
    told = (pair for one in compared if one is not None for pair in one.told)
    if not any(pair.effect.low <= pair.null <= pair.effect.high for pair in told):
        return ""
    return (
        " Brackets, by Bonferroni and by formulas of their own, are a little stricter than these tests, by Holm: that"
        " of two told apart may take in no difference, or end at it."
    )


def _caveats(findings: Findings, subject: Subject) -> tuple[str, ...]:
    said = looked(findings.record.about) if findings.phase == "confirm" else []
    said += extended(findings.record)
    if subject.chosen:
        once = "once in each study" if findings.standings else "once"
        this = "all of this but what is said over several studies" if findings.standings else "all of this"
        said.append(
            f"Each arm was searched {once}, so that {this} is true of the configurations that were chosen, and not of"
            f" the arms: another search would choose others. {_more_searches(findings)}"
        )
        said.append("Brackets are 95 % intervals over seeds; those of pairs hold for all pairs together.")
    elif subject.searches:
        said += repeated(findings, subject)
    elif subject.fixed:
        said.append(
            "Each arm is one configuration: nothing was searched, and nothing chosen by its score. Brackets are"
            " 95\u00a0% intervals over seeds; those of pairs hold for all pairs together."
        )
    elif findings.phase == "search":
        searched = findings.outcomes["search"]
        drawn = CAPTURES[searched[0].probabilities["converged"].captures if searched else "both"]
        said.append(
            "Provisional: there are no results on fresh seeds. Brackets are 95 % intervals over"
            f" {drawn} as the search drew them; the scores of the best are too good, because they were picked by them."
        )
    compared = (*(measured.comparison for measured in findings.measured), *findings.rates.values())
    if claim(findings.crossing) or any(one is not None and one.told for one in compared):
        said.append(
            "Two are told apart where a test finds that they differ, at 5\u00a0% for all pairs of a question together."
            + _stricter(compared)
        )
    if any(one is not None and len(one.told) < len(one.pairs) for one in compared):
        said.append("That two cannot be told apart does not show them to be equal: these data do not decide.")
    if unconfirmed := _unconfirmed(findings):
        who = listed(unconfirmed) if len(unconfirmed) <= FEW else f"{len(unconfirmed)} of the {len(findings.arms)} arms"
        said.append(f"Not confirmed, and therefore in the search's results alone: {who}.")
    if barred := list(dict.fromkeys(one.arm for one in findings.chosen if one.barred)):
        said.append(
            f"Of {listed(barred)} what was chosen had diverged in more replicas of the search than"
            " search.diverged_at_most allows: where no configuration is allowed, the one that diverged least stands"
            " for the arm."
        )
    for measured in findings.measured:
        metric, without = measured.metric, measured.unmeasured
        if without:
            said.append(f"{metric} was not measured in {listed(without)}, left out of all on quality by it.")
        if lost := [f"{one.unmeasured} of {one.arm}" for one in measured.quality if one.unmeasured]:
            said.append(f"Replicas whose {metric} could not be measured, left out of quality: {listed(lost)}.")
    said += _labels(findings)
    said += [*of_fewer(findings.record.about), *_selection_bias(findings)]
    return tuple(said)
