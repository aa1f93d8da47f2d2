"""Names and numbers for readers: measurements with units, events, shares, intervals, p-values, counts.

One format of numbers holds wherever a person reads them: in sentences, tables, LaTeX, pictures and what stands for
them. Files for machines have full precision.

- A number has three significant digits (`number`). Beside its interval neither it nor an end has a decimal place below
  the second digit of the shorter way from the estimate to an end, as that is noise (`spoken`, `ends`).
- Whole numbers are exact (`whole`). A setting is written as it was set, to four digits (`setting`).
- A share is in whole per cents, 0 and 100 only where exact (`percent`); a difference of shares in whole percentage
  points (`points`).
- p has three decimal places below 0.1, else two, and is never below 0.001 (`p_value`).
- Digits are in groups of three, apart by a narrow space at which no line breaks; below 10⁻⁴ and from 10⁵ on a number
  that is not whole is a power of ten. A minus sign is one, – is what is not known, ∞ what is beyond all numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from analysis.statistics.intervals import TOO_FEW, Band, Interval, fewest

NAMES = {
    "fid": "Fréchet distance",
    "fid_infinity": "Fréchet distance of infinitely many samples",
    "inception_score": "Inception Score",
    "modes": "modes captured",
    "modes_held": "modes with a fair part of the samples",
    "modes_covered": "modes with a fair part of the good samples",
    "mode_fraction": "share of modes captured",
    "high_quality": "share of high-quality samples",
    "reverse_kl": "reverse KL of mode weights",
    "mode_js": "JS of mode weights",
    "mass_js": "JS of where the mass lies",
    "kid": "kernel distance (KID)",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "wasserstein_1d": "Wasserstein distance",
    "class_fid": "mean per-class Fréchet distance",
    "label_fidelity": "label fidelity",
    "dirac_converged": "share of the map that converges",
    "fid_back": "Fréchet distance of the way back",
    "label_fidelity_back": "label fidelity of the way back",
    "hop": "mode mass moved",
    "hop_rate": "hop rate",
    "held": "share of modes that hold mass",
    "near": "share of the tail near the data",
    "swing": "swing of quality",
    "progress": "progress of quality",
    "critic_distance": "|critic accuracy − ½|",
    "critic_accuracy": "critic's held-out accuracy",
    "gradient_norm_generator": "generator's gradient norm",
    "gradient_norm_critic": "critic's gradient norm",
    "loss_critic": "critic's loss",
    "loss_generator": "generator's loss",
}
OUTCOME_MEANINGS = {  # one sentence each, for those who judge by eye as for those who read
    "converged": "It has settled near the data: most samples are among the real ones, and nearly all modes or classes"
    " are covered, or most of the points where they have neither. It may still score worse than fresh real samples.",
    "stalled": "It has settled, but its samples are far from the data.",
    "learning": "It is still improving at the end: the budget was too short to tell.",
    "oscillating": "Its quality rises and falls again to the end, by more than chance, and often far from the data.",
    "hopping": "Its samples keep moving from some modes to others.",
    "collapsed": "To the end its samples lie in some of the modes only, and stay there: many modes are lost.",
    "frozen": "The generator gets no gradient any more and stands still, far from the data.",
    "diverged": "A loss, parameter or sample was not finite, or exceeded a bound.",
    "truncated": "A scheduler stopped it before its budget: it might still have ended otherwise.",
    "failed": "Its trial raised an error.",
}
DID = {  # "3 stalled"
    "stalled": "stalled", "learning": "were still learning", "oscillating": "oscillated",
    "hopping": "hopped from mode to mode", "collapsed": "collapsed", "frozen": "froze",
    "diverged": "diverged", "truncated": "were stopped early",
}  # fmt: skip
NOT_JUDGED = "not judged"  # the outcome of a replica that ended but of which it cannot be told: null, or ""
CAPTURES = {
    "seeds": "seeds", "configurations": "configurations", "both": "seeds and configurations", "replicas": "replicas",
}  # fmt: skip
ONCE = "seeds and searches (seeds alone of an arm that was searched once)"
EVENTS = {
    "diverged": "divergence",
    "collapsed": "a collapse that lasts",
    "frozen": "freezing",
    "failure": "failure",
    "undone": "a collapse that is undone",
}
LOGARITHMIC = (
    "fid", "fid_back", "class_fid", "kid", "reverse_kl", "mode_js", "mass_js", "sliced_wasserstein", "wasserstein_1d",
)  # fmt: skip
MET = {
    "diverged": "diverged", "frozen": "froze", "collapsed": "collapsed for good", "undone": "collapsed and recovered",
}  # fmt: skip
CLOCKS = {"updates": "generator updates", "budget": "share of the budget spent"}
SPENDINGS = {  # columns of trials.parquet
    "steps": "generator updates",
    "critic_updates": "critic updates",
    "real_samples": "real samples",
    "operations": "operations",
    "core_seconds": "core-seconds",
}
FRECHET = {  # in a feature space
    "raw": "of the data themselves (raw)",
    "classifier": "in the features of a classifier of these data",
    "inception": "FID, in InceptionV3's features",
    "efficientnet_lite0": "FD-EffNetLite0, in EfficientNet-Lite0's features; its numbers compare with no FID",
    "dinov2": "FD-DINOv2, in DINOv2's features; its numbers compare with no FID",
}
Quantity = Literal["points", "ratio", "difference"]  # points: a difference of shares
RANGES: Mapping[Quantity, tuple[float, float]] = {
    "points": (-1.0, 1.0),
    "ratio": (0.0, np.inf),
    "difference": (-np.inf, np.inf),
}
QUIET_UNITS = ("", "1", "modes")
APART = "\u202f"  # between groups of digits
_LABELS: ContextVar[Mapping[str, str]] = ContextVar("labels of measurements", default={})  # noqa: B039 (never changed)


def frechet_in(features: object) -> str:
    """The name of the Fréchet distance in a feature space; FID is that of InceptionV3's features alone."""
    if isinstance(features, Mapping):
        return f"in features of the study's author, {features.get('module')}"
    return FRECHET.get(str(features), f"in the features {features}")


