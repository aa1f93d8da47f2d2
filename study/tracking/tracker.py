"""The tracker: a thread that follows the ledger and logs it to MLflow at MLflow's own pace.

It reads the ledger from a cursor of its own, so a server that is slow, refuses or is gone costs the study nothing: rows
wait on disk, attempts are repeated at growing intervals, and what a kill makes it log twice MLflow keeps once.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from study.atomic_write import remove_partials
from study.config.addresses import masked
from study.ledger.ledger import entries
from study.storage.store import store_of
from study.tracking.batch import LARGEST
from study.tracking.cursor import NAME, Cursor, trouble, waiting
from study.tracking.local import LOCAL, damage

if TYPE_CHECKING:
    from study.config.schema import StudyConfig
    from study.tracking.mlflow_study import MlflowStudy

LOGGER = logging.getLogger(__name__)
Ending = Literal["FINISHED", "FAILED", "KILLED"]

PACE = 3.0  # seconds between looks at the ledger, so that a trial's entries share requests
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # seconds between attempts while MLflow does not answer
SILENCE = 20.0  # seconds after which a drain gives up if all attempts fail, as when the server is gone
OF_FILE = 3.0  # the same of the database in the folder, which does not come back by itself
BEGINNING, END = 300, 200  # characters of an error that are kept; the reason often comes last


class Tracker:
    """Follows one study's ledger. The process that runs the study has at most one; no method raises MLflow's errors."""

    def __init__(self, folder: str | Path, config: StudyConfig, *, pace: float = PACE) -> None:
        """Prepare to track the study in `folder` under `config.study` at `config.tracking.uri`; `start` begins."""
        self._folder, self._name, self._uri = Path(folder), config.study, config.tracking.uri
        self._store = lambda: store_of(config, self._folder)
        self._pace = pace
        self._cursor = Cursor.load(self._folder, masked(self._uri) if self._uri else LOCAL)
        self._runs: MlflowStudy | None = None
        self._failures = 0
        self._size = LARGEST  # entries of a batch; fewer where requests fail, so that some batch succeeds
        self._news = True
        self._asked = self._answered = 0  # drains: how many were asked for, and the newest that was satisfied
        self._heard = 0.0  # when MLflow last took anything, on the monotonic clock
        self._urgent = self._closing = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._follow, name="mlflow-tracker", daemon=True)

    def start(self) -> None:
        """Begin; discards an ending that an earlier session left for the study's run."""
        remove_partials(self._folder / NAME)
        self._keep(replace(self._cursor, owed=None))
        self._thread.start()

    def notify(self) -> None:
        """Say that the ledger has new entries; cheap, and may be called at any rate."""
        self._news = True

    def drain(self, timeout: float, ending: Ending | None = None) -> int:
        """Let MLflow catch up for at most `timeout` seconds, and then end the study's run if `ending` says how.

        It gives up earlier where MLflow has taken nothing for `SILENCE` or `OF_FILE` seconds and the newest attempt
        failed.

        Returns:
            How many entries still wait, as `waiting` counts them; the next session, or `sync`, logs them.
        """
        with self._change:
            if ending is not None:
                self._keep(replace(self._cursor, owed=ending))
            self._asked += 1
            asked = self._asked
            self._urgent = True
            self._heard = time.monotonic()
            self._change.notify_all()
            self._change.wait_for(lambda: self._answered >= asked or self._silent(), timeout)
            self._asked = self._answered
        return waiting(self._folder)

    def close(self, timeout: float = 2.0) -> None:
        """Stop following, waiting at most `timeout` seconds for a request under way."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _silent(self) -> bool:
        return self._failures > 0 and time.monotonic() - self._heard > (SILENCE if self._uri else OF_FILE)

    def _follow(self) -> None:
        while not self._closing:
            asked, self._urgent = self._asked, False
            if self._news or self._failures or asked > self._answered:
                self._news = False
                self._attempt()
            with self._change:
                if not self._failures:
                    self._answered = max(self._answered, asked)
                self._change.notify_all()
                self._change.wait_for(lambda: self._urgent or self._closing, self._pause())

    def _attempt(self) -> None:
        try:
            self._catch_up()
            self._failures = 0
        except Exception as error:
            self._runs = None
            self._failures += 1
            self._size = max(1, self._size // 2)
            trouble = _shortened(masked(f"{type(error).__name__}: {error}"))
            if trouble != self._cursor.trouble:
                LOGGER.info("MLflow has to wait: %s", trouble)
                self._keep(replace(self._cursor, trouble=trouble))

    def _catch_up(self) -> None:
        """Bring MLflow up to the ledger's end, batch by batch; whatever fails leaves the cursor before it."""
        if self._runs is None:
            if next(entries(self._folder), None) is None:
                return
            from study.tracking.mlflow_study import MlflowStudy

            runs = MlflowStudy(self._folder, self._name, self._uri, self._store)
            self._advance(runs.connect(self._cursor))
            self._runs = runs
        while batch := list(islice(entries(self._folder, self._cursor.position), self._size)):
            self._advance(self._runs.log(self._cursor, batch))
            self._size = min(LARGEST, 2 * self._size)
            if self._closing:
                return
        self._runs.summarize(self._cursor)
        if self._cursor.owed is not None:
            self._runs.end(self._cursor)
            self._advance(replace(self._cursor, trouble=None), owed=False)

    def _advance(self, cursor: Cursor, owed: bool = True) -> None:
        """Go on from a cursor once it is on disk; an ending asked for meanwhile stays owed."""
        with self._change:
            cursor = replace(cursor, owed=self._cursor.owed if owed else None)
            cursor.save(self._folder)
            self._cursor = cursor
            self._heard = time.monotonic()

    def _keep(self, cursor: Cursor) -> None:
        """Keep a cursor, and save it if the disk allows."""
        with self._change:
            self._cursor = cursor
            try:
                cursor.save(self._folder)
            except OSError as error:
                LOGGER.info("tracking.json could not be written: %s", error)

    def _pause(self) -> float:
        if not self._failures:
            return self._pace
        longest = min(1.0, LONGEST_PAUSE) if self._asked > self._answered else LONGEST_PAUSE
        return min(SHORTEST_PAUSE * 2.0 ** min(self._failures - 1, 20), longest)


def _shortened(text: str) -> str:
    return text if len(text) <= BEGINNING + END else f"{text[:BEGINNING]} … {text[-END:]}"


def why_waiting(folder: Path, config: StudyConfig) -> str | None:
    """Why entries wait for MLflow, in a line, as far as is known: of a database in the folder that cannot be used also
    what to do."""
    broken = damage(folder) if config.tracking.uri is None else None
    return broken or (trouble(folder) or "").partition("\n")[0] or None


def sync(folder: str | Path, config: StudyConfig, timeout: float = 60.0, ending: Ending = "FINISHED") -> int:
    """Log what MLflow lacks of a study that is not running, and end its run; returns how many entries still wait."""
    tracker = Tracker(folder, config)
    tracker.start()
    still = tracker.drain(timeout, ending)
    tracker.close()
    return still
