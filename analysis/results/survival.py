"""Time to failure: when each replica diverged, collapsed or froze, curves by arm, and tests between arms.

A replica without the event is right-censored at its last evaluated step: at the end of its budget, where a
scheduler truncated its trial, or where the trial failed or still runs. None of these is an event. A scheduler that
stops bad trials censors those most likely to fail next, so that the curves of such a search are optimistic;
confirmed trials are never stopped.

- `diverged`: at the step of divergence.
- `collapsed`, `frozen`: a replica whose outcome is that, at the evaluation from which on it lasted to the end
  (`analysis.results.spells`): time and outcome follow one definition. Known to the evaluation, not to the step.
  A replica that was cut short (truncated, failed, running) is judged by the curve it has, but has not collapsed if it
  never covered the modes: it had not had its time to. Divergence censors both.
- `failure`: whichever of the three is first; the event to use where they compete.
- `undone`: the beginning of the first collapse that did not last; the replica had covered the modes before and did
  again. An event of its own, no failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.record.schema import TRIALS_KEYS
from analysis.results.clock import Clock, clock_of, told
from analysis.results.criteria import thresholds_of
from analysis.results.outcomes import record_curves, verdicts
from analysis.results.selection import Selection
from analysis.results.signals import signals
from analysis.results.spells import spells
from analysis.results.thresholds import Thresholds
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Captures, Floats
from analysis.statistics.kaplan_meier import SurvivalCurve, kaplan_meier
from analysis.statistics.logrank import clustered, k_samples
from analysis.statistics.permutation import few

__all__ = ["EVENTS", "LogRank", "Survival", "SurvivalCurve", "event_steps", "kaplan_meier", "survival", "times"]

EVENTS = ("failure", "diverged", "collapsed", "frozen", "undone")  # the first has the others but the last as parts


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
        captures: "seeds", replicas being independent, or "both", configurations being the sampled units.
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
    """Every arm's curve, the test whether all are alike (None for a single arm), and a test for every two arms.

    Times are as `clock` tells them (`analysis.results.clock`).
    """

    event: str
    phase: str
    curves: tuple[SurvivalCurve, ...]
    overall: LogRank | None
    pairs: tuple[LogRank, ...]
    clock: Clock = "updates"


def survival(
    selected: Selection,
    event: str,
    *,
    thresholds: Thresholds | None = None,
    confidence: float = 0.95,
    met: Mapping[str, Floats] | None = None,
) -> Survival:
    """Curves and log-rank tests of one event; arguments as for `times` and `kaplan_meier`.

    Intervals and tests of a search capture configurations and seeds, those of confirmed rows seeds.
    """
    rows = times(selected, event, thresholds=thresholds, met=met)
    captures = selected.captures
    parts = {str(arm): part for arm, part in rows.groupby("arm", observed=True, sort=False)}
    found = tuple(
        kaplan_meier(
            part["time"], part["observed"], part["trial_id"],
            captures=captures, confidence=confidence, arm=arm, event=event,
        )
        for arm, part in parts.items()
    )  # fmt: skip
    tests = [_test({arm: parts[arm] for arm in pair}, captures) for pair in combinations(parts, 2)]
    corrected = holm([one.p for one in tests])
    pairs = tuple(replace(one, p_holm=float(p)) for one, p in zip(tests, corrected, strict=True))
    overall = _test(parts, captures) if len(parts) > 1 else None
    return Survival(event, selected.phase, found, overall, pairs, clock_of(selected.about))


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
        float64, in steps or as a share of the budget (`analysis.results.clock`), and `observed`, False where it is
        censored.

    Raises:
        ValueError: no such event, or modes were not counted in these data, which a collapse needs.
    """
    if event not in EVENTS:
        raise ValueError(f"event: expected one of {', '.join(EVENTS)}, got {event!r}")
    met = event_steps(selected, thresholds) if met is None else met
    if event not in met:
        raise ValueError(f"event: {event} needs the measurement held_fraction, which these data do not have")
    rows, first = selected.trials.reset_index(drop=True), met[event]
    last = np.minimum(rows["steps"].to_numpy(np.float64), met["diverged"])
    time = told(clock_of(selected.about), np.minimum(first, last), rows)
    table = rows[list(TRIALS_KEYS)].assign(time=time, observed=np.isfinite(first))[~np.isnan(time)]
    # A replica censored at step 0 was never evaluated and carries no information.
    return table[(table["time"] > 0) | table["observed"]].reset_index(drop=True)


def event_steps(selected: Selection, thresholds: Thresholds | None = None) -> dict[str, Floats]:
    """The step at which each row of `selected.trials` met each of `EVENTS`, (N,); inf where it never did.

    `collapsed` and `undone` are left out where no modes were counted. Thresholds as for `times`.
    """
    thresholds = thresholds or thresholds_of(selected.about)
    replicas, measured, floor = record_curves(selected, thresholds)
    keys = list(TRIALS_KEYS)
    own = replicas.merge(selected.trials[[*keys, "status"]], on=keys, how="left", validate="one_to_one")
    seen = signals(measured, floor, thresholds)
    outcome = np.full(len(own), "", dtype=object)
    outcome[seen.evaluations > 0] = verdicts(seen, "completed", thresholds)[seen.evaluations > 0]
    collapse = spells(measured, measured.value("held_fraction"), thresholds.modes, thresholds.tail)
    still = spells(measured, measured.value("gradient_norm_generator"), thresholds.gradient_norm, thresholds.tail)
    cut = ~own["status"].isin(("completed", "diverged")).to_numpy()
    found = replicas.assign(
        collapsed=np.where((outcome == "collapsed") & ~(cut & collapse.always), collapse.lasting, np.inf),
        frozen=np.where(outcome == "frozen", still.lasting, np.inf),
        undone=collapse.undone,
    )
    joined = selected.trials[keys].merge(found, on=keys, how="left", validate="one_to_one")
    diverged = selected.trials["diverged_step"].to_numpy(np.float64, na_value=np.inf)
    last = np.minimum(selected.trials["steps"].to_numpy(np.float64), diverged)
    steps = {name: joined[name].fillna(np.inf).to_numpy(np.float64) for name in ("collapsed", "frozen", "undone")}
    # What was seen after a divergence is not counted: it censors.
    steps = {name: np.where(step <= last, step, np.inf) for name, step in steps.items()} | {"diverged": diverged}
    steps["failure"] = np.minimum.reduce([steps[name] for name in ("diverged", "collapsed", "frozen")])
    counted = len(replicas) == 0 or not np.isnan(measured.value("held_fraction")).all()
    return {name: step for name, step in steps.items() if counted or name not in ("collapsed", "undone")}


def _test(parts: dict[str, pd.DataFrame], captures: Captures) -> LogRank:
    samples = [(part["time"].to_numpy(), part["observed"].to_numpy()) for part in parts.values()]
    if captures == "both":
        labels = [part["trial_id"].astype(str).to_numpy() for part in parts.values()]
        sizes = [len(set(own)) for own in labels]
        statistic, df, p = clustered(samples, labels)
        method = f"log-rank scores of configurations, {'dealt out anew' if few(sizes) else 'F approximation'}"
    else:
        statistic, df, p = k_samples(samples)
        method = "log-rank scores, dealt out anew" if few([len(time) for time, _ in samples]) else "log-rank"
    return LogRank(tuple(parts), statistic, df, p, p, method, captures)
