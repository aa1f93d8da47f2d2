"""The studies that this user began, of those that name own code or places outside of their folder: what `resume` may
import, ask and write to again.

A study folder can come from anyone and name any module and address, so what it says is not enough. `run` therefore
leaves a note in the user's state folder (`XDG_STATE_HOME`, otherwise ~/.local/state): a file named after the study's
identity, with the names that were imported, the folder they were imported from, and the places.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from study.atomic_write import atomic_write


@dataclass(frozen=True)
class Trusted:
    """What the user has run: names `module:attribute` and the folder they were imported from, and places."""

    directory: Path
    locations: frozenset[str]


def remember(identity: str, directory: Path, locations: Iterable[str]) -> bool:
    """Note that the user ran the study of this identity with this code and these places; whether that was written."""
    known = recall(identity)
    every = {*locations, *(known.locations if known else ())}
    note = {"directory": str(directory), "locations": sorted(every)}
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(folder / f"{identity}.json", json.dumps(note).encode())
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return False
    return True


def recall(identity: str) -> Trusted | None:
    """What was noted of a study; None where there is nothing, or nothing that can be read."""
    try:
        note = json.loads((_folder() / f"{identity}.json").read_bytes())
        return Trusted(Path(note["directory"]), frozenset(note["locations"]))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def _folder() -> Path:
    given = os.environ.get("XDG_STATE_HOME", "")  # the standard has relative paths ignored
    state = Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    return state / "ganstudy" / "studies"
