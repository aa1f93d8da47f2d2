"""The ledger's copy in a study's store, so that the loss of the driver's machine does not lose the study.

A thread copies what is new every few seconds and renews the session's lease. A store that does not answer delays the
copy and nothing else. `fetch` brings the study to a machine that does not have it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from analysis.record.schema import FILES
from study.config.loading import STUDY_FILE
from study.storage import lease
from study.storage.lease import Lease
from study.storage.store import Store, lies_in, store_at

LOGGER = logging.getLogger(__name__)


class Mirror:
    """Copies the study in `folder` into `store` under the lease `held`; calls `lost` if another session takes over."""

    def __init__(self, folder: Path, store: Store, held: Lease, lost: Callable[[Lease], None]) -> None:
        """Nothing is copied before `start`."""
        self._folder, self._store, self._lease, self._lost = folder, store, held, lost
        self._sizes: dict[str, int] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="mirror", daemon=True)

    def start(self) -> None:
        """Copy what there is, and go on in a thread; raises `OSError` where the store does not answer now."""
        self._copy(STUDY_FILE)
        self._thread.start()

    def close(self) -> str | None:
        """Copy the rest with the record, and release the lease; returns the error that prevented it, or None."""
        self._closing.set()
        self._thread.join()
        try:
            if not self._held():
                return None
            self._copy(*FILES)
            lease.release(self._store, self._lease)
        except OSError as error:
            return str(error)
        return None

    def _follow(self) -> None:
        while not self._closing.wait(lease.SEEN):
            try:
                if not self._held():
                    return
                self._copy()
                lease.write(self._store, self._lease)
            except OSError as error:
                LOGGER.info("the ledger's copy has to wait: %s", error)

    def _held(self) -> bool:
        """Whether the session still holds the store; calls `lost` if not."""
        found = lease.read(self._store)
        if found is not None and found.session != self._lease.session:
            self._lost(found)
            return False
        return True

    def _copy(self, *further: str) -> None:
        """Copy the ledger's segments that have grown, and `further` files that exist."""
        segments = sorted(f"ledger/{path.name}" for path in (self._folder / "ledger").glob("*.jsonl"))
        for name in (*segments, *further):
            path = self._folder / name
            size = path.stat().st_size if path.is_file() else 0
            if size and (self._sizes.get(name) != size or name in further):
                payload = path.read_bytes()
                self._store.write(name, payload)
                self._sizes[name] = len(payload)


def fetch(store: Store, folder: Path) -> bool:
    """Bring the study that a store holds to a folder that has none; whether there was one.

    `study.yaml` comes last, so that a copy cut short does not count as a study and is fetched again.

    Raises:
        StudyBusy: a session is at work there.
        OSError: the store does not answer, or the folder cannot be written.
    """
    if lies_in(store, folder):
        return False
    settings = store.read(STUDY_FILE)
    if settings is None:
        return False
    lease.refuse_busy(store)
    for name in (*store.names("ledger"), *store.names("trials")):
        if name.endswith((".jsonl", ".npz", "/measured.json")):
            bring(store, folder, name)
    store_at(str(folder.resolve())).write(STUDY_FILE, settings)
    return True


def bring(store: Store, folder: Path, name: str) -> None:
    """Copy one file of a store into a folder atomically; does nothing if the store lacks it or is that folder."""
    if not lies_in(store, folder) and (payload := store.read(name)) is not None:
        store_at(str(folder.resolve())).write(name, payload)
