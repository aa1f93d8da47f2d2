"""Time to divergence and to collapse: each replica's time, curves by arm, and tests between arms.

A replica without the event is right-censored at its last evaluated step: at the end of its budget, where a
scheduler truncated its trial, or where the trial failed or still runs. None of these is an event. A scheduler that
stops bad trials censors those most likely to diverge next, so that the curves of such a search are optimistic;
confirmed trials are never stopped.

- `diverged`: at the step of divergence.
- `collapsed`: at the first evaluation that finds fewer than a fraction of the modes (`Thresholds.modes`) after it
  had captured as many, or after `patience`, a share of the budget, by which a generator must have spread. Known to the
  evaluation, not to the step. Divergence censors it.
- `either`: whichever is first; the event to use where divergence competes with collapse.

Nothing after the event counts: a replica that collapses and recovers has collapsed. Its outcome
(`analysis.results.outcomes`), which judges the end of training, may differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.record.curves import Curves, curves
from analysis.record.schema import TRIALS_KEYS
from analysis.results.criteria import thresholds_of
from analysis.results.selection import Selection
from analysis.results.thresholds import Thresholds
from analysis.statistics.holm import holm
from analysis.statistics.intervals import Captures, Floats
from analysis.statistics.kaplan_meier import SurvivalCurve, kaplan_meier
from analysis.statistics.logrank import clustered, k_samples, two_samples

__all__ = ["EVENTS", "LogRank", "Survival", "SurvivalCurve", "kaplan_meier", "survival", "times"]

EVENTS = ("diverged", "collapsed", "either")


@dataclass(frozen=True)
class LogRank:
    """A log-rank test of two arms or more.

    Attributes:
        arms: those compared.
        statistic: chi-squared; NaN where no replica of them met the event.
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
    """Every arm's curve, the test whether all are alike (None for a single arm), and a test for every two arms."""

    event: str
    phase: str
    curves: tuple[SurvivalCurve, ...]
    overall: LogRank | None
    pairs: tuple[LogRank, ...]


def survival(
    selected: Selection,
    event: str,
    *,
    thresholds: Thresholds | None = None,
    patience: float = 0.5,
    confidence: float = 0.95,
) -> Survival:
    """Curves and log-rank tests of one event; arguments as for `times` and `kaplan_meier`.

    Intervals and tests of a search capture configurations and seeds, those of confirmed rows seeds.
    """
    rows = times(selected, event, thresholds=thresholds, patience=patience)
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
    return Survival(event, selected.phase, found, _test(parts, captures) if len(parts) > 1 else None, pairs)


def times(
    selected: Selection,
    event: str,
    *,
    thresholds: Thresholds | None = None,
    patience: float = 0.5,
) -> pd.DataFrame:
    """When each replica met an event.

    Args:
        selected: a phase's rows; `history` with its keys, `diverged` and `mode_fraction`.
        event: one of `EVENTS`.
        thresholds: `modes` decides what counts as collapse; the study's own when None.
        patience: share of its budget that a replica has to spread over the modes at first, in (0, 1].

    Returns:
        A row per replica that was ever trained: its keys (the arm "study/arm" where studies are joined), `time` in
        steps, float64, and `observed`, False where it is censored.

    Raises:
        ValueError: no such event, patience out of range, or modes were not counted in these data.
    """
    if event not in EVENTS:
        raise ValueError(f"event: expected one of {', '.join(EVENTS)}, got {event!r}")
    if not 0 < patience <= 1:
        raise ValueError(f"patience: expected a share of the budget in (0, 1], got {patience}")
    rows = selected.trials.reset_index(drop=True)
    diverged = rows["diverged_step"].to_numpy(np.float64, na_value=np.inf)
    last = np.minimum(rows["steps"].to_numpy(np.float64), diverged)
    first = diverged
    if event != "diverged":
        seen = _collapse(selected.history, rows, thresholds or thresholds_of(selected.about), patience)
        collapse = np.where(seen <= last, seen, np.inf)  # not after a divergence, which censors it
        first = collapse if event == "collapsed" else np.minimum(diverged, collapse)
    table = rows[list(TRIALS_KEYS)].assign(time=np.minimum(first, last), observed=np.isfinite(first))
    # A replica censored at step 0 was never evaluated and carries no information.
    return table[(table["time"] > 0) | table["observed"]].reset_index(drop=True)


def _collapse(history: pd.DataFrame, rows: pd.DataFrame, thresholds: Thresholds, patience: float) -> Floats:
    """The step at which each replica of `rows` is first found collapsed, inf where it never is."""
    keys = list(TRIALS_KEYS)
    replicas, measured = curves(history, ["diverged", "mode_fraction"])
    if len(replicas) and np.isnan(measured.value("mode_fraction")).all():
        raise ValueError("event: collapse needs the measurement mode_fraction, which these data do not have")
    budget = (
        rows["config.steps"]
        if "config.steps" in rows
        else rows.groupby("study", observed=True)["steps"].transform("max")
    )
    budgets = rows[keys].assign(budget=budget.to_numpy(np.float64))
    own = replicas.merge(budgets, on=keys, how="left", validate="one_to_one")["budget"].to_numpy()
    found = replicas.assign(step=_first_collapse(measured, thresholds.modes, patience * own))
    joined = rows[keys].merge(found, on=keys, how="left", validate="one_to_one")["step"]
    return joined.fillna(np.inf).to_numpy(np.float64)


def _first_collapse(measured: Curves, fraction: float, grace: Floats) -> Floats:
    """(N,) the first step at which coverage is under `fraction` after it was not, or after `grace` (N,) is over."""
    share = measured.value("mode_fraction")
    reached = np.logical_or.accumulate(share >= fraction, axis=1)
    down = measured.present & (share < fraction) & (reached | (measured.steps >= grace[:, None]))
    down &= ~(measured.value("diverged") > 0)
    steps: Floats = np.where(down, measured.steps, np.inf).min(axis=1, initial=np.inf)
    return steps


def _test(parts: dict[str, pd.DataFrame], captures: Captures) -> LogRank:
    samples = [(part["time"].to_numpy(), part["observed"].to_numpy()) for part in parts.values()]
    if captures == "both":
        found = clustered(samples, [part["trial_id"].astype(str).to_numpy() for part in parts.values()])
        method = "log-rank scores of configurations, F approximation"
    else:
        found = two_samples(*samples) if len(samples) == 2 else k_samples(samples)
        method = "log-rank"
    statistic, df, p = found
    return LogRank(tuple(parts), statistic, df, p, p, method, captures)
