"""Signals stop a study cleanly; a second one stops it at once.

`ctrl-C`, SIGTERM, SIGUSR1 (which schedulers send some time before they end a job) and SIGHUP (the terminal has gone),
unless that is ignored, as under nohup. The study can be resumed, as the ledger is valid at every instant; a clean stop
also keeps what the workers have done since their last checkpoint.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ray.tune import Stopper

from study.search.unpickled import Unpickled

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)


class Interruption(Unpickled, Stopper):
    """Tells Tune's loop to end once a signal came; outside that loop a signal raises `KeyboardInterrupt`.

    A context manager. Only the main thread receives signals, elsewhere nothing is installed. `reason` says why for a
    request that was not a signal, `signal` names the first signal; else None.
    """

    def __init__(self) -> None:
        """Nothing was requested yet."""
        self.requested = False
        self.reason: str | None = None
        self.signal: str | None = None
        self._looping = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        """Install the handlers."""
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in SIGNALS if not (number == signal.SIGHUP and _is_ignored(number))]
            self._before = {number: signal.getsignal(number) for number in heard}
        self.hear()
        return self

    def hear(self) -> None:
        """Install the handlers once more: Ray has put its own for SIGTERM in their place while it started."""
        for number in self._before:
            signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        """Put back what was there."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def loop(self) -> Iterator[None]:
        """While Tune's loop runs within, a signal is a request to it."""
        self._looping = True
        try:
            yield
        finally:
            self._looping = False

    def request(self, reason: str) -> None:
        """Have Tune's loop end, and say why."""
        self.requested, self.reason = True, self.reason or reason

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002
        """No trial is stopped by itself."""
        return False

    def __deepcopy__(self, memo: dict[int, Any]) -> Interruption:
        """Tune copies what it is given; there is one process and one request."""
        return self

    def stop_all(self) -> bool:
        """Whether Tune's loop shall end."""
        return self.requested

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number).name
        again, self.requested = self.requested, True
        if again or not self._looping:
            raise KeyboardInterrupt


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
