"""What a study can find, before it runs: the differences between arms that it tells apart with 80 % power.

Where arms are searched once the study compares the configurations chosen, and units are replicas; where searches are
repeated it compares the arms, and how a replica's variance divides must be assumed or taken from a pilot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.statistics.looks import next_level
from analysis.statistics.power import Design, Parts, least, power_of_ranks, power_of_shares, two_shares
from analysis.wording import counted
from study.config.plan import StudyPlan
from study.config.rounds import first, limits, looks

if TYPE_CHECKING:  # pandas, which explaining an objective does without
    from analysis.results.pilot import Pilot

# configs/repeats.yaml, with three repeats, gave .24 and .06 of quality, .11 and 0 of convergence; in the worlds that
# `benchmarks.repeated` simulates .08 to .51 of quality lies between searches, and .07 to .25 of collapse.
QUALITY, CONVERGENCE = Parts(repeat=0.25, interaction=0.05), Parts(repeat=0.15, interaction=0.05)
MOST_REPEATS, MOST_REPLICAS = 100, 1024
ALPHA = 0.05  # family-wise


@dataclass(frozen=True)
class Variances:
    """What the forecast takes for granted: parts of the variance of quality and of an indicator, and a typical share.

    `source` says in words where they are from.
    """

    quality: Parts
    convergence: Parts
    share: float
    source: str


@dataclass(frozen=True)
class Needed:
    """How many `units`, "repeats" or "replicas", of each arm find a named difference; None where more than `most`."""

    units: str
    most: int
    share: int | None
    better: int | None


@dataclass(frozen=True)
class PowerForecast:
    """The least differences that are found with 80 % power after Holm's correction for all pairs.

    Attributes:
        design: arms, repeats, and seeds of each repeat, or replicas of each arm where there is one.
        share: least difference of two shares around `variances.share`; None where even the largest is not found.
        better: least P(a replica of the better arm is better), at least 1/2; None likewise.
        first: what it takes to find the largest differences; None where `share` and `better` are known.
        variances: taken for granted.
        asked: a difference that the user named; of shares, and of P(better) from 1/2.
        needed: what it takes.
    """

    design: Design
    share: float | None
    better: float | None
    first: Needed | None
    variances: Variances
    asked: float | None
    needed: tuple[Needed, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {**asdict(self), "pairs": self.design.pairs}


def power_forecast(plan: StudyPlan, detect: float | None = None, pilot: Pilot | None = None) -> PowerForecast | None:
    """The power of a study, and what it takes to find a difference of `detect`, in (0, 1).

    None where nothing is compared: a single arm, or configurations of a search that are not confirmed.
    """
    design = design_of(plan)
    if design is None:
        return None
    known = variances(pilot)
    shares, ranks = _shares(known), _ranks(known)
    points = least(lambda size: shares(design, size / 100), 1, 100)
    beyond = least(lambda size: ranks(design, size / 100), 1, 49)
    needed: tuple[Needed, ...] = ()
    if detect is not None:
        needed = tuple(_needed(design, units, known, detect, detect) for units in _units(design))
    missing = points is None or beyond is None
    return PowerForecast(
        design=design,
        share=None if points is None else points / 100,
        better=None if beyond is None else 0.5 + beyond / 100,
        first=_needed(design, _units(design)[0], known, 1.0, 0.49) if missing else None,
        variances=known,
        asked=detect,
        needed=needed,
    )


def design_of(plan: StudyPlan) -> Design | None:
    """What the study compares by, at the most that it may go on to, and at the level of its last look; None where it
    compares nothing.

    Where nothing is searched the trials themselves are compared.
    """
    config, arms = plan.config, len(plan.arms)
    trials, (repeats, seeds) = config.search.trials_per_arm, limits(config)
    count = looks(config, first(config))
    alpha = ALPHA * next_level([], [], count) if count else ALPHA
    searched = any(arm.space for arm in plan.arms)
    if arms < 2 or (searched and not config.confirm):
        return None
    if repeats > 1 and config.confirm:
        return Design(arms, repeats, seeds, alpha)
    replicas = seeds * min(config.confirm.top, trials) if config.confirm else trials * config.replicas
    return Design(arms, 1, replicas, alpha)


def variances(pilot: Pilot | None) -> Variances:
    """A pilot's, or typical ones for what it does not say; shares lie around 1/2, where they are hardest to tell apart,
    or where the pilot's are."""
    if pilot is None:
        return Variances(QUALITY, CONVERGENCE, 0.5, "typical; --pilot DIR takes them from a study that has run")
    share = 0.5 if np.isnan(pilot.converged) else pilot.converged
    source = f"from the pilot's {pilot.arms} arms, {pilot.repeats} repeats, {pilot.seeds} seeds"
    if pilot.repeats == 1:
        source = "typical, as the pilot searched once; its share of convergence is used"
    elif pilot.quality is None or pilot.convergence is None:
        alike = "quality" if pilot.quality is None else "convergence"
        source += f"; typical for {alike}, which does not vary there"
    return Variances(pilot.quality or QUALITY, pilot.convergence or CONVERGENCE, share, source)


