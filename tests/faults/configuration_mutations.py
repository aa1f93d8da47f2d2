"""Ways to spoil a configuration: a table of functions from its plain values to the text of a YAML file, by a seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import yaml

Values = dict[str, Any]
Mutation = Callable[[Values, random.Random], bytes]

ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 0.5, 1.5, -0.0, 1e-300, 1e300, 10**9, 10**18, 2**63, 10**400, float("nan"),
    float("inf"), -float("inf"), "", " ", "x", "é", "\u202e", "1e-3", "../x", "/dev/zero", "none", "null", "a" * 10**5,
    [], [1], [1, 1], [1, True], [None], ["x"], [[1]], {}, {"a": 1}, {"name": "x"}, {"name": None}, {"choice": []},
    {"choice": [1, 1]}, {"choice": [1, True]}, {"choice": [0, False]}, {"choice": [1, 1.0]}, {"choice": [1, "x"]},
    {"uniform": [0, 1]}, {"uniform": [1, 0]}, {"log_uniform": [0, 1]}, {"log_uniform": [1e-3, 1e-3]},
    {"log_uniform": [1e-4, 1e-2]}, {"uniform": [0, float("inf")]}, {"uniform": [0]}, {"uniform": "x"}, "evil:X",
)  # fmt: skip


def _places(found: Any) -> list[tuple[Any, Any]]:
    """Every place of a value within mappings and lists: what it stands in, and under which key."""
    keys = list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
    return [place for key in keys for place in ((found, key), *_places(found[key]))]


def text(values: Any) -> bytes:
    """As YAML, in any order of keys that they have, and whatever they hold."""
    return yaml.safe_dump(copy.deepcopy(values), sort_keys=False, allow_unicode=True).encode(errors="replace")


def _on_values(change: Callable[[Values, random.Random], None]) -> Mutation:
    def mutate(values: Values, chance: random.Random) -> bytes:
        change(values, chance)
        return text(values)

    return mutate


def _at_a_place(change: Callable[[Any, Any, random.Random], None], *kinds: type) -> Mutation:
    """`change` is given a random place: what it is in, and the key; only of values of these kinds, if any are named."""

    def on(values: Values, chance: random.Random) -> None:
        places = [(one, key) for one, key in _places(values) if not kinds or type(one[key]) in kinds]
        if places:
            change(*chance.choice(places), chance)

    return _on_values(on)


def _odd(inside: Any, key: Any, chance: random.Random) -> None:
    inside[key] = copy.deepcopy(chance.choice(ODD))


def _drop(inside: Any, key: Any, _: random.Random) -> None:
    del inside[key]


def _scale(inside: Any, key: Any, chance: random.Random) -> None:
    factor = chance.choice((-1, 2, 3, 10, 1000, 10**6, 0.5, 1e-3, 1e-9))
    inside[key] = inside[key] * factor if chance.random() < 0.7 else inside[key] + chance.choice((-1, 1, 0.5))


def _as_text(inside: Any, key: Any, _: random.Random) -> None:
    inside[key] = str(inside[key])


def _wrap(inside: Any, key: Any, chance: random.Random) -> None:
    inside[key] = chance.choice(
        ([inside[key]], {"name": inside[key]}, {"choice": [inside[key], inside[key]]}, [[inside[key]]])
    )


def _mistype(inside: Any, key: Any, chance: random.Random) -> None:
    if isinstance(key, str) and key:
        at = chance.randrange(len(key))
        new = chance.choice(
            (key[:at] + key[at + 1 :], key[:at] + "x" + key[at:], key.upper(), f"{key}s", f" {key}", "é" + key)
        )
        inside[new] = inside.pop(key)


def _repeat(inside: Any, key: Any, _: random.Random) -> None:
    inside[key] = [*inside[key], *inside[key][:1]]


def _move(values: Values, chance: random.Random) -> None:
    one, other = chance.choice([*values]), chance.choice([*values])
    if isinstance(values[one], dict) and values[one] and isinstance(values[other], dict):
        key = chance.choice([*values[one]])
        values[other][key] = values[one].pop(key)


def _deep(inside: Any, key: Any, chance: random.Random) -> None:
    for _ in range(chance.choice((2, 19, 25, 200))):
        inside[key] = [inside[key]]


TRICKS: tuple[bytes, ...] = (
    b"fixed: &a {ema: 0.5}\nnuisance: *a\n", b"study: !!python/object/apply:os.system ['true']\n",
    b"study: !!str x\n", b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\n", b"study: x\nstudy: y\n",
    b"<<: {study: x}\n", b"\tstudy: x\n", b"---\nstudy: x\n---\nstudy: y\n", b"\xef\xbb\xbfstudy: x\n",
    b"study: x\r\n", b"study: \0\n", b"study: \xff\n", b"study: \xed\xa0\x80\n", b"# nothing\n", b"", b"[]\n", b"3\n",
    b"{\n", b"}\n", b"study: {\n", b"? [a]\n: 1\n", b"1: 2\n", b"null: 2\n", b"%YAML 1.1\n---\nstudy: x\n",
    b"study: 'x\n", b"study: |\n x\n", b"x" * 300_000, b"[" * 50_000, b"replicas: 1:30\n", b"replicas: 0o17\n",
    b"replicas: 0x10\n", b"replicas: 1_000\n", b"replicas: yes\n", b"replicas: 2026-01-01\n", b"replicas: ~\n",
    b"replicas: " + b"9" * 5000 + b"\n", b"replicas: 1e5\n", b"replicas: .5\n", b"replicas: +2\n", b"replicas: 2.0\n",
)  # fmt: skip


def _trick(values: Values, chance: random.Random) -> bytes:
    """A piece of YAML of its own, before or after the rest, or alone."""
    trick = chance.choice(TRICKS)
    rest = text({key: value for key, value in values.items() if f"{key}:".encode() not in trick[: len(key) + 1]})
    return chance.choice((trick + rest, rest + trick, trick))


def _garble(values: Values, chance: random.Random) -> bytes:
    """One byte of the text is another."""
    found = bytearray(text(values))
    found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


MUTATIONS: dict[str, Mutation] = {
    "odd value": _at_a_place(_odd),
    "key dropped": _at_a_place(_drop),
    "number scaled": _at_a_place(_scale, int, float),
    "number as text": _at_a_place(_as_text, int, float),
    "value wrapped": _at_a_place(_wrap),
    "key mistyped": _at_a_place(_mistype),
    "choice repeated": _at_a_place(_repeat, list),
    "key moved": _on_values(_move),
    "deep nesting": _at_a_place(_deep),
    "trick of YAML": _trick,
    "byte changed": _garble,
}
SHARES = (8, 2, 5, 1, 2, 2, 1, 1, 1, 2, 2)  # of the mutations above, in their order
