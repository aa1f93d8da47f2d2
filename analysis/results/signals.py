"""The signals that outcomes are judged by: what each replica's curve says, condensed to a few numbers.

All but `diverged` look at the tail, the last part of training (`Thresholds.tail`), or at its last half, the end, and
are medians, means or extremes over their evaluations; `docs/outcomes.md` says what a single lucky or unlucky one does
decide.

`analysis.results.nearness` says when an evaluation is near the data. The *gain* is what a line through the share of
good samples rises by over the tail, in units of their share among fresh real ones.

**Swing, progress and ahead** are factors of the judged metric; one within its noise of 0 counts as at its noise.
The *swing* counts only what sampling noise cannot explain. An evaluation's error is the larger of its own standard
error (`<metric>_error`, or from its interval, where it has one) and the spread of the floor; with error bars of
`noise` such errors, the metric has risen by the factor by which a later bar's lower end is above an earlier one's upper
end, and fallen likewise. The swing is the factor by which it both rose and fell, one of the two within the tail: what
had been reached is lost again, or what was lost comes back. A curve that only falls has none, whatever its shape, nor
one that only rises. *Progress* is the factor by which a line falls over the tail. *Ahead* is the factor by which the
median over the tail's last half is below every evaluation before the tail: improvement to a level never reached before
is learning, to one that was lost before it is part of a swing.

Of `mass_js`, which cannot exceed log 2 and comes close to it where few samples lie on modes, swings are factors of the
odds m / (log 2 - m), proportional to m where m is small: quality that comes and goes is a swing however low it is.
Progress and ahead are told as these odds change in the middle of the range, by exp(4 Δm / log 2): near either end odds
make much of little, and from .65 to .63 or .03 to .02 little was learnt.

KID and MMD are 0 on average where samples are perfect, so that a factor of them means something beside their noise
alone: an evaluation of which no noise is known, neither its own nor the floor's, is not judged by them.

**Off the modes.** Where at no evaluation of the tail as much as `ON_MODES` of the samples are of high quality,
`mass_js` is at its bound whatever the samples do, and the default judges FID instead. Its swings count from `FEW` down,
by their third root: far from the data FID, a squared distance, of one and the same cloud goes up and down several-fold.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from analysis.record.curves import Curves
from analysis.results.hops import hops
from analysis.results.masked import last_half, means, quantiles
from analysis.results.nearness import Floor, column, good_samples, good_share, near, share_of_modes
from analysis.results.thresholds import JUDGED_METRICS, Thresholds

Floats = NDArray[np.float64]
ON_MODES = 0.01  # share of samples of high quality, or among the real ones, under which a replica's lie in no mode
FEW = 0.1  # share of high-quality samples under which swings of FID count too
BOUNDS = {"mass_js": np.log(2)}  # that a metric cannot exceed: near it, changes are told by its odds
SIGNED = ("kid", "mmd")  # about 0, and less, where samples are good: only their noise tells how near 0 is near
LEAST = 5  # evaluations of a tail, where there are as many
INTERVAL_ERRORS = 2 * 2.2621571628  # standard errors in the 95 % interval of kid and mmd, Student's t of ten blocks
TINY, ENDLESS = 1e-300, 1e300
LARGEST = 700.0  # logarithm of a factor, below what overflows


@dataclass(frozen=True)
class OutcomeSignals:
    """The signals of N replicas, (N,) each; NaN where not measured. See the module and `Thresholds`.

    Attributes:
        evaluations: how many the replica has.
        diverged: whether it ever did.
        gradient_norm: the generator's, median over the end.
        held: share of the modes with at least a tenth of their mass, of those that real samples give as much, median
            over the tail.
        on_modes: share of high-quality samples, or the precision where these are not told, the most in the tail.
        hop_rate: mean hop over the tail, without the one evaluation of it that most mass visits and leaves again; or
            the largest in its end, if that is less.
        near: share of the tail's evaluations that are near the data.
        near_end: share of the end's evaluations that are.
        gain: what the share of good samples rises by over the tail, in units of the floor's.
        swing: factor by which the metric both rose and fell, one of the two within the tail, 1 or more.
        progress: factor by which the metric improved over the tail.
        ahead: factor by which the end of the tail is better than all that came before the tail.
        settled: share of a Dirac-GAN's map that has converged, at the last evaluation.
    """

    evaluations: NDArray[np.int64]
    diverged: NDArray[np.bool_]
    gradient_norm: Floats
    held: Floats
    on_modes: Floats
    hop_rate: Floats
    near: Floats
    near_end: Floats
    gain: Floats
    swing: Floats
    progress: Floats
    ahead: Floats
    settled: Floats


def derive(measured: Curves) -> Curves:
    """Add the record's derived measurements, shares of the modes and `hop`, where there are mode histograms.

    There is no hop across a gap, where the record lacks an evaluation between two.

    Records from before `modes_held` and `modes_covered` were measured get them from the histogram, as if all modes
    weighed the same, and from `modes`.
    """
    counts = measured.values.get("mode_histogram")
    if counts is None or counts.ndim < 3:  # not measured, or null for every replica
        return measured
    modes = counts.shape[-1]
    captured = measured.value("modes")
    held, covered = (measured.values.get(name) for name in ("modes_held", "modes_covered"))
    if held is None:
        enough = counts >= 0.1 * counts.sum(-1, keepdims=True) / modes
        held = np.where(counts.sum(-1) > 0, enough.sum(-1), np.nan)
    added = {
        "mode_fraction": captured / modes,
        "held_fraction": held / modes,
        "covered_fraction": (captured if covered is None else covered) / modes,
        "hop": np.where(measured.adjacent, hops(counts), np.nan),
    }
    return replace(measured, values={**measured.values, **added})


def with_counted_modes(measured: Curves) -> Curves:
    """Curves of a record from before held and covered modes were counted take the captured ones, `mode_fraction`."""
    captured = measured.value("mode_fraction")
    filled = {name: measured.value(name) for name in ("held_fraction", "covered_fraction")}
    filled = {name: np.where(np.isnan(values), captured, values) for name, values in filled.items()}
    return replace(measured, values={**measured.values, **filled})


def signals(measured: Curves, floor: Floor = Floor(), thresholds: Thresholds = Thresholds()) -> OutcomeSignals:
    """The signals that outcomes depend on, from curves with derived measurements (as of `derive` or a record)."""
    tail = measured.tail(thresholds.tail, LEAST)
    end = last_half(tail)
    diverged: NDArray[np.bool_] = np.any(measured.present & (measured.value("diverged") > 0), axis=1)
    on_modes = quantiles(good_samples(measured), tail, 1.0)
    hop = measured.value("hop")
    judged = _judged(measured, floor, thresholds.metric, on_modes < ON_MODES)
    close, good = near(measured, floor, thresholds), good_share(measured, floor)
    return OutcomeSignals(
        evaluations=measured.lengths,
        diverged=diverged,
        gradient_norm=quantiles(measured.value("gradient_norm_generator"), end, 0.5),
        held=quantiles(share_of_modes(measured, floor, "held"), tail, 0.5),
        on_modes=on_modes,
        hop_rate=np.fmin(_moved(hop, tail), quantiles(hop, end, 1.0)),
        near=means(close, tail),
        near_end=means(close, end),
        gain=_line(good, tail & np.isfinite(good)),
        swing=_swings(measured, floor, thresholds, tail, on_modes),
        progress=np.exp(np.clip(-_line(judged.level(), tail & np.isfinite(judged.metric)), -LARGEST, LARGEST)),
        ahead=_ahead(judged, measured.present, tail),
        settled=measured.last("dirac_converged"),
    )


@dataclass(frozen=True)
class _Judged:
    """The judged metric (N, T), its errors (N, T), and the bound (N, 1) that it cannot exceed, inf where none."""

    metric: Floats
    error: Floats
    bound: Floats

    def ends(self, bars: float) -> tuple[Floats, Floats]:
        """The logarithms (N, T) of the lower and the upper ends of error bars of so many errors."""
        bar, value = bars * self.error, np.maximum(self.metric, self.error)
        return np.log(np.maximum(value - bar, TINY)), np.log(np.maximum(value + bar, TINY))

    def level(self) -> Floats:
        """The metric (N, T) on the scale whose differences are logarithms of progress."""
        level = np.log(np.maximum(np.maximum(self.metric, self.error), TINY))
        found: Floats = np.where(np.isfinite(self.bound), 4 * (self.metric / self.bound), level)
        return found

    def odds(self, logarithms: Floats) -> Floats:
        """The logarithm of the odds value / (bound - value), from the value's; the same where there is no bound."""
        bounded = np.isfinite(self.bound)
        rest = np.maximum(self.bound - np.exp(np.where(bounded, logarithms, -np.inf)), TINY)
        found: Floats = logarithms - np.where(bounded, np.log(rest), 0.0)
        return found


