"""Parses the JSON of a ledger line into an entry, checking every field, so that readers need no checks.

A line whose checksum fits may still have been edited by hand, or written by a faulty or a newer version. Kinds and
fields of a newer version are ignored; anything else that is not a valid entry raises `InvalidEntry`. Every number has a
range that the columns of the record can hold.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from analysis.record.schema import AMOUNT, CHOICES, COUNTED, HISTOGRAM, RANGES, ROUNDING, WHOLE
from study.config.messages import shown
from study.config.spaces import name_of
from study.ledger.entries import (
    CONFIRM,
    SEARCH,
    Ended,
    Entry,
    Floor,
    Json,
    Look,
    LookedAt,
    Planned,
    Result,
    Session,
    Stopped,
    trial_id_of,
)

PHASES = (SEARCH, CONFIRM)
STATUSES = ("completed", "diverged", "truncated", "failed")
DEEPEST = 20  # mappings and lists within each other, in a configuration
LARGEST = 2**53  # of a whole number that is measured or configured: a float holds it exactly
LATEST = 9e9  # unix seconds, in the year 2255
_ARM = re.compile(r"[A-Za-z0-9_.,=-]+")
_NOTHING = type(None)


class InvalidEntry(ValueError):  # noqa: N818 (what it is, as elsewhere)
    """Not a valid entry; the message names the field, what was expected and what came."""


def from_json(found: object) -> Entry | None:
    """The entry that an object is; None for kinds unknown to this version. Raises `InvalidEntry`."""
    if not isinstance(found, dict):
        raise InvalidEntry(f"expected a mapping, got {shown(found)}")
    kind = found.get("kind")
    if not isinstance(kind, str):
        raise InvalidEntry(f"kind: expected a text, got {shown(kind)}")
    read = _READERS.get(kind)
    if read is None:
        return None
    try:
        return read(found)
    except KeyError as error:
        raise InvalidEntry(f"{error.args[0]}: expected a value, got nothing") from None


def _session(found: Json) -> Session:
    config = _plain_mapping("config", found["config"])
    if not isinstance(config.get("study", ""), str):
        raise _wrong("config.study", "a text", config["study"])
    hardware, host, pid = found.get("hardware"), found.get("host"), found.get("pid")
    return Session(
        time=_time(found),
        session=_text("session", found.get("session", "")),
        config=config,
        versions=_plain_mapping("versions", found.get("versions") or {}),
        hardware=None if hardware is None else _plain_mapping("hardware", hardware),
        host=None if host is None else _text("host", host),
        pid=None if pid is None else _whole("pid", pid),
        code=_plain_mapping("code", found.get("code") or {}),
        own=_own_measurements(found.get("own") or {}),
        data=_data_set(found.get("data") or {}),
        changes=[_text("changes", change) for change in _listed("changes", found.get("changes") or [])],
    )


def _own_measurements(found: object) -> Json:
    own = _plain_mapping("own", found)
    for name, about in own.items():
        if not isinstance(about, dict) or about.get("better") not in ("high", "low", None):
            raise _wrong(f"own.{name}", "a mapping whose `better` is high, low or null", about)
    return own


def _data_set(found: object) -> Json:
    data = _plain_mapping("data", found)
    for name in ("name", "digest", "origin") if data else ():
        _text(f"data.{name}", data.get(name))
    return data


def _stopped(found: Json) -> Stopped:
    return Stopped(time=_time(found), reason=_text("reason", found["reason"]))


def _floor(found: Json) -> Floor:
    classifier, samples = found.get("classifier"), found.get("samples")
    return Floor(
        time=_time(found),
        values=_scores("values", found["values"]),
        spread=_scores("spread", found.get("spread", {})),
        samples=None if samples is None else _whole("samples", samples),
        classifier=None if classifier is None else _plain_mapping("classifier", classifier),
    )


def _look(found: Json) -> Look:
    sizes, undecided = _plain_mapping("extents", found["extents"]), _listed("open", found["open"])
    look = Look(
        time=_time(found),
        number=_whole("number", found["number"]),
        level=_share("level", found["level"], open_below=True),
        planned=_whole("planned", found["planned"]),
        extents={arm: _extent(f"extents.{arm}", size) for arm, size in sizes.items()},
        pairs=[_pair(pair) for pair in _listed("pairs", found["pairs"])],
        open=[_text("open", arm) for arm in undecided],
        more_seeds=_flag("more_seeds", found["more_seeds"]),
    )
    if not sizes or not sizes.keys() >= {*undecided}:
        raise _wrong("open", "arms that have an extent, of one or more", undecided)
    return look


def _extent(name: str, found: object) -> tuple[int, int]:
    if not isinstance(found, (list, tuple)) or len(found) != 2:
        raise _wrong(name, "numbers of repeats and seeds", found)
    return _whole(name, found[0]), _whole(name, found[1])


def _pair(found: object) -> LookedAt:
    if not isinstance(found, (list, tuple)) or len(found) != 4:
        raise _wrong("pairs", "two arms and two p-values each", found)
    p, adjusted = (None if value is None else _share("pairs", value) for value in found[2:])
    return LookedAt(_text("pairs", found[0]), _text("pairs", found[1]), p, adjusted)


def _scores(name: str, found: object) -> Json:
    scores = _plain_mapping(name, found)
    for measurement, value in scores.items():
        if isinstance(value, (str, bool, dict)):
            raise _wrong(f"{name}.{measurement}", "a number", value)
        if isinstance(value, (int, float)):
            _check_range(f"{name}.{measurement}", RANGES.get(measurement) if name == "values" else AMOUNT, [value])
    return scores


def _planned(found: Json) -> Planned:
    config, spec = _plain_mapping("config", found["config"]), _plain_mapping("spec", found["spec"])
    for choice in CHOICES:
        name = spec.get(choice.name, config.get(choice.name))
        name = name_of(name)
        if name is not None and not isinstance(name, str):
            raise _wrong(choice.name, "a name", name)
    for length in ("steps", "evaluations"):
        if length in spec:
            _whole(f"spec.{length}", spec[length])
    told = found.get("told")
    told = None if told is None else _whole("told", told)
    return Planned(**_trial(found), config=config, spec=spec, seeds=_seeds(found), told=told)


def _result(found: Json) -> Result:
    seeds, columns, pictures = _seeds(found), found["columns"], found.get("pictures")
    _check_columns(columns, len(seeds))
    _check_divergence(columns, _whole("step", found["step"]))
    if pictures is not None and not (isinstance(pictures, str) and pictures.isprintable()):
        raise _wrong("pictures", "a path", pictures)
    return Result(
        **_trial(found),
        seeds=seeds,
        step=_whole("step", found["step"]),
        wall_time=_real("wall_time", found["wall_time"]),
        columns=columns,
        pictures=pictures,
    )


def _ended(found: Json) -> Ended:
    status, message = found["status"], found.get("message")
    if status not in STATUSES:
        raise _wrong("status", f"one of {', '.join(STATUSES)}", status)
    outcomes, scores = found.get("outcomes") or [], found.get("scores") or []
    if type(outcomes) is not list or not all(isinstance(outcome, str) for outcome in outcomes):
        raise _wrong("outcomes", "a list of texts", outcomes)
    _check_scores(scores)
    return Ended(
        **_trial(found),
        status=status,
        message=None if message is None else _text("message", message),
        outcomes=outcomes,
        scores=scores,
    )


_READERS: dict[str, Callable[[Json], Entry]] = {
    "session": _session,
    "stopped": _stopped,
    "floor": _floor,
    "look": _look,
    "planned": _planned,
    "result": _result,
    "ended": _ended,
}


def _trial(found: Json) -> Json:
    phase, arm, index = found["phase"], found["arm"], _whole("index", found["index"])
    # ledgers from before there were repeats, or rounds, have none
    repeat, batch = _whole("repeat", found.get("repeat", 0)), _whole("round", found.get("round", 0))
    if phase not in PHASES:
        raise _wrong("phase", " or ".join(PHASES), phase)
    if not (isinstance(arm, str) and _ARM.fullmatch(arm)):
        raise _wrong("arm", "a name without slashes and spaces", arm)
    if found["trial_id"] != (name := trial_id_of(phase, arm, repeat, index, batch)):
        raise _wrong("trial_id", shown(name), found["trial_id"])
    return {"time": _time(found), "phase": phase, "arm": arm, "repeat": repeat, "index": index, "round": batch}


def _time(found: Json) -> float:
    return _real("time", found["time"], LATEST)


def _real(name: str, value: object, most: float = math.inf) -> float:
    """A number that is neither negative nor infinite nor NaN."""
    if type(value) not in (int, float) or not 0 <= value < most or (type(value) is int and value > LARGEST):  # type: ignore[operator]
        raise _wrong(name, "a finite number ≥ 0" if most == math.inf else f"a number from 0 to {most:.0f}", value)
    return value  # type: ignore[return-value]


def _whole(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise _wrong(name, "a whole number ≥ 0", value)
    return value


def _share(name: str, value: object, open_below: bool = False) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1 or (open_below and value == 0):  # type: ignore[operator]
        raise _wrong(name, f"a number {'above 0 and at most' if open_below else 'from 0 to'} 1", value)
    return value  # type: ignore[return-value]


def _flag(name: str, value: object) -> bool:
    if type(value) is not bool:
        raise _wrong(name, "true or false", value)
    return value


def _listed(name: str, value: object) -> list[Any]:
    if type(value) is not list:
        raise _wrong(name, "a list", value)
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return value


def _seeds(found: Json) -> list[int]:
    seeds = found["seeds"]
    fit = type(seeds) is list and seeds and all(type(seed) is int and 0 <= seed < 2**63 for seed in seeds)
    if not fit or len(set(seeds)) < len(seeds):
        raise _wrong("seeds", "different whole numbers ≥ 0", seeds)
    return seeds  # type: ignore[no-any-return]


_EXPECTED = {
    "diverged": "true, false or null for each seed",
    "diverged_step": "a whole number or null for each seed",
    HISTOGRAM.name: "counts for each seed",
}
_KINDS_OF_COLUMN = {"diverged": {bool, _NOTHING}, "diverged_step": {int, _NOTHING}, HISTOGRAM.name: {list, _NOTHING}}
_REALS = {float, _NOTHING}
_NUMBERS = {int, float, _NOTHING}


def _check_columns(columns: object, replicas: int) -> None:
    if type(columns) is not dict:
        raise _wrong("columns", "a mapping", columns)
    lists = set(map(type, columns.values())) <= {list}
    if not lists or not set(map(len, columns.values())) <= {replicas}:
        name = next(name for name, values in columns.items() if type(values) is not list or len(values) != replicas)
        raise _wrong(f"columns.{name}", f"a list of {replicas}, one value per seed", columns[name])
    # Nearly all of a ledger is columns of reals: they are checked together, and one by one where that fails.
    reals = [values for name, values in columns.items() if name not in _KINDS_OF_COLUMN]
    plain = set(map(type, chain.from_iterable(reals))) <= _REALS
    for name in columns.keys() & _KINDS_OF_COLUMN.keys() if plain else columns:
        _check_column(name, columns[name])
    for (low, high), names in _ranges_of(tuple(columns)).items():
        if [1 for name in names for value in columns[name] if value is not None and not low <= value <= high]:
            for name in names:
                _check_range(f"columns.{name}", (low, high), columns[name])
    for name in WHOLE:
        if [value for value in columns.get(name, ()) if value is not None and value % 1 > 0]:
            raise _wrong(f"columns.{name}", "whole numbers", columns[name])
    if (modes := counted_modes(columns)) and (name := beyond(columns, modes)):
        raise _wrong(f"columns.{name}", f"from 0 to {modes}", columns[name])


@lru_cache(maxsize=256)
def _ranges_of(columns: tuple[str, ...]) -> dict[tuple[float, float], list[str]]:
    """The ranges that some of these columns have, each with the names of those."""
    groups: dict[tuple[float, float], list[str]] = {}
    for name in columns:
        if name in RANGES:
            groups.setdefault(RANGES[name], []).append(name)
    return groups


def counted_modes(columns: Mapping[str, Sequence[Any]]) -> int | None:
    """Of how many modes an evaluation has counts; None where it has none."""
    return next((len(counts) for counts in columns.get(HISTOGRAM.name, ()) if counts), None)


def beyond(columns: Mapping[str, Sequence[Any]], modes: int) -> str | None:
    """The first column by which a replica has more modes than there are; None where none has."""
    claimed = (name for name in COUNTED for value in columns.get(name, ()) if value is not None and value > modes)
    return next(claimed, None)


def _check_range(name: str, within: tuple[float, float] | None, values: list[Any]) -> None:
    low, high = within or (-math.inf, math.inf)
    if [value for value in values if value is not None and (value < low - ROUNDING or value > high + ROUNDING)]:
        raise _wrong(name, f"from {low:g} to {high:g}" if high < math.inf else f"numbers ≥ {low:g}", values)


def _check_divergence(columns: Json, step: int) -> None:
    """Whoever has a `diverged_step` has diverged by then."""
    for fell, diverged in zip(columns.get("diverged_step", ()), columns.get("diverged", ()), strict=False):
        if fell is not None and not (diverged and fell <= step):
            raise _wrong("columns.diverged_step", f"up to {step} where diverged, else null", columns["diverged_step"])


def _check_column(name: str, values: list[Any]) -> None:
    kinds = set(map(type, values))
    fit = kinds <= _KINDS_OF_COLUMN.get(name, _NUMBERS)
    if fit and list in kinds:
        fit = _are_counts([*chain.from_iterable(filter(None, values))])
        fit = fit and len({len(counts) for counts in values if counts is not None}) == 1 and [] not in values
    elif fit and int in kinds:
        least = 0 if name == "diverged_step" else -LARGEST
        fit = all(least <= value <= LARGEST for value in values if type(value) is int)
    if not fit:
        raise _wrong(f"columns.{name}", _EXPECTED.get(name, "numbers"), values)


def _are_counts(values: list[Any]) -> bool:
    try:
        array("I", values)  # the quickest check of signs and sizes: 0 to 2**32 - 1
    except (TypeError, OverflowError):
        return False
    return set(map(type, values)) <= {int}


def _check_scores(scores: object) -> None:
    if type(scores) is not list:
        raise _wrong("scores", "a list", scores)
    widths = {len(score) if type(score) is list else -1 for score in scores if score is not None}
    flat = [value for score in scores for value in (score if type(score) is list else [score])]
    fit = set(map(type, flat)) <= _NUMBERS and all(abs(value) <= LARGEST for value in flat if type(value) is int)
    if len(widths) > 1 or 0 in widths or not fit:
        raise _wrong("scores", "a number or null per replica, or equally many for each", scores)


def _plain_mapping(name: str, value: object) -> Json:
    if type(value) is not dict:
        raise _wrong(name, "a mapping", value)
    _check_plain(name, value, 0)
    return value


def _check_plain(name: str, value: Any, depth: int) -> None:
    """Check that numbers fit the record's columns and nesting is at most `DEEPEST`."""
    if depth == DEEPEST:
        raise InvalidEntry(f"{name}: expected at most {DEEPEST} levels, got more")
    for inner in value.values() if type(value) is dict else value:
        kind = type(inner)
        if kind is dict or kind is list:
            _check_plain(name, inner, depth + 1)
        elif kind is int and abs(inner) > LARGEST:
            raise _wrong(name, f"whole numbers up to {LARGEST}", inner)


def _wrong(name: str, expected: str, got: object) -> InvalidEntry:
    return InvalidEntry(f"{name}: expected {expected}, got {shown(got)}")
