"""Accounts of what a part of the campaign did and found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

KEPT = 30  # faults that are described


@dataclass
class Account:
    """Counts, of which those that FAULTS names must be 0; `about` holds the first faults in words."""

    FAULTS: ClassVar[tuple[str, ...]]

    about: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How much is wrong in all."""
        return sum(getattr(self, kind) for kind in self.FAULTS)

    def note(self, kind: str, what: str, count: int = 1) -> None:
        """Count a fault, or several of a kind."""
        setattr(self, kind, getattr(self, kind) + count)
        if count and len(self.about) < KEPT:
            self.about.append(f"{kind}: {what}"[:1500])


@dataclass
class Mutants(Account, ABC):
    """What became of mutants: how many there are, how often each mutation was made, and raw exceptions."""

    mutants: int = 0
    times: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0

    @abstractmethod
    def sentence(self) -> str:
        """What became of them."""

    def table(self) -> str:
        """How often each mutation was made as a Markdown table, and what became of the mutants."""
        rows = [f"| {name} | {times} |" for name, times in sorted(self.times.items())]
        return "\n".join(["| mutation | times |", "|---|---|", *rows, "", self.sentence()])