def _judged(measured: Curves, floor: Floor, name: str | None, off_modes: NDArray[np.bool_]) -> _Judged:
    """The judged metric; by default `mass_js`, but `fid` of the replicas (N,) that lack it or are off all modes."""
    if name is not None:
        return _one(measured, floor, name)
    first, second = (_one(measured, floor, one) for one in JUDGED_METRICS)
    blind = ~np.isfinite(first.metric).any(1) | off_modes
    turn = (blind & np.isfinite(second.metric).any(1))[:, None]
    return _Judged(*(np.where(turn, getattr(second, f.name), getattr(first, f.name)) for f in fields(_Judged)))


def _one(measured: Curves, floor: Floor, name: str) -> _Judged:
    """One metric; an error is 0 where nothing is known of it, and the value then NaN of a metric of `SIGNED`."""
    own = measured.value(f"{name}_error")
    interval = (measured.value(f"{name}_high") - measured.value(f"{name}_low")) / INTERVAL_ERRORS
    error = np.nan_to_num(np.fmax(np.fmax(own, interval), column(floor.noise(name))), posinf=ENDLESS)
    value = measured.value(name)
    known = np.isfinite(value)  # a distance may overflow long before a replica diverges
    finite = np.where(known & (error > 0) if name in SIGNED else known, value, np.nan)
    return _Judged(finite, error, np.full((len(own), 1), BOUNDS.get(name, np.inf)))


