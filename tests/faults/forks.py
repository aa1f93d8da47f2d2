"""Functions and commands in forks of this process, which have everything imported and begin at once.

A fork inherits no threads: once libgomp has a pool (any sum of torch's with two threads), a fork waits for it forever.
So the process that forks is to have none at work, and does in forks what starts some.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

KILLED = "the process was ended by"  # and a signal's name


class Hung(AssertionError):  # noqa: N818 (what happened)
    """A fork did not end in time, and was killed."""


def call(function: Callable[[], Any], seconds: float = 300.0) -> Any:
    """What a function returns in a fork; raises `Hung`, and `RuntimeError` with the traceback of what it raises."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        with os.fdopen(writer, "wb") as out:
            try:
                found = (True, function())
            except BaseException:
                found = (False, traceback.format_exc())
            with suppress(OSError):
                pickle.dump(found, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        if not select.select([answer], [], [], seconds)[0]:
            end(process)
            raise Hung(f"not done after {seconds:.0f} s")
        try:
            fine, found = pickle.load(answer)
        except EOFError:
            status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            raise RuntimeError(
                f"{KILLED} {signal.Signals(-status).name}" if status < 0 else f"left: {status}"
            ) from None
    os.waitpid(process, 0)
    if not fine:
        raise RuntimeError(found)
    return found


def begin(function: Callable[[], int], log: Path) -> int:
    """Start a function in a fork that leads a session of its own and writes to a log; its process."""
    process = os.fork()
    if process == 0:
        os.setsid()
        with suppress(BaseException):
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(file, stream.fileno())
        status = 99
        try:
            status = function()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return process


def ended(process: int, seconds: float) -> int | None:
    """The exit status of a fork, once it has ended; None where it has not in so many seconds."""
    until = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.005)


def end(process: int) -> None:
    """SIGKILL a fork."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