def _units(design: Design) -> tuple[str, ...]:
    return ("repeats",) if design.repeats > 1 else ("replicas", "repeats")


def _needed(design: Design, units: str, known: Variances, share: float, beyond: float) -> Needed:
    low, most = (2, MOST_REPEATS) if units == "repeats" else (2, MOST_REPLICAS)

    def sized(size: int) -> Design:
        return replace(design, repeats=size) if units == "repeats" else replace(design, seeds=size)

    shares, ranks = _shares(known), _ranks(known)
    return Needed(
        units,
        most,
        least(lambda size: shares(sized(size), share), low, most),
        least(lambda size: ranks(sized(size), beyond), low, most) if beyond < 0.5 else None,
    )


def _shares(known: Variances) -> Callable[[Design, float], float]:
    return lambda design, apart: power_of_shares(design, apart, known.convergence, known.share)


def _ranks(known: Variances) -> Callable[[Design, float], float]:
    return lambda design, beyond: power_of_ranks(design, beyond, known.quality)


def sentences(found: PowerForecast) -> list[str]:
    """What people read."""
    design, known = found.design, found.variances
    once = design.repeats == 1
    whom = (
        f"between the chosen configurations, of {counted(design.seeds, 'replica')} each"
        if once
        else f"between the arms, of {design.repeats} repeats of {counted(design.seeds, 'seed')} each"
    )
    pairs = counted(design.pairs, "pair")
    when = " at the last look, if not before," if design.alpha < ALPHA else ""
    power = f"80 % power{when} after Holm's correction, {pairs}"
    said = f"a difference {whom}, is found 4 times in 5 ({power})"
    if found.share is None and found.better is None:
        said = f"no difference {whom}, however large, is found 4 times in 5 ({power}){_largest(found)}"
    else:
        said += f" if it is as large as: {_differences(found)}{_largest(found)}"
    lines = [f"{said}; of the arms themselves one search says nothing" if once else said]
    if not once or any(one.units == "repeats" for one in found.needed):
        lines.append(_assumed(known))
    if found.asked is not None:
        lines += [_takes(found.asked, one, found) for one in found.needed]
    return lines


def _differences(found: PowerForecast) -> str:
    words = []
    if found.share is not None:
        words.append(
            f"shares (as of converged replicas) {found.share * 100:.0f} points apart ({_two(found.share, found)})"
        )
    if found.better is not None:
        words.append(f"P(better), that one's replica is better than the other's, of {found.better:.2f}")
    return ", or ".join(words)


def _largest(found: PowerForecast) -> str:
    """What it takes to find the largest difference where not even that is found, after a semicolon."""
    if found.first is None:
        return ""
    asked = (("shares", found.share, found.first.share), ("quality", found.better, found.first.better))
    lacking = {name: _count(count, found.first) for name, value, count in asked if value is None}
    if len(lacking) == 1:
        [(name, count)] = lacking.items()
        return f"; of {name} not even the largest is, which takes {count}"
    if len(set(lacking.values())) == 1:
        return f"; the largest takes {lacking['shares']}"
    return f"; the largest takes {lacking['shares']} in shares, {lacking['quality']} in quality"


def _assumed(known: Variances) -> str:
    def said(parts: Parts) -> str:
        between, seeds = parts.repeat * 100, parts.interaction * 100
        return f"{between:.0f} % between searches and {seeds:.0f} % in what a seed does to an arm"

    quality, convergence = said(known.quality), said(known.convergence)
    both = quality if quality == convergence else f"{quality} (quality), {convergence} (convergence)"
    return f"assumed of a replica's variance: {both} ({known.source})"


def _takes(asked: float, needed: Needed, found: PowerForecast) -> str:
    of = (
        f" of {found.design.seeds} seeds, between the arms"
        if needed.units == "repeats"
        else (" an arm, between the chosen configurations")
    )
    said = f"to find shares {asked * 100:.3g} points apart ({_two(asked, found)}): {_count(needed.share, needed)}{of}"
    if asked < 0.5:
        said += f"; P(better) = {0.5 + asked:.3g}: {_count(needed.better, needed)}"
    return said


def _two(apart: float, found: PowerForecast) -> str:
    low, high = two_shares(apart, found.variances.share)
    return f"{low * 100:.3g} and {high * 100:.3g} %"


def _count(count: int | None, needed: Needed) -> str:
    return f"more than {needed.most} {needed.units}" if count is None else f"{count} {needed.units}"
