"""Looking up what was found of two arms, whichever of them comes first in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Pair(Protocol):
    """A result of arm `a` against arm `b`, which can be turned."""

    @property
    def a(self) -> str:
        """One arm."""

    @property
    def b(self) -> str:
        """The other."""

    def turned(self: Found) -> Found:
        """The same with b first."""


Found = TypeVar("Found", bound=Pair)


def pair_of(pairs: Iterable[Found], arms: Iterable[str], a: str, b: str) -> Found:
    """That of two of the arms, turned so that `a` comes first; raises KeyError naming the arms."""
    for one in pairs:
        if {one.a, one.b} == {a, b} and a != b:
            return one if one.a == a else one.turned()
    raise KeyError(f"no pair of the arms {a!r} and {b!r}; there are {', '.join(arms)}")
