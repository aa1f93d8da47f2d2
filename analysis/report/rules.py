"""The rules of outcomes in words, with the thresholds that a study was judged by: the page's section of definitions,
and what is said of a rule beside its result."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.record.own import own_meanings
from analysis.report.page import Html, Section, facts, section, tag
from analysis.results.criteria import judged_by_earlier_rule, thresholds_of
from analysis.results.outcomes import STEADY, in_raw_features
from analysis.results.signals import FEW, LEAST, ON_MODES
from analysis.results.thresholds import EVALUATIONS, JUDGED_METRICS, Thresholds
from analysis.wording import OUTCOME_MEANINGS, frechet_in, listed, named, percent, setting

ORDER = (  # in which outcomes are asked for
    "diverged", "failed", "truncated", "frozen", "hopping", "collapsed", "learning", "oscillating", "converged",
    "stalled",
)  # fmt: skip
OF_MODES = ("hopping", "collapsed")  # which data without modes or classes do not do
OF_MAPS = {  # of a model without data
    "oscillating": "A map of Dirac-GANs: none of its cells has converged by the end.",
    "converged": "A map of Dirac-GANs: some of its cells have converged by the end.",
}
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
    "support": "near the data measured in raw features: coverage at least, as a share of that of real samples",
    "gradient_norm": "frozen: norm of the generator's gradient below",
    "hop_rate": "hopping: mode mass moved per evaluation above",
    "modes": "collapsed: share of the modes that hold mass below",
    "swing": "oscillating: factor of a rise and a fall from which on",
    "progress": "learning: factor by which the judged metric still falls from which on",
    "gain": "learning, near the data: gain of good samples from which on",
    "noise": "standard errors taken off a rise or fall",
}


@dataclass(frozen=True)
class Kinds:
    """What the data are, as far as rules depend on it: with modes or classes, mixtures, others that are measured in
    the data themselves, and others in features; and whether there are maps of Dirac-GANs, which are trained on none."""

    modes: bool = True
    mixtures: bool = True
    raw: bool = True
    others: bool = True
    maps: bool = False

    @classmethod
    def of(cls, record: Record) -> Kinds:
        """By what was measured; all kinds of data where nothing was."""
        names = ("modes", "high_quality", "fid", "dirac_converged")
        modes, good, distance, maps = (record.trials[name].notna() for name in names)
        if not (good | distance | maps).any():
            return cls()
        raw, others = in_raw_features(record.trials), distance & ~good
        return cls(*(bool(kind.any()) for kind in (modes, good, others & raw, others & ~raw, maps)))

    @property
    def data(self) -> bool:
        """Whether there are any."""
        return self.mixtures or self.raw or self.others

    @property
    def lie(self) -> str:
        """Where samples lie that may have collapsed."""
        places = ("in modes",) * self.mixtures + ("among the real ones, by the precision",) * (self.raw or self.others)
        return f"lie {' or, of data that are no mixture, '.join(places)}"


def rules(used: Thresholds, kinds: Kinds) -> dict[str, str]:
    """By outcome, how it is told, with these thresholds and of these data; those that need no words are left out."""
    tail = f"the last {percent(used.tail)} of the evaluations ({LEAST} at least: the tail)"
    judged = [used.metric] if used.metric else [*JUDGED_METRICS[not kinds.mixtures :]]
    metric = " or ".join(map(named, judged))
    swing, noise = setting(used.swing), setting(used.noise)
    bounded = f" (mass_js, which is bounded: by {percent(math.log(used.progress) / 4)} of its range)"
    asked = f". Asked before hopping of those that are below by a factor of {swing}, and of others after collapse"
    off_modes = (
        f"; of mixtures under {percent(FEW)} of whose samples lie in modes, the Fréchet distance by"
        f" {setting(used.swing**3)} will do"
    )
    told = {
        "frozen": f"median norm of the generator's gradient under {setting(used.gradient_norm)} over the end, the last"
        f" half of {tail}, and its samples are not near the data",
        "hopping": f"mode mass moved per evaluation, noise taken off, over {setting(used.hop_rate)} by the mean over"
        " the tail, whichever one evaluation is left out, and at one evaluation of the end at least",
        "collapsed": f"under {percent(used.modes)} of the modes that real samples hold have a tenth of their mass, by"
        f" the tail's median, and at one evaluation of it {percent(ON_MODES)} of the samples at least {kinds.lie}",
        "learning": f"{metric} falls over the tail by a factor of {setting(used.progress)} or more, by a line through"
        f" its logarithms{bounded * ('mass_js' in judged)}, and the median over the end is below all evaluations before"
        " the tail; of those near the data, only if good samples become more frequent by"
        f" {setting(100 * used.gain)}\u00a0% of their share among real ones{asked * kinds.modes}",
        "oscillating": f"{metric} both rises and falls by a factor of {swing} or more, one of them within the"
        f" tail, error bars of {noise} standard error{'s' * (used.noise != 1)} taken off, and less than"
        f" {percent(STEADY)} of the tail is near the data{off_modes * kinds.mixtures}",
        "converged": "none of these, and half of the end at least is near the data: good samples at least"
        f" {percent(used.quality)} as frequent as among fresh real ones, {_near(used, kinds)}",
        "stalled": "none of these, and most of the end is not near the data",
    }
    return {name: words for name, words in told.items() if kinds.modes or name not in OF_MODES}


def _near(used: Thresholds, kinds: Kinds) -> str:
    """What good samples are, and what besides makes samples near the data."""
    told = {
        "of mixtures": "those of high quality, and"
        f" {percent(used.coverage)} of the modes covered that real samples cover, by a tenth of their share",
        "of data in raw features": f"by the precision, and coverage at least {percent(used.support)} of that of"
        " fresh real samples",
        "of data in other features": "by the precision, and"
        f" Fréchet distance at most {setting(used.factor)} times that of fresh real samples",
    }
    found = [kind for kind, there in zip(told, (kinds.mixtures, kinds.raw, kinds.others), strict=True) if there]
    return told[found[0]] if len(found) == 1 else "; ".join(f"{kind} {told[kind]}" for kind in found)


def limits(record: Record) -> str:
    """From where on a signal of stability makes an outcome: a sentence that ends a caption."""
    used = thresholds_of(record.about)
    of_modes = (
        f"where the hop rate is over {setting(used.hop_rate)} (hopping); where under {percent(used.modes)} of the modes"
        f" hold mass, though {percent(ON_MODES)} of the samples {Kinds.of(record).lie} (collapsed); "
    )
    return (
        f" Outcomes begin {of_modes * Kinds.of(record).modes}where the progress is {setting(used.progress)} or more,"
        " the end better than all before the tail, and, near the data, good samples become more frequent by"
        f" {setting(100 * used.gain)}\u00a0% of their share among real ones (learning); and where the swing is"
        f" {setting(used.swing)} or more and under {percent(STEADY)} of the tail near the data (oscillating). A replica"
        " has the first that holds, in the order of the section Definitions."
    )


def few_evaluations(record: Record) -> str:
    """What is said where replicas were evaluated less often than their outcomes ask for; "" where none was."""
    judged = [study for study in studies_of(record.about) if not _of_a_game(study)]
    known = [stated(study, "config.budget.evaluations", EVALUATIONS) for study in judged]
    if (least := min(known, default=EVALUATIONS)) >= EVALUATIONS:
        return ""
    return (
        f"These outcomes are told from {least} evaluation{'s' * (least > 1)} of a replica, and less surely than from"
        f" {EVALUATIONS} or more: look at the curves before you build on them."
    )


def _of_a_game(about: Mapping[str, Any]) -> bool:
    """Whether a study is of a game without data, whose outcomes are of its map at the end and of no curve."""
    data = stated(about, "config.data", {})
    return (data if isinstance(data, str) else data.get("name")) == "dirac"


def in_short(record: Record, seen: Collection[str]) -> Html:
    """The rules of these outcomes with their thresholds, folded: to stand beside the shares of outcomes."""
    told = _facts(record, [name for name in ORDER if name in seen])
    lead = "The first that holds, in this order, is a replica's outcome; the section Definitions has all."
    return tag("details", tag("summary", "How these outcomes are told"), tag("p", lead), facts(told))


def definitions(record: Record) -> Section:
    """Definitions of the outcomes with the thresholds in use, of what fid is, and of the user's own measurements."""
    told = _facts(record, ORDER)
    parts: list[Html] = [tag("p", "The first that holds is a replica's outcome."), facts(told)]
    spaces = list(dict.fromkeys(space_of(study) for study in studies_of(record.about) if not _of_a_game(study)))
    if spaces and Kinds.of(record).data:
        parts += [tag("p", EVENTS), tag("p", f"The Fréchet distance (fid) is {listed(spaces)}.")]
    if own := {name: meaning for name, meaning in own_meanings(record.about).items() if meaning}:
        parts += [tag("p", "Measurements that the study's author wrote, in the author's words:"), facts(own)]
    if judged_by_earlier_rule(record.about):
        parts.append(tag("p", AFRESH))
    return section("Definitions", *parts)


def space_of(about: Mapping[str, Any]) -> str:
    """In which features a study's Fréchet distance is, by the name that papers have for it."""
    return frechet_in(stated(about, "config.evaluation.features", "raw"))


def _facts(record: Record, outcomes: Collection[str]) -> dict[str, str]:
    kinds = Kinds.of(record)
    told = rules(thresholds_of(record.about), kinds)
    found = {}
    for name in outcomes:
        words = OF_MAPS.get(name, "") if kinds.maps else ""
        if (kinds.data or name not in told) and (kinds.modes or name not in OF_MODES):
            words = " ".join(filter(None, [OUTCOME_MEANINGS[name], _sentence(told.get(name, "")), words]))
        if words:
            found[name] = words
    return found


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""
