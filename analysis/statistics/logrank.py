"""Whether several arms' times to an event differ: the log-rank test (Mantel 1966; Peto & Peto 1972) of k samples.

Every replica scores δ - H(x): whether it had the event, less the pooled Nelson-Aalen hazard up to its time. An arm's
sum of scores is its observed events less those expected of it were all arms alike.

- Replicas independent (seeds): chi-squared of the sums with the hypergeometric variance, for two samples the square of
  `scipy.stats.logrank`. For few replicas the p-value is that of dealing their scores out to the arms anew, which takes
  censoring to be alike in all arms (`analysis.statistics.permutation`).
- Replicas in configurations (both): configurations are the sampled units, so that their sums of scores are dealt out
  anew.

No p-value is below the least that dealing can give. NaN stands for what no test can say: without any event, or with one
configuration in each arm. Where events were met but tell nothing of the arms, because all fell at one time or only one
arm was left by then, the statistic is 0 and p 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.intervals import Floats, numbered, summed
from analysis.statistics.permutation import few, least, permutation

Sample = tuple[ArrayLike, ArrayLike]  # times (n,), and whether the event was seen or (False) censored (n,)
Counts = NDArray[np.int64]


def two_samples(a: Sample, b: Sample) -> tuple[float, int, float]:
    """Chi-squared, its degrees of freedom and p-value of two samples of independent replicas."""
    return k_samples([a, b])


def k_samples(samples: Sequence[Sample]) -> tuple[float, int, float]:
    """Chi-squared, its degrees of freedom and p-value of k samples of independent replicas.

    The degrees of freedom are one less than the arms that can be compared, which one censored before the first event
    cannot.
    """
    time, event, arm = _joined(samples)
    k = len(samples)
    if not event.any():
        return math.nan, k - 1, math.nan
    at = np.unique(time[event])
    risk = np.array([_at_risk(time[arm == place], at) for place in range(k)])
    deaths = np.array([_at(time[(arm == place) & event], at) for place in range(k)])
    total, died = risk.sum(0), deaths.sum(0)
    share = risk / total
    excess = (deaths - share * died).sum(1)
    scale = np.where(total > 1, died * (total - died) / np.maximum(total - 1, 1), 0.0)
    variance = np.diag(share @ scale) - (share * scale) @ share.T
    rank = int(np.linalg.matrix_rank(variance, rtol=1e-9, hermitian=True))
    if rank == 0:
        return 0.0, k - 1, 1.0
    statistic = float(excess @ np.linalg.pinv(variance, rcond=1e-9, hermitian=True) @ excess)
    sizes = np.bincount(arm).tolist()
    if few(sizes):
        replicas = [np.arange(size) for size in sizes]
        return statistic, rank, clustered(samples, replicas)[2]
    return statistic, rank, max(float(scipy.stats.chi2.sf(statistic, rank)), least(sizes))


def clustered(samples: Sequence[Sample], configurations: Sequence[ArrayLike]) -> tuple[float, int, float]:
    """The same for k samples of replicas in configurations; `configurations` has the labels (n,) of each sample."""
    time, event, arm = _joined(samples)
    if not event.any():
        return math.nan, len(samples) - 1, math.nan
    scores, unit = _scores(time, event)
    sums = [
        summed(scores[arm == place], *numbered(labels, int((arm == place).sum())))
        for place, labels in enumerate(configurations)
    ]
    return permutation([(one / unit).astype(np.float64) for one in sums])


def _joined(samples: Sequence[Sample]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    times = [np.asarray(time, np.float64) for time, _ in samples]
    events = [np.asarray(event, np.bool_) for _, event in samples]
    if len(times) < 2 or not all(map(len, times)):
        raise ValueError(f"samples: expected two or more, none empty, got the sizes {[len(time) for time in times]}")
    arm = np.repeat(np.arange(len(times)), [len(time) for time in times])
    return np.concatenate(times), np.concatenate(events), arm


def _at_risk(time: Floats, at: Floats) -> Counts:
    found: Counts = len(time) - np.searchsorted(np.sort(time), at)
    return found


def _at(time: Floats, at: Floats) -> Counts:
    return np.bincount(np.searchsorted(at, time), minlength=len(at))


def _scores(time: Floats, event: NDArray[np.bool_]) -> tuple[NDArray[np.object_], int]:
    """Every replica's score (N,), in whole numbers of one unit: sums that are equal remain so."""
    at = np.unique(time[event])
    risk, deaths = (list(map(int, counts)) for counts in (_at_risk(time, at), _at(time[event], at)))
    unit = math.lcm(*risk)
    hazard = np.array([0, *accumulate(died * (unit // left) for died, left in zip(deaths, risk, strict=True))], object)
    found: NDArray[np.object_] = event.astype(object) * unit - hazard[np.searchsorted(at, time, side="right")]
    return found, unit
