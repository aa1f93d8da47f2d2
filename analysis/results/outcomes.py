"""The outcome of a replica: one pure function of its curve, with every threshold in `Thresholds`.

Checked in this order; the first that holds is the outcome:

- `diverged`: a loss, parameter or sample was not finite or exceeded a bound, at any time; or the trial
  ended because its every replica had diverged.
- `failed`: the trial raised. `truncated`: the scheduler stopped it before its budget: right-censored, not a failure.
- `frozen`: the generator's gradient is negligible at the end although its samples are not near the data.
- `learning`: the judged metric improves over the tail, and ends ahead of all before by as much as a swing.
- `hopping`: mode mass keeps moving between modes, to the end.
- `collapsed`: the samples lie in too few modes, by the tail's median; samples that lie in none are no collapse.
- `learning`: the metric improves, and ends ahead of all before, if by less: the budget was too short to tell.
- `oscillating`: quality that had been reached is lost again, by more than noise explains.
- `converged`: settled, and near the data. `stalled`: settled, but far from them.

Samples that are near the data at all but a few of the tail's evaluations (`STEADY`) do not oscillate: what moves then
makes no difference. Those near the data at the end learn only if good ones become more frequent by as much as matters
(`gain`). A map of Dirac-GANs has converged if any of its cells has, and oscillates if none has. A measurement that was
not taken (NaN) fulfils no condition: data without modes do not collapse. Where nothing else holds and nearness cannot
be told, as where no floor was measured, the outcome is the empty text.

`analysis.results.signals` says how each signal is computed, `analysis.wording.OUTCOME_MEANINGS` what outcomes mean.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.record.curves import Curves, curves
from analysis.record.loading import Record
from analysis.record.schema import HISTORY, OUTCOMES, TRIALS_KEYS
from analysis.results.masked import under
from analysis.results.nearness import Floor
from analysis.results.signals import ON_MODES, OutcomeSignals, derive, signals, with_counted_modes
from analysis.results.thresholds import NOISE_KNOWN, Thresholds

ENDED = ("completed", "diverged", "truncated", "failed")
JUDGED = (
    "diverged", "mode_fraction", "held_fraction", "covered_fraction", "modes_held", "modes_covered",
    "gradient_norm_generator", "high_quality", "precision", "coverage", "hop",
    "dirac_converged", "fid", "fid_error", "mass_js", "mass_js_error",
)  # fmt: skip
DECLARED = frozenset(column.name for column in HISTORY)
FEATURES = "config.evaluation.features"
STEADY = 0.75  # share of the tail's evaluations near the data
SHOWN = ("held", "hop_rate", "near", "swing", "progress")  # the signals that a record keeps
SIGNALS = tuple(field.name for field in fields(OutcomeSignals))


def verdicts(seen: OutcomeSignals, status: ArrayLike, thresholds: Thresholds = Thresholds()) -> NDArray[np.str_]:
    """The outcome of each replica, (N,) of `OUTCOMES`, or "" where it cannot be told.

    Args:
        seen: the signals of N replicas.
        status: how each replica's trial ended, one of `ENDED` for all or (N,) of them.
        thresholds: of the outcomes.

    Raises:
        ValueError: a status is none of `ENDED`, or a completed replica has no evaluation to be judged by.
    """
    ended = np.broadcast_to(np.asarray(status, np.str_), seen.diverged.shape)
    if not np.isin(ended, ENDED).all():
        wrong = ended[~np.isin(ended, ENDED)][0]
        raise ValueError(f"status: expected one of {', '.join(ENDED)}, got {wrong!s}; a running trial has no outcome")
    if (np.isin(ended, ("completed", "diverged")) & (seen.evaluations == 0)).any():
        raise ValueError("a replica of a completed trial has no evaluation to be judged by")
    near = seen.near_end >= 0.5
    improving = (seen.progress >= thresholds.progress) & (~near | (seen.gain >= thresholds.gain))
    rules = [
        ("diverged", seen.diverged | (ended == "diverged")),  # its every replica did: what would show it is lost
        ("failed", ended == "failed"),
        ("truncated", ended == "truncated"),
        ("converged", seen.settled > 0),
        ("oscillating", seen.settled == 0),
        ("frozen", under(seen.gradient_norm, thresholds.gradient_norm) & ~near),
        ("learning", improving & (seen.ahead >= thresholds.swing)),
        ("hopping", seen.hop_rate > thresholds.hop_rate),
        ("collapsed", under(seen.held, thresholds.modes) & ~(seen.on_modes < ON_MODES)),
        ("learning", improving & (seen.ahead > 1)),
        ("oscillating", (seen.swing >= thresholds.swing) & ~(seen.near >= STEADY)),
        ("converged", near),
        ("stalled", seen.near_end < 0.5),
    ]
    return np.select([held for _, held in rules], [np.str_(name) for name, _ in rules], np.str_(""))


def judge(
    measured: Curves, status: ArrayLike, floor: Floor = Floor(), thresholds: Thresholds = Thresholds()
) -> NDArray[np.str_]:
    """The outcome of each replica from its measured curves: `derive`, `signals`, `verdicts`; errors as there."""
    return verdicts(signals(derive(measured), floor, thresholds), status, thresholds)


RecordCurves = tuple[
    pd.DataFrame, Curves, Floor
]  # the replicas' keys, their curves in this order, and each one's floor


def record_curves(record: Record, thresholds: Thresholds) -> RecordCurves:
    """What the replicas of a record are judged by; of the thresholds it depends on the metric alone.

    Raises ValueError where the metric was not measured, but others were that can be judged.
    """
    keys = list(TRIALS_KEYS)
    known = [name for name in NOISE_KNOWN if name in record.history and record.history[name].notna().any()]
    if thresholds.metric is not None and known and thresholds.metric not in known:
        raise ValueError(f"outcomes.metric: expected one of {', '.join(known)}, or null, got {thresholds.metric!r}")
    replicas, measured = curves(record.history, judged_columns(thresholds))
    own = replicas.merge(record.trials.drop_duplicates(keys), on=keys, how="left", validate="one_to_one")
    return replicas, with_counted_modes(measured), floor_of_rows(own)


def judge_record(
    record: Record, thresholds: Thresholds = Thresholds(), prepared: RecordCurves | None = None
) -> pd.DataFrame:
    """Judge a whole record: one row per replica of `record.trials`, in its order and with its index.

    `prepared` is what `record_curves` gives of this record or one with more rows, for those who judge it several times.

    Columns are the replica's keys, the `OutcomeSignals`, and `outcome`, which is null for a trial still running, for
    one that ended but whose evaluations are all lost, and where it cannot be told.
    """
    keys = list(TRIALS_KEYS)
    replicas, measured, floor = prepared or record_curves(record, thresholds)
    seen = signals(measured, floor, thresholds)
    table = replicas.assign(**{name: getattr(seen, name) for name in SIGNALS})
    judged = record.trials[[*keys, "status"]].merge(table, on=keys, how="left", validate="one_to_one")
    judged = judged.fillna({"evaluations": 0, "diverged": False}).astype({"evaluations": "int64", "diverged": "bool"})
    lost = judged["status"].isin(("completed", "diverged")) & (judged["evaluations"] == 0)
    ended = ((judged["status"] != "running") & ~lost).to_numpy()
    outcome = np.full(len(judged), "", dtype=object)
    outcome[ended] = verdicts(signals_of(judged[ended]), judged.loc[ended, "status"].to_numpy(np.str_), thresholds)
    judged["outcome"] = pd.Categorical([name or None for name in outcome], OUTCOMES)
    return judged.drop(columns="status").set_index(record.trials.index)


def judged_afresh(record: Record, thresholds: Thresholds = Thresholds()) -> Record:
    """The record with every replica's outcome and signals as this version's rule has them."""
    judged = judge_record(record, thresholds)
    columns = {name: judged[name] for name in ("outcome", *SHOWN)}
    return replace(record, trials=record.trials.assign(**columns))


def judged_columns(thresholds: Thresholds) -> list[str]:
    """The columns of a record's history that outcomes are judged by."""
    metric = thresholds.metric
    own = () if metric is None else (metric, *(f"{metric}_{end}" for end in ("error", "low", "high")))
    return [name for name in dict.fromkeys([*JUDGED, *own]) if name in DECLARED]


def floor_of_rows(trials: pd.DataFrame) -> Floor:
    """The floor of each row of a record's trials, by its columns `floor.*` and `floor_spread.*` and their features."""

    def family(prefix: str) -> dict[str, NDArray[np.float64]]:
        found = [str(name) for name in trials if str(name).startswith(prefix)]
        return {name.removeprefix(prefix): trials[name].to_numpy(np.float64, na_value=np.nan) for name in found}

    return Floor(family("floor."), family("floor_spread."), in_raw_features(trials).to_numpy())


def in_raw_features(trials: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of a record's trials are measured in the data themselves."""
    return trials[FEATURES] == "raw" if FEATURES in trials else pd.Series(False, trials.index)


def signals_of(judged: pd.DataFrame) -> OutcomeSignals:
    """The signals in the rows of what `judge_record` returns."""
    return OutcomeSignals(**{name: judged[name].to_numpy() for name in SIGNALS})
