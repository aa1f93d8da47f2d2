"""Whether several arms' times to an event differ: the log-rank test (Mantel 1966; Peto & Peto 1972) of k samples.

Every replica scores δ - H(x): whether it had the event, less the pooled Nelson-Aalen hazard up to its time. An arm's
sum of scores is its observed events less those expected of it were all arms alike.

- Replicas independent (seeds): chi-squared of the sums with the hypergeometric variance, for two samples the square of
  `scipy.stats.logrank`.
- Replicas in configurations (both): configurations are the sampled units, so that their sums of scores are compared
  between arms, as ranks are by Kruskal and Wallis, with the permutation variance of configurations over arms and the F
  distribution for the p-value (Iman & Davenport 1976).

Without any event the arms cannot be compared: statistic and p are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import CensoredData, chi2, f, logrank

from analysis.statistics.intervals import Floats, numbered, summed

Sample = tuple[ArrayLike, ArrayLike]  # times (n,), and whether the event was seen or (False) censored (n,)


def two_samples(a: Sample, b: Sample) -> tuple[float, int, float]:
    """Chi-squared, its degrees of freedom and p-value of two samples of independent replicas, by scipy."""
    if not (np.any(a[1]) or np.any(b[1])):
        return float("nan"), 1, float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        found = logrank(censored(*a), censored(*b))
    return float(found.statistic**2), 1, float(found.pvalue)


def k_samples(samples: Sequence[Sample]) -> tuple[float, int, float]:
    """Chi-squared, its degrees of freedom and p-value of k samples of independent replicas."""
    time, event, arm = _joined(samples)
    k = len(samples)
    at = np.unique(time[event])
    risk = np.array([_at_risk(time[arm == place], at) for place in range(k)])
    deaths = np.array([_at(time[(arm == place) & event], at) for place in range(k)])
    total, died = risk.sum(0), deaths.sum(0)
    share = risk / total
    excess = (deaths - share * died).sum(1)
    scale = np.where(total > 1, died * (total - died) / np.maximum(total - 1, 1), 0.0)
    variance = np.diag(share @ scale) - (share * scale) @ share.T
    if not scale.any():
        return float("nan"), k - 1, float("nan")
    statistic = float(excess @ np.linalg.pinv(variance, rcond=1e-9, hermitian=True) @ excess)
    return statistic, k - 1, float(chi2.sf(statistic, k - 1))


def clustered(samples: Sequence[Sample], configurations: Sequence[ArrayLike]) -> tuple[float, int, float]:
    """The same for k samples of replicas in configurations; `configurations` has the labels (n,) of each sample."""
    time, event, arm = _joined(samples)
    scores = event - _hazard(time, event)
    sums = [
        summed(scores[arm == place], *numbered(labels, int((arm == place).sum())))
        for place, labels in enumerate(configurations)
    ]
    k, count, all_sums = len(sums), sum(map(len, sums)), np.concatenate(sums)
    whole = float(((all_sums - all_sums.mean()) ** 2).sum())
    if whole == 0 or count <= k:
        return float("nan"), k - 1, float("nan")
    between = sum(len(one) * (one.mean() - all_sums.mean()) ** 2 for one in sums)
    statistic = float((count - 1) * between / whole)
    within = count - 1 - statistic
    ratio = statistic / (k - 1) * (count - k) / within if within > 1e-9 * count else np.inf
    return statistic, k - 1, float(f.sf(ratio, k - 1, count - k))


def censored(time: ArrayLike, event: ArrayLike) -> CensoredData:
    """Times (n,) as scipy takes them, those without the event right-censored."""
    return CensoredData.right_censored(np.asarray(time, np.float64), ~np.asarray(event, np.bool_))


def _joined(samples: Sequence[Sample]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    times = [np.asarray(time, np.float64) for time, _ in samples]
    events = [np.asarray(event, np.bool_) for _, event in samples]
    if len(times) < 2 or not all(map(len, times)):
        raise ValueError(f"samples: expected two or more, none empty, got the sizes {[len(time) for time in times]}")
    arm = np.repeat(np.arange(len(times)), [len(time) for time in times])
    return np.concatenate(times), np.concatenate(events), arm


def _at_risk(time: Floats, at: Floats) -> Floats:
    found: Floats = (len(time) - np.searchsorted(np.sort(time), at)).astype(np.float64)
    return found


def _at(time: Floats, at: Floats) -> Floats:
    found: Floats = np.bincount(np.searchsorted(at, time), minlength=len(at)).astype(np.float64)
    return found


def _hazard(time: Floats, event: NDArray[np.bool_]) -> Floats:
    """The pooled Nelson-Aalen hazard up to and at each time."""
    at = np.unique(time[event])
    steps = np.cumsum(_at(time[event], at) / _at_risk(time, at))
    found: Floats = np.r_[0.0, steps][np.searchsorted(at, time, side="right")]
    return found
