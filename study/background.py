"""A function called in a thread of its own, while the caller does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class BackgroundCall:
    """A function's result, computed in a thread of its own while the caller does something else."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, until: threading.Event | None = None) -> None:
        """Start at once; the thread lives until the function has ended and `until`, if any, is set.

        The process may end before.
        """
        self._function, self._arguments, self._until = function, arguments, until
        self._result: Any = None
        self._error: BaseException | None = None
        self._ended = threading.Event()  # a join that a signal broke off would take the thread for ended
        threading.Thread(target=self._run, daemon=True).start()

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
            if self._until is not None:
                self._until.wait()
