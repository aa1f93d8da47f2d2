"""States of trainings (`Training.state_dict`) taken apart by replicas, and put together again.

Whatever a state holds of each replica is a tensor with the replicas first, or stands in a list under `LISTS`; numbers,
and tensors without axes, are the same for all replicas and follow from the step. So replicas that have trained in one
population go on in others, and those of several, at the same step of specs that agree (`trainables.spec.shared`), in
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

LISTS = ("seeds", "feed")  # with an item for each replica


def part(state: Any, rows: slice) -> Any:
    """The state of some of a training's replicas; its tensors are views of the whole's."""
    if isinstance(state, Tensor):
        return state[rows] if state.dim() else state
    if isinstance(state, dict):
        return {name: found[rows] if name in LISTS else part(found, rows) for name, found in state.items()}
    return [part(one, rows) for one in state] if isinstance(state, list) else state


def joined(states: Sequence[Any]) -> Any:
    """The state of a training of all these trainings' replicas, in this order; raises `ValueError` unless their steps
    agree."""
    steps = [state["step"] for state in states]
    if len({*steps}) != 1:
        raise ValueError(f"step: expected the same in all states, got {steps}")
    return _joined(states)


def _joined(states: Sequence[Any]) -> Any:
    first = states[0]
    if isinstance(first, Tensor):
        return torch.cat(list(states)) if first.dim() else first
    if isinstance(first, dict):
        return {name: _column(name, [state[name] for state in states]) for name in first}
    return [_joined(ones) for ones in zip(*states, strict=True)] if isinstance(first, list) else first


def _column(name: str, found: Sequence[Any]) -> Any:
    return [item for items in found for item in items] if name in LISTS else _joined(found)
