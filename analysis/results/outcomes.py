"""The outcome of a replica: one pure function of its curve, with every threshold in `Thresholds`.

Checked in this order; the first that holds is the outcome:

- `diverged`: a loss, parameter or sample was not finite or exceeded a bound, at any time.
- `failed`: the trial raised. `truncated`: the scheduler stopped it before its budget: right-censored, not a failure.
- `vanished`: the critic separates real from generated samples, the generator's gradient is negligible, quality is bad.
- `collapsed`: at the last evaluation fewer than a fraction of the modes is captured.
- `oscillating`: covers the modes, but hops between them or varies in quality; or a map of Dirac-GANs with no cell
  converged.
  `converged`: none of these.

`vanished` is checked before `collapsed`, because a generator that never learned covers no mode either and would
otherwise nearly always count as collapsed. A measurement that was not taken (NaN)
fulfils no condition: data without modes do not collapse.

**Hop rate.** Mode hopping is mode mass that moves between evaluations. For mode histograms of n and n' samples, `hop`
is their total variation less the part due to sampling noise: the mean total variation over all ways of redistributing
the n + n' samples. A mode with m of them then has a hypergeometric number X of the first n, and E|X − EX| = 2 g(ν) / (n
+ n'), with g(ν) = ν (n' − m + ν) P(X = ν) and ν = ⌊EX⌋ + 1 (De Moivre's summation; Diaconis & Zabell 1991). For a
generator that does not change, hops thus average to exactly 0 whatever the modes' weights, single ones being negative;
a complete move gives nearly 1. The hop rate is the mean hop per evaluation interval.

**Oscillation.** The interquartile range of a metric over the last part of training, divided by |median|.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.record.curves import Curves, curves
from analysis.record.loading import Record
from analysis.record.schema import TRIALS_KEYS
from analysis.results.thresholds import Thresholds
from analysis.statistics.binomials import log_choose

OUTCOMES = ("converged", "oscillating", "collapsed", "vanished", "diverged", "truncated", "failed")
ENDED = ("completed", "diverged", "truncated", "failed")
JUDGED = (
    "diverged", "mode_fraction", "critic_accuracy", "gradient_norm_generator", "high_quality", "precision", "hop",
    "dirac_converged",
)  # fmt: skip
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutcomeSignals:
    """The signals that outcomes are judged by, (N,) each over replicas; NaN where not measured. See `Thresholds`."""

    evaluations: NDArray[np.int64]
    diverged: NDArray[np.bool_]
    mode_fraction: Floats
    critic_accuracy: Floats
    gradient_norm: Floats
    quality: Floats
    hop_rate: Floats
    oscillation: Floats
    settled: Floats  # share of a Dirac-GAN's map, at the last evaluation


def multinomial_noise(first: ArrayLike, second: ArrayLike) -> Floats:
    """Expected total variation (…,) between two samples of one distribution, given the sizes and pooled counts of two
    histograms (…, K).

    NaN where a sample is empty.
    """
    counts, others = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n, rest = counts.sum(-1, keepdims=True), others.sum(-1, keepdims=True)
    held = counts + others
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.floor(held * n / (n + rest)) + 1
        left = rest - held + above
        possible = (above <= held) & (above <= n) & (left > 0)
        chance = log_choose(held, above) + log_choose(n + rest - held, n - above) - log_choose(n + rest, n)
        summed = np.where(possible, above * left * np.exp(chance), 0.0)
        noise: Floats = (summed / (n * rest)).sum(-1)
    return noise


def hops(histograms: ArrayLike) -> Floats:
    """Mode mass moved between each evaluation and the previous one, less sampling noise.

    Args:
        histograms: (…, T, K) counts of samples by mode.

    Returns:
        (…, T), NaN at the first evaluation and where a histogram is empty.
    """
    counts = np.asarray(histograms, np.float64)
    moved = np.full(counts.shape[:-1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / counts.sum(-1, keepdims=True)
    distance = 0.5 * np.abs(np.diff(share, axis=-2)).sum(-1)
    moved[..., 1:] = distance - multinomial_noise(counts[..., :-1, :], counts[..., 1:, :])
    return moved


def derive(measured: Curves) -> Curves:
    """Add the record's derived measurements, `mode_fraction` and `hop`, where there are mode histograms."""
    counts = measured.values.get("mode_histogram")
    if counts is None or counts.ndim < 3:  # not measured, or null for every replica
        return measured
    fraction = measured.value("modes") / counts.shape[-1]
    return replace(measured, values={**measured.values, "mode_fraction": fraction, "hop": hops(counts)})


