"""Published numbers beside a study's own: a paper's claims about arms, and for each a verdict by interval.

A claim is of one arm and one measurement, and of one kind:

- `share`: of how many replicas the measurement lies within bounds, as "25 modes on every seed";
- `median`: what it is at the end, a parameter that was fitted among them;
- `less`: that it is less than in another arm.

A share that follows from a paper's theory and is printed nowhere has `theory: true`, and is called so.

Ours has Wilson's interval for a share, a bootstrap interval for a median, and for the third kind the interval of the
probability that a replica of the arm has less than one of the other, half for ties. A published number has the interval
that its own number of runs, or its standard error, gives; without either it is a point. Intervals are of 95 %.

The verdict: published and ours `agree` where the interval of their difference holds 0, its ends lying at distances
added in squares, as the errors of independent numbers are (Newcombe 1998, Zou & Donner 2008), and otherwise `disagree`.
That the intervals overlap would be too little: two of equal width do so up to a difference that is 1.4 times as large.
Of the third kind they agree where the test of the two arms tells them apart and the probability is above ½, and
disagree where it is below: the interval holds ½ where the test does not, and ends at it where by itself it would hold
it and the test tells them apart, so that an end at ½ says neither. It `cannot tell` where ours has no interval, where
the test tells nothing, and where a share's interval is wider than `WIDE`: it agrees with most numbers.

Confirmed replicas are taken where there are any, else those of the search. A replica that diverged has no measurement:
it lies within no bounds, enters no median, and has more than any other. One that did not, and has none either, is left
out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.record.loading import Record
from analysis.record.schema import TRIALS
from analysis.results.effects import Effect, by_rank
from analysis.results.medians import median
from analysis.results.selection import Selection, numbers, select
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import Floats, Interval, proportion, quantile, wilson
from analysis.wording import listed, named, percent, setting, spoken, spoken_share

Verdict = Literal["agree", "disagree", "cannot tell"]
KINDS = {  # what stands beside each kind's own key: what must, and what may
    "share": (("within", "published"), ("runs", "theory", "says")),
    "median": (("published",), ("standard_error",)),
    "less": (("than",), ()),
}
WIDE = 0.5
LEVEL = 0.05
KEYS = ("paper", "source", "short", "differs", "claims")
COLUMNS = tuple(column.name for column in TRIALS if column.dtype in ("float64", "int64"))


@dataclass(frozen=True)
class Claim:
    """What a paper says of an arm.

    Attributes:
        arm: its name in the study.
        kind: "share", "median" or "less".
        metric: a column of numbers of trials.parquet.
        value: the published number with its interval, of which the ends are the number itself where there is none;
            NaN for "less".
        within: the bounds of a share, both included; infinite where there is none.
        than: the other arm of "less", or "".
        theory: whether the number follows from the paper's theory and is not printed in it.
        says: what a share is of, in words, where the measurement's name and its bounds do not tell it; or "".
    """

    arm: str
    kind: str
    metric: str
    value: Interval
    within: tuple[float, float] = (-math.inf, math.inf)
    than: str = ""
    theory: bool = False
    says: str = ""

    def words(self) -> str:
        """`share of replicas with modes captured = 25`."""
        if self.says:
            return f"share of {self.says}"
        what = named(self.metric)
        if self.kind == "median":
            return f"median of {what}"
        if self.kind == "less":
            return f"{what} less than in {self.than}"
        low, high = self.within
        bounds = f"= {setting(low)}" if low == high else f"{setting(low)} to {setting(high)}"
        if math.isinf(low) or math.isinf(high):
            bounds = f"≥ {setting(low)}" if math.isinf(high) else f"≤ {setting(high)}"
        return f"share of replicas with {what} {bounds}"


@dataclass(frozen=True)
class Published:
    """A paper's claims, and what a comparison with them must say.

    Attributes:
        paper: authors and title.
        source: where in it the numbers stand, and where they were read.
        short: settings, as of `--set`, of a version of the study that takes less.
        differs: what differs in the study's set-up, and what of the paper is left out.
        claims: in the paper's order.
    """

    paper: str
    source: str
    short: tuple[str, ...]
    differs: tuple[str, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Comparison:
    """A claim, ours beside it, the number of replicas that ours is of, and the verdict."""

    claim: Claim
    ours: Interval
    n: int
    verdict: Verdict

    def cells(self) -> tuple[str, ...]:
        """Arm, what is claimed, published, ours, replicas and verdict, for a reader's table."""
        claim, spoke = self.claim, spoken_share if self.claim.kind == "share" else spoken
        value, number = claim.value, percent if claim.kind == "share" else setting
        published = "less" if claim.kind == "less" else spoke(value) if value.low < value.high else number(value.low)
        if claim.theory:
            published = f"theory: {published}"
        ours = "–" if math.isnan(self.ours.estimate) else spoke(self.ours)
        if claim.kind == "less" and self.n:
            ours = f"P(less) {ours}"
        return claim.arm, claim.words(), published, ours, str(self.n), self.verdict


