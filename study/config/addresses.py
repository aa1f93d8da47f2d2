"""Addresses in a configuration: which are valid storage locations, and how their secrets are masked."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from study.config.messages import shown

SCHEMES = ("s3", "gs")
_USER = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
_QUERY = re.compile(r"([?&][^=&\s]*(?:password|passwd|token|secret|key|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)


def masked(text: str) -> str:
    """The text without the secrets of addresses in it: `https://user:password@host` becomes `https://***@host`."""
    return _QUERY.sub(r"\1***", _USER.sub(r"\1***@", text))


def problem_of(storage: str) -> str | None:
    """What is wrong with a setting of `resources.storage`, judged by its form alone; None if nothing is."""
    if masked(storage) != storage:
        return f"expected an address without credentials (set them in each node's environment), got {masked(storage)}"
    if "://" not in storage:
        return None if Path(storage).is_absolute() else f"expected an absolute path or an address, got {shown(storage)}"
    parts = urlsplit(storage)
    if parts.scheme not in SCHEMES or not parts.netloc:
        return f"expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or an absolute path, got {shown(storage)}"
    return None
