"""A watch on Ray's servers. Without it a driver whose raylet died waits for ever, and one whose head died for a minute,
after which Ray's client ends the process from C++, with nothing said of the study and nothing put in order."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

import ray

PAUSE = 2.0  # seconds between two looks
PATIENCE = 6.0  # seconds for servers of this process's own, which nobody starts again
LONGEST = 50.0  # seconds for a cluster's head, which may come back; Ray's client gives up after 60


class RayWatch:
    """Calls `gone` once, from a thread, when a server that the driver cannot do without has not listened for a while: a
    cluster's head, or head and raylet of a Ray of this process's own. A context manager, while Ray is connected."""

    def __init__(self, gone: Callable[[], None]) -> None:
        """Look where the servers are; nothing is watched yet."""
        head = str(ray.get_runtime_context().gcs_address)
        self._places, self._gone = [_place(head)], gone
        self._patience = LONGEST
        if "RAY_ADDRESS" not in os.environ:
            nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
            self._places += [(node["NodeManagerAddress"], node["NodeManagerPort"]) for node in nodes]
            self._patience = PATIENCE
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ray-watch", daemon=True)

    def __enter__(self) -> RayWatch:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        seen = dict.fromkeys(self._places, time.monotonic())
        while not self._over.wait(PAUSE):
            seen |= {place: time.monotonic() for place in self._places if self._listens(place)}
            if time.monotonic() - min(seen.values()) >= self._patience and not self._over.is_set():
                self._gone()
                return

    def _listens(self, place: tuple[str, int]) -> bool:
        """Whether a connection is taken; where that takes long, the machine is busy and the server is not dead."""
        try:
            socket.create_connection(place, timeout=self._patience).close()
        except TimeoutError:
            return True
        except OSError:
            return False
        return True


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
