"""What a machine is short of that a Ray needs to start, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

TOKENS = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}  # variables that give Ray's token
MEMINFO = Path("/proc/meminfo")  # of Linux; elsewhere nothing is known
MEMORY = 2**30  # bytes that Ray's servers, the driver and a worker take together, about
ROOM = 2**24  # bytes of files before the first trial
BUSY = 4  # processes for each processor, from which on Ray's servers may not be up within its 15 seconds


def place() -> Path:
    """The folder in which Ray keeps its sockets and its own account, chosen as Ray does."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp") / "ray"


def shortages(said: str) -> str:
    """What is seen to be short just now, each with its remedy; where nothing is, what to look for.

    Of a busy machine nothing is said unless a time-out is what Ray `said`.
    """
    busy = _load() if "timed out" in said.lower() else ""
    found = [one for one in (_room(place().parent), _home(), _memory(), busy) if one]
    return "; ".join(found) or f"is the machine out of memory, of room in {place().parent}, or of processes?"


def _room(folder: Path) -> str:
    remedy = "set RAY_TMPDIR to a folder on another disk"
    folder = _existing(folder)
    if not os.access(folder, os.W_OK):
        return f"{folder} cannot be written: {remedy}"
    free = shutil.disk_usage(folder).free
    return f"{folder} has {free / 1e6:.1f} MB free: make room there, or {remedy}" if free < ROOM else ""


def _home() -> str:
    try:
        token = Path.home() / ".ray" / "auth_token"
    except RuntimeError:  # a user without one
        return "there is no home, where Ray keeps its token: set HOME to a folder that can be written"
    given = TOKENS & os.environ.keys() or os.environ.get("RAY_AUTH_MODE") == "disabled"
    if given or token.exists() or os.access(_existing(token.parent), os.W_OK):
        return ""
    return f"{token.parent} cannot be written, where Ray keeps its token: set HOME to a folder that can be"


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there: Ray makes the rest."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _memory() -> str:
    found = re.search(r"MemAvailable: +(\d+) kB", MEMINFO.read_text()) if MEMINFO.exists() else None
    free = 1024 * int(found[1]) if found else MEMORY
    return f"the machine has {free / 1e9:.1f} GB of memory free: end what takes it" if free < MEMORY else ""


def _load() -> str:
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load < BUSY * processors:
        return ""
    return f"the machine is busy (a load of {load:.0f} on {processors} processors): try again when it is less so"
