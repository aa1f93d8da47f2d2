"""Every pair of arms tested where arms were searched several times: as `analysis.results.effects`, by repeats.

The unit is the repeat, one search with what it chose, and seeds are crossed over arms and repeats; the method is that
of `analysis.statistics.repeats`. An arm that was searched once is compared by the variance between the repeats of the
others. Of several configurations that one search chose, the first in each repeat are taken to stand for each other, and
so on, each of them on seeds of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.results.effects import ALL, Effect, Sample, Scale, Shift
from analysis.statistics import repeats
from analysis.statistics.crossed import repeat_weights, table
from analysis.statistics.intervals import Floats, Interval
from analysis.statistics.restricted_mean import pseudo_times

TEST = "Student’s t of the arms’ repeats, crossed with seeds"


def by_rank(
    samples: Sequence[Sample], *, scale: Scale = "difference", sign: int = 1, confidence: float = 0.95
) -> tuple[Effect, ...]:
    """The probability that a replica of one arm is better than one of the other; arguments as for
    `analysis.results.effects.by_rank`."""
    costs = cells(samples, [one.values for one in samples])
    found = repeats.by_rank(costs)
    weights = repeat_weights(costs)
    reach = found.reach(confidence, simultaneous=True)
    shifts = []
    for (a, b), far in zip(found.pairs, reach, strict=True):
        estimate, low, high = _shift(costs[[a, b]], weights[[a, b]], float(far), scale)
        method = "Hodges and Lehmann’s of repeats, by inversion"
        interval = Interval(estimate, low, high, int((weights[[a, b]] > 0).sum()), method, "both", confidence)
        shifts.append(Shift(scale, interval if sign == 1 else interval.negated()))
    suspect = repeats.may_end_wholly(costs, 1 - confidence)
    by_searches = _alone(_effects(samples, found, 1, confidence, shifts), repeats.by_searches_rank(costs), confidence)
    return tuple(one if held else replace(one, alone=None) for one, held in zip(by_searches, suspect, strict=True))


def by_share(samples: Sequence[Sample], *, sign: int = 1, confidence: float = 0.95) -> tuple[Effect, ...]:
    """The difference of the shares of replicas for which something held; arguments as for
    `analysis.results.effects.by_share`."""
    held = [(one.values > 0).astype(np.float64) for one in samples]
    return _by_mean(samples, held, 1.0, sign, confidence)


def by_time(
    samples: Sequence[Sample], observed: Sequence[NDArray[np.bool_]], horizon: float, *, confidence: float = 0.95
) -> tuple[Effect, ...]:
    """How much longer the first arm goes without an event; arguments as for `analysis.results.effects.by_time`."""
    times = [pseudo_times(one.values, met, horizon) for one, met in zip(samples, observed, strict=True)]
    return _by_mean(samples, times, horizon, 1, confidence)


def p_by_rank(samples: Sequence[Sample]) -> dict[tuple[str, str], float]:
    """p of each pair of arms alone, as `by_rank` has it."""
    found = repeats.by_rank(cells(samples, [one.values for one in samples]))
    return {(samples[a].arm, samples[b].arm): float(p) for (a, b), p in zip(found.pairs, found.p, strict=True)}


def gain_of_seeds(samples: Sequence[Sample]) -> float:
    """The part of the variance of an arm's mean place that ever more seeds would take off, at most; costs as for
    `by_rank`."""
    return float(repeats.gain_of_seeds(cells(samples, [one.values for one in samples])))


def cells(samples: Sequence[Sample], values: Sequence[Floats]) -> Floats:
    """Values of each sample's replicas (N,) as a crossed table (k, m, S)."""
    arms = np.repeat([one.arm for one in samples], [len(one.values) for one in samples])
    repeat, seed = (np.concatenate([getattr(one, name) for one in samples]) for name in ("repeat", "seed"))
    place = np.concatenate([_places(one) for one in samples])
    seeds = np.unique(np.stack([place, seed]), axis=1, return_inverse=True)[1].ravel()
    return table(np.concatenate(values), arms, repeat, seeds, [one.arm for one in samples])