@contextmanager
def calling(labels: Mapping[str, str]) -> Iterator[None]:
    """Within the block measurements are called by these labels, where they have one."""
    token = _LABELS.set(labels)
    try:
        yield
    finally:
        _LABELS.reset(token)


def named(metric: str, unit: str = "") -> str:
    """A measurement in words, with its unit unless it is a pure number."""
    words = _LABELS.get().get(metric) or NAMES.get(metric, metric.replace("_", " "))
    return words if unit in QUIET_UNITS else f"{words} ({unit})"


def captured(intervals: Iterable[Interval | Band], phase: str) -> str:
    """What the intervals of several arms in a phase capture; "both" of confirmed ones is seeds and searches."""
    kinds = list(dict.fromkeys(one.captures for one in intervals))
    if phase == "confirm" and "both" in kinds:
        return ONCE if "seeds" in kinds else "seeds and searches"
    return listed([CAPTURES[kind] for kind in kinds], "or")


def too_few(intervals: Iterable[Interval], phase: str) -> str:
    """Why some medians have no interval, a sentence after a space; empty where none has too few values for one."""
    kinds = [one for one in intervals if one.method.startswith(TOO_FEW)]
    drawn = {"seeds": "seeds", "both": "searches" if phase == "confirm" else "configurations"}
    of = listed([drawn[kind] for kind in dict.fromkeys(one.captures for one in kinds) if kind in drawn], "or")
    if not of:
        return ""
    least = fewest(kinds[0].confidence)
    return (
        f" Fewer than {least} {of} have no interval: all of {least - 1} lie on one side of the true median in"
        f" {percent(2.0 ** (2 - least))} of samples, fewer more often."
    )


def event_named(event: str, kinds: Collection[str]) -> str:
    """An event in words; a failure with the kinds of it that could be seen."""
    which = f" ({listed([EVENTS[kind] for kind in kinds], 'or')})" if event == "failure" else ""
    return EVENTS[event] + which


def never_met(event: str, kinds: Collection[str]) -> str:
    """That no replica met an event; of a failure none of the kinds that could be seen."""
    return f"No replica {listed([MET[kind] for kind in kinds], 'or') if event == 'failure' else MET[event]}."


def log_scaled(metric: str) -> bool | None:
    """Whether an axis is logarithmic: None (the values decide) where a measurement has no upper bound, else False."""
    return None if metric in LOGARITHMIC or metric.startswith(("gradient_norm", "parameter_norm")) else False


def percent(share: float) -> str:
    """A share of one, or a difference of two, in per cent: whole per cents, but not 0 or 100 unless exact."""
    if np.isnan(share):
        return "–"
    if 0 < abs(share) < 0.005:
        return "<\u00a01\u00a0%" if share > 0 else ">\u00a0−1\u00a0%"
    return ">\u00a099\u00a0%" if 0.995 < share < 1 else f"{100 * share:.0f}\u00a0%".replace("-", "−")


def points(difference: float) -> str:
    """A difference of shares in whole percentage points, `−8`; – for NaN."""
    return "–" if np.isnan(difference) else f"{100 * difference:.0f}".replace("-0", "0").replace("-", "−")


