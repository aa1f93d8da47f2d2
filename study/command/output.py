"""What a command returns and prints: an exit status, one JSON object on stdout, one message on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from study.ledger.damage import Damage

DONE, FAILED, BAD_INPUT = 0, 1, 2
INTERRUPTED = 130  # as a shell has it of ctrl-C; here of every signal that stops a command in order
LONGEST_MESSAGE = 4000  # characters
_alone: list[TextIO] = []  # stdout itself, within `json_alone`


def print_json(value: Any) -> None:
    """Strictly JSON: what is not finite becomes null."""
    finite = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
    print(json.dumps(finite, indent=2), file=_alone[-1] if _alone else sys.stdout)


@contextmanager
def json_alone() -> Iterator[None]:
    """Within it stdout gets what `print_json` prints and nothing else, as the user's own code may print, too; all that
    goes to stderr."""
    _alone.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _alone.pop()


def say(message: str) -> None:
    """One message on stderr, printable whatever the input held."""
    printable = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)
    if len(printable) > LONGEST_MESSAGE:
        printable = printable[:LONGEST_MESSAGE] + " …"
    print(f"ganstudy: {printable}", file=sys.stderr)


def note_damage(damage: Damage) -> None:
    """Say on stderr what of a ledger could not be read, if anything."""
    if damage.count:
        say(f"note: {damage.sentence()}")
