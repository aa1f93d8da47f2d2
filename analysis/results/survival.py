"""Time to failure: when each replica diverged, collapsed or froze, curves by arm, and tests between arms.

A replica without the event is right-censored at its last evaluated step: at the end of its budget, where a
scheduler truncated its trial, or where the trial failed or still runs. None of these is an event. A scheduler that
stops bad trials censors those most likely to fail next, so that the curves of such a search are optimistic;
confirmed trials are never stopped.

- `diverged`: at the step of divergence. Replicas of a trial that ended as all had diverged, but whose last evaluations
  are lost: at the last that is left, as it was then or soon after.
- `collapsed`, `frozen`: a replica whose outcome is that, at the evaluation from which on it lasted to the end
  (`analysis.results.spells`): time and outcome follow one definition. Known to the evaluation, not to the step.
  A replica that was cut short (truncated, failed, running) is judged by the curve it has, but has not collapsed if it
  never covered the modes: it had not had its time to. Divergence censors both.
- `failure`: whichever of the three is first; the event to use where they compete.
- `undone`: the beginning of the first collapse that did not last; the replica had covered the modes before and did
  again. An event of its own, no failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.record.schema import TRIALS_KEYS
from analysis.results import effects, looks, repeated
from analysis.results.clock import Clock, clock_of, told
from analysis.results.criteria import thresholds_of
from analysis.results.effects import Effect
from analysis.results.nearness import share_of_modes
from analysis.results.outcomes import record_curves, verdicts
from analysis.results.pairs import Comparison, compared
from analysis.results.selection import Selection, replicas_named
from analysis.results.signals import signals
from analysis.results.spells import spells
from analysis.results.thresholds import Thresholds
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Captures, Floats
from analysis.statistics.kaplan_meier import SurvivalCurve, kaplan_meier
from analysis.statistics.logrank import clustered, k_samples
from analysis.statistics.permutation import few
from analysis.statistics.restricted_mean import RestrictedMean, Times, longest, restricted_mean

__all__ = ["EVENTS", "LogRank", "Survival", "SurvivalCurve", "event_steps", "kaplan_meier", "survival", "times"]

KINDS = ("diverged", "frozen", "collapsed")  # of failure; where two are met at one step it is the first
EVENTS = ("failure", *KINDS, "undone")
NEEDED = {"collapsed": "held_fraction", "undone": "held_fraction", "frozen": "gradient_norm_generator"}
TEST = "Welch’s test of the units’ parts in the means, or their permutation where its p is larger"


@dataclass(frozen=True)
class LogRank:
    """A log-rank test of two arms or more.

    Attributes:
        arms: those compared.
        statistic: chi-squared; NaN where none of them met the event, or each has one unit.
        df: its degrees of freedom.
        p: of the test alone.
        p_holm: corrected for all pairs (Holm 1979); p itself of an overall test.
        method: how it was made.
        captures: "seeds", replicas being independent, or "both", configurations or repeats being the sampled units.
    """

    arms: tuple[str, ...]
    statistic: float
    df: int
    p: float
    p_holm: float
    method: str
    captures: Captures


@dataclass(frozen=True)
class Survival:
    """When replicas met an event, arm by arm.

    Attributes:
        event: of `EVENTS`.
        phase: whose rows these are.
        curves: Kaplan and Meier's.
        overall: the log-rank test of all arms; None for a single one.
        pairs: the log-rank test of every two.
        clock: how times are told (`analysis.results.clock`).
        means: the mean time without the event up to the latest one to which all curves are known.
        comparison: every pair by the difference of these means, by which arms are told apart: it says how much a
            difference is, also where curves cross. None for a single arm.
        met: by arm, the times at which replicas met the event, ascending, with the replica and the kind of event.
        kinds: the event; of a failure those of `KINDS` that could be seen.
    """

    event: str
    phase: str
    curves: tuple[SurvivalCurve, ...]
    overall: LogRank | None
    pairs: tuple[LogRank, ...]
    clock: Clock = "updates"
    means: tuple[RestrictedMean, ...] = ()
    comparison: Comparison | None = None
    met: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    kinds: tuple[str, ...] = KINDS


def survival(
    selected: Selection,
    event: str,
    *,
    thresholds: Thresholds | None = None,
    alpha: float = 0.05,
    met: Mapping[str, Floats] | None = None,
) -> Survival:
    """Curves, means and tests of one event; arguments as for `times`; `alpha` is the level of tests and intervals.

    Intervals and tests capture what those of `selected` do (`analysis.results.selection`).
    """
    met = event_steps(selected, thresholds) if met is None else met
    rows = times(selected, event, met=met)
    parts = {str(arm): part for arm, part in rows.groupby("arm", observed=True, sort=False)}
    found = tuple(
        kaplan_meier(
            part["time"], part["observed"], selected.units_of(part),
            captures=selected.captures_of(part), confidence=1 - alpha, arm=arm, event=event,
        )
        for arm, part in parts.items()
    )  # fmt: skip
    tests = [
        _at_the_end(_test({arm: parts[arm] for arm in pair}, selected), selected) for pair in combinations(parts, 2)
    ]
    corrected = holm([one.p for one in tests])
    pairs = tuple(replace(one, p_holm=float(p)) for one, p in zip(tests, corrected, strict=True))
    overall = _at_the_end(_test(parts, selected), selected) if len(parts) > 1 else None
    means, comparison = _means(parts, event, selected, alpha) if parts else ((), None)
    whose = MappingProxyType({arm: _whose(part[part["observed"]].sort_values("time")) for arm, part in parts.items()})
    clock, kinds = clock_of(selected.about), kinds_of(event, met)
    return Survival(event, selected.phase, found, overall, pairs, clock, means, comparison, whose, kinds)


def kinds_of(event: str, met: Mapping[str, Floats]) -> tuple[str, ...]:
    """The event; of a failure those of `KINDS` that could be seen."""
    return tuple(name for name in (KINDS if event == "failure" else (event,)) if name in met)


def _whose(rows: pd.DataFrame) -> tuple[tuple[float, str], ...]:
    """When replicas met the event, each with its name and what it met."""
    named = zip(rows["time"], replicas_named(rows), rows["kind"], strict=True)
    return tuple((float(time), f"{replica}: {kind}") for time, replica, kind in named)


def times(
    selected: Selection, event: str, *, thresholds: Thresholds | None = None, met: Mapping[str, Floats] | None = None
) -> pd.DataFrame:
    """When each replica met an event.

    Args:
        selected: a phase's rows; `history` with its keys and the columns that outcomes are judged by.
        event: one of `EVENTS`.
        thresholds: of the outcomes; the study's own when None.
        met: what `event_steps` gives of these arguments, for those who ask for several events.

    Returns:
        A row per replica that was ever trained: its keys (the arm "study/arm" where studies are joined), `time`,
        float64, in steps or as a share of the budget (`analysis.results.clock`), `observed`, False where it is
        censored, and `kind`, the event that was met, of a failure which one, "" where it is censored.

    Raises:
        ValueError: no such event, or what tells it was not measured: modes of a collapse, gradients of freezing.
    """
    if event not in EVENTS:
        raise ValueError(f"event: expected one of {', '.join(EVENTS)}, got {event!r}")
    met = event_steps(selected, thresholds) if met is None else met
    if event not in met:
        raise ValueError(f"event: {event} needs the measurement {NEEDED[event]}, which these data do not have")
    rows, first = selected.trials.reset_index(drop=True), met[event]
    last = np.minimum(rows["steps"].to_numpy(np.float64), met["diverged"])
    time = told(clock_of(selected.about), np.minimum(first, last), rows)
    kinds = kinds_of(event, met)
    kind = np.select([np.isfinite(first) & (met[name] == first) for name in kinds], kinds, "")
    table = rows[list(TRIALS_KEYS)].assign(time=time, observed=np.isfinite(first), kind=kind)[~np.isnan(time)]
    # A replica censored at step 0 was never evaluated and carries no information.
    return table[(table["time"] > 0) | table["observed"]].reset_index(drop=True)


def event_steps(selected: Selection, thresholds: Thresholds | None = None) -> dict[str, Floats]:
    """The step at which each row of `selected.trials` met each of `EVENTS`, (N,); inf where it never did.

    Those whose measurement (`NEEDED`) was never taken are left out. Thresholds as for `times`.
    """
    thresholds = thresholds or thresholds_of(selected.about)
    replicas, measured, floor = record_curves(selected, thresholds)
    keys = list(TRIALS_KEYS)
    own = replicas.merge(selected.trials[[*keys, "status"]], on=keys, how="left", validate="one_to_one")
    seen = signals(measured, floor, thresholds)
    outcome = np.full(len(own), "", dtype=object)
    ended = np.where(own["status"] == "diverged", "diverged", "completed")
    outcome[seen.evaluations > 0] = verdicts(seen, ended, thresholds)[seen.evaluations > 0]
    collapse = spells(measured, share_of_modes(measured, floor, "held"), thresholds.modes, thresholds.tail)
    gradient = measured.value("gradient_norm_generator")
    still = spells(measured, gradient, thresholds.gradient_norm, thresholds.tail, end=True)
    cut = ~own["status"].isin(("completed", "diverged")).to_numpy()
    found = replicas.assign(
        collapsed=np.where((outcome == "collapsed") & ~(cut & collapse.always), collapse.lasting, np.inf),
        frozen=np.where(outcome == "frozen", still.lasting, np.inf),
        undone=collapse.undone,
    )
    joined = selected.trials[keys].merge(found, on=keys, how="left", validate="one_to_one")
    trained, fell = (selected.trials[name].to_numpy(np.float64, na_value=np.inf) for name in ("steps", "diverged_step"))
    unseen = (selected.trials["status"] == "diverged").to_numpy() & np.isinf(fell)
    diverged = np.where(unseen, trained, fell)
    last = np.minimum(trained, diverged)
    steps = {name: joined[name].fillna(np.inf).to_numpy(np.float64) for name in ("collapsed", "frozen", "undone")}
    # What was seen after a divergence is not counted: it censors.
    steps = {name: np.where(step <= last, step, np.inf) for name, step in steps.items()} | {"diverged": diverged}
    steps["failure"] = np.minimum.reduce([steps[name] for name in KINDS])
    unmeasured = {name for name in NEEDED.values() if len(replicas) and np.isnan(measured.value(name)).all()}
    return {name: step for name, step in steps.items() if NEEDED.get(name) not in unmeasured}


def common_horizon(samples: Sequence[Times]) -> float:
    """The latest time to which the curves of all arms are known, of times (n,) and whether the event was met; the last
    event where every replica met it."""
    known = longest(samples)
    return known if np.isfinite(known) else max(float(np.max(np.asarray(time))) for time, _ in samples)


def _means(
    parts: Mapping[str, pd.DataFrame], event: str, selected: Selection, alpha: float
) -> tuple[tuple[RestrictedMean, ...], Comparison | None]:
    """The mean times without the event, and every pair by them."""
    samples = [selected.sample(arm, part, part["time"].to_numpy(np.float64)) for arm, part in parts.items()]
    observed = [part["observed"].to_numpy(np.bool_) for part in parts.values()]
    horizon = common_horizon([(one.values, met) for one, met in zip(samples, observed, strict=True)])
    means = tuple(
        restricted_mean(
            one.values, met, horizon, selected.units_of(part),
            captures=selected.captures_of(part), confidence=1 - alpha, arm=one.arm, event=event,
        )
        for one, met, part in zip(samples, observed, parts.values(), strict=True)
    )  # fmt: skip
    if len(samples) < 2:
        return means, None
    unit = selected.unit

    def look(masks: looks.Masks, confidence: float) -> tuple[Effect, ...]:
        seen = looks.kept(samples, masks)
        met = [one[mask] for one, mask in zip(observed, masks, strict=True) if mask.any()]
        upto = min(horizon, common_horizon([(one.values, own) for one, own in zip(seen, met, strict=True)]))
        if unit == "repeat":
            found = repeated.by_time(seen, met, upto, confidence=confidence)
        else:
            found = effects.by_time(seen, met, upto, unit, confidence=confidence)
        return found if upto == horizon else tuple(map(_unbounded, found))

    pairs = looks.tested(selected, samples, alpha, look)
    test = repeated.TEST if unit == "repeat" else TEST
    return means, compared(pairs, list(parts), event, selected.phase, unit, test, alpha)


def _unbounded(effect: Effect) -> Effect:
    """Without intervals: those of a mean up to another horizon say nothing of this one."""
    alone = effect.alone and replace(effect.alone, low=-np.inf, high=np.inf)
    return replace(effect, effect=replace(effect.effect, low=-np.inf, high=np.inf), alone=alone)


def _at_the_end(test: LogRank, selected: Selection) -> LogRank:
    """With the p of a test that is made once, after the last look at the pairs of arms."""
    p = float(np.minimum(test.p / looks.last_level(selected), 1.0))  # NaN stays NaN
    return replace(test, p=p, p_holm=p)


def _test(parts: dict[str, pd.DataFrame], selected: Selection) -> LogRank:
    captures = selected.captures
    samples = [(part["time"].to_numpy(), part["observed"].to_numpy()) for part in parts.values()]
    if captures == "both":
        labels = [selected.units_of(part) for part in parts.values()]
        sizes = [len(set(own)) for own in labels]
        statistic, df, p = clustered(samples, labels)
        method = f"log-rank scores of {selected.unit}s, {'dealt out anew' if few(sizes) else 'F approximation'}"
    else:
        statistic, df, p = k_samples(samples)
        method = "log-rank scores, dealt out anew" if few([len(time) for time, _ in samples]) else "log-rank"
    return LogRank(tuple(parts), statistic, df, p, p, method, captures)
