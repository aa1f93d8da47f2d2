"""The metadata of a record's files: which keys analysis reads of them, and what may stand there.

A file's schema carries, as JSON, what the study says of itself (`Record.about`): its configuration, its sessions, the
floor. It may be of another version, or somebody may have written in it. `read` checks every key of `KEYS` that is
there, and all else asks by `stated`: nobody need look again whether a number is one. What no key names stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from analysis.record.schema import MEASUREMENTS, METADATA, OWN

DEEPEST = 24  # mappings and lists within each other: four more than a ledger's configuration may have
LARGEST = 2**53  # of a number, which a float then holds exactly
LATEST = 9e9  # unix seconds, in the year 2255
LONGEST = 80  # characters of a value shown in a message
MEASURED = frozenset(column.name for column in MEASUREMENTS)


@dataclass(frozen=True)
class Kind:
    """What may stand under a key: in words, and as a check."""

    expected: str
    fits: Callable[[Any], bool]


def _number(expected: str, least: float, most: float = LARGEST, whole: bool = False) -> Kind:
    kinds = (int,) if whole else (int, float)
    return Kind(expected, lambda found: type(found) in kinds and least <= found <= most)


def _name(*names: str) -> Kind:
    return Kind(f"one of {', '.join(names)}", lambda found: isinstance(found, str) and found in names)


def _or_null(kind: Kind) -> Kind:
    return Kind(f"{kind.expected} or null", lambda found: found is None or kind.fits(found))


def _or_several(kind: Kind) -> Kind:
    def fits(found: Any) -> bool:
        return bool(found) and all(map(kind.fits, found)) if isinstance(found, list) else kind.fits(found)

    return Kind(f"{kind.expected}, or a list of such", fits)


def _is_choices(found: Any) -> bool:
    if isinstance(found, dict):
        return all(isinstance(choices, list) for choices in found.values())
    return isinstance(found, list) and len(found) > 0 and all(isinstance(entry, dict) for entry in found)


def _is_look(found: Any) -> bool:
    keys = {"level": SHARE, "planned": WHOLE, "extents": MAPPING, "open": LIST, "more_seeds": FLAG}
    if not isinstance(found, dict) or not all(key in found and kind.fits(found[key]) for key, kind in keys.items()):
        return False
    sizes = found["extents"]
    whole = all(isinstance(size, list) and len(size) == 2 and all(map(WHOLE.fits, size)) for size in sizes.values())
    return whole and len(sizes) > 0 and found["level"] > 0 and all(TEXT.fits(a) and a in sizes for a in found["open"])


TEXT = Kind("a text", lambda found: isinstance(found, str))
FLAG = Kind("true or false", lambda found: isinstance(found, bool))
MAPPING = Kind("a mapping", lambda found: isinstance(found, dict))
LIST = Kind("a list", lambda found: isinstance(found, list))
REAL = Kind("a number or null", lambda found: found is None or type(found) in (int, float))
WHOLE = _number("a whole number ≥ 0", 0, whole=True)
COUNT = _number("a whole number ≥ 1", 1, whole=True)
SHARE = _number("a number from 0 to 1", 0, 1)
POSITIVE = Kind("a number > 0", lambda found: type(found) in (int, float) and 0 < found < inf)
TIME = _number("unix seconds", 0, LATEST)
MODE = _name("min", "max")
MEASUREMENT = Kind(
    "a measurement", lambda found: isinstance(found, str) and (found in MEASURED or found.startswith(OWN))
)
CHOICES = Kind("a mapping of lists, or a list of mappings", _is_choices)
LOOK = Kind("a look, with level, planned, extents, open and more_seeds that fit together", _is_look)
SETTINGS = Kind("a name or a mapping", lambda found: isinstance(found, (str, dict)))

KEYS = {  # dotted, with * for any key of a mapping and any place of a list; a key stands below what it is in
    "joined": Kind("nothing: a file is of one study", lambda found: False),
    "study": TEXT,
    "build": TEXT,
    "built": TIME,
    "earlier_rule": FLAG,
    "damaged": WHOLE,
    "lacking": LIST,
    "lacking.*": TEXT,
    "undeclared": LIST,
    "undeclared.*": TEXT,
    "data": _or_null(MAPPING),
    "classifier": _or_null(MAPPING),
    "floor": _or_null(MAPPING),
    "floor.*": REAL,
    "floor_samples": _or_null(WHOLE),
    "sessions": LIST,
    "sessions.*": MAPPING,
    "sessions.*.time": TIME,
    "sessions.*.versions": MAPPING,
    "sessions.*.extended": LIST,
    "sessions.*.extended.*": TEXT,
    "searched": MAPPING,
    "searched.*": LIST,
    "searched.*.*": TEXT,
    "arms": MAPPING,
    "arms.*": MAPPING,
    "arms.*.chosen": LIST,
    "arms.*.chosen.*": TEXT,
    "arms.*.without": LIST,
    "arms.*.without.*": TEXT,
    "arms.*.space": MAPPING,
    "arms.*.space.*": TEXT,
    "own": _or_null(MAPPING),
    "own.*": MAPPING,
    "own.*.meaning": _or_null(TEXT),
    "own.*.better": _or_null(_name("high", "low")),
    "trained_since": MAPPING,  # by change of what a setting means that touches some trial, whether they were
    "trained_since.*": FLAG,
    "no_longer_chosen": LIST,
    "no_longer_chosen.*": TEXT,
    "looks": _or_null(LIST),
    "looks.*": LOOK,
    "config": MAPPING,
    "config.study": TEXT,
    "config.data": SETTINGS,
    "config.budget": MAPPING,
    "config.budget.steps": COUNT,
    "config.budget.evaluations": COUNT,
    "config.budget.equal": MAPPING,
    "config.budget.equal.name": _name("updates", "samples", "arithmetic"),
    "config.budget.equal.per_step": _or_null(POSITIVE),
    "config.scientific": CHOICES,
    "config.nuisance": MAPPING,
    "config.fixed": MAPPING,
    "config.evaluation": MAPPING,
    "config.evaluation.features": SETTINGS,
    "config.evaluation.samples": COUNT,
    "config.outcomes": MAPPING,  # what stands there is checked by `analysis.results.thresholds`
    "config.search": MAPPING,
    "config.search.sampler": TEXT,
    "config.search.repeats": COUNT,
    "config.search.most_repeats": _or_null(COUNT),
    "config.search.metric": _or_several(MEASUREMENT),
    "config.search.mode": _or_null(_or_several(MODE)),
    "config.search.diverged_at_most": _or_null(SHARE),
    "config.search.seed": WHOLE,
    "config.confirm": MAPPING,
    "config.confirm.replicas": WHOLE,
    "config.confirm.most": _or_null(WHOLE),
    "config.resources": MAPPING,
    "config.resources.cpu": _number("a number ≥ 0", 0),
}


def read(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What the metadata of a Parquet file say of its study; nothing where they have no such entry.

    Raises ValueError for what is no JSON, or as `check`.
    """
    try:
        about = json.loads((metadata or {}).get(METADATA, b"{}"))
    except RecursionError:
        raise ValueError(f"expected at most {DEEPEST} levels, got more") from None
    check(about)
    found: dict[str, Any] = about
    return found


