"""Search spaces: `{log_uniform: [1e-4, 1e-2]}` and the like, checked and named.

A space stands for one hyperparameter, or for one setting within a mapping: `{name: clip, bound: {log_uniform: …}}`
is the penalty `clip` whose `bound` is searched. Bounds are inclusive.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from study.config.messages import ConfigError, shown
from trainables.checks import likely

KINDS = ("log_uniform", "uniform", "int_uniform", "log_int_uniform", "choice")
LONGEST_TEXT = 40
EXPECTED = "a space, {log_uniform | uniform | int_uniform | log_int_uniform: [low, high]} or {choice: [a, b]}"


@dataclass(frozen=True)
class Space:
    """What one hyperparameter may be: a range with `low` < `high`, or one of `choices`."""

    kind: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()

    @property
    def numeric(self) -> bool:
        """A range, not a choice."""
        return self.kind != "choice"

    @property
    def whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return self.kind in ("int_uniform", "log_int_uniform")

    @property
    def logarithmic(self) -> bool:
        """Whether it is a range that is uniform on a logarithmic scale."""
        return self.kind in ("log_uniform", "log_int_uniform")

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that bound it: every choice, or low and high."""
        return (self.low, self.high) if self.numeric else self.choices

    @cached_property
    def options(self) -> tuple[Any, ...]:
        """The choices as a sampler and a table take them: scalars as they are, the rest by their text."""
        return tuple(text(c) if isinstance(c, (list, tuple, dict)) else c for c in self.choices)

    def value(self, drawn: Any) -> Any:
        """The value that a sampler's draw stands for."""
        return drawn if self.numeric else self.choices[self.options.index(drawn)]

    def at(self, share: float) -> Any:
        """The draw at a share of the way through the space, 0 ≤ share < 1, as a sampler would give it."""
        if not self.numeric:
            return self.options[int(share * len(self.choices))]
        if self.logarithmic:
            value = math.exp((1 - share) * math.log(self.low) + share * math.log(self.high))
        else:
            value = self.low + share * (self.high - self.low)
        return round(value) if self.whole else value

    def __str__(self) -> str:
        """As tables show it."""
        if not self.numeric:
            return " | ".join(text(choice) for choice in self.choices)
        words = [word for word, holds in (("log", self.logarithmic), ("int", self.whole)) if holds]
        return " ".join([f"{text(self.low)} … {text(self.high)}", *words])


def is_space(value: Any) -> bool:
    """Whether a value looks like a search space, valid or not."""
    return isinstance(value, Mapping) and any(key in KINDS for key in value)


def _mistyped(value: Any) -> bool:
    """Whether a value is probably meant to be a space, as `{log_unifrom: [1e-4, 1e-2]}` is."""
    return (
        isinstance(value, Mapping)
        and len(value) == 1
        and isinstance(next(iter(value.values())), (list, tuple))
        and bool(_meant(str(next(iter(value))), 0.8))
    )


def _meant(name: str, least: float) -> str:
    """The kind of space that a wrong name probably means: by the words in it, as of `uniform_int` or `randint`, by what
    others call choices, or else by how alike they are; empty where none is."""
    words = set(re.findall(r"log(?=_|$|int|uni)|int(?=_|$|uni|eger)|uniform", name.lower()))
    if words:
        return ("log_" if "log" in words else "") + ("int_" if "int" in words else "") + "uniform"
    return next(iter(likely(name, KINDS, least)), "")


def parse(path: str, value: Any) -> Space:
    """Read a space; `path` is the key that messages name."""
    if not is_space(value):
        near = _meant(str(next(iter(value))), 0.0) if isinstance(value, Mapping) and len(value) == 1 else ""
        raise _refused(path, EXPECTED + (f" (the nearest is '{near}')" if near else ""), value)
    if len(value) != 1:
        raise _refused(path, f"one of {', '.join(KINDS)} alone", value)
    ((kind, arguments),) = value.items()
    if kind == "choice":
        return _choice(f"{path}.choice", arguments)
    return _range(f"{path}.{kind}", kind, arguments)


