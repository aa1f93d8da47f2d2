"""Ray for one study: the cluster that `RAY_ADDRESS` names, or one of this process's own that listens on loopback."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray

OBJECT_STORE = 128 * 2**20  # bytes; results are small and travel inline
LOUD = ("ray", "ray.tune", "ray.train", "ray.data")


@contextmanager
def connected() -> Iterator[None]:
    """Connect to Ray and quieten it; leaves it running if it was running before. Raises `ConnectionError`."""
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if ray.is_initialized():
        yield
        return
    _connect(os.environ.get("RAY_ADDRESS"))
    try:
        yield
    finally:
        ray.shutdown()


def exposed() -> str | None:
    """The address that this process's own Ray listens on, if others can reach it; None on loopback or a cluster."""
    address = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
    return None if os.environ.get("RAY_ADDRESS") or address.startswith("127.") else address


def _connect(address: str | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL", "configure_logging": False}
    if address is not None:
        ray.init(address=address, **quiet)
        return
    ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
    with suppress(OSError):  # Ray writes it for all to read
        (Path.home() / ".ray" / "auth_token").chmod(0o600)
