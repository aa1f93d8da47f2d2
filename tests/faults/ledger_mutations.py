"""Ways to damage a ledger: a table of functions that change the lines of its segments, drawn from a seed.

The raw ones are what disks, editors and copies do. The sealed ones give a line another content and a right checksum, as
a faulty program, a newer version or a stranger would.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from typing import Any

Segments = dict[int, bytes]  # the content of each segment by its number
Mutation = Callable[[Segments, random.Random], None]  # changes the segments in place


def sealed(text: bytes) -> bytes:
    """A line with a right checksum."""
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _of_lines(change: Callable[[list[bytes], int, random.Random], None]) -> Mutation:
    """The mutation that changes one segment's lines; `change` is given one line's number."""

    def mutate(segments: Segments, chance: random.Random) -> None:
        number = chance.choice([number for number, content in segments.items() if content] or [min(segments)])
        lines = segments[number].splitlines(keepends=True) or [b"\n"]
        change(lines, chance.randrange(len(lines)), chance)
        segments[number] = b"".join(lines)

    return mutate


def _of_line(change: Callable[[bytes, random.Random], bytes]) -> Mutation:
    """The mutation that changes one line."""

    def on(lines: list[bytes], at: int, chance: random.Random) -> None:
        lines[at] = change(lines[at], chance)

    return _of_lines(on)


def _of_entry(change: Callable[[dict[str, Any], random.Random], Any]) -> Mutation:
    """The mutation that changes the object of one line, which keeps a right checksum; `change` may return the JSON."""

    def on(line: bytes, chance: random.Random) -> bytes:
        try:
            found = json.loads(line[9:])
            text = change(found, chance)
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError):  # of one damaged before
            return line
        return sealed(text if isinstance(text, bytes) else json.dumps(found).encode())

    return _of_line(on)


def _flip(line: bytes, chance: random.Random) -> bytes:
    changed = bytearray(line)
    for _ in range(chance.choice((1, 1, 2, 8))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(*contents: bytes) -> Callable[[bytes, random.Random], bytes]:
    def change(line: bytes, chance: random.Random) -> bytes:
        at, new = chance.randrange(len(line)), chance.choice(contents)
        return line[:at] + new + line[at + len(new) :]

    return change


def _cut(line: bytes, chance: random.Random) -> bytes:
    return line[: chance.randrange(len(line))] + chance.choice((b"\n", b""))


def _split(line: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(line))
    return line[:at] + b"\n" + line[at:]


def _double(lines: list[bytes], at: int, chance: random.Random) -> None:
    lines.insert(chance.choice((at, chance.randrange(len(lines) + 1), len(lines))), lines[at])


def _swap(lines: list[bytes], at: int, chance: random.Random) -> None:
    other = chance.choice((min(at + 1, len(lines) - 1), chance.randrange(len(lines))))
    lines[at], lines[other] = lines[other], lines[at]


def _shuffle(lines: list[bytes], _: int, chance: random.Random) -> None:
    chance.shuffle(lines)


def _remove(lines: list[bytes], at: int, _: random.Random) -> None:
    del lines[at]


FOREIGN = (
    b'{"log": "not ours"}\n', b"[]\n", b"\n", b"\0" * 4096 + b"\n", b"\xef\xbb\xbf\n", b"kind,time\n",
    b"x" * 10**6 + b"\n",
)  # fmt: skip
FOREIGN_JSON = (
    b"[]", b"3", b"null", b'"planned"', b"{}", b'{"kind": 1}', b'{"kind": "planned"}', b"[" * 100_000,
    b'{"kind": "result", "columns": []}', b"[" * 150 + b"]" * 150, b"9" * 10_000, b"NaN", b"-Infinity",
    b'{"kind": "\xff"}', b'"\\ud800"', b"\0",
)  # fmt: skip
ODD = (
    None, True, -1, 0, 1.5, 2**63, 10**400, float("nan"), float("inf"), "", "x", "\0", "\u202e", "é" * 300, [], {},
    [[]], [None], "../../x", "=1+1",
)  # fmt: skip


def _foreign_line(lines: list[bytes], at: int, chance: random.Random) -> None:
    lines.insert(at, chance.choice((*FOREIGN, *(sealed(text) for text in FOREIGN_JSON))))


def _places(found: Any) -> list[tuple[Any, Any]]:
    """Every place of a value within mappings and lists: what it stands in, and under which key."""
    keys = list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
    return [place for key in keys for place in ((found, key), *_places(found[key]))]


def _odd(found: dict[str, Any], chance: random.Random) -> None:
    inside, key = chance.choice(_places(found))
    inside[key] = chance.choice(ODD)


def _drop(found: dict[str, Any], chance: random.Random) -> None:
    inside, key = chance.choice(_places(found))
    del inside[key]


def _rename(found: dict[str, Any], chance: random.Random) -> None:
    key = chance.choice(list(found))
    found[f"{key}s"] = found.pop(key)


def _deep(found: dict[str, Any], chance: random.Random) -> bytes:
    depth, key = chance.choice((15, 30, 150, 500, 100_000)), chance.choice(list(found))
    found[key] = "HERE"
    return json.dumps(found).encode().replace(b'"HERE"', b"[" * depth + b"]" * depth)


def _from_the_future(found: dict[str, Any], chance: random.Random) -> None:
    if chance.random() < 0.5:
        found["kind"] = "rehearsed"
    found |= {"format": 99, "versions": {"ganstudy": "99.0"}, "future": {"a": [1, {"b": None}]}}


def _another_trial(found: dict[str, Any], chance: random.Random) -> None:
    found["index"] = chance.choice((found["index"] + 1, 9, 10**6))
    found["trial_id"] = f"{found['phase']}-{found['arm']}-{found['index']:04d}"


def _time(found: dict[str, Any], chance: random.Random) -> None:
    found["time"] = found["time"] + chance.choice((-1e9, -1.0, 1.0, 1e9))


def _truncate(segments: Segments, chance: random.Random) -> None:
    number = chance.choice(list(segments))
    segments[number] = segments[number][: chance.randrange(len(segments[number]) + 1)]


def _empty_tail(segments: Segments, chance: random.Random) -> None:
    """NULs at the end, as some file systems leave after a power cut."""
    segments[max(segments)] += b"\0" * chance.choice((1, 511, 4096))


def _lose(segments: Segments, chance: random.Random) -> None:
    if len(segments) > 1:
        del segments[chance.choice(list(segments))]


def _copy(segments: Segments, chance: random.Random) -> None:
    segments[max(segments) + chance.choice((1, 2))] = segments[chance.choice(list(segments))]


def _exchange(segments: Segments, chance: random.Random) -> None:
    one, other = chance.choice(list(segments)), chance.choice(list(segments))
    segments[one], segments[other] = segments[other], segments[one]


MUTATIONS: dict[str, Mutation] = {
    "bits flipped": _of_line(_flip),
    "NULs": _of_line(_overwrite(b"\0", b"\0" * 16, b"\0" * 512)),
    "invalid UTF-8": _of_line(_overwrite(b"\xff", b"\xc3\x28", b"\xed\xa0\x80")),
    "line cut": _of_line(_cut),
    "line split": _of_line(_split),
    "line ends in CR LF": _of_line(lambda line, _: line[:-1] + b"\r\n"),
    "line doubled": _of_lines(_double),
    "lines swapped": _of_lines(_swap),
    "lines shuffled": _of_lines(_shuffle),
    "line removed": _of_lines(_remove),
    "foreign line": _of_lines(_foreign_line),
    "segment truncated": _truncate,
    "NULs at the end": _empty_tail,
    "segment lost": _lose,
    "segment doubled": _copy,
    "segments exchanged": _exchange,
    "sealed: odd value": _of_entry(_odd),
    "sealed: key dropped": _of_entry(_drop),
    "sealed: key renamed": _of_entry(_rename),
    "sealed: deep nesting": _of_entry(_deep),
    "sealed: newer version": _of_entry(_from_the_future),
    "sealed: another trial": _of_entry(_another_trial),
    "sealed: another time": _of_entry(_time),
}
