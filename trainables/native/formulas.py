"""Elementwise functions as programs of the kernels, which find values and derivatives in one pass.

A function is called once, on a tensor of one number, and the operations that it does are noted; so what is written in
torch or as a formula is the one definition of both ways.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainables.native.library import address, kernels

LONGEST = 32  # operations, as game.c has it
# As in game.c; of most, torch's name says which it is.
OPERATIONS = (
    "number", "add", "subtract", "multiply", "divide", "minimum", "maximum", "at_most", "at_least", "pow", "neg", "abs",
    "sign", "relu", "reciprocal", "exp", "expm1", "log", "log1p", "sqrt", "tanh", "atan", "sigmoid",
    "log_sigmoid_forward", "sin", "cos", "cosh", "sinh", "erf",
)  # fmt: skip
BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "minimum": "minimum", "maximum": "maximum",
}  # fmt: skip


class _Formula(ctypes.Structure):
    _fields_ = [
        ("count", ctypes.c_int), ("operation", ctypes.c_void_p), ("left", ctypes.c_void_p), ("right", ctypes.c_void_p),
        ("number", ctypes.c_void_p),
    ]  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """An elementwise function, as operations (name, left, right, number): value 0 is its argument, value k what
    operation k - 1 makes of the values left and right, and of a number."""

    operations: tuple[tuple[str, int, int, float], ...]

    def __call__(self, d: Tensor) -> tuple[Tensor, Tensor]:
        """Values and derivatives at d, float32 in this machine's memory."""
        d = d.contiguous()
        value, slope = torch.empty_like(d), torch.empty_like(d)
        kernels().evaluate(self.described, d.numel(), address(d), address(value), address(slope))
        return value, slope

    @cached_property
    def described(self) -> Any:
        """What the kernels take."""
        return ctypes.pointer(_Formula(len(self.operations), *map(ctypes.addressof, self._columns)))

    @cached_property
    def _columns(self) -> Sequence[ctypes.Array[Any]]:
        names, left, right, number = zip(*self.operations, strict=True)
        whole, single = ctypes.c_int * len(names), ctypes.c_float * len(names)
        return whole(*map(OPERATIONS.index, names)), whole(*left), whole(*right), single(*number)


def formula(function: Callable[[Tensor], Tensor]) -> Formula | None:
    """What the function does to each number; None where it does anything else, or what the kernels do not know."""
    noted = _Noted()
    with torch.no_grad():
        argument = torch.full((1,), 0.5)
        noted.places[id(argument)] = 0
        try:
            with noted:
                result = function(argument)
            place = noted.place(result)
        except _UnknownError:
            return None
    if place != len(noted.operations) or not 0 < place <= LONGEST:
        noted.note("add", place, noted.number(0.0))  # the argument itself, or something earlier
    return Formula(tuple(noted.operations)) if len(noted.operations) <= LONGEST else None


class _UnknownError(Exception):
    """The kernels cannot do this."""


class _Noted(TorchDispatchMode):
    """Notes operations on numbers; `places` are those of tensors, which are kept so that none takes another's id."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[str, int, int, float]] = []
        self.places: dict[int, int] = {}
        self._kept: list[Any] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not: torch would import its compiler, and Triton, which takes a process 1.4 s."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self._kept.append(made)
        first = made[0] if isinstance(made, tuple) else made
        self.places[id(first)] = self._noted(func._schema.name.removeprefix("aten::"), args, kwargs or {})
        return made

    def place(self, x: object) -> int:
        """Where a value is; a number becomes one."""
        if isinstance(x, Tensor):
            if id(x) not in self.places:
                raise _UnknownError
            return self.places[id(x)]
        if not isinstance(x, int | float):
            raise _UnknownError
        return self.number(float(x))

    def number(self, x: float) -> int:
        """The place of a number."""
        return self.note("number", 0, 0, x)

    def note(self, name: str, left: int, right: int = 0, number: float = 0.0) -> int:
        """Add an operation; the place of its value."""
        self.operations.append((name, left, right, number))
        return len(self.operations)

    def _noted(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> int:
        if name == "clamp":
            low, high = [*args[1:], None, None][:2]
            place = self.place(args[0])
            for operation, bound in (("at_least", kwargs.get("min", low)), ("at_most", kwargs.get("max", high))):
                if bound is not None:
                    place = self.note(operation, place, number=float(bound))
            return place
        if kwargs:
            raise _UnknownError
        if name == "rsub" and len(args) == 2:
            name, args = "sub", args[::-1]
        if name in BINARY and len(args) == 2:
            return self.note(BINARY[name], *map(self.place, args))
        if name == "pow" and len(args) == 2 and isinstance(args[1], int | float):
            return self.note("pow", self.place(args[0]), number=float(args[1]))
        if name in OPERATIONS and len(args) == 1:
            return self.note(name, self.place(args[0]))
        raise _UnknownError