def _places(sample: Sample) -> NDArray[np.int64]:
    """The place (N,) of each replica's configuration among those that its search chose."""
    place = np.zeros(len(sample.values), np.int64)
    for repeat in np.unique(sample.repeat):
        own = sample.repeat == repeat
        place[own] = np.unique(sample.configuration[own], return_inverse=True)[1]
    return place


def _by_mean(
    samples: Sequence[Sample], values: Sequence[Floats], most: float, sign: int, confidence: float
) -> tuple[Effect, ...]:
    """The difference of the means of values (N,) of up to `most`, and its interval by searches alone."""
    scores = cells(samples, values)
    found = _effects(samples, repeats.by_mean(scores, most), sign, confidence)
    return _alone(found, repeats.by_searches(scores, most), confidence, sign)


def _alone(found: Sequence[Effect], alone: repeats.Effects, confidence: float, sign: int = 1) -> tuple[Effect, ...]:
    """The effects with their intervals by searches alone."""
    ends = np.stack(alone.ends(confidence, simultaneous=True), -1)
    ends = ends if sign == 1 else 0.0 - ends[:, ::-1]
    method = f"each of the repeats one replica{ALL}"
    return tuple(
        replace(one, alone=replace(one.effect, low=float(low), high=float(high), method=method))
        for one, (low, high) in zip(found, ends, strict=True)
    )


def _effects(
    samples: Sequence[Sample],
    found: repeats.Effects,
    sign: int,
    confidence: float,
    shifts: Sequence[Shift] | None = None,
) -> tuple[Effect, ...]:
    low, high = found.ends(confidence, simultaneous=True)
    away = np.round((found.estimate - found.null) / found.unit, 12)  # sums of weights: arms alike are so but for these
    estimate = found.null + found.unit * away
    method = f"Student’s t of repeats{ALL}"
    made = []
    for place, (a, b) in enumerate(found.pairs):
        first, second = samples[a], samples[b]
        interval = Interval(
            float(estimate[place]), float(low[place]), float(high[place]),
            len(first.values) + len(second.values), method, "both", confidence,
        )  # fmt: skip
        made.append(
            Effect(
                first.arm, second.arm, first.count("repeat"), second.count("repeat"),
                interval if sign == 1 else interval.negated(), found.null,
                float(found.p[place]), float(found.p_holm[place]), shifts[place] if shifts else None,
                float(found.unbounded[place]), float(np.broadcast_to(found.searches, found.p.shape)[place]),
            )
        )  # fmt: skip
    return tuple(made)


def _shift(costs: Floats, weights: Floats, reach: float, scale: Scale) -> tuple[float, float, float]:
    """Hodges and Lehmann's shift of two arms (2, m, S), every repeat of an arm counting the same, and the shifts that
    leave the probability within `reach` of 1/2; infinite where there is no bound, and as for
    `analysis.statistics.shift.shift` with infinite costs."""
    if scale == "ratio":
        costs = np.log(costs)
    first, second = (costs[arm][weights[arm] > 0] for arm in (0, 1))
    weight = np.outer(*(weights[arm][weights[arm] > 0] for arm in (0, 1))).ravel()
    with np.errstate(invalid="ignore"):
        apart = (first[:, None] - second).ravel()
    ties = np.isnan(apart)
    if ties.all():
        return np.nan, np.nan, np.nan
    half = weight[ties].sum() / 2
    order = np.argsort(apart[~ties], kind="stable")
    steps = np.r_[-np.inf, apart[~ties][order], np.inf]
    upto = np.cumsum(np.r_[half, weight[~ties][order], half])
    slack = 1e-9  # of sums of weights, so that rounding does not move an end to the next step
    low, high = (
        np.nan if np.isnan(reach) else float(steps[min(np.searchsorted(upto, level), len(steps) - 1)])
        for level in (0.5 - reach + slack, 0.5 + reach - slack)
    )
    middle = (steps[np.searchsorted(upto, 0.5 - slack)] + steps[np.searchsorted(upto, 0.5 + slack)]) / 2
    ends = np.array([middle, -np.inf if reach > 0.5 else low, np.inf if reach > 0.5 else high])
    estimate, low, high = (float(end) for end in (np.exp(ends) if scale == "ratio" else ends))
    return estimate, low, high
