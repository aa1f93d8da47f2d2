"""Kept generators in a study's store: `trials/TRIAL_ID/generators.safetensors`, complete or absent (`trainables.kept`).

A worker writes a trial's file before it reports the trial's end, so that a trial that has ended has its file; one
whose worker died before is trained on from its checkpoint and writes it then.
"""

from __future__ import annotations

from collections.abc import Iterable

from study.storage.store import Store
from trainables import kept
from trainables.checks import shown
from trainables.kept import Kept, KeptError

FILE = "generators.safetensors"


def name_of(trial_id: str) -> str:
    """Where in the store a trial's generators are."""
    return f"trials/{trial_id}/{FILE}"


def write(store: Store, trial_id: str, payload: bytes) -> None:
    """Keep a trial's generators in place of any earlier attempt's. Raises `OSError`, which leaves the earlier ones."""
    store.write(name_of(trial_id), payload)


def read(store: Store, trial_id: str) -> Kept | None:
    """A trial's generators; None where none were kept. Raises `OSError`, or `KeptError` for a damaged file, or one that
    says it is of another trial."""
    payload = store.read(name_of(trial_id))
    if payload is None:
        return None
    found = kept.from_bytes(payload, name_of(trial_id))
    if (whose := found.about.get("trial_id", trial_id)) != trial_id:
        raise KeptError(f"{found.name}: expected the generators of {trial_id}, got those of {shown(whose)}")
    return found


def remove(store: Store, trial_ids: Iterable[str]) -> None:
    """Delete the generators of trials; nothing where there are none. Raises `OSError`."""
    for trial_id in trial_ids:
        store.remove(name_of(trial_id))


def listed(store: Store) -> set[str]:
    """The trials whose generators are kept. Raises `OSError`."""
    found = (name.split("/") for name in store.names("trials"))
    return {parts[1] for parts in found if len(parts) == 3 and parts[2] == FILE}
