"""A data set as bytes in the safetensors format: tensors and text alone, so that reading it runs no code."""

from __future__ import annotations

import json

import safetensors.torch
from safetensors import SafetensorError

from trainables.data.dataset import PARTS, DataSet

_ABOUT = "ganstudy.data"


def to_bytes(data: DataSet) -> bytes:
    """All of a data set that is no known mixture."""
    tensors = {part: getattr(data, part).cpu().contiguous() for part in PARTS if getattr(data, part) is not None}
    about = {"name": data.name, "classes": data.classes, "digest": data.digest}
    return safetensors.torch.save(tensors, {_ABOUT: json.dumps(about)})


def from_bytes(payload: bytes) -> DataSet:
    """The inverse of `to_bytes`; raises `ValueError` where the bytes are no data set or not those that were written."""
    try:
        tensors = safetensors.torch.load(payload)
        size = int.from_bytes(payload[:8], "little")
        about = json.loads(json.loads(payload[8 : 8 + size])["__metadata__"][_ABOUT])
        train, labels, heldout, heldout_labels = map(tensors.get, PARTS)
        data = DataSet(about["name"], train, labels, heldout, heldout_labels, about["classes"])  # type: ignore[arg-type]
        digest = about["digest"]
    except (SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a saved data set, got something else ({type(error).__name__}: {error})") from error
    if data.digest != digest:
        raise ValueError(f"expected a saved data set of digest {digest}, got one of {data.digest}: the file is damaged")
    return data
