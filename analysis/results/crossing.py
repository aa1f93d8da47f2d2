"""What each factor does where a study's arms cross several: every level of one with every level of the others.

By how often replicas converged, and by quality; on average over all levels of the other factors, and of convergence
whether a level does more beside one level of another factor than beside the next. The units are those by which pairs of
arms are compared; the method is that of `analysis.statistics.factors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.results import looks, repeated
from analysis.results.arm_settings import ArmSettings
from analysis.results.cohort import cohorts
from analysis.results.effects import Sample, Unit
from analysis.results.selection import Selection
from analysis.statistics import factors, repeats
from analysis.statistics.crossed import table
from analysis.statistics.intervals import Captures, Floats, Interval

Levels = Mapping[str, tuple[str, ...]]  # of each factor, in words


@dataclass(frozen=True)
class FactorEffect:
    """A level of a factor instead of another, on average over all levels of the others.

    Attributes:
        factor: its name.
        level: in words.
        instead_of: another of its levels.
        beside: another factor and two of its levels, where the effect is by how much more beside the first of them than
            beside the second.
        effect: a difference of shares, or the probability that a replica of the level is better; its interval holds for
            all that are tested together.
        p: of the test alone; NaN where nothing is known of how units differ.
        p_holm: corrected for all that are tested together.
    """

    factor: str
    level: str
    instead_of: str
    beside: tuple[str, str, str] | None
    effect: Interval
    p: float
    p_holm: float


@dataclass(frozen=True)
class Crossing:
    """All effects of factors; each of the three tuples is one family of tests.

    Attributes:
        levels: the factors and their levels, in the order of the arms.
        phase: whose rows these are.
        unit: of inference.
        units: the least and the most of an arm.
        alpha: family-wise level.
        converged: effects of single factors on the share that converged.
        differences: what they are beside one level of another factor less beside the next.
        metric: of quality.
        quality: effects of single factors in quality; empty where some arm has no score.
    """

    levels: Levels
    phase: str
    unit: Unit
    units: tuple[int, int]
    alpha: float
    converged: tuple[FactorEffect, ...]
    differences: tuple[FactorEffect, ...]
    metric: str
    quality: tuple[FactorEffect, ...]

    def told(self, family: Sequence[FactorEffect]) -> tuple[FactorEffect, ...]:
        """Those of one of the three families by which levels are told apart."""
        return tuple(one for one in family if one.p_holm <= self.alpha)


def crossing(
    selected: Selection, settings: Sequence[ArmSettings], metric: str | None, mode: str | None = None
) -> Crossing | None:
    """The effects of the factors that a study's arms cross.

    Args:
        selected: a phase's rows.
        settings: what each arm is.
        metric: of quality; None to leave quality out.
        mode: as for `analysis.results.compare.quality`.

    Returns:
        None where the arms are no full crossing of two factors or more, of several studies, before every arm has an
        outcome, and where a scheduler stopped some replica, of which it is not known how it would have ended.
    """
    studies = studies_of(selected.about)
    levels, arms = factors_of(settings, stated(studies[0], "config.scientific", {}))
    outcome = selected.trials["outcome"].astype(object)
    judged = selected.trials[outcome.notna() & (outcome != "failed")]
    if len(studies) > 1 or len(levels) < 2 or (judged["outcome"] == "truncated").any():
        return None
    parts = {str(arm): rows for arm, rows in judged.groupby("arm", observed=True, sort=False)}
    if not set(arms) <= set(parts):
        return None
    held = [
        selected.sample(arm, parts[arm], np.asarray(parts[arm]["outcome"] == "converged", np.float64)) for arm in arms
    ]
    unit, alpha, sizes = selected.unit, 0.05, [len(names) for names in levels.values()]
    spent, n = looks.last_level(selected), sum(len(one.values) for one in held)
    shares = repeats.by_mean(_cells(held, unit))
    scores = _scores(selected, metric, mode, arms) if metric else []

    def told(found: factors.Contrasts) -> tuple[FactorEffect, ...]:
        return _told(found, levels, unit, alpha, spent, n)

    counts = [one.count(unit) for one in held]
    return Crossing(
        levels=levels,
        phase=selected.phase,
        unit=unit,
        units=(min(counts), max(counts)),
        alpha=alpha,
        converged=told(factors.of_levels(shares, sizes)),
        differences=told(factors.of_differences(shares, sizes)),
        metric=metric or "",
        quality=told(factors.of_levels(repeats.by_rank(_cells(scores, unit, median=True)), sizes)) if scores else (),
    )


def factors_of(settings: Sequence[ArmSettings], scientific: object) -> tuple[Levels, list[str]]:
    """The factors of a full crossing with their levels, and the arms, the last factor's levels changing fastest.

    Nothing where arms differ in something else, or some combination of levels is no arm.

    Args:
        settings: of all arms.
        scientific: the section of the study's configuration, a mapping or a list of them.
    """
    entries = scientific if isinstance(scientific, list) else [scientific]
    chosen = {key for entry in entries if isinstance(entry, Mapping) for key in entry}
    keys = [key for one in settings[:1] for key in one.values]
    names = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    if not chosen.issuperset(names):
        return {}, []
    of_arms = {one.arm: tuple(_level(one, name) for name in names) for one in settings}
    levels = {name: tuple(dict.fromkeys(one[place] for one in of_arms.values())) for place, name in enumerate(names)}
    whole = prod(map(len, levels.values()))
    if not len(of_arms) == len(set(of_arms.values())) == whole:
        return {}, []
    order = {name: {level: place for place, level in enumerate(own)} for name, own in levels.items()}
    places = {arm: [order[name][level] for name, level in zip(names, own, strict=True)] for arm, own in of_arms.items()}
    return levels, sorted(places, key=places.__getitem__)


def _level(one: ArmSettings, name: str) -> str:
    """An arm's value of a hyperparameter; of one with several settings, such as a network, those that differ."""
    own = {key: value or "none" for key, value in one.values.items() if key.partition(".")[0] == name}
    if list(own) == [name]:
        return own[name]
    return ", ".join(value if key == name else f"{key.partition('.')[2]} {value}" for key, value in own.items())


