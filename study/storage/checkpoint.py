"""Checkpoints of a trial, written atomically and checked by a digest.

A file is a SHA-256 digest (32 bytes) followed by what `torch.save` wrote. The one before the newest is kept, so that a
file truncated by a dying machine costs no more than one interval. Reading executes no code (`trainables.torch_files`).
"""

import hashlib
import io
import logging
from collections.abc import Mapping
from typing import Any

import torch

from study.storage.store import Store
from trainables import torch_files

LOGGER = logging.getLogger(__name__)
NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"


def write(store: Store, folder: str, content: Mapping[str, Any]) -> None:
    """Save tensors and plain data as the newest in `folder`; raises `OSError`, leaving the older ones intact."""
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    payload = buffer.getvalue()
    store.write(f"{folder}/{NEWEST}", hashlib.sha256(payload).digest() + payload, former=f"{folder}/{PREVIOUS}")


def read_all(store: Store, folder: str, device: str = "cpu") -> list[dict[str, Any]]:
    """The intact checkpoints in `folder`, the newest first; truncated, foreign and unreadable files are skipped."""
    found = (_read(store, f"{folder}/{name}", device) for name in (NEWEST, PREVIOUS))
    return [content for content in found if content is not None]


def remove(store: Store, folder: str) -> None:
    """Delete a trial's checkpoints, which nothing needs once its ending is in the ledger."""
    for name in (NEWEST, PREVIOUS):
        store.remove(f"{folder}/{name}")


def _read(store: Store, name: str, device: str) -> dict[str, Any] | None:
    try:
        raw = store.read(name)
    except OSError as error:
        LOGGER.warning("%s could not be read: %s", name, error)
        return None
    if raw is None:
        return None
    digest, payload = raw[:32], raw[32:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    try:
        content = torch_files.load(payload, device)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