def check(about: object) -> None:
    """Raise ValueError, with the key, what was expected and what came, unless every key of `KEYS` that is there holds
    what it may, numbers are within `LARGEST`, and texts can be written."""
    if not isinstance(about, dict):
        raise ValueError(f"expected a mapping, got {_shown(about)}")
    _check_plain(about, 0)
    for key, kind in KEYS.items():
        for place, found in _found(about, key.split(".")):
            if not kind.fits(found):
                name = ".".join(place)
                named = name if name.isprintable() else ascii(name)
                raise ValueError(f"{named}: expected {kind.expected}, got {_shown(found)}")


def stated(about: Mapping[str, Any], key: str, otherwise: Any = None) -> Any:
    """What the metadata of one study say under a key of `KEYS`; `otherwise` where nothing, or null, stands there."""
    assert key in KEYS, key
    found = next((found for _, found in _found(about, key.split("."))), None)
    return otherwise if found is None else found


def _found(inside: Any, keys: list[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every place that dotted keys lead to, with what stands there."""
    if not keys:
        yield (), inside
        return
    first, *rest = keys
    places = inside if isinstance(inside, Mapping) else dict(enumerate(inside)) if isinstance(inside, list) else {}
    for key, within in places.items() if first == "*" else [(first, places[first])] if first in places else []:
        for place, found in _found(within, rest):
            yield (str(key), *place), found


def _check_plain(found: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"expected at most {DEEPEST} levels, got more")
    if isinstance(found, dict):
        for key, inner in found.items():
            _check_plain(key, depth)
            _check_plain(inner, depth + 1)
    elif isinstance(found, list):
        for inner in found:
            _check_plain(inner, depth + 1)
    elif isinstance(found, str) and not found.isascii():
        found.encode()  # a UnicodeEncodeError, of half a surrogate pair, is a ValueError
    elif type(found) is int and abs(found) > LARGEST:
        raise ValueError(f"expected whole numbers up to {LARGEST}, got {_shown(found)}")


def _shown(found: Any) -> str:
    text = json.dumps(found)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