def _scores(selected: Selection, metric: str, mode: str | None, arms: Sequence[str]) -> list[Sample]:
    """The arms' replicas with their costs; none where an arm has no score."""
    found = {one.arm: one for one in cohorts(selected, metric, mode) if len(one.cost)}
    if not set(arms) <= set(found):
        return []
    ordered = [found[arm] for arm in arms]
    return [Sample(one.arm, one.cost, one.trial, one.repeat, one.seed) for one in ordered]


def _cells(samples: Sequence[Sample], unit: Unit, *, median: bool = False) -> Floats:
    """Values as a crossed table (k, m, S), m counting units; of a configuration all its replicas, or their median."""
    if unit == "repeat":
        return repeated.cells(samples, [one.values for one in samples])
    whole = unit == "replica" or median
    values = [one.units(unit) if whole else one.values for one in samples]
    arms = np.repeat([one.arm for one in samples], [len(own) for own in values])
    if whole:
        return table(
            np.concatenate(values),
            arms,
            np.concatenate([np.arange(len(own)) for own in values]),
            np.zeros(len(arms)),
            [one.arm for one in samples],
        )
    configuration = np.concatenate([one.configuration for one in samples])
    rank = np.concatenate([_ranks(one) for one in samples])
    return table(np.concatenate(values), arms, configuration, rank, [one.arm for one in samples])


def _ranks(sample: Sample) -> NDArray[np.int64]:
    """The place (N,) of each replica among those of its configuration."""
    order = np.lexsort((sample.seed, sample.configuration))
    _, first = np.unique(sample.configuration[order], return_index=True)
    rank = np.arange(len(order)) - np.repeat(first, np.diff([*first, len(order)]))
    found: NDArray[np.int64] = np.empty_like(rank)
    found[order] = rank
    return found


def _told(
    found: factors.Contrasts, levels: Levels, unit: Unit, alpha: float, spent: float, n: int
) -> tuple[FactorEffect, ...]:
    """Results, their p-values and intervals paying for looks that were had at the data before."""
    names = list(levels)
    low, high = found.ends(1 - alpha * spent)
    captures: Captures = "seeds" if unit == "replica" else "both"
    method = f"Student’s t of {unit}s" + " and Zou and Donner’s" * (found.levels is not None)
    estimate = found.null + np.round(found.estimate - found.null, 12)  # sums of weights
    effects = []
    for place, one in enumerate(found.of):
        own = levels[names[one.factor]]
        beside = None
        if one.other is not None:
            others = levels[names[one.other]]
            beside = (names[one.other], others[one.v], others[one.u])
        ends = (float(estimate[place]), float(low[place]), float(high[place]))
        interval = Interval(*ends, n, f"{method}, of all such effects together", captures, 1 - alpha)
        p, corrected = (min(float(values[place]) / spent, 1.0) for values in (found.p, found.p_holm))
        effects.append(FactorEffect(names[one.factor], own[one.b], own[one.a], beside, interval, p, corrected))
    return tuple(effects)
