"""What a comparison of all pairs of arms says, in words: who is told apart from whom, and that nobody is ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.report.subject import FEW, Subject
from analysis.results.effects import Effect
from analysis.results.pairs import Comparison
from analysis.wording import counted, listed, p_value


def verdict(comparison: Comparison, subject: Subject) -> str:
    """Which arms are told apart, and at which level, in words that follow "hinge is ahead"."""
    told, pairs = comparison.told, len(comparison.pairs)
    if all(np.isnan(pair.p) for pair in comparison.pairs):
        return "no test can compare them"
    if not told:
        return "the two cannot be told apart" if pairs == 1 else "no two can be told apart"
    others = [arm for arm in comparison.arms if arm != comparison.best]
    from_best = [arm for arm in others if arm not in comparison.indistinguishable]
    if pairs == 1:
        return f"the two are told apart {_level(told, pairs)}"
    if comparison.best is None or not from_best:
        named = few([f"{one.a} from {one.b}" for one in told], counted(pairs, "pair"))
        return f"told apart are {named} {_level(told, pairs)}"
    level = _level([comparison.pair(comparison.best, arm) for arm in from_best], pairs)
    if len(from_best) == len(others):
        return f"it is told apart from every other {level}"
    tied = [arm for arm in others if arm not in from_best]
    return (
        f"it is told apart from {subject.those(from_best, len(others))} {level}, and cannot be told apart from"
        f" {subject.those(tied, len(others), 'or')}"
    )


def _level(said: Sequence[Effect], pairs: int) -> str:
    """The p of the pairs that a sentence tells apart, of several the largest; corrected for all `pairs`."""
    largest = p_value(max(one.p_holm for one in said))
    sign = "" if largest.startswith("<") else "=\u00a0" if len(said) == 1 else "≤\u00a0"
    return f"(p\u00a0{sign}{largest}{'' if pairs == 1 else ' after Holm’s correction'})"


def nobody_ahead(comparison: Comparison, subject: Subject) -> str:
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
    said = [f"behind {few(behind, total)}"] if behind else []
    said += [f"level with {few(level, total)}"] if level else []
    return f"no {subject.one} is ahead of every other: {first}, ahead of most, is {listed(said)}"


def few(items: Sequence[str], of: str) -> str:
    """The items by name; or, of more than a few, how many of `of`, "10 pairs", they are."""
    return listed(items) if len(items) <= FEW else f"{len(items)} of {of}"


def sentence(words: str) -> str:
    """The words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]
