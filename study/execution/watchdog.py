"""A limit on how long a piece of work may take in this process, enforced even where Python code no longer runs."""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

GRACE = 30.0  # seconds after which the process ends even if no Python thread gets to run
TIMED_OUT = 124  # the process's exit status, as timeout(1) has it


@contextmanager
def time_limit(seconds: float | None, before_exit: Callable[[str], None]) -> Iterator[None]:
    """End the process if the block takes longer than `seconds`; None: no limit.

    A block that hangs, in a kernel's queue or a lock, cannot be interrupted from within; its process can be ended.
    `before_exit` is called before with the tracebacks of all threads. Where a hanging extension keeps the GIL it cannot
    be called: then the thread of CPython's `faulthandler` writes the tracebacks to stderr and ends the process.
    """
    if seconds is None:
        yield
        return
    watchdog = threading.Timer(seconds, _end, (before_exit,))
    watchdog.daemon = True
    watchdog.start()
    if sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        watchdog.cancel()
        faulthandler.cancel_dump_traceback_later()


def _end(before_exit: Callable[[str], None]) -> None:
    with suppress(Exception), tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        before_exit(file.read())
    os._exit(TIMED_OUT)
