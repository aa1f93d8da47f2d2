"""Plain YAML, read strictly: one document of mappings, lists, strings, numbers, true, false and null.

Numbers follow YAML 1.2, so that `1e-4` is a number and `off`, `no` and `2024-01-01` are strings. What is refused, by
a `ConfigError` that names the place: repeated keys, anchors, aliases, tags, keys that are not strings, numbers that
are not finite or beyond 64 bits, deep nesting. Nothing in a file can construct a Python object.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from analysis import text_files
from study.config.broken_yaml import described
from study.config.messages import LONGEST, ConfigError, shown

DEEPEST = 20  # mappings and lists within one another

_SCALARS = {  # YAML 1.2's core schema: tag, pattern, first characters
    "null": (r"(~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    "bool": (r"(true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    "int": (r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", list("-+0123456789")),
    "float": (
        r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z",
        list("-+.0123456789"),
    ),
}


def parse(text: str, source: str) -> Any:
    """Read one YAML document; `source` names it in messages. An empty document is None."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: expected plain YAML, got {described(error, text)}") from None
    except (ValueError, OverflowError):  # of `chr`, which PyYAML leaves to its caller
        raise ConfigError(f"{source}: expected plain YAML, got an escape beyond Unicode's last, 0010FFFF") from None


def read(path: Path) -> Any:
    """Read a file of one YAML document."""
    try:
        text = text_files.read(path, "a YAML file")
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return parse(text, str(path))


def dump(value: Any) -> str:
    """Plain data as YAML, in ASCII, that `parse` reads back to an equal value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=110, default_flow_style=None)


def check(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what is not plain data, as `parse` would, wherever it came from."""
    where = path or "top level"
    if depth > DEEPEST:
        raise ConfigError(f"{where[:LONGEST]}: expected nesting of at most {DEEPEST}, got more")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ConfigError(f"{where}: expected keys that are strings, got {shown(key)}")
            check(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            check(inner, f"{path}.{index}", depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: expected a finite number, got {value!r}")
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise ConfigError(f"{where}: expected a number of at most 64 bits, got {value.bit_length()} bits")
    elif value is not None and not isinstance(value, (str, bool, int, float)):
        raise ConfigError(f"{where}: expected plain data, got {shown(value)}")


def override(values: dict[str, Any], setting: str) -> None:
    """Put one `key.path=value` into nested mappings; a number steps into a list, and one more than its last adds to it;
    the value is YAML."""
    path, equals, text = setting.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set: expected key.path=value, got {shown(setting)}")
    value = parse(text, f"--set {path}")
    inner: Any = values
    for depth, key in enumerate(keys):
        here = ".".join(keys[:depth])
        if not isinstance(inner, (dict, list)):
            raise ConfigError(f"--set {path}: expected a mapping at '{here}', got {shown(inner)}")
        last = depth == len(keys) - 1
        step: Any = _index(len(inner) + last, key, path, here) if isinstance(inner, list) else key
        if last and isinstance(inner, list) and step == len(inner):
            inner.append(value)
        elif last:
            inner[step] = value
        elif isinstance(inner, dict) and inner.get(step) is None:
            inner[step] = inner = {}
        else:
            inner = inner[step]


def _index(places: int, key: str, path: str, here: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 10 and int(key) < places):
        raise ConfigError(f"--set {path}: expected an index below {places} into '{here}', got {shown(key)}")
    return int(key)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema without tags, anchors and repeated keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused("an anchor or alias", event)
        if getattr(event, "tag", None):
            raise _refused(f"the tag {shown(event.tag)}", event)
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refused(f"nesting deeper than {DEEPEST}", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key that is not a string", key)
            if key.value in seen:
                raise _refused(f"the key {shown(key.value)} twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: Any) -> None:
        """Merge keys (`<<`) belong to YAML 1.1: here they are keys like any other."""

    def construct_yaml_int(self, node: Any) -> int:
        try:
            return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)
        except ValueError:  # Python's own limit on digits
            raise _refused("a number too long to read", node) from None

    def construct_yaml_float(self, node: Any) -> float:
        return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads, and quotes strings that YAML 1.1 or 1.2 would read as another type."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _refused(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


for _name, (_pattern, _first) in _SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), _first)
for _name in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", getattr(_Loader, f"construct_yaml_{_name}"))