HEAD = ("arm", "of", "published", "ours", "replicas", "verdict")


def published(values: object, arms: Sequence[str]) -> Published:
    """The claims of a data file, given as plain data, of which `arms` are a study's.

    Raises `ValueError` that names the key, what was expected and what was got.
    """
    found = _mapping("", values, KEYS, ())
    texts = {key: _texts(key, found[key]) for key in ("short", "differs")}
    if not isinstance(found["claims"], list) or not found["claims"]:
        raise ValueError(f"claims: expected a list of claims, got {found['claims']!r}")
    claims = tuple(_claim(f"claims.{place}", one, arms) for place, one in enumerate(found["claims"]))
    paper, source = (_text(key, found[key]) for key in ("paper", "source"))
    return Published(paper, source, texts["short"], texts["differs"], claims)


def about(claims: Sequence[Claim], arms: Sequence[str]) -> tuple[Claim, ...]:
    """The claims about a study's `arms` alone: a shortened one may leave out arms that others are about."""
    return tuple(claim for claim in claims if {claim.arm, claim.than} <= {*arms, ""})


def compared(record: Record, claims: Sequence[Claim]) -> tuple[Comparison, ...]:
    """Each claim beside what the record has of it; an arm without ended replicas has none."""
    phase = "confirm" if (record.trials["phase"] == "confirm").any() else "search"
    selected = select(record, phase)
    arms = {arm: rows[rows["status"].isin(("completed", "diverged"))] for arm, rows in selected.arms()}
    return tuple(_compared(selected, arms, claim) for claim in claims)


def _compared(selected: Selection, arms: Mapping[str, pd.DataFrame], claim: Claim) -> Comparison:
    nothing = Interval(math.nan, math.nan, math.nan, 0, "no replicas", "seeds")
    rows, other = arms.get(claim.arm), arms.get(claim.than)
    if rows is None or not len(rows) or (claim.than and (other is None or not len(other))):
        return Comparison(claim, nothing, 0, "cannot tell")
    rows, values = _measured(rows, claim.metric)
    if claim.kind == "less":
        assert other is not None
        pair = [(claim.arm, rows, values), (claim.than, *_measured(other, claim.metric))]
        if not all(len(found) for _, found, _ in pair):
            return Comparison(claim, nothing, 0, "cannot tell")
        costs = [selected.sample(arm, found, np.nan_to_num(cost, nan=np.inf)) for arm, found, cost in pair]
        [effect] = by_rank(costs, selected.unit)
        return Comparison(claim, effect.effect, len(rows), _direction(effect))
    if claim.kind == "share":
        held = (claim.within[0] <= values) & (values <= claim.within[1])
        ours = proportion(held, selected.units_of(rows), captures=selected.captures_of(rows)) if len(rows) else nothing
    else:
        ours = median(rows, values, selected.phase, Resampling(np.random.default_rng(0))) or nothing
    return Comparison(claim, ours, ours.n, _verdict(claim, ours))


def _measured(rows: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, Floats]:
    """The replicas that were measured or diverged, and the measurement (N,), NaN of those that diverged.

    Raises `ValueError` where there is no such column.
    """
    if metric not in rows:
        raise ValueError(f"metric: expected a column of the record, got {metric!r}")
    diverged = (rows["outcome"].astype(str) == "diverged").to_numpy()
    values = np.where(diverged, np.nan, numbers(rows[metric]))
    kept = diverged | ~np.isnan(values)
    return rows[kept], values[kept]


def _verdict(claim: Claim, ours: Interval) -> Verdict:
    if math.isnan(ours.low):
        return "cannot tell"
    if _apart(ours, claim.value):
        return "disagree"
    return "cannot tell" if claim.kind == "share" and ours.high - ours.low > WIDE else "agree"


