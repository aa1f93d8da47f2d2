"""Ledger entries as MLflow stores them: flat params, tags, and metrics over the replicas of a trial.

Pure functions of an entry, so that logging an entry again writes the same rows and MLflow keeps one of them.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from study.config.addresses import masked
from study.config.dotted import by_name, leaves, root
from study.config.spaces import name_of

Entry = Mapping[str, Any]
Row = tuple[str, float, int, int]  # of a metric: name, value, unix milliseconds, step

LONGEST_PARAM = 6000  # characters, MLflow's limit
NOT_MEASURED = frozenset({"seed", "step", "diverged", "diverged_step"})


def canonical(value: Any) -> str:
    """One string for one value, whatever wrote it: strings as they are, the rest as JSON with sorted keys."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
    return masked(text)[:LONGEST_PARAM]


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested mappings as dotted keys with canonical values; an empty mapping stays `{}`."""
    return {name: canonical(value) for name, value in leaves(values, prefix, empty=True)}


def milliseconds(seconds: float) -> int:
    """A ledger time as MLflow counts: whole milliseconds."""
    return round(seconds * 1000)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The 25 %, 50 % and 75 % quantiles of values (replicas,), linearly interpolated; infinite from the first infinite
    value on that has a part in them."""
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = math.floor(place)
        if place == low:
            return ordered[low]
        high = ordered[low + 1]
        return high if math.isinf(high) else ordered[low] + (place - low) * (high - ordered[low])

    return at(0.25), at(0.5), at(0.75)


def named(values: Mapping[str, Any]) -> dict[str, str]:
    """As `flat`, but what has a name stands under its own key: `objective` is `hinge`, not `objective.name`."""
    found = {}
    for key, value in flat(by_name(values)).items():
        whole, _, last = key.rpartition(".")
        found[whole if whole and last == "name" else key] = value
    for key, value in values.items():
        if isinstance(value, list) and key not in found:  # several penalties: `penalty` is `r1+r2`
            found[key] = name_of(value)
            found = {other: said for other, said in found.items() if other != f"{key}.{said}"}
    return found


def hyperparameters(spec: Mapping[str, Any], chosen: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The params of a spec, or a part of it, and of what the search chose: not what nothing reads, nor how it is
    measured, and of the data set, which is an input of the run, its name."""
    from trainables.spec import idle  # loads torch, which a process that shows MLflow's page needs not

    data, unread = spec.get("data"), {*idle(spec), "data", "evaluation", "measure"}
    about = {"data": data["name"]} if isinstance(data, Mapping) and "name" in data else {}
    settings = {name: value for name, value in spec.items() if name not in unread} | about
    return named(settings) | named({name: value for name, value in (chosen or {}).items() if root(name) not in unread})


def summaries(columns: Mapping[str, Sequence[Any]], higher: Callable[[str], bool | None]) -> dict[str, float]:
    """Of every scalar measurement the median over the replicas, by its plain name, so that `metrics.fid < 1` finds
    runs; its quartiles and, where that is another number than the median, of three replicas or more, its interquartile
    mean (`_q25`, `_q75`, `_iqm`), next to it by their names; and how many replicas diverged.

    Of what is better one way, as `higher` says, a replica that diverged is worse than any other, as in the search and
    the report, and so is a value that is infinite at the worse end: where one has a part in a number, this is NaN. Of
    the rest, such as losses, where `higher` gives None, the replicas that diverged are left out.

    Values that are null or not a number, or infinite at the better end, are left out. `diverged` counts the replicas
    with that flag, or without flags those with a number that is not finite. A column of which nothing remains has no
    row; of one replica there is its value alone.
    """
    metrics: dict[str, float] = {}
    scalars = {
        name: values
        for name, values in columns.items()
        if name not in NOT_MEASURED and all(value is None or _number(value) for value in values)
    }
    diverged = _diverged(columns.get("diverged"), scalars)
    for name, values in scalars.items():
        more = higher(name)
        kept = _costs(values, diverged, more)
        if not kept:
            continue
        sign = -1 if more else 1
        found = dict(zip(("_q25", "", "_q75")[::sign], quartiles(kept), strict=True))
        if len(values) == 1:
            found = {"": found[""]}
        elif len(values) > 2:
            found["_iqm"] = interquartile_mean(kept)
        metrics |= {
            name + end: sign * value + 0.0 if math.isfinite(value) else math.nan for end, value in found.items()
        }
    metrics["diverged"] = float(len(diverged))
    return metrics


def _diverged(flags: Sequence[Any] | None, scalars: Mapping[str, Sequence[Any]]) -> set[int]:
    """The places of the replicas that diverged."""
    if flags is not None:
        return {place for place, flag in enumerate(flags) if flag}
    every = (enumerate(values) for values in scalars.values())
    return {place for values in every for place, value in values if value is not None and not math.isfinite(value)}


def _costs(values: Sequence[Any], diverged: Collection[int], higher: bool | None) -> list[float]:
    """What remains of a measurement's values, less being better, and +inf where a replica diverged."""
    if higher is None:
        return [float(value) for value in values if finite(value)]
    if all(value is None for value in values):
        return []
    sign = -1 if higher else 1
    costs = [
        math.inf if place in diverged else math.nan if value is None else sign * float(value)
        for place, value in enumerate(values)
    ]
    return [cost for cost in costs if not math.isnan(cost) and cost != -math.inf]


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean of the middle half of values (replicas,), as the report has it: of five, the second and fourth count
    three quarters."""
    quarters = sorted([*values] * 4)[len(values) : 3 * len(values)]
    return math.fsum(value / len(quarters) for value in quarters)


def finite(value: Any) -> bool:
    """Whether a value is a number that is neither NaN nor infinite."""
    return _number(value) and math.isfinite(value)


def counted(words: Iterable[str]) -> str:
    """How often each word comes, most frequent first: `converged 6, diverged 2`."""
    return ", ".join(f"{word} {count}" for word, count in Counter(words).most_common())


def captions(seeds: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """A line over each replica of a picture: its seed and how good its samples are."""
    return [
        " · ".join([f"seed {seed}", *_quality({name: values[index] for name, values in columns.items()})])
        for index, seed in enumerate(seeds)
    ]


def _quality(record: Mapping[str, Any]) -> list[str]:
    if record.get("diverged"):
        step = record.get("diverged_step")
        return ["diverged" if step is None else f"diverged at step {step:,}"]
    words = []
    if finite(record.get("high_quality")):  # of mixtures, which FID hardly tells from a blob around them
        words.append(f"{100 * record['high_quality']:.0f} % of high quality")
    elif finite(record.get("fid")):
        words.append(f"Frechet distance {record['fid']:.3g}")  # the pictures' font has no é
    if finite(record.get("modes")):
        words.append(f"{record['modes']:.0f} mode{'' if record['modes'] == 1 else 's'}")
    if finite(record.get("dirac_converged")):
        words.append(f"{record['dirac_converged']:.1%} converged, {record['dirac_agreement']:.1%} as predicted")
    return words


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
