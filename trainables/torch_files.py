"""Files that `torch.save` wrote, read as tensors and plain data alone: no code that is in one is run."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch


def load(file: Path | bytes, device: torch.device | str = "cpu") -> Any:
    """What a file, or its content, holds.

    Raises `ValueError` for anything else, and for compressed parts, which torch writes none of: a small file of these
    may hold more than the memory does.
    """

    def opened() -> Any:
        return io.BytesIO(file) if isinstance(file, bytes) else file

    try:
        if zipfile.is_zipfile(opened()):
            with zipfile.ZipFile(opened()) as archive:
                if any(part.compress_type for part in archive.infolist()):
                    raise ValueError("its parts are compressed")
        return torch.load(opened(), map_location=device, weights_only=True)
    except Exception as error:  # whatever a reader of damaged and foreign files comes upon
        raise ValueError(str(error)) from error
