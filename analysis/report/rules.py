"""The rules of outcomes in words, with the thresholds that a study was judged by: the page's section of definitions,
and what is said of a rule beside its result."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.record.own import own_meanings
from analysis.report.page import Html, Section, facts, section, tag
from analysis.results.criteria import judged_by_earlier_rule, thresholds_of
from analysis.results.outcomes import STEADY
from analysis.results.signals import FEW, LEAST, ON_MODES
from analysis.results.thresholds import EVALUATIONS, JUDGED_METRICS, Thresholds
from analysis.wording import OUTCOME_MEANINGS, frechet_in, listed, named, percent, setting

ORDER = (  # in which outcomes are asked for
    "diverged", "failed", "truncated", "frozen", "hopping", "collapsed", "learning", "oscillating", "converged",
    "stalled",
)  # fmt: skip
AFRESH = (
    "A study here was run under an earlier rule of outcomes. All its replicas are judged afresh by the rule above, with"
    " its default thresholds; the ledger, the terminal and MLflow keep what was said then."
)
EVENTS = (
    "Time to collapse or freezing: the first evaluation of the spell that lasts to the end, judged by medians over"
    " as many evaluations as the tail has. A collapse is undone if the replica covered the modes before and again."
)
MEANINGS = {  # of each threshold, in a few words
    "tail": "share of the evaluations, the last ones, that are judged",
    "quality": "near the data: good samples at least so frequent, as a share of that of real ones",
    "coverage": "near the data: share of the modes covered at least",
    "factor": "near the data that are no mixture: Fréchet distance over that of real samples, at most",
    "gradient_norm": "frozen: norm of the generator's gradient below",
    "hop_rate": "hopping: mode mass moved per evaluation above",
    "modes": "collapsed: share of the modes that hold mass below",
    "swing": "oscillating: factor of a rise and a fall from which on",
    "progress": "learning: factor by which the judged metric still falls from which on",
    "gain": "learning, near the data: gain of good samples from which on",
    "noise": "standard errors taken off a rise or fall",
}


def rules(used: Thresholds) -> dict[str, str]:
    """By outcome, how it is told, with these thresholds; those that need no words are left out."""
    tail = f"the last {percent(used.tail)} of the evaluations ({LEAST} at least: the tail)"
    metric = named(used.metric) if used.metric else " or ".join(named(name) for name in JUDGED_METRICS)
    swing, noise = setting(used.swing), setting(used.noise)
    return {
        "frozen": f"median norm of the generator's gradient under {setting(used.gradient_norm)} over the end, the last"
        f" half of {tail}, and its samples are not near the data",
        "hopping": f"mode mass moved per evaluation, noise taken off, over {setting(used.hop_rate)} by the mean over"
        " the tail, whichever one evaluation is left out, and at one evaluation of the end at least",
        "collapsed": f"under {percent(used.modes)} of the modes that real samples hold have a tenth of their mass, by"
        f" the tail's median, and {percent(ON_MODES)} of the samples lie in modes at one evaluation of it at least",
        "learning": f"{metric} falls over the tail by a factor of {setting(used.progress)} or more, by a line through"
        f" its logarithms (mass_js, which is bounded: by {percent(math.log(used.progress) / 4)} of its range), and the"
        " mean over the end is below all evaluations before the tail; of those near the data, only if good samples"
        f" become more frequent by {setting(100 * used.gain)}\u00a0% of their share among real ones. Asked before"
        f" hopping of those that are below by a factor of {swing}, and of others after collapse",
        "oscillating": f"{metric} both rises and falls by a factor of {swing} or more, one of them within the"
        f" tail, error bars of {noise} standard error{'s' * (used.noise != 1)} taken off, and less than"
        f" {percent(STEADY)} of the tail is near the data; of mixtures under {percent(FEW)} of whose samples lie in"
        f" modes, the Fréchet distance by {setting(used.swing**3)} will do",
        "converged": "none of these, and half of the end at least is near the data: good samples at least"
        f" {percent(used.quality)} as frequent as among fresh real ones, of mixtures those of high quality, of other"
        f" data the precision; of mixtures {percent(used.coverage)} of the modes covered that real samples cover, by a"
        " tenth of their share, and of other data Fréchet distance at most"
        f" {setting(used.factor)} times that of fresh real samples",
        "stalled": "none of these, and most of the end is not near the data",
    }


def limits(record: Record) -> str:
    """From where on a signal of stability makes an outcome: a sentence that ends a caption."""
    used = thresholds_of(record.about)
    return (
        f" Outcomes begin where the hop rate is over {setting(used.hop_rate)} (hopping); where under"
        f" {percent(used.modes)} of the modes hold mass, though {percent(ON_MODES)} of the samples lie in modes"
        f" (collapsed); where the progress is {setting(used.progress)} or more, the end better than all before the"
        f" tail, and, near the data, good samples become more frequent by {setting(100 * used.gain)}\u00a0% of their"
        f" share among real ones (learning); and where the swing is {setting(used.swing)} or more and under"
        f" {percent(STEADY)} of the tail near the data (oscillating). A replica has the first that holds, in the order"
        " of the section Definitions."
    )


def few_evaluations(record: Record) -> str:
    """What is said where replicas were evaluated less often than their outcomes ask for; "" where none was."""
    known = [stated(study, "config.budget.evaluations", EVALUATIONS) for study in studies_of(record.about)]
    if (least := min(known)) >= EVALUATIONS:
        return ""
    return (
        f"These outcomes are told from {least} evaluation{'s' * (least > 1)} of a replica, and less surely than from"
        f" {EVALUATIONS} or more: look at the curves before you build on them."
    )


def in_short(record: Record, seen: Collection[str]) -> Html:
    """The rules of these outcomes with their thresholds, folded: to stand beside the shares of outcomes."""
    told = _facts(thresholds_of(record.about), [name for name in ORDER if name in seen])
    lead = "The first that holds, in this order, is a replica's outcome; the section Definitions has all."
    return tag("details", tag("summary", "How these outcomes are told"), tag("p", lead), facts(told))


def definitions(record: Record) -> Section:
    """Definitions of the outcomes with the thresholds in use, of what fid is, and of the user's own measurements."""
    told = _facts(thresholds_of(record.about), ORDER)
    parts: list[Html] = [tag("p", "The first that holds is a replica's outcome."), facts(told), tag("p", EVENTS)]
    spaces = list(dict.fromkeys(space_of(study) for study in studies_of(record.about)))
    parts.append(tag("p", f"The Fréchet distance (fid) is {listed(spaces)}."))
    if own := {name: meaning for name, meaning in own_meanings(record.about).items() if meaning}:
        parts += [tag("p", "Measurements that the study's author wrote, in the author's words:"), facts(own)]
    if judged_by_earlier_rule(record.about):
        parts.append(tag("p", AFRESH))
    return section("Definitions", *parts)


def space_of(about: Mapping[str, Any]) -> str:
    """In which features a study's Fréchet distance is, by the name that papers have for it."""
    return frechet_in(stated(about, "config.evaluation.features", "raw"))


def _facts(used: Thresholds, outcomes: Collection[str]) -> dict[str, str]:
    told = rules(used)
    return {name: f"{OUTCOME_MEANINGS[name]} {_sentence(told.get(name, ''))}" for name in outcomes}


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""