def _swings(
    measured: Curves, floor: Floor, thresholds: Thresholds, tail: NDArray[np.bool_], on_modes: Floats
) -> Floats:
    """(N,) the swing of the judged metric; by default that of FID's third root instead, where it is larger and few
    samples (N,) lie on modes."""
    own = _judged(measured, floor, thresholds.metric, np.zeros(on_modes.shape, np.bool_))
    swing = _swing(own, measured.present, tail, thresholds.noise)
    if thresholds.metric is not None:
        return swing
    of_fid = _swing(_one(measured, floor, "fid"), measured.present, tail, thresholds.noise)
    return np.where(on_modes < FEW, np.fmax(swing, np.cbrt(of_fid)), swing)


def _swing(judged: _Judged, present: NDArray[np.bool_], tail: NDArray[np.bool_], bars: float) -> Floats:
    """(N,) the factor by which the metric both rose and fell, one of the two within the tail; NaN without values."""
    known = np.isfinite(judged.metric)
    if known.shape[1] == 0:
        return np.full(len(known), np.nan)
    bottom, top = map(judged.odds, judged.ends(bars))

    def largest(part: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        low, high = np.where(part, bottom, -np.inf), np.where(part, top, np.inf)
        rise = np.max(low - np.minimum.accumulate(high, axis=1), axis=1)
        return rise, np.max(np.maximum.accumulate(low, axis=1) - high, axis=1)

    (rise, fall), (any_rise, any_fall) = largest(tail & known), largest(present & known)
    swing = np.maximum(np.minimum(rise, any_fall), np.minimum(any_rise, fall))
    found: Floats = np.where((tail & known).any(1), np.exp(np.clip(swing, 0.0, LARGEST)), np.nan)
    return found


def _line(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """(N,) what a line through each row's used values (N, T) rises by from the first of them to the last.

    NaN where there are fewer than three.
    """
    place = np.cumsum(used, axis=1, dtype=np.float64)
    count = used.sum(1)
    x = np.where(used, place - means(place, used)[:, None], 0.0)
    y = np.where(used, values - means(values, used)[:, None], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = (count - 1) * (x * y).sum(1) / (x**2).sum(1)
    return np.where(count > 2, rise, np.nan)


def _ahead(judged: _Judged, present: NDArray[np.bool_], tail: NDArray[np.bool_]) -> Floats:
    """(N,) the factor by which the median level of the tail's last half is below the least before the tail, the first
    evaluation being before it also where it is part of it; NaN without values."""
    level = judged.level()
    before = present & np.isfinite(level) & (~tail | (np.arange(level.shape[1]) == 0))
    least = np.min(np.where(before, level, np.inf), axis=1, initial=np.inf)
    found: Floats = np.exp(np.clip(least - quantiles(level, last_half(tail), 0.5), -LARGEST, LARGEST))
    return np.where(np.isfinite(least), found, np.nan)


def _moved(hop: Floats, tail: NDArray[np.bool_]) -> Floats:
    """(N,) the mean hop over the tail, or without the one evaluation that most mass visits and leaves again, if that is
    less; NaN where there are none.

    Without an evaluation the hops h to it and h' from it are one, which is |h - h'| or more; without the last there is
    no hop to it, and whether mass would have left it again is not known. A single hop stays.
    """
    used = tail & np.isfinite(hop)
    away = np.where(used, hop, 0.0)
    back = np.pad(away[:, 1:], ((0, 0), (0, 1)))
    last = tail & ~np.pad(tail[:, 1:], ((0, 0), (0, 1)))
    visit = np.max(np.where(last, away, 2 * np.minimum(away, back)), axis=1, initial=0.0)
    total, count = away.sum(1), used.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.fmin(total / count, np.where(count > 1, (total - visit) / (count - 1), np.nan))
    return found
