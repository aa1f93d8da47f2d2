"""Looks: the tests of a study whose confirmation went on in rounds until pairs of arms were decided.

At each look the study tested every pair on what there was, and went on with the arms of pairs that were not decided
(`study.search.looks`). Any claim made after the last look has to pay for all of them, as when to stop hung on the data.
So every test of confirmed replicas is made anew at each look, and its p taken over all looks
(`analysis.statistics.looks`); intervals hold at the part of the level that their look may spend, and their intersection
is shown. What was trained since the last look waits for the next one.

Joined studies are tested once, on all there is, each pair at the product of the parts that their last looks may spend:
the stops of one study then hang on its own data alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.results.effects import Effect, Sample
from analysis.results.selection import Selection
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Interval
from analysis.statistics.looks import over_looks

Masks = Sequence[NDArray[np.bool_]]  # for each sample which of its replicas (N,) a look saw
Test = Callable[[Masks, float], Sequence[Effect]]  # of what was seen, with the confidence of intervals


@dataclass(frozen=True)
class Look:
    """One look at the pairs of arms.

    Attributes:
        level: the part of the family-wise level that is spent at it.
        planned: how many looks there may be in all, as the study was configured then.
        extents: arm -> repeats and seeds that it saw.
        open: the arms of pairs that were not decided by quality.
        more_seeds: whether more seeds could still take much off the variance.
    """

    level: float
    planned: int
    extents: Mapping[str, tuple[int, int]]
    open: tuple[str, ...]
    more_seeds: bool

    def saw(self, sample: Sample, first_seed: int) -> NDArray[np.bool_]:
        """Which replicas (N,) of an arm it saw; `first_seed` is the confirmation's."""
        repeats, seeds = self.extents.get(sample.arm, (0, 0))
        return (sample.repeat < repeats) & (sample.seed < first_seed + seeds)


def looks_of(about: Mapping[str, Any]) -> tuple[Look, ...]:
    """The looks of one study, as its record's `about` tells them; none of joined studies, nor before the first look."""
    return tuple(
        Look(
            level=one["level"],
            planned=one["planned"],
            extents={arm: (size[0], size[1]) for arm, size in one["extents"].items()},
            open=tuple(one["open"]),
            more_seeds=one["more_seeds"],
        )
        for one in stated(about, "looks", ())
    )


def ended(look: Look, limits: tuple[int, int]) -> str | None:
    """Why a study ended after a look, `every pair is told apart`; None if it goes on. `limits`: the most repeats and
    seeds that there may be."""
    if not look.open:
        return "every pair is told apart"
    sizes = [look.extents[arm] for arm in look.open]
    if any(size[0] < limits[0] or (look.more_seeds and size[1] < limits[1]) for size in sizes):
        return None
    if any(size[1] < limits[1] for size in sizes):
        return "more seeds would take less than a tenth off the variance, which lies between repeats"
    return f"there may be no more than {size_of(*limits)}"


def size_of(repeats: int, seeds: int) -> str:
    """`32 seeds`, or `6 repeats of 32 seeds`."""
    return f"{seeds} seeds" if repeats == 1 else f"{repeats} repeats of {seeds} seeds"


def limits_of(about: Mapping[str, Any]) -> tuple[int, int]:
    """The most repeats and seeds that there may be in a study, by the configuration in its record's `about`."""
    return (
        stated(about, "config.search.most_repeats", stated(about, "config.search.repeats", 1)),
        stated(about, "config.confirm.most", stated(about, "config.confirm.replicas", 0)),
    )


def last_level(selected: Selection) -> float:
    """The part of the level that the last look may spend, 1 where there was none: a test that is made once, at the end,
    holds its level if its p is divided by this. Of joined studies the product."""
    if selected.phase != "confirm":
        return 1.0
    return math.prod(one[-1].level for one in map(looks_of, studies_of(selected.about)) if one)


def tested(selected: Selection, samples: Sequence[Sample], alpha: float, test: Test) -> tuple[Effect, ...]:
    """The effects of all pairs of arms, with p-values and intervals over all looks of the study, if there were any.

    An arm that no look saw yet is in no pair.
    """
    everything = [np.ones(len(one.values), bool) for one in samples]
    looks = looks_of(selected.about) if selected.phase == "confirm" else ()
    first = int(selected.trials["seed"].min()) if looks else 0
    masks = [[look.saw(one, first) for one in samples] for look in looks]
    if not looks or not _pairs(masks[-1]):
        level = last_level(selected)
        return _together([test(everything, 1 - alpha * level)], [level], alpha)
    found = [
        test(seen, 1 - alpha * look.level) if _pairs(seen) else () for look, seen in zip(looks, masks, strict=True)
    ]
    return _together(found, [one.level for one in looks], alpha)


def _pairs(masks: Masks) -> bool:
    """Whether two arms or more have something that was seen."""
    return sum(bool(mask.any()) for mask in masks) > 1


def kept(samples: Sequence[Sample], masks: Masks) -> list[Sample]:
    """What of the samples was seen; arms of which nothing was are left out."""
    return [one.kept(mask) for one, mask in zip(samples, masks, strict=True) if mask.any()]


def _together(found: Sequence[Sequence[Effect]], levels: Sequence[float], alpha: float) -> tuple[Effect, ...]:
    """The last look's effects with p over all looks, Holm's correction of these, and intersected intervals."""
    last = found[-1]
    if levels == [1.0] or not last:
        return tuple(last)
    both = [{(one.a, one.b): one for pair in effects for one in (pair, pair.turned())} for effects in found]
    seen = [[looked[one.a, one.b] for looked in both if (one.a, one.b) in looked] for one in last]
    p = [[looked[one.a, one.b].p if (one.a, one.b) in looked else math.nan for one in last] for looked in both]
    spent = over_looks(p, levels)
    return tuple(
        replace(
            one,
            effect=_intersected([past.effect for past in pasts], alpha),
            p=float(own),
            unbounded=None,
            least=0.0,
            p_holm=float(corrected),
            shift=one.shift
            and replace(one.shift, interval=_intersected([past.shift.interval for past in pasts if past.shift], alpha)),
        )
        for one, pasts, own, corrected in zip(last, seen, spent, holm(spent), strict=True)
    )


def _intersected(intervals: Sequence[Interval], alpha: float) -> Interval:
    """The last one within all the others, its estimate kept inside."""
    last = intervals[-1]
    low = np.fmax.reduce([one.low for one in intervals])
    high = np.fmin.reduce([one.high for one in intervals])
    low, high = np.minimum(low, last.estimate), np.maximum(high, last.estimate)
    return replace(last, low=float(low), high=float(high), confidence=1 - alpha)
