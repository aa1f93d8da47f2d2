"""A function called in a thread of its own, while the caller does something else."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0  # seconds that a function gets to end when the process does; a call of torch's is over sooner


class BackgroundCall:
    """A function's result, computed in a thread of its own while the caller does something else."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, until: threading.Event | None = None) -> None:
        """Start at once; the thread lives until the function has ended and `until`, if any, is set.

        A process that ends before ends the function first.
        """
        self._function, self._arguments, self._until = function, arguments, until
        self._result: Any = None
        self._error: BaseException | None = None
        self._ended = threading.Event()  # a join that a signal broke off would take the thread for ended
        self._thread = threading.Thread(target=self._run, daemon=True)
        atexit.register(self._leave)
        self._thread.start()

    def __call__(self) -> Any:
        """Wait for it; raises what the function raised."""
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def ends(self, within: float) -> bool:
        """Whether it has ended, or does within so many seconds."""
        return self._ended.wait(within)

    def _run(self) -> None:
        try:
            self._result = self._function(*self._arguments)
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()
            atexit.unregister(self._leave)  # which would keep the result until the process ends
            if self._until is not None:
                self._until.wait()

    def _leave(self) -> None:
        """Raise `SystemExit` in a function that still runs when the process ends, and wait until it has ended.

        Python would end the thread amidst whatever it calls, and torch's C++ would abort the process.
        """
        if self._ended.is_set() or self._thread.ident is None:
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident), ctypes.py_object(SystemExit))
        try:
            self._thread.join(PATIENCE)
        finally:
            if self._thread.is_alive():  # or a second ctrl-C came
                os._exit(130)
