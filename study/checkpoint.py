"""Checkpoints of a trial: whole or absent.

A file is a SHA-256 digest (32 bytes) followed by what `torch.save` wrote. It is written beside its place, flushed to
the disk, and renamed; the one before it is kept, so that a file torn by a dying machine costs one interval and no
more. Reading executes no code (`weights_only`).
"""

import hashlib
import io
import os
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

NEWEST, PREVIOUS, PARTIAL = "checkpoint.pt", "checkpoint.previous.pt", ".checkpoint.partial"


def write(folder: Path, content: Mapping[str, Any]) -> None:
    """Save tensors and plain data as the newest in `folder`; raises `OSError`, leaving the older ones whole."""
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    payload = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    # A name of its own: a worker that outlived its driver may be writing too.
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=PARTIAL, dir=folder)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(payload).digest() + payload)
            file.flush()
            os.fsync(file.fileno())
        if (folder / NEWEST).exists():
            (folder / NEWEST).replace(folder / PREVIOUS)
        partial.replace(folder / NEWEST)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(folder)


def read_all(folder: Path, device: str = "cpu") -> list[dict[str, Any]]:
    """The whole checkpoints in `folder`, the newest first; torn and foreign files are passed over."""
    found = (_read(folder / name, device) for name in (NEWEST, PREVIOUS))
    return [content for content in found if content is not None]


def remove(folder: Path) -> None:
    """Delete a trial's checkpoints, which nothing needs once its ending is in the ledger."""
    for path in (folder / NEWEST, folder / PREVIOUS, *folder.glob(f".*{PARTIAL}")):
        path.unlink(missing_ok=True)


def _read(path: Path, device: str) -> dict[str, Any] | None:
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    digest, payload = raw[:32], raw[32:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    try:
        content = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError):
        return None
    return content if isinstance(content, dict) else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
