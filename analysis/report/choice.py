"""What a page or a table is to show of a record: some of its arms, measurements of quality, and names of one's own.

Arms are chosen after everything is computed: each number is that of the page of all arms, and p-values and intervals of
pairs stay corrected for all pairs of the study, shown or not. Which arms are shown may have been decided after the
results were seen, and two arms are not more surely apart because others are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from analysis.report.findings import Findings, Measured
from analysis.results.effects import Effect
from analysis.results.incidence import Incidences
from analysis.results.pairs import Comparison, compared
from analysis.results.random_search import RandomSearch
from analysis.results.standings import OverDataSets
from analysis.results.survival import Survival

Names = Mapping[str, str]  # of each arm that is shown, what it is called
OfArm = TypeVar("OfArm")
MOST = 20  # names that an error lists
OF_ARMS = (  # fields of findings that are one result for each arm or several
    "settings", "signals", "best_of_k", "selection_bias", "chosen", "sensitivity", "learning", "bound_curves",
    "critic_bounds", "spectra", "dirac", "shares", "unbegun",
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What is shown; everything where nothing is chosen.

    Attributes:
        arms: by name, of joined studies "study/arm", or "arm" for that of each study.
        metrics: columns of measurements of quality, the first of which tells arms apart first.
        labels: what arms and measurements are called instead of their names.
        given: how a label was given, by its name, for errors; those that are not there by the option `label`.
    """

    arms: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict, compare=False)

    def names(self, arms: Collection[str], columns: Collection[str]) -> dict[str, str]:
        """Of each arm that is shown, in the order of `arms`, what it is called.

        Raises ValueError, naming the option, for an arm, a measurement or a label of neither, and for two arms of one
        label.
        """
        by_name: dict[str, list[str]] = {}
        for arm in arms:
            by_name.setdefault(arm, []).append(arm)
            by_name.setdefault(arm.rpartition("/")[2], []).append(arm)
        check_known("arms", self.arms, by_name)
        for name in self.labels:
            check_known(self.given.get(name, "label"), [name], [*by_name, *columns])
        wanted = {one for name in self.arms for one in by_name[name]} or set(arms)
        found = {arm: self._label(arm) for arm in arms if arm in wanted}
        twice = sorted({label for label in found.values() if list(found.values()).count(label) > 1})
        if twice:
            who = [arm for arm, label in found.items() if label == twice[0]]
            keys = (key for arm in who for key in (arm, arm.rpartition("/")[2]) if key in self.labels)
            given = {self.given.get(key, "label") for key in keys}
            option = given.pop() if len(given) == 1 else "label"
            raise ValueError(f"{option}: expected another for each arm, got {twice[0]!r} for {', '.join(who)}")
        return found

    def _label(self, arm: str) -> str:
        study, slash, own = arm.rpartition("/")
        return self.labels.get(arm, f"{study}{slash}{self.labels.get(own, own)}")


def check_known(option: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise ValueError for a name that is not known, with those that there are and those that are near to it."""
    for name in given:
        if name not in known:
            some = [*dict.fromkeys(known)]
            there = ", ".join(some[:MOST]) + f" and {len(some) - MOST} more" * (len(some) > MOST)
            near = get_close_matches(name, some, 3, 0.5)
            nearest = f" (nearest: {', '.join(near)})" if near else ""
            raise ValueError(f"{option}: expected some of {there or 'none, as nothing ended'}{nearest}, got {name}")


def shown(findings: Findings, names: Names) -> Findings:
    """The findings on these arms alone, under these names; standings are of these arms already."""
    of_arms: dict[str, Any] = {name: _armed(getattr(findings, name), names) for name in OF_ARMS}
    return replace(
        findings,
        arms=tuple(names.values()),
        palette=_keyed(findings.palette, names),
        searches=_keyed(findings.searches, names),
        shown=_keyed(findings.shown, names),
        outcomes={phase: _armed(found, names) for phase, found in findings.outcomes.items()},
        spent={phase: _armed(found, names) for phase, found in findings.spent.items()},
        best_by_spending={name: _armed(found, names) for name, found in findings.best_by_spending.items()},
        survival=tuple(_survival(one, names) for one in findings.survival),
        incidence=tuple(_incidence(one, names) for one in findings.incidence),
        measured=tuple(_measured(one, names) for one in findings.measured),
        rates={name: one for name, found in findings.rates.items() if (one := _comparison(found, names))},
        crossing=findings.crossing if len(names) == findings.all_arms else None,
        random_search=_random_search(findings.random_search, names),
        overview={name: _armed(found, names) for name, found in findings.overview.items()},
        standings=tuple(_standing(one, names) for one in findings.standings),
        **of_arms,
    )


def _keyed(found: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {label: found[arm] for arm, label in names.items() if arm in found}


def _armed(found: tuple[OfArm, ...], names: Names) -> tuple[OfArm, ...]:
    results: Any = found
    return tuple(replace(one, arm=names[one.arm]) for one in results if one.arm in names)


def _pairs(found: tuple[Effect, ...], names: Names) -> tuple[Effect, ...]:
    return tuple(replace(one, a=names[one.a], b=names[one.b]) for one in found if one.a in names and one.b in names)


def _comparison(found: Comparison | None, names: Names) -> Comparison | None:
    """The comparison of these arms, by tests that stay corrected for all pairs; None of fewer than two."""
    arms = [names[arm] for arm in found.planned if arm in names] if found else []
    if found is None or len(arms) < 2:
        return None
    pairs = _pairs(found.pairs, names)
    return compared(pairs, arms, found.subject, found.phase, found.unit, found.test, found.alpha)


def _measured(one: Measured, names: Names) -> Measured:
    return replace(
        one,
        unmeasured=tuple(names[arm] for arm in one.unmeasured if arm in names),
        quality=_armed(one.quality, names),
        comparison=_comparison(one.comparison, names),
        profiles=_armed(one.profiles, names),
    )


def _survival(one: Survival, names: Names) -> Survival:
    pairs = tuple(
        replace(pair, arms=tuple(names[arm] for arm in pair.arms))
        for pair in one.pairs
        if all(arm in names for arm in pair.arms)
    )
    return replace(
        one,
        curves=_armed(one.curves, names),
        pairs=pairs,
        means=_armed(one.means, names),
        comparison=_comparison(one.comparison, names),
        met=_keyed(one.met, names),
    )


def _incidence(one: Incidences, names: Names) -> Incidences:
    kept = [place for place, curve in enumerate(one.curves) if curve.arm in names]
    return replace(
        one,
        curves=_armed(one.curves, names),
        at_horizon=tuple(one.at_horizon[place] for place in kept),
    )


def _random_search(found: RandomSearch | None, names: Names) -> RandomSearch | None:
    effects = _pairs(found.effects, names) if found else ()
    return replace(found, effects=effects) if found and effects else None


def _standing(one: OverDataSets, names: Names) -> OverDataSets:
    called = {arm.rpartition("/")[2]: label.rpartition("/")[2] for arm, label in names.items()}
    return replace(
        one,
        arms=tuple(called[arm] for arm in one.arms),
        planned=tuple(called[arm] for arm in one.planned),
        pairs=tuple(replace(pair, a=called[pair.a], b=called[pair.b]) for pair in one.pairs),
        lacking={study: {called.get(arm, arm) for arm in arms} for study, arms in one.lacking.items()},
        dropped={study: {called.get(arm, arm) for arm in arms} for study, arms in one.dropped.items()},
    )
