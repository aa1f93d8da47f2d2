"""Versions, hardware and process of a study's session."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from study.config.schema import StudyConfig
from study.ledger.entries import Session
from trainables import own_code
from trainables.changes import CHANGES
from trainables.metrics import own

PACKAGES = ("ganstudy", "torch", "numpy", "ray", "optuna", "mlflow")


def session_entry(session: str, config: StudyConfig, data: Mapping[str, Any]) -> Session:
    """What the ledger says of a session that this process begins: its configuration, versions, machine, own code, its
    `data`, and the changes of meaning that this version knows."""
    hardware = {"cpus": os.cpu_count(), "processor": _processor(), "platform": platform.platform()}
    every = own.every(config.measure) if own_code.directory() is not None else ()
    measured = {one.column: {"better": one.better, "meaning": one.meaning} for one in every}
    return Session(
        session=session,
        config=config.resolved(),
        versions=versions(),
        hardware=hardware,
        code=own_code.digests(),
        own=measured,
        data=dict(data),
        changes=[change.name for change in CHANGES],
        host=socket.gethostname(),
        pid=os.getpid(),
    )


def versions() -> dict[str, str]:
    """Versions of Python and the packages that matter."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _processor() -> str:
    """The processor's name, as Linux has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a source tree that was not installed
        return "unknown"