def number(value: float, digits: int = 3, places: int | None = None) -> str:
    """A number for readers: `digits` significant ones, but no more than `places` after the point, fewer than none being
    zeros before it; ∞ for infinity, – for NaN."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    exponent = _exponent(value, digits)
    finest = max(0, digits - 1 - exponent) if abs(value) < 1e5 else digits - 1 - exponent
    kept = finest if places is None else min(finest, places)
    if value == 0 or (exponent + kept < 0 and not round(value, kept)):
        return "0" if value == 0 or kept > 4 or kept < 1 else f"{0:.{kept}f}"
    if abs(value) >= 1e5 or exponent < -4:
        mantissa, _, power = f"{value:.{max(0, exponent + kept)}e}".partition("e")
        return f"{mantissa}·{power_of_ten(int(power))}".replace("-", "−")
    return separated(f"{round(value, kept):,.{max(0, kept)}f}")


def whole(count: float) -> str:
    """A whole number, its digits in groups: `12 346`."""
    return separated(f"{count:,.0f}")


def separated(digits: str) -> str:
    """What Python writes of a number with commas between groups of digits, for readers."""
    return digits.replace(",", APART).replace("-", "−")


def setting(value: float) -> str:
    """A number as it was set, whole ones exactly and others to four digits: `0.075`, `4`, `0.0005`."""
    if float(value).is_integer():
        return whole(value)
    return number(value) if abs(value) >= 1e5 or 0 < abs(value) < 1e-4 else f"{value:.4g}".replace("-", "−")


def spelled(value: object) -> str:
    """A setting as tables show it: `r1 (weight 0.1) + r2`, `[64, 64]`, `hinge`."""
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key} {spelled(inner)}" for key, inner in value.items() if key != "name")
        return " ".join(part for part in (str(value.get("name", "")), f"({rest})" if rest else "") if part)
    if isinstance(value, list):
        several = any(isinstance(one, Mapping) for one in value)
        return " + ".join(map(spelled, value)) if several else f"[{', '.join(map(spelled, value))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return setting(float(value)) if isinstance(value, (int, float)) else str(value)


def _exponent(value: float, digits: int) -> int:
    """Of the power of ten before the first of so many digits, once rounded."""
    return int(f"{value:.{max(digits - 1, 0)}e}".split("e")[1])


def power_of_ten(exponent: int) -> str:
    """`10⁻³`."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def ends(interval: Interval) -> tuple[str, str, str]:
    """The estimate and both ends of an interval, to the decimal place that it supports."""
    sides = [abs(end - interval.estimate) for end in (interval.low, interval.high)]
    known = [side for side in sides if 0 < side < np.inf]
    places = 1 - _exponent(min(known), 2) if known else None
    middle, low, high = (number(value, 3, places) for value in (interval.estimate, interval.low, interval.high))
    return middle, low, high


def bounds_nothing(interval: Interval, quantity: Quantity) -> bool:
    """Whether an interval holds all that there can be of the quantity. One from 0 to infinity bounds no ratio, and a
    difference on one side."""
    least, most = RANGES[quantity]
    return interval.low <= least and interval.high >= most


def spoken(interval: Interval) -> str:
    """`0.012 [0.008, 0.020]`; the estimate alone where there is no interval."""
    middle, low, high = ends(interval)
    return middle if np.isnan(interval.low) and np.isnan(interval.high) else bracketed(middle, low, high)


def bracketed(middle: str, low: str, high: str) -> str:
    """An estimate with its interval, of numbers in words."""
    return f"{middle} [{low}, {high}]"


def spoken_share(interval: Interval) -> str:
    """`94 % [72 %, 99 %]`, with spaces that do not break."""
    return bracketed(percent(interval.estimate), percent(interval.low), percent(interval.high))


def spoken_points(interval: Interval) -> str:
    """A difference of shares, `31 [5, 52] percentage points`, with spaces that do not break; without an interval that
    bounds nothing."""
    if bounds_nothing(interval, "points"):
        return f"{points(interval.estimate)} percentage\u00a0points"
    return f"{bracketed(points(interval.estimate), points(interval.low), points(interval.high))} percentage\u00a0points"


def duration(seconds: float) -> str:
    """Two figures at most: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    for unit, size, limit in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 129600)):
        if seconds < limit:
            return f"{seconds / size:.2g} {unit}"
    days = seconds / 86400
    return f"{days:.2g} days" if days < 100 else f"{days:,.0f} days"


def clock_time(clock: str, at: float) -> str:
    """A time as a study's clock tells it: `step 1 000`, or `68 % of the budget`."""
    return f"step {whole(at)}" if clock == "updates" else f"{percent(at)} of the budget"


def spoken_time(clock: str, interval: Interval) -> str:
    """A length of time with its interval: `980 [950, 995] updates`, or `98 % [95 %, 99 %] of the budget`."""
    return f"{spoken(interval)} updates" if clock == "updates" else f"{spoken_share(interval)} of the budget"


def p_value(p: float) -> str:
    """`0.034`, `< 0.001`."""
    if np.isnan(p):
        return "–"
    return "<\u00a00.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return " ".join([", ".join(words[:-1]), last, words[-1]]) if len(words) > 1 else "".join(words)


def moment(seconds: float | None) -> str:
    """Unix seconds as a date and time, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else "unknown"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 trial`, `2 trials`, with separated thousands."""
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"


def of_fewer_points(held: str, samples: str, factor: float | None) -> str:
    """What follows where real data are measured on `held` points, a generator on more `samples`; without a capital.

    `factor`: times the distance of real data, within which samples count as near them; None where it is not asked.
    """
    limit = ""
    if factor is not None:
        limit = (
            f", and {setting(factor)} times their distance, within which samples count as near the data, is further"
            " away than it would be of as many"
        )
    return (
        f"what real data score is measured on {held}, what a generator scores on {samples}, and more samples have a"
        f" smaller Fréchet distance: a generator may score better than real data do here{limit}. Where"
        " evaluation.samples is no more than are held out, both are measured alike"
    )