def signals(measured: Curves, thresholds: Thresholds = Thresholds()) -> OutcomeSignals:
    """The signals that outcomes depend on, from curves with derived measurements (as of `derive` or a record)."""
    tail = measured.tail(thresholds.tail)

    def middle(name: str) -> Floats:
        return quantiles(measured.value(name), tail, 0.5)

    metric = measured.value(thresholds.metric)
    diverged: NDArray[np.bool_] = np.any(measured.present & (measured.value("diverged") > 0), axis=1)
    low, centre, high = (quantiles(metric, tail, q) for q in (0.25, 0.5, 0.75))
    # A constant metric does not oscillate, even at 0: centre - centre is 0 for finite values, NaN for all others.
    with np.errstate(divide="ignore", invalid="ignore"):
        swing = np.where(high > low, (high - low) / np.abs(centre), centre - centre)
    quality = middle("high_quality")
    return OutcomeSignals(
        evaluations=measured.lengths,
        diverged=diverged,
        mode_fraction=measured.last("mode_fraction"),
        critic_accuracy=middle("critic_accuracy"),
        gradient_norm=middle("gradient_norm_generator"),
        quality=np.where(np.isnan(quality), middle("precision"), quality),
        hop_rate=means(measured.value("hop"), tail),
        oscillation=swing,
        settled=measured.last("dirac_converged"),
    )


def verdicts(seen: OutcomeSignals, status: ArrayLike, thresholds: Thresholds = Thresholds()) -> NDArray[np.str_]:
    """The outcome of each replica, (N,) of `OUTCOMES`.

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
    separated = (seen.critic_accuracy >= thresholds.critic_accuracy) & (seen.gradient_norm < thresholds.gradient_norm)
    swinging = (seen.hop_rate > thresholds.hop_rate) | (seen.oscillation > thresholds.oscillation)
    rules = [
        ("diverged", seen.diverged),
        ("failed", ended == "failed"),
        ("truncated", ended == "truncated"),
        ("vanished", separated & (seen.quality < thresholds.quality)),
        ("collapsed", seen.mode_fraction < thresholds.modes),
        ("oscillating", swinging | (seen.settled == 0)),
    ]
    return np.select([held for _, held in rules], [np.str_(name) for name, _ in rules], np.str_("converged"))


def judge(measured: Curves, status: ArrayLike, thresholds: Thresholds = Thresholds()) -> NDArray[np.str_]:
    """The outcome of each replica from its measured curves: `derive`, `signals`, `verdicts`; errors as there."""
    return verdicts(signals(derive(measured), thresholds), status, thresholds)


def judge_record(record: Record, thresholds: Thresholds = Thresholds()) -> pd.DataFrame:
    """Judge a whole record again: one row per replica of `record.trials`, in its order and with its index.

    Columns are the replica's keys, the `OutcomeSignals`, and `outcome`, which is null for a trial still running, and
    for one that ended but whose evaluations are all lost.
    """
    replicas, measured = curves(record.history, list(dict.fromkeys([*JUDGED, thresholds.metric])))
    seen = signals(measured, thresholds)
    table = replicas.assign(**{f.name: getattr(seen, f.name) for f in fields(seen)})
    keys = list(TRIALS_KEYS)
    judged = record.trials[[*keys, "status"]].merge(table, on=keys, how="left", validate="one_to_one")
    judged = judged.fillna({"evaluations": 0, "diverged": False}).astype({"evaluations": "int64", "diverged": "bool"})
    lost = judged["status"].isin(("completed", "diverged")) & (judged["evaluations"] == 0)
    ended = ((judged["status"] != "running") & ~lost).to_numpy()
    columns = {f.name: judged.loc[ended, f.name].to_numpy() for f in fields(seen)}
    outcome = np.full(len(judged), None, dtype=object)
    outcome[ended] = verdicts(OutcomeSignals(**columns), judged.loc[ended, "status"].to_numpy(np.str_), thresholds)
    judged["outcome"] = pd.Categorical(outcome, OUTCOMES)
    return judged.drop(columns="status").set_index(record.trials.index)


def means(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Mean of the finite masked entries of each row of (N, T); NaN where there are none."""
    used = mask & np.isfinite(values)
    with np.errstate(invalid="ignore"):
        total: Floats = np.where(used, values, 0.0).sum(1) / used.sum(1)
    return total


def quantiles(values: Floats, mask: NDArray[np.bool_], q: float) -> Floats:
    """Linear quantile of the masked entries of each row of (N, T), NaNs left out; NaN where there are none.

    As `numpy.nanquantile` row by row, a hundred times faster on many short rows.
    """
    used = mask & ~np.isnan(values)
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    ordered = np.sort(np.where(used, values, np.nan), axis=1)
    place = q * np.maximum(used.sum(1) - 1, 0)
    below = np.floor(place).astype(np.int64)[:, None]
    low = np.take_along_axis(ordered, below, 1)[:, 0]
    high = np.take_along_axis(ordered, np.ceil(place).astype(np.int64)[:, None], 1)[:, 0]
    with np.errstate(invalid="ignore"):
        between: Floats = np.where(low == high, low, low + (high - low) * (place - below[:, 0]))
    return between