def _apart(ours: Interval, published: Interval) -> bool:
    """Whether the interval of ours less the published number does not hold 0."""
    away = ours.estimate - published.estimate
    if away > 0:
        return away > math.hypot(ours.estimate - ours.low, published.high - published.estimate)
    return -away > math.hypot(ours.high - ours.estimate, published.estimate - published.low)


def _direction(ours: Effect) -> Verdict:
    if not ours.p <= LEVEL:  # NaN too
        return "cannot tell"
    return "agree" if ours.effect.estimate > ours.null else "disagree"


def _claim(where: str, values: object, arms: Sequence[str]) -> Claim:
    kinds = [kind for kind in KINDS if isinstance(values, Mapping) and kind in values]
    if len(kinds) != 1:
        raise ValueError(f"{where}: expected one of {listed(list(KINDS), 'or')}, got {values!r}")
    kind = kinds[0]
    needed, allowed = KINDS[kind]
    found = _mapping(where, values, ("arm", kind, *needed), allowed)
    for key in ("arm", *(("than",) if kind == "less" else ())):
        if found[key] not in arms:
            raise ValueError(f"{where}.{key}: expected an arm of the study, {listed(arms, 'or')}, got {found[key]!r}")
    if found[kind] not in COLUMNS:
        raise ValueError(f"{where}.{kind}: expected a measurement of a record, got {found[kind]!r}")
    if kind == "less":
        nothing = Interval(math.nan, math.nan, math.nan, 0, "a direction", "seeds")
        return Claim(found["arm"], kind, found[kind], nothing, than=found["than"])
    number = _number(f"{where}.published", found["published"])
    if kind == "median":
        error = _number(f"{where}.standard_error", found.get("standard_error", 0.0))
        half = quantile(0.95) * error
        value = Interval(number, number - half, number + half, 0, "± its standard error", "seeds")
        return Claim(found["arm"], kind, found[kind], value)
    theory = found.get("theory", False)
    if not isinstance(theory, bool):
        raise ValueError(f"{where}.theory: expected true or false, got {theory!r}")
    says = _text(f"{where}.says", found["says"]) if "says" in found else ""
    share, bounds = _share(where, number, found.get("runs")), _bounds(where, found)
    return Claim(found["arm"], kind, found[kind], share, bounds, theory=theory, says=says)


def _share(where: str, number: float, runs: object) -> Interval:
    if not 0 <= number <= 1:
        raise ValueError(f"{where}.published: expected a share from 0 to 1, got {number!r}")
    if runs is None:
        return Interval(number, number, number, 0, "without its number of runs", "seeds")
    if not isinstance(runs, int) or isinstance(runs, bool) or runs < 1:
        raise ValueError(f"{where}.runs: expected a whole number >= 1, got {runs!r}")
    return wilson(number * runs, runs)


def _bounds(where: str, found: Mapping[str, Any]) -> tuple[float, float]:
    given = found["within"]
    if not isinstance(given, list) or len(given) != 2 or given == [None, None]:
        raise ValueError(f"{where}.within: expected [low, high], one of them perhaps null, got {given!r}")
    low, high = (
        default if end is None else _number(f"{where}.within", end)
        for end, default in zip(given, (-math.inf, math.inf), strict=True)
    )
    if low > high:
        raise ValueError(f"{where}.within: expected [low, high] in this order, got {given!r}")
    return low, high


def _mapping(where: str, values: object, needed: Sequence[str], allowed: Sequence[str]) -> Mapping[str, Any]:
    prefix = f"{where}: " if where else ""
    if not isinstance(values, Mapping):
        raise ValueError(f"{prefix}expected a mapping with the keys {', '.join(needed)}, got {values!r}")
    if missing := [key for key in needed if key not in values]:
        raise ValueError(f"{prefix}expected the key {missing[0]}, got {listed([str(key) for key in values])}")
    if unknown := [key for key in values if key not in (*needed, *allowed)]:
        raise ValueError(f"{prefix}expected no key but {listed([*needed, *allowed])}, got {unknown[0]!r}")
    return values


def _number(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {value!r}")
    return float(value)


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: expected text, got {value!r}")
    return value


def _texts(where: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{where}: expected a list of texts, got {values!r}")
    return tuple(_text(f"{where}.{place}", one) for place, one in enumerate(values))
