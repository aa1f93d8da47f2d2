"""The lease on a study's store: a file in it that names the session holding it.

Workers check by it that they see the same store as the driver. Where the store is not the study's own folder,
whose lock keeps a second process out, the holder renews the file every few seconds: while it is fresh nobody else
may take the study up, and a holder that finds another's name in it has lost it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Collection
from typing import NamedTuple

from study.config.messages import ConfigError
from study.ledger.lock import LockOwner, StudyBusy
from study.storage.store import Store

FILE = "ledger/lease.json"
FRESH = 60.0  # seconds after which a holder that was not seen is presumed dead
SEEN = 10.0  # seconds between renewals


class StorageError(RuntimeError):
    """A worker does not see the store of the study it works for."""


class Lease(NamedTuple):
    """A session of a study (a digest of its ledger's first entry), its process, and when it was last seen."""

    study: str
    session: str
    host: str
    pid: int
    since: float
    seen: float


def new(study: str, session: str) -> Lease:
    """A lease of a study's store for this process."""
    now = time.time()
    return Lease(study, session, socket.gethostname(), os.getpid(), now, now)


def read(store: Store) -> Lease | None:
    """Who holds the store; None if nobody ever did."""
    payload = store.read(FILE)
    try:
        return None if payload is None else Lease(**json.loads(payload))
    except (ValueError, TypeError):
        return None


def write(store: Store, held: Lease) -> None:
    """Take the lease, or renew it; raises `OSError` where the store cannot be written."""
    payload = json.dumps(held._replace(seen=time.time())._asdict()).encode()
    try:
        store.write(FILE, payload)
    except OSError as error:
        raise OSError(f"the study's files cannot be kept in {store.place}: {error}") from None


def release(store: Store, held: Lease) -> None:
    """Let another session take the store at once."""
    if (found := read(store)) is not None and found.session == held.session:
        store.write(FILE, json.dumps(found._replace(seen=0.0)._asdict()).encode())


def refuse_other(store: Store, study: str | None, sessions: Collection[str]) -> None:
    """Raise unless the study may continue here.

    Args:
        store: the study's store.
        study: its identity; None for a new study.
        sessions: those in the local ledger.

    Raises:
        ConfigError: the store holds another study, or one that went on elsewhere.
        OSError: the store does not answer.
        StudyBusy: see `refuse_busy`.
    """
    try:
        found = read(store)
    except OSError as error:
        raise OSError(f"resources.storage: {store.place} does not answer: {error}") from None
    if found is None:
        return
    if found.study != study:
        raise ConfigError(
            f"resources.storage: {store.place} holds another study of the same name, begun on {found.host};"
            " give the study another name, or another storage"
        )
    _refuse_fresh(store, found)
    if found.session not in sessions:
        raise ConfigError(
            f"resources.storage: the study went on from {store.place} on {found.host}, and this folder does not know of"
            " it; give `ganstudy run` an empty --out, and it is brought from there"
        )


def refuse_busy(store: Store) -> None:
    """Raise `StudyBusy` if a session renewed its lease on the store within the last `FRESH` seconds."""
    if (found := read(store)) is not None:
        _refuse_fresh(store, found)


def _refuse_fresh(store: Store, found: Lease) -> None:
    if time.time() - found.seen < FRESH:
        raise StudyBusy(store.place, LockOwner(found.host, found.pid, found.since))


def check(store: Store, session: str) -> None:
    """Raise `StorageError` unless this process sees the store that the session holds."""
    try:
        found = read(store)
    except OSError as error:
        raise StorageError(f"node {socket.gethostname()} cannot reach {store.place}: {error}") from None
    if found is None:
        raise StorageError(
            f"node {socket.gethostname()} does not see the study's files in {store.place}; give resources.storage,"
            " an address such as s3://bucket/prefix or a path that all nodes share"
        )
    if found.session != session:
        raise StorageError(f"{store.place} was taken over by process {found.pid} on {found.host}")
