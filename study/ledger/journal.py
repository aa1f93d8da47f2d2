"""The journal of a running study: what is appended to the ledger, and the state that follows from it, in step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from study.ledger.entries import Entry
from study.ledger.ledger import Ledger
from study.ledger.state import StudyState, TrialState

Listener = Callable[[Entry, TrialState | None], None]


class Journal:
    """Writes entries, then applies them to `state`, then tells its `listeners` of each and of its trial.

    `trouble` is what kept the last append from being written, None if it was.
    """

    def __init__(self, ledger: Ledger, state: StudyState) -> None:
        """Start from a ledger and the state replayed from it."""
        self.ledger, self.state = ledger, state
        self.listeners: list[Listener] = []
        self.trouble: OSError | None = None

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Lock the study in `folder`, replay it and continue it; raises `StudyBusy`."""
        ledger = Ledger.open(folder)
        try:
            return cls(ledger, StudyState.replay(folder))
        except BaseException:
            ledger.close()
            raise

    def append(self, *entries: Entry, durable: bool = True) -> None:
        """Append entries together, stamped with the present time where they have none; `durable` as in `Ledger.append`.

        Raises `OSError` where they could not be written; then nothing changes.
        """
        now = time.time()
        stamped = [entry if entry.time else replace(entry, time=now) for entry in entries]
        self.trouble = None
        try:
            position = self.ledger.append(*stamped, durable=durable)
        except OSError as error:
            self.trouble = error
            raise
        for entry in stamped:
            trial = self.state.apply(entry, position)
            for listener in self.listeners:
                listener(entry, trial)

    def close(self) -> None:
        """Close the ledger and release its lock."""
        self.ledger.close()
