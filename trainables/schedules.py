"""Schedules: settings that change over training, of a whole population at once and on its device.

A schedule leads from the value s (`from`) to the value e (`to`). Of training the share p is completed before a step, w
is the share of its `warmup` and u that by which it has arrived, `until`:

    v(p) = s p / w                             while p < w
    v(p) = s + (e - s) h((p - w) / (u - w))    afterwards, and e from u on
    h(q) = 0 (constant), q (linear), (1 - cos(pi q)) / 2 (cosine; Loshchilov & Hutter 2017)

so that a constant schedule jumps to e at u, if that is before the end. An average's decay of d a step is a half-life of
log(1/2) / log(d) steps, and it is the half-life that follows its schedule (Huang et al. 2024, R3GAN).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainables.checks import choice, interval, only

SHAPES = ("constant", "linear", "cosine")
KEYS = ("from", "to", "shape", "warmup", "until")
DEFAULTS: Mapping[str, Any] = {"shape": "linear", "warmup": 0.0, "until": 1.0}


@dataclass(frozen=True)
class Schedule:
    """The way of one setting of one replica; symbols as above."""

    start: float
    end: float
    shape: str = "linear"
    warmup: float = 0.0
    until: float = 1.0

    @property
    def moves(self) -> bool:
        """Whether the setting changes."""
        return self.start != self.end or self.warmup > 0

    @property
    def highest(self) -> float:
        """The largest value on the way."""
        return max(self.start, self.end)


def schedule(value: float | Mapping[str, Any], end: float | None = None) -> Schedule:
    """The schedule of a setting that `settled` has passed; a number stays, or leads to `end`."""
    if isinstance(value, Mapping):
        return Schedule(value["from"], value["to"], value["shape"], value["warmup"], value["until"])
    return Schedule(value, value if end is None else end)


def settled(name: str, value: Any, high: float, closed: str) -> Any:
    """A setting's number from 0 to below `high`, or the mapping of its schedule with its defaults written out.

    `closed` is `left` where a number may be 0. Raises `ValueError` or `TypeError` naming the setting.

    Settings:
        from: what it begins with, after the warm-up. It or `to` may be 0 where a number may not.
        to: what it ends with; by default what it begins with.
        shape: `constant`, which jumps to the end at `until`, `linear`, or `cosine`, half a wave.
        warmup: share of training in which it climbs from 0 to `from`, along a line.
        until: share of training by which it has arrived, after the warm-up.
    """
    if not isinstance(value, Mapping):
        interval(name, value, 0, high, closed)
        return value
    only(name, value, KEYS)
    if "from" not in value:
        raise ValueError(f"{name}.from: expected the number that the schedule begins with, got nothing")
    found = {**DEFAULTS, "to": value["from"], **value}
    for end in ("from", "to"):
        interval(f"{name}.{end}", found[end], 0, high, "left")
    if found["from"] == found["to"] == 0:
        raise ValueError(f"{name}: expected a schedule that is not 0 throughout, got from 0 to 0")
    choice(f"{name}.shape", found["shape"], SHAPES)
    interval(f"{name}.warmup", found["warmup"], 0, 1, "left")
    interval(f"{name}.until", found["until"], found["warmup"], 1, "right")
    return {key: found[key] for key in KEYS}


class Schedules:
    """The settings of a population that change in some replica, each a row of one tensor, which `at` moves on."""

    def __init__(
        self,
        given: Sequence[Mapping[str, Schedule]],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        decays: Sequence[str] = (),
    ) -> None:
        """`given` has every replica's schedules by name; those under `decays` are an average's. All begin at 0."""
        names = [name for name in given[0] if any(one[name].moves for one in given)]

        def table(read: Callable[[Schedule], float]) -> Tensor:
            rows = [[read(one[name]) for one in given] for name in names]
            return torch.tensor(rows, device=device, dtype=torch.float64).reshape(len(names), len(given))

        self.rows = {name: row for row, name in enumerate(names)}
        self.values = torch.zeros(len(names), len(given), device=device, dtype=dtype)
        self._averages = torch.tensor([name in decays for name in names], device=device, dtype=torch.bool)[:, None]
        self._averaging = any(name in decays for name in names)
        starts, ends = table(lambda s: s.start), table(lambda s: s.end)
        self._starts = half_lives(starts).where(self._averages, starts)
        self._ends = half_lives(ends).where(self._averages, ends)
        self._warmup, self._way = table(lambda s: s.warmup), table(lambda s: s.until - s.warmup)
        self._rise = self._warmup.where(self._warmup > 0, 1.0)
        self._cosine = table(lambda s: s.shape == "cosine") > 0
        self._constant = table(lambda s: s.shape == "constant") > 0
        self.at(0.0)

    def __getitem__(self, name: str) -> Tensor:
        """The present values (R,) of a setting of `rows`, in place whenever they change."""
        return self.values[self.rows[name]]

    def at(self, progress: Tensor | float) -> None:
        """Move all values to where a share `progress` of training is completed; in a step it is () float64 on the
        device."""
        if not self.rows:
            return
        gone = (progress - self._warmup) / self._way
        share = gone.clamp(0, 1)
        share = ((1 - (share * math.pi).cos()) / 2).where(self._cosine, share)
        share = (gone > 1).to(share).where(self._constant, share)
        values = torch.lerp(self._starts, self._ends, share)
        values = (self._starts * (progress / self._rise)).where(progress < self._warmup, values)
        if self._averaging:
            values = (-1 / values).exp2().where(self._averages, values)
        self.values.copy_(values)


def half_lives(decays: Tensor) -> Tensor:
    """In steps, of averages that lose `1 - decay` of themselves a step; 0 for a decay of 0."""
    return math.log(0.5) / decays.log()
