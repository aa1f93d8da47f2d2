"""What of a ledger could not be used, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST = 100  # places that are kept; all are counted
NAMED = 3  # places that one sentence names


@dataclass(frozen=True)
class Place:
    """A line (from 1) of a segment, or a whole segment (line 0), and why it is of no use; segment 0: no one line."""

    segment: int
    line: int
    why: str

    def __str__(self) -> str:
        """As a sentence names it."""
        where = f"{self.segment:04d}.jsonl, line {self.line}" if self.line else f"{self.segment:04d}.jsonl"
        return f"{where}: {self.why}" if self.segment else self.why


@dataclass
class Damage:
    """Filled by whoever reads: `at` is the segment and line being read, which `add` blames."""

    count: int = 0
    places: list[Place] = field(default_factory=list)
    at: tuple[int, int] = (0, 0)

    def add(self, why: str) -> None:
        """The line being read is of no use."""
        self._keep(Place(*self.at, why))

    def lose(self, segment: int, why: str) -> None:
        """A whole segment is of no use, or (0) something that no one line is to blame for."""
        self._keep(Place(segment, 0, why))

    def _keep(self, place: Place) -> None:
        self.count += 1
        if len(self.places) < MOST:
            self.places.append(place)

    def __iter__(self) -> Iterator[str]:
        """The places kept, in words."""
        return map(str, self.places)

    def sentence(self) -> str:
        """How much is damaged, and the first places; empty where nothing is."""
        if not self.count:
            return ""
        lines = "1 line" if self.count == 1 else f"{self.count:,} lines"
        few = "; ".join(str(place) for place in self.places[:NAMED])
        more = "" if self.count <= NAMED else f"; and {self.count - NAMED:,} more"
        return f"{lines} of the ledger unreadable, skipped: {few}{more}"