def split(path: str, value: Any) -> tuple[Any, dict[str, Space]]:
    """Take the spaces out of a mapping's settings: what is constant, and the spaces by dotted key.

    Messages name keys below `path`. The keys returned are relative to `path`: `{name: clip, bound: {log_uniform: …}}`
    gives `{"bound": …}`. A value that is itself a space gives (None, {"": space}). In a list of several named mappings,
    `[{name: r1, weight: {log_uniform: …}}, r2]`, the name leads to the setting: `{"r1.weight": …}`.
    """
    if is_space(value) or _mistyped(value):
        return None, {"": parse(path, value)}
    if isinstance(value, list) and any(isinstance(item, Mapping) and "name" in item for item in value):
        parts = [split(f"{path}.{name_of(item)}", item) for item in value]
        below = {f"{name_of(item)}.{k}": v for item, (_, f) in zip(value, parts, strict=True) for k, v in f.items()}
        return [kept for kept, _ in parts], below
    if not isinstance(value, Mapping):
        return value, {}
    constant: dict[str, Any] = {}
    found: dict[str, Space] = {}
    for key, inner in value.items():
        kept, spaces = split(f"{path}.{key}", inner)
        if "" not in spaces:
            constant[key] = kept
        found |= {f"{key}.{rest}".rstrip("."): space for rest, space in spaces.items()}
    return constant, found


def name_of(value: Any) -> Any:
    """`r1` of `r1` and of `{name: r1, weight: 1}`; the names of a list of these, joined by +."""
    if isinstance(value, (list, tuple)):
        return "+".join(str(name_of(item)) for item in value)
    return value.get("name") if isinstance(value, Mapping) else value


def text(value: Any) -> str:
    """A stable name of a plain value, of `[A-Za-z0-9_.,=-]` alone: `r1_1` for `{name: r1, weight: 1.0}`."""
    named = _text(value)
    safe = re.sub(r"[^A-Za-z0-9_.,=-]+", "_", named)
    if safe == named and len(safe) <= LONGEST_TEXT:
        return safe
    digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[: LONGEST_TEXT - 9]}.{digest}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return _mapping_text(value)
    if isinstance(value, (list, tuple)):
        return "x".join(_text(item) for item in value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value if isinstance(value, str) else shown(value)


def _mapping_text(value: Mapping[str, Any]) -> str:
    title = next((key for key in ("name", "kind", "module") if isinstance(value.get(key), str)), None)
    if title and "f" in value and "g" in value:  # a user's own pair, which its name identifies
        return str(value[title])
    rest = {key: _text(inner) for key, inner in sorted(value.items()) if key != title}
    if title is None:
        return ",".join(f"{key}={inner}" for key, inner in rest.items())
    alone = len(rest) == 1
    settings = ",".join(inner if alone else f"{key}={inner}" for key, inner in rest.items())
    name = value[title].replace(":", ".") if title == "module" else value[title]
    return f"{name}_{settings}" if settings else str(name)


def _range(path: str, kind: str, bounds: Any) -> Space:
    space = Space(kind)
    number = "whole number" if space.whole else "number"
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        raise _refused(path, f"[low, high], two {number}s", bounds)
    for bound in bounds:
        if isinstance(bound, bool) or not isinstance(bound, int if space.whole else (int, float)):
            raise _refused(path, f"[low, high], two {number}s", bounds)
        if not math.isfinite(bound):
            raise _refused(path, "finite bounds", bounds)
    low, high = bounds
    if space.logarithmic and low <= 0:
        raise _refused(path, "a low bound above 0, as the scale is logarithmic", bounds)
    if low >= high:
        raise _refused(path, "low < high", bounds)
    return replace(space, low=low if space.whole else float(low), high=high if space.whole else float(high))


def _choice(path: str, choices: Any) -> Space:
    if not isinstance(choices, (list, tuple)) or not choices:
        raise _refused(path, "a list of at least one value", choices)
    named: dict[str, Any] = {}
    plain: dict[Any, Any] = {}  # numbers and texts by themselves: Python and Optuna hold 1 and true equal
    for value in choices:
        if split(path, value)[1]:
            raise _refused(path, "values without search spaces inside", value)
        name, nested = text(value), isinstance(value, (list, tuple, Mapping))
        alike = named.values() if nested else [plain[value]] if value in plain else []
        same = [other for other in alike if other == value] or ([named[name]] if name in named else [])
        if same:
            raise ConfigError(f"{path}: expected each value once, got {shown(same[0])} and {shown(value)}")
        named[name] = value
        plain |= {} if nested else {value: value}
    return Space("choice", choices=tuple(choices))


def _refused(path: str, expected: str, got: Any) -> ConfigError:
    return ConfigError(f"{path}: expected {expected}, got {shown(got)}")
