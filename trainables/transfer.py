"""What an evaluation found, moved from the device to the host at once.

To ask a device for a value is to wait until it has done all that it was told, some tens of microseconds in which
nothing more is launched. So all columns travel as one tensor of float64, which holds every float32, flag and count of
an evaluation exactly, into pinned memory, and the host waits once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def read_at_once(device: torch.device) -> bool:
    """Whether values can be read without a wait: a processor's."""
    return device.type == "cpu"


def fetched(columns: Mapping[str, Tensor]) -> dict[str, list[Any]]:
    """Columns (R, ...) of one device as lists of a replica's plain values, or of lists of them for (R, K).

    Whole numbers are expected below 2^53.
    """
    packed = torch.cat([column.reshape(len(column), -1).double() for column in columns.values()], 1)
    here = packed.to("cpu", non_blocking=True)  # pinned by torch where it comes from a card
    if packed.is_cuda:
        torch.cuda.current_stream(packed.device).synchronize()
    rows, first, found = here.tolist(), 0, dict[str, list[Any]]()
    for name, column in columns.items():
        kind, last = _kind(column.dtype), first + column[0].numel()
        values = [[kind(value) for value in row[first:last]] for row in rows]
        found[name] = values if column.ndim > 1 else [value for (value,) in values]
        first = last
    return found


def _kind(dtype: torch.dtype) -> type[bool] | type[int] | type[float]:
    if dtype == torch.bool:
        return bool
    return float if dtype.is_floating_point else int
